"""Where records and results are kept: a directory, or (`fsspec`) a Prefect storage block.

One small face over both, which answers the two things Prefect's own interface leaves open: whether a file
is missing or the storage is out of reach, and whether a write is whole or not at all.
"""

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import anyio.to_thread

from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.storage.local import files_in, is_file_of, move_whole, write_whole


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
        """Whether a file is here, as far as this storage can say without fetching it.

        A directory is asked for the checksum, `RemoteFileSystem` for the size; another block's file is taken
        as there, since its sidecar, written after it, is.
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
