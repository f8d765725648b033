"""Where records and results are kept: a directory, or (`fsspec`) a Prefect storage block.

One small face over both, which answers the two things Prefect's own interface leaves open: whether a file
is missing or the storage is out of reach, and whether a write is whole or not at all.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio.to_thread

from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.runtime.processes import is_marked_by_one_gone, mark

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What a disk answers that knows no hard links."""
FAILING = {errno.EIO, errno.ENOSPC, errno.EDQUOT}
"""What a disk answers to a sync that it can do, and that failed."""
LASTING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP}
MAX_NAME_BYTES = 143  # what an encrypted directory (eCryptfs) takes; names are the same everywhere
STALE_SECONDS = 24 * 3600.0
FOLDERS = "prefect-kie-"  # how the names of temporary folders begin


def no_waiting_mends(error: BaseException) -> bool:
    """Whether a disk's or a storage's error stays until a person does something about it."""
    lasting = isinstance(error, PermissionError | NotADirectoryError | IsADirectoryError)
    return lasting or (isinstance(error, OSError) and error.errno in LASTING)


def write_whole(target: Path, content: bytes, replace: bool) -> bool:
    """Write a file that is there whole or not at all, even where the machine dies; returns whether it was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_beside(target.parent, target.name)
    try:
        _write_synced(part, content)
        if replace:
            part.replace(target)
        else:
            try:
                os.link(part, target)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                # exFAT, some network disks: exclusive all the same, and a torn file is never taken for whole.
                _write_synced(target, content)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    sync_directory(target.parent)
    return True


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def move_whole(file: Path, target: Path) -> None:
    """Move a file to its final place, whole or not at all, also from another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # of two mounts, even of one and the same disk
            raise
        part = part_beside(target.parent, target.name)
        try:
            shutil.copyfile(file, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        file.unlink()
    sync_directory(target.parent)


def is_file_of(path: Path, size: int, sha256: str) -> bool:
    """Whether a file is there, of this size (bytes) and with this checksum (hex)."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def files_in(directory: Path) -> list[str]:
    """The names of the finished files directly in a directory, sorted; none where there is no directory."""
    try:
        with os.scandir(directory) as entries:
            return finished(entry.name for entry in entries if entry.is_file())
    except FileNotFoundError:
        return []


def finished(names: Iterable[str]) -> list[str]:
    """Of these names, sorted, those of files that are whole: neither hidden nor still being written."""
    return sorted(name for name in names if name and not name.startswith(".") and not name.endswith(".part"))


def sync_directory(directory: Path) -> None:
    """Have the disk keep a directory's new names, so that a loss of power does not take them back."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in FAILING:
            raise  # others cannot do it at all (CIFS of older kernels, FUSE, WSL)


def part_beside(directory: Path, name: str) -> Path:
    """A name for a file that is not whole yet: hidden, of one writer only, and marked with whose it is."""
    return directory / f"{part_prefix(name)}{mark()}-{uuid.uuid4().hex[:8]}.part"


def part_prefix(name: str) -> str:
    """How the names of all parts of a file begin; a long name is cut, and distinguished by a checksum."""
    most = MAX_NAME_BYTES - len(f"..{mark()}-12345678.part")
    if len(name.encode()) > most:
        checksum = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name.encode()[: most - 9].decode(errors='ignore')}-{checksum}"
    return f".{name}."


@contextmanager
def part_for(target: Path | None) -> Generator[Path, None, None]:
    """A file to write to until it is whole: beside its final place, or in a folder where that is no disk."""
    if target is None:
        with temporary_folder() as folder:
            yield folder / "video.part"
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # What killed processes left of the same file is removed, and whatever has not grown for a day.
    for left in target.parent.glob(f"{part_prefix(target.name)}*.part"):
        with suppress(FileNotFoundError):  # another save may just be done with it
            if is_marked_by_one_gone(left.name) or time.time() - left.stat().st_mtime > STALE_SECONDS:
                left.unlink()
    part = part_beside(target.parent, target.name)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def temporary_folder() -> Generator[Path, None, None]:
    """A folder of this process; those that killed ones left are removed, each with a whole video perhaps."""
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        if is_marked_by_one_gone(left.name):
            shutil.rmtree(left, ignore_errors=True)  # another user's stays
    with tempfile.TemporaryDirectory(prefix=f"{FOLDERS}{mark()}-") as folder:
        yield Path(folder)


class NotExclusive(SubmissionNotRecorded):
    """This storage lets two writers create one file: it keeps results, but no records."""

    default_next_step = (
        "Keep results in a directory, or on S3, Google or Azure by a RemoteFileSystem block "
        "(PREFECT_DEFAULT_RESULT_STORAGE_BLOCK), then run again."
    )


class Storage(ABC):
    """A place for files, by relative paths with forward slashes; it raises what lies below it raises."""

    @abstractmethod
    async def read(self, path: str) -> bytes | None:
        """A small file's content; None only where it is surely missing."""

    @abstractmethod
    async def write(self, path: str, content: bytes) -> None:
        """Write a small file, whole or not at all, over whatever was there."""

    @abstractmethod
    async def put(self, file: Path, path: str) -> str:
        """Move or copy a local file here, whole or not at all; returns its address for people."""

    @abstractmethod
    async def holds(self, path: str, size: int, sha256: str) -> bool:
        """Whether a file is here: by its checksum in a directory, by its size in a `RemoteFileSystem`; in
        another block it is taken as here, since its sidecar, written after it, is.
        """

    @abstractmethod
    def address(self, path: str) -> str:
        """Where a file is, for people: an absolute path or a URL."""

    async def create(self, path: str, content: bytes) -> bool:
        """Write a small file unless it exists; returns whether this call did: of several exactly one does."""
        raise self.not_exclusive()

    async def delete(self, path: str) -> None:  # noqa: B027 - some cannot
        """Remove a file, where this storage can remove any."""

    async def names(self, folder: str) -> list[str]:
        """The names of the files directly in a folder, sorted, without hidden and unfinished ones."""
        raise self.not_exclusive()

    def not_exclusive(self) -> NotExclusive:
        """The error that this storage cannot keep records."""
        return NotExclusive(
            f"the result storage ({self.address('').rstrip(': ')}) does not let exactly one of two writers "
            "create a file, so two could pay for one job; nothing was sent"
        )

    async def free_bytes(self) -> int | None:
        """How much room is left; None where nobody knows."""
        return None

    def local(self, path: str) -> Path | None:
        """The file's path on this machine's disk; None where the storage is elsewhere."""
        return None


class LocalStorage(Storage):
    """A directory on this machine."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().resolve()

    def local(self, path: str) -> Path:
        """The file's path, never outside the directory."""
        full = (self.root / path).resolve()
        if full != self.root and self.root not in full.parents:
            raise ValueError(f"{path!r} lies outside {self.root}")
        return full

    def address(self, path: str) -> str:
        return str(self.local(path))

    async def read(self, path: str) -> bytes | None:
        try:
            return await anyio.to_thread.run_sync(self.local(path).read_bytes)
        except FileNotFoundError:
            return None

    async def write(self, path: str, content: bytes) -> None:
        await anyio.to_thread.run_sync(write_whole, self.local(path), content, True)

    async def create(self, path: str, content: bytes) -> bool:
        return await anyio.to_thread.run_sync(write_whole, self.local(path), content, False)

    async def delete(self, path: str) -> None:
        await anyio.to_thread.run_sync(lambda: self.local(path).unlink(missing_ok=True))

    async def names(self, folder: str) -> list[str]:
        return await anyio.to_thread.run_sync(files_in, self.local(folder))

    async def put(self, file: Path, path: str) -> str:
        await anyio.to_thread.run_sync(move_whole, file, self.local(path))
        return self.address(path)

    async def holds(self, path: str, size: int, sha256: str) -> bool:
        return await anyio.to_thread.run_sync(is_file_of, self.local(path), size, sha256)

    async def free_bytes(self) -> int | None:
        existing = next(place for place in (self.root, *self.root.parents) if place.is_dir())
        try:
            return (await anyio.to_thread.run_sync(shutil.disk_usage, existing)).free
        except OSError:
            return None
