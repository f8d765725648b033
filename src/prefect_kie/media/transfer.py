"""A file on its way to disk: unpacked where it comes packed, bounded, written and hashed."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import httpx

from prefect_kie.media.kinds import HEAD_BYTES, kind_of

UNPACKED_BYTES = 1024 * 1024
"""As much is unpacked in one step, however little it was packed into."""

_GZIP = b"\x1f\x8b"


class BadFile(Exception):
    """What came is not the file, and will not be: too long, packed in an unknown way, a forbidden address."""


@dataclass
class Transfer:
    """A file on its way to disk. Its methods block: call them in a thread, one after another.

    Attributes:
        file: Where it is written.
        max_bytes: Longest file to take.
        size: Bytes written so far.
        suffix: The suffix that fits it, once it is there.
        version: What names this version of the file at its server, for resuming: a strong ETag.
        total: The whole file's bytes, as its server told with a part of it; None where it did not.
    """

    file: BinaryIO
    max_bytes: int
    size: int = 0
    suffix: str = ""
    version: str = ""
    total: int | None = None

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self._encoding = ""
        self._unpacker: Any = None

    @property
    def sha256(self) -> str:
        """The checksum of what was written, hex."""
        return self._hash.hexdigest()

    def restart(self, encoding: str = "") -> None:
        """Forget what was written: the server sends the whole file again.

        Args:
            encoding: How it says that it is packed (Content-Encoding).
        """
        self.file.seek(0)
        self.file.truncate()
        self._hash = hashlib.sha256()
        self._encoding, self._unpacker = encoding, None
        self.size, self.version, self.total = 0, "", None

    @property
    def is_packed(self) -> bool:
        """Whether the bytes that come are not those of the file."""
        return bool(self._encoding)

    @property
    def is_unpacked(self) -> bool:
        """Whether it came packed and is unpacked to its end, which proves that it is whole."""
        return self._unpacker is not None and self._unpacker.eof

    def write(self, piece: bytes) -> None:
        """Take the next bytes as they came.

        Raises:
            BadFile: when the file grows too long, or is packed in a way that was not asked for.
            httpx.DecodingError: when it cannot be unpacked.
        """
        if self._encoding and not self.size and self._unpacker is None:
            self._begin(piece)
        for plain in self._plain(piece):
            self.size += len(plain)
            if self.size > self.max_bytes:
                raise BadFile(f"the file is longer than the limit of {self.max_bytes:,} bytes")
            self.file.write(plain)
            self._hash.update(plain)

    def sync(self) -> None:
        """Keep it on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def _begin(self, piece: bytes) -> None:
        """Content decides: what is a medium as it comes is not packed, whatever its server says."""
        is_gzip = self._encoding in ("gzip", "x-gzip")
        if kind_of(piece[:HEAD_BYTES]) or (is_gzip and not piece.startswith(_GZIP[:1])):
            self._encoding = ""
        elif is_gzip or self._encoding == "deflate":
            self._unpacker = _unpacker()
        else:
            raise BadFile(f"the file came packed ({self._encoding[:40]}), which was not asked for")

    def _plain(self, piece: bytes) -> Iterator[bytes]:
        if self._unpacker is None:
            yield piece
            return
        plain = b""
        try:
            while piece or len(plain) == UNPACKED_BYTES:
                if self._unpacker.eof:
                    if not piece.startswith(_GZIP):
                        return  # nothing of the file
                    self._unpacker = _unpacker()  # a second member
                plain = self._unpacker.decompress(piece, UNPACKED_BYTES)
                piece = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
                yield plain
        except zlib.error as error:
            raise httpx.DecodingError(f"the file came packed and cannot be unpacked ({error})") from error


def _unpacker() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip and zlib
