"""A file on its way to disk: checked, written and hashed as it comes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import BinaryIO

from prefect_kie.tasks.media import HEAD_BYTES, kind_of


class BadFile(Exception):
    """What came is not the file: too long, empty, a page instead of a medium."""


@dataclass
class Transfer:
    """A file on its way to disk. Its methods block: call them in a thread, one after another.

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

    @property
    def sha256(self) -> str:
        """The checksum of what was written, hex."""
        return self._hash.hexdigest()

    def restart(self) -> None:
        """Forget what was written: the server sends the whole file again."""
        self.file.seek(0)
        self.file.truncate()
        self._hash = hashlib.sha256()
        self._head = b""
        self.size, self.suffix = 0, ""

    def write(self, piece: bytes) -> None:
        """Take the next bytes.

        Raises:
            BadFile: when the file grows too long, or its beginning is no medium's.
        """
        self.size += len(piece)
        if self.size > self.max_bytes:
            raise BadFile(f"the file is longer than the limit of {self.max_bytes:,} bytes")
        if not self.suffix:
            self._head += piece[:HEAD_BYTES]
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


def _checked_kind(head: bytes) -> str:
    suffix = kind_of(head)
    if suffix is None:
        raise BadFile(f"what came is no video, picture or sound; it begins with {head[:24]!r}")
    return suffix
