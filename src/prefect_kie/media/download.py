"""Fetching one result file: streamed, resumed where the transfer is cut, and proven to be whole."""

import gzip
import hashlib
import os
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import anyio.to_thread
import httpx
from anyio.lowlevel import RunVar

from prefect_kie.media.addresses import BadFile, FetchError, opened
from prefect_kie.media.kinds import is_cut, kind_in, oddities, page_in_place, suffix_for, suffix_in
from prefect_kie.runtime.logs import run_logger

MAX_FILE_BYTES = 4 * 1024**3  # unless told otherwise
MAX_REDIRECTS = 3
MAX_PARTS = 50
MAX_AT_ONCE = 8  # transfers of one event loop that run side by side; the others wait for a slot
BATCH_BYTES = 2 * 1024 * 1024
PACKINGS = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"}  # of HTTP (IANA's registry)

# How long a transfer may take in all: five minutes, and a second for so many bytes.
MAX_SECONDS = 300.0
MIN_BYTES_PER_SECOND = 8 * 1024

_slots: RunVar[anyio.CapacityLimiter] = RunVar("prefect_kie.transfers")


class DeadLink(FetchError):
    """The link no longer leads to the file; a fresh one may."""


class CutTransfer(FetchError):
    """What came is not the whole file."""


@dataclass
class Transfer:
    """A file on its way to disk. `write` blocks: call it in a thread, once at a time."""

    file: BinaryIO
    max_bytes: int
    size: int = 0  # bytes written so far
    suffix: str = ""  # the one that fits it, once it is there
    version: str = ""  # of the file at its server, for resuming: a strong ETag
    total: int | None = None  # bytes of the whole file, where its server announced them

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self._began, self._taken = time.monotonic(), 0

    @property
    def sha256(self) -> str:
        """The checksum of what was written, hex."""
        return self._hash.hexdigest()

    def restart(self) -> None:
        """Forget what was written: the server sends the whole file again."""
        self.file.seek(0)
        self.file.truncate()
        self._hash = hashlib.sha256()
        self.size, self.version, self.total = 0, "", None

    def took(self, count: int) -> None:
        """Count bytes that came; raises CutTransfer where they come too slowly ever to end."""
        self._taken += count
        seconds = time.monotonic() - self._began
        if seconds > MAX_SECONDS + self._taken / MIN_BYTES_PER_SECOND:
            raise CutTransfer(f"only {self._taken:,} bytes came in {seconds:.0f} s")

    def write(self, piece: bytes | bytearray) -> None:
        """Write the next bytes; raises BadFile where the file grows too long."""
        self.size += len(piece)
        if self.size > self.max_bytes:
            raise BadFile(f"the file is longer than the limit of {self.max_bytes:,} bytes")
        self.file.write(piece)
        self._hash.update(piece)


async def fetch(
    url: str, part: Path, *, max_bytes: int = MAX_FILE_BYTES, local_allowed: bool = False
) -> Transfer:
    """Fetch a file's bytes into `part`, without the API key; raises a FetchError where they do not come.

    A cut transfer is resumed where it broke as long as each try brings new bytes. What came is kept whatever
    it is, with a warning where it is odd, unless it is an error page or not proven to be whole. With
    `local_allowed` the address may be on this machine (with a simulator it is).
    """
    try:
        limiter = _slots.get()
    except LookupError:
        _slots.set(limiter := anyio.CapacityLimiter(MAX_AT_ONCE))
    async with limiter:
        with part.open("wb") as file:
            transfer = Transfer(file, max_bytes)
            response = await _receive_all(url, transfer, local_allowed)
            odd = await anyio.to_thread.run_sync(_finish, url, part, transfer, response)
    if odd:
        name = f"{urlsplit(url).hostname}{urlsplit(url).path}"[:200]
        run_logger().warning("The file %s is kept as it came, though %s.", name, " and ".join(odd))
    return transfer


async def _receive_all(url: str, transfer: Transfer, local_allowed: bool) -> httpx.Response:
    most, before = 0, ""
    for _ in range(MAX_PARTS):
        try:
            response = await _receive(url, transfer, local_allowed)
            if response is None:
                transfer.restart()
                continue
            if not transfer.size:
                raise CutTransfer("the file is empty")
            is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
            if transfer.total is not None or is_chunked or transfer.sha256 == before:
                return response
            # Nothing says whether that is all. A second transfer that brings the same does.
            if before and transfer.size <= most:
                raise CutTransfer(f"one transfer brought {most:,} bytes, the next one {transfer.size:,}")
            most, before = transfer.size, transfer.sha256
            transfer.restart()
        except httpx.HTTPError as error:
            if transfer.size <= most:
                raise CutTransfer(f"{type(error).__name__}: {error or 'no details'}") from error
            most = transfer.size
    raise CutTransfer(f"the transfer was cut {MAX_PARTS} times, the last time after {transfer.size:,} bytes")


async def _receive(url: str, transfer: Transfer, local_allowed: bool) -> httpx.Response | None:
    """Receive a file or the rest of it; None where the server does not say that it is still the same file."""
    resumes = bool(transfer.size and transfer.version)
    wanted = {"Range": f"bytes={transfer.size}-", "If-Range": transfer.version} if resumes else {}
    async with _answer(url, wanted, local_allowed) as response:
        status = response.status_code
        if resumes and status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise DeadLink(f"HTTP {status}")
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise CutTransfer(f"the file's server answered HTTP {status}")
        announced = response.headers.get("Content-Length", "")
        length = int(announced) if announced.isdigit() else None
        etag = response.headers.get("ETag", "")
        begin, total = (0, length) if status == HTTPStatus.OK else _range(response)
        if resumes and status == HTTPStatus.PARTIAL_CONTENT:
            # Some servers ignore If-Range: half of one file and half of another would be neither.
            if (begin, total, etag) != (transfer.size, transfer.total, transfer.version):
                return None
        elif begin != 0:
            raise CutTransfer("the file's server sent a part of it that was not asked for")
        else:
            transfer.restart()
            transfer.total = total
            transfer.version = etag if etag.startswith('"') and total is not None else ""
        if (whole := total or length or 0) > transfer.max_bytes:
            raise BadFile(f"the file has {whole:,} bytes; the limit is {transfer.max_bytes:,}")
        came = await _take_body(response, transfer)
        if length is not None and came != length:
            raise httpx.RemoteProtocolError(f"{came:,} of {length:,} bytes came")
        if total is not None and transfer.size != total:
            raise httpx.RemoteProtocolError(f"{transfer.size:,} of {total:,} bytes came")
        return response


async def _take_body(response: httpx.Response, transfer: Transfer) -> int:
    """Write the body in batches, the last one too where the connection breaks; returns how much came."""
    batch, came = bytearray(), 0
    try:
        async for piece in response.aiter_raw():
            transfer.took(len(piece))
            batch += piece
            came += len(piece)
            if len(batch) >= BATCH_BYTES:
                full, batch = batch, bytearray()
                await anyio.to_thread.run_sync(transfer.write, full)
    finally:
        if batch:
            await anyio.to_thread.run_sync(transfer.write, batch)
    return came


@asynccontextmanager
async def _answer(url: str, wanted: dict[str, str], local_allowed: bool) -> AsyncGenerator[httpx.Response]:
    """The answer of the server that redirects lead to; each one's address is checked."""
    for _ in range(MAX_REDIRECTS + 1):
        async with opened(url, wanted, local_allowed) as response:
            if not response.has_redirect_location:
                yield response
                return
            location = response.headers["Location"]
        try:
            target = urljoin(url, location)
        except ValueError as error:
            raise BadFile(f"the address redirects to what is no address: {location[:100]!r}") from error
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise BadFile("the address redirects from https to something else")
        url = target
    raise BadFile(f"the address redirects more than {MAX_REDIRECTS} times")


def _range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Where in the file a part begins, and how long the whole file is; None where the answer does not say."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(?:(\d+)|\*)", response.headers.get("Content-Range", ""))
    return (int(found[1]), int(found[2]) if found[2] else None) if found else (None, None)


def _finish(url: str, part: Path, transfer: Transfer, response: httpx.Response) -> list[str]:
    """Unpack, inspect and sync what came; returns what is odd about it."""
    transfer.file.flush()
    called = _unpack(part, transfer, response.headers.get("Content-Encoding", "").strip().lower())
    named = suffix_in(url) or suffix_in(str(response.request.url))
    content_type = response.headers.get("Content-Type", "")
    if page := page_in_place(part, named):
        raise CutTransfer(f"the file's server sent {page} in the place of the file")
    # Even where all announced bytes came: a proxy may end a cut answer as if nothing were missing.
    if is_cut(part):
        raise CutTransfer(f"the video is cut short after {transfer.size:,} bytes")
    os.fsync(transfer.file.fileno())
    transfer.suffix = suffix_for(part, named, content_type)
    return [*called, *oddities(part, named, content_type)]


def _unpack(part: Path, transfer: Transfer, encoding: str) -> list[str]:
    """Unpack what came packed though that was not asked for; content decides, not the server's word. Returns
    what is odd about that.
    """
    if encoding in ("", "identity") or kind_in(part):
        return []
    packings = [word for word in re.split(r"[,\s]+", encoding) if word in PACKINGS]
    if not packings:  # stores repeat whatever an uploader called an encoding: utf-8, binary, aws-chunked
        return [f"its server calls it packed ({encoding[:40]})"]
    if packings not in (["gzip"], ["x-gzip"]):
        raise BadFile(f"the file came packed ({encoding[:40]}), which was not asked for")
    with tempfile.TemporaryFile(dir=part.parent) as packed:
        with part.open("rb") as came:
            shutil.copyfileobj(came, packed)
        packed.seek(0)
        if packed.read(2) != b"\x1f\x8b":
            return []
        packed.seek(0)
        transfer.restart()
        try:
            with gzip.open(packed) as plain:
                while piece := plain.read(BATCH_BYTES):
                    transfer.write(piece)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise CutTransfer(f"the file came packed and cannot be unpacked ({error})") from error
    transfer.file.flush()
    return []
