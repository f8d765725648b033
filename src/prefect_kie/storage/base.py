"""Where records and videos are kept: a directory, or (`remote`) any Prefect storage block.

One small face over both, which says the two things Prefect's own interface leaves open: whether a file
is missing or the storage is out of reach, and whether a write is whole or not at all.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import anyio.to_thread

from prefect_kie.storage.local import (
    MAX_NAME_BYTES,
    files_in,
    is_file_of,
    move_whole,
    name_limit,
    write_whole,
)


class Storage(ABC):
    """A place for files, by relative paths with forward slashes.

    Attributes:
        exclusive: Whether `create` is known to let exactly one of several writers through.
        name_bytes: How many bytes a file's name may have.
    """

    exclusive: bool = False
    name_bytes: int = MAX_NAME_BYTES

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
            Whether this call wrote it; exact where the storage is `exclusive`. Elsewhere two writers at the
            very same moment may both be told yes, and whoever reads the file back finds the last one's
            content: let each write something of its own.
        """

    @abstractmethod
    async def delete(self, path: str) -> bool:
        """Remove a file; False where this storage cannot remove any."""

    @abstractmethod
    async def names(self, folder: str) -> list[str] | None:
        """The names of the files directly in a folder, sorted, without hidden and unfinished ones.

        Returns:
            The names; none where the folder does not exist; None where this storage cannot list.

        Raises:
            Exception: whatever the storage raises when it cannot be asked.
        """

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

    async def free_bytes(self) -> int | None:
        """How much room is left; None where nobody knows."""
        return None

    def local(self, path: str) -> Path | None:
        """The file's path on this machine's disk; None where the storage is elsewhere."""
        del path
        return None


class LocalStorage(Storage):
    """A directory on this machine.

    Args:
        root: The directory; made when first written to.
    """

    exclusive = True

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().resolve()
        self.name_bytes = name_limit(self.root)

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
        await anyio.to_thread.run_sync(write_whole, self.local(path), content, True)

    async def create(self, path: str, content: bytes) -> bool:
        return await anyio.to_thread.run_sync(write_whole, self.local(path), content, False)

    async def delete(self, path: str) -> bool:
        await anyio.to_thread.run_sync(lambda: self.local(path).unlink(missing_ok=True))
        return True

    async def names(self, folder: str) -> list[str]:
        return await anyio.to_thread.run_sync(files_in, self.local(folder))

    async def put(self, file: Path, path: str) -> str:
        await anyio.to_thread.run_sync(move_whole, file, self.local(path))
        return self.address(path)

    async def free_bytes(self) -> int | None:
        return await anyio.to_thread.run_sync(_free_bytes, self.root)

    async def holds(self, path: str, size: int, sha256: str) -> bool:
        return await anyio.to_thread.run_sync(is_file_of, self.local(path), size, sha256)


def _free_bytes(root: Path) -> int | None:
    try:
        return shutil.disk_usage(next(place for place in (root, *root.parents) if place.is_dir())).free
    except OSError:
        return None
