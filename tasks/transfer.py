"""A file on its way to disk: checked, written and hashed as it comes."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from dataclasses import dataclass
from typing import BinaryIO

from prefect_kie.tasks.body import BATCH_BYTES
from prefect_kie.tasks.media import HEAD_BYTES, kind_of

BATCHES = 4
"""So many are kept at most, where hashing is slower than the network."""


class BadFile(Exception):
    """What came is not the file: too long, empty, a page instead of a medium."""


@dataclass
class Transfer:
    """A file on its way to disk, in the hands of one thread.

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
        self._hash = _Hash()
        self._head = b""

    @property
    def sha256(self) -> str:
        """The checksum of what was written, hex."""
        return self._hash.hexdigest()

    def restart(self) -> None:
        """Forget what was written: the server sends the whole file again."""
        self.file.seek(0)
        self.file.truncate()
        self._hash.stop()
        self._hash = _Hash()
        self._head = b""
        self.size, self.suffix = 0, ""

    def write(self, piece: bytes | memoryview) -> None:
        """Take the next bytes.

        Raises:
            BadFile: when the file grows too long, or its beginning is no medium's.
        """
        self.size += len(piece)
        if self.size > self.max_bytes:
            raise BadFile(f"the file is longer than the limit of {self.max_bytes:,} bytes")
        if not self.suffix:
            self._head += bytes(piece[:HEAD_BYTES])
            if len(self._head) >= HEAD_BYTES:
                self.suffix = _checked_kind(self._head)
        self.file.write(piece)
        self._hash.update(piece)

    def finish(self) -> None:
        """Look at the file as a whole, and keep it on the disk.

        Raises:
            BadFile: when it is empty or no medium.
        """
        if not self.size:
            raise BadFile("the file is empty")
        self.suffix = self.suffix or _checked_kind(self._head)
        self.file.flush()
        os.fsync(self.file.fileno())

    def stop(self) -> None:
        """Let go of the thread that hashes, where there is one; nothing is to come any more."""
        self._hash.stop()


class _Hash:
    """A SHA-256 that a second thread works out: it takes as long as receiving and writing do.

    One batch, such as all of a small file, is hashed without it.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._collected: list[bytes | memoryview] = []
        self._bytes_collected = 0
        self._batches: queue.Queue[list[bytes | memoryview] | None] = queue.Queue(BATCHES)
        self._thread: threading.Thread | None = None

    def update(self, piece: bytes | memoryview) -> None:
        """Take the next bytes."""
        self._collected.append(piece)
        self._bytes_collected += len(piece)
        if self._bytes_collected < BATCH_BYTES:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="kie-sha256", daemon=True)
            self._thread.start()
        self._batches.put(self._collected)
        self._collected, self._bytes_collected = [], 0

    def hexdigest(self) -> str:
        """The checksum of everything taken."""
        self.stop()
        self._take(self._collected)
        self._collected, self._bytes_collected = [], 0
        return self._hash.hexdigest()

    def stop(self) -> None:
        """Wait for what was handed over, and end the thread."""
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            self._take(batch)

    def _take(self, batch: list[bytes | memoryview]) -> None:
        for piece in batch:
            self._hash.update(piece)


def _checked_kind(head: bytes) -> str:
    suffix = kind_of(head)
    if suffix is None:
        raise BadFile(f"what came is no video, picture or sound; it begins with {head[:24]!r}")
    return suffix
