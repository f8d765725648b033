"""Files of this machine's disk: written and moved whole or not at all, known by their checksum."""

import errno
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

from prefect_kie.runtime.processes import is_marked_by_one_gone, mark

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What a disk answers that knows no hard links."""

FAILING = {errno.EIO, errno.ENOSPC, errno.EDQUOT}
"""What a disk answers to a sync that it can do, and that failed."""

LASTING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP}
MAX_NAME_BYTES = 143
"""What an encrypted directory (eCryptfs) takes; names are the same everywhere."""

STALE_SECONDS = 24 * 3600.0
FOLDERS = "prefect-kie-"
"""How the names of temporary folders begin."""


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
    if file.parent.stat().st_dev == target.parent.stat().st_dev:
        file.replace(target)
    else:
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
    """A file to write to until it is whole: beside its final place, or in a folder where that is no disk.

    What killed processes left of the same file is removed, and whatever has not grown for a day.
    """
    if target is None:
        with temporary_folder() as folder:
            yield folder / "video.part"
        return
    target.parent.mkdir(parents=True, exist_ok=True)
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
