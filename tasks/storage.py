"""Where records and videos are kept: a directory, or any Prefect storage block.

One small face over both, which says the two things Prefect's own interface leaves open: whether a file
is missing or the storage is out of reach, and whether a write is whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import inspect
import os
import re
import shutil
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, cast

import anyio.to_thread
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem

_FILE_MISSING = re.compile(r"NoSuchKey|NotFound\b|\bNot Found\b|does not exist|no such file", re.IGNORECASE)
# Not the file but what should hold it. Only as a word of its own: my-bucket/a-bucket-of-paint.json is a file.
_PLACE_MISSING = re.compile(
    r"NoSuchBucket|(Bucket|Container|Profile)NotFound"
    r"|(^|\s)(bucket|container|host|profile|credentials?)\s[^/:]*(does not exist|not found)",
    re.IGNORECASE,
)

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What a disk answers that knows no hard links."""


class Storage(ABC):
    """A place for files, by relative paths with forward slashes.

    Attributes:
        exclusive: Whether `create` lets exactly one of several writers through.
    """

    exclusive: ClassVar[bool] = False

    @abstractmethod
    async def read(self, path: str) -> bytes | None:
        """A small file's content; None only where it is surely missing.

        Raises:
            Exception: whatever the storage raises when it cannot be read.
        """

    @abstractmethod
    async def write(self, path: str, content: bytes) -> None:
        """Write a small file, whole or not at all, over whatever was there."""

    @abstractmethod
    async def create(self, path: str, content: bytes) -> bool:
        """Write a small file unless it exists.

        Returns:
            Whether this call wrote it. Exact on a local disk; elsewhere two writers at the very same
            moment may both be told yes, and whoever reads the file back finds the last one's content.
        """

    @abstractmethod
    async def delete(self, path: str) -> bool:
        """Remove a file; False where this storage cannot remove any."""

    @abstractmethod
    async def put(self, file: Path, path: str) -> str:
        """Move a local file here, whole or not at all; returns its address for people."""

    @abstractmethod
    async def holds(self, path: str, size: int, sha256: str) -> bool:
        """Whether a file is here, as far as this storage can tell without fetching it.

        A directory is asked for the checksum, `fsspec` for the size; another block's file is taken as
        there, since its sidecar, written after it, is.
        """

    @abstractmethod
    def address(self, path: str) -> str:
        """Where a file is, for people: an absolute path or a URL."""

    def local(self, path: str) -> Path | None:
        """The file's path on this machine's disk; None where the storage is elsewhere."""
        del path
        return None


class LocalStorage(Storage):
    """A directory on this machine.

    Args:
        root: The directory; made when first written to.
    """

    exclusive: ClassVar[bool] = True

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().resolve()

    def local(self, path: str) -> Path:
        """The file's path, never outside the directory.

        Raises:
            ValueError: when the path leads outside.
        """
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
        await anyio.to_thread.run_sync(_write_whole, self.local(path), content, True)

    async def create(self, path: str, content: bytes) -> bool:
        return await anyio.to_thread.run_sync(_write_whole, self.local(path), content, False)

    async def delete(self, path: str) -> bool:
        await anyio.to_thread.run_sync(lambda: self.local(path).unlink(missing_ok=True))
        return True

    async def put(self, file: Path, path: str) -> str:
        await anyio.to_thread.run_sync(_move_whole, file, self.local(path))
        return self.address(path)

    async def holds(self, path: str, size: int, sha256: str) -> bool:
        return await anyio.to_thread.run_sync(_is_file_of, self.local(path), size, sha256)


class BlockStorage(Storage):
    """Any Prefect block that files can be written to (`RemoteFileSystem`, an S3 bucket, ...).

    Args:
        block: The block.
    """

    def __init__(self, block: WritableFileSystem) -> None:
        self.block = block

    def address(self, path: str) -> str:
        if isinstance(self.block, RemoteFileSystem):
            # A base path may hold a password: ftp://user:password@host/videos.
            return re.sub(r"://([^/:@]*):[^/@]*@", r"://\1:***@", _target(self.block, path))
        # Most blocks print their secrets masked, but not all are careful: name the block, not its fields.
        name = getattr(self.block, "_block_document_name", None)
        return f"{self.block.get_block_type_slug()}{f'/{name}' if name else ''}: {path}"

    async def read(self, path: str) -> bytes | None:
        try:
            return cast("bytes | None", await _called(self.block.read_path, path))
        except Exception as error:
            if _says_missing(error):
                return None
            raise

    async def write(self, path: str, content: bytes) -> None:
        await _called(self.block.write_path, path, content)

    async def create(self, path: str, content: bytes) -> bool:
        if await self.read(path) is not None:
            return False
        await self.write(path, content)
        return True

    async def delete(self, path: str) -> bool:
        if not isinstance(self.block, RemoteFileSystem):
            return False
        filesystem: Any = self.block.filesystem
        await anyio.to_thread.run_sync(filesystem.rm_file, _target(self.block, path))
        return True

    async def put(self, file: Path, path: str) -> str:
        if isinstance(self.block, RemoteFileSystem):
            await anyio.to_thread.run_sync(self._put_file, file, path)
        elif (upload := getattr(self.block, "upload_from_path", None)) is not None:
            await _called(upload, file, path)
        else:  # this block's interface takes only a whole file's bytes
            await _called(self.block.write_path, path, await anyio.to_thread.run_sync(file.read_bytes))
        await anyio.to_thread.run_sync(file.unlink)
        return self.address(path)

    async def holds(self, path: str, size: int, sha256: str) -> bool:
        if not isinstance(self.block, RemoteFileSystem):
            return True
        filesystem: Any = self.block.filesystem
        try:
            found = await anyio.to_thread.run_sync(filesystem.info, _target(self.block, path))
        except FileNotFoundError:
            return False
        return bool(found.get("size") == size)

    def _put_file(self, file: Path, path: str) -> None:
        block = cast("RemoteFileSystem", self.block)
        filesystem: Any = block.filesystem
        target = _target(block, path)
        filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
        filesystem.put_file(str(file), target)


def storage_for(place: WritableFileSystem | Path | str) -> Storage:
    """The storage at a block or a directory."""
    if isinstance(place, LocalFileSystem):
        return LocalStorage(place.basepath or ".")
    if isinstance(place, WritableFileSystem):
        return BlockStorage(place)
    return LocalStorage(place)


def _target(block: RemoteFileSystem, path: str) -> str:
    return block._resolve_path(path)  # pyright: ignore[reportPrivateUsage]


async def _called(method: Any, *args: Any) -> Any:
    # Blocks' methods are async, or sync with an async twin that an event loop chooses.
    result = method(*args)
    return await result if inspect.isawaitable(result) else result


def _says_missing(error: BaseException | None) -> bool:
    """Whether a storage's error surely means "no such file"; each family has words of its own."""
    while error is not None:
        if isinstance(error, FileNotFoundError):
            return True
        if isinstance(error, ConnectionError | TimeoutError):
            return False
        said = f"{type(error).__name__}: {error}"
        if _FILE_MISSING.search(said):
            return not _PLACE_MISSING.search(said)
        error = error.__cause__
    return False


def _write_whole(target: Path, content: bytes, replace: bool) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(target)
        else:
            _link(part, target, content)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    _sync_directory(target.parent)
    return True


def _link(part: Path, target: Path, content: bytes) -> None:
    """Give a file its name unless that exists; whole at once where the disk knows hard links."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # exFAT, some network disks: exclusive all the same, and a torn file is never taken for a record.
        with target.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _is_file_of(path: Path, size: int, sha256: str) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        checksum = hashlib.sha256()
        while chunk := file.read(1024 * 1024):
            checksum.update(chunk)
    return checksum.hexdigest() == sha256


def _move_whole(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.parent.stat().st_dev == target.parent.stat().st_dev:
        file.replace(target)
    else:
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            shutil.copyfile(file, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        file.unlink()
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
