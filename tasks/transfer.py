"""A file on its way to disk: checked as it comes, written and hashed in a thread beside the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from typing import BinaryIO

import anyio
import anyio.to_thread

from prefect_kie.tasks.media import HEAD_BYTES, kind_of

BATCH_BYTES = 512 * 1024
"""So much is handed to the thread at once. While it is written, as much may be collected, and no more."""


class BadFile(Exception):
    """What came is not the file: too long, empty, a page instead of a medium."""


@dataclass
class Transfer:
    """A file on its way to disk.

    A gigabyte takes seconds to hash, to write and to sync. All that happens in threads, a batch at a time and
    in order, which keeps other tasks of the process going and the network busy meanwhile.

    Attributes:
        file: Where it is written.
        max_bytes: Longest file to take.
        size: Bytes taken so far.
        suffix: The kind of file, once its first bytes are there.
        version: What names this version of the file at its server, for resuming (ETag or date).
    """

    file: BinaryIO
    max_bytes: int
    size: int = 0
    suffix: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self._head = b""
        self._collected: list[bytes] = []
        self._bytes_collected = 0
        self._writing: asyncio.Task[None] | None = None

    @property
    def sha256(self) -> str:
        """The checksum of what was written, hex."""
        return self._hash.hexdigest()

    async def restart(self) -> None:
        """Forget what was taken: the server sends the whole file again."""
        if not self.size:
            return
        await self.settle()
        self.file.seek(0)
        self.file.truncate()
        self._hash = hashlib.sha256()
        self._head = b""
        self.size, self.suffix = 0, ""

    async def take(self, chunk: bytes) -> None:
        """Take the next bytes; waits where the disk is slower than the network.

        Raises:
            BadFile: when the file grows too long, or its beginning is no medium's.
        """
        self.size += len(chunk)
        if self.size > self.max_bytes:
            raise BadFile(f"the file is longer than the limit of {self.max_bytes:,} bytes")
        if not self.suffix:
            self._head += chunk[:HEAD_BYTES]
            if len(self._head) >= HEAD_BYTES:
                self.suffix = _checked_kind(self._head)
        self._collected.append(chunk)
        self._bytes_collected += len(chunk)
        if self._bytes_collected >= BATCH_BYTES:
            await self._hand_over()

    async def settle(self) -> None:
        """Have everything written that was taken."""
        if self._collected:
            await self._hand_over()
        await self._written()

    async def stop(self) -> None:
        """Wait until no thread holds the file any more, even where this is being cancelled."""
        if self._writing is not None:
            with anyio.CancelScope(shield=True):
                await asyncio.wait([self._writing])

    def write(self, batch: bytes) -> None:
        """Write and hash the next bytes, in a thread."""
        self.file.write(batch)
        self._hash.update(batch)

    async def finish(self) -> None:
        """Look at the file as a whole, and keep it on the disk.

        Raises:
            BadFile: when it is empty or no medium.
        """
        if not self.size:
            raise BadFile("the file is empty")
        self.suffix = self.suffix or _checked_kind(self._head)
        await self.settle()
        self._writing = asyncio.create_task(anyio.to_thread.run_sync(self._sync))
        await self._written()

    def _sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())

    async def _hand_over(self) -> None:
        await self._written()
        batch = b"".join(self._collected)
        self._collected.clear()
        self._bytes_collected = 0
        self._writing = asyncio.create_task(anyio.to_thread.run_sync(self.write, batch))

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)  # a thread cannot be cancelled; `stop` waits for it
            self._writing = None


def _checked_kind(head: bytes) -> str:
    suffix = kind_of(head)
    if suffix is None:
        raise BadFile(f"what came is no video, picture or sound; it begins with {head[:24]!r}")
    return suffix
