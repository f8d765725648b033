"""Fetching one result file: streamed, resumed where the transfer is cut, and proven to be whole."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import anyio
import anyio.to_thread
import httpx
from anyio.lowlevel import RunVar

from prefect_kie.media.addresses import opened
from prefect_kie.media.containers import is_cut, is_whole
from prefect_kie.media.content import oddities, page_in_place, suffix_for, suffix_in
from prefect_kie.media.transfer import BadFile, Transfer
from prefect_kie.runtime.logs import run_logger

MAX_FILE_BYTES = 4 * 1024**3
"""Longest file that is fetched unless told otherwise: 4 GiB."""

MAX_REDIRECTS = 3
MAX_PARTS = 50
MAX_AT_ONCE = 8
"""Transfers of one event loop that run side by side; the others wait for their turn."""

BATCH_BYTES = 2 * 1024 * 1024

SPEED_SECONDS = 60.0
MIN_BYTES_PER_SECOND = 1024
"""A transfer that brings less, on average of so many seconds, has an end: it would never come to its own."""

MAX_SECONDS = 3600.0
MIN_BYTES_PER_SECOND_IN_ALL = 16 * 1024
"""How long a transfer may take in all: an hour, and a second for so many bytes."""

LINE_SECONDS = 5.0
"""For how long a refusal's own words are waited for."""

_slots: RunVar[anyio.CapacityLimiter] = RunVar("prefect_kie.transfers")
_DEAD = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_IDENTITY = {"Accept-Encoding": "identity"}


class DeadLink(Exception):
    """The link no longer leads to the file; a fresh one may."""


class CutTransfer(Exception):
    """What came is not the whole file; trying again later may bring it."""


class _Changed(Exception):
    """The server has another file now, or does not say that it is the same one: begin anew."""


async def fetch(
    url: str, part: Path, *, max_bytes: int = MAX_FILE_BYTES, local_allowed: bool = False
) -> Transfer:
    """Fetch a file's bytes into `part`, without the API key.

    A cut transfer is resumed where it broke as long as each try brings new bytes. What came is kept whatever
    it is, with a warning where it is odd, unless it is an error page or not proven to be whole. The disk's
    work and the checksum are a thread's, two megabytes at a time; other tasks of the process go on.

    Args:
        url: The file's public address.
        part: Where to write; overwritten.
        max_bytes: Longest file to take.
        local_allowed: Whether the address may be on this machine (with a simulator it is).

    Returns:
        The finished transfer.

    Raises:
        DeadLink: when the address no longer leads to the file.
        BadFile: when it is too long, or its address one that no result has.
        CutTransfer: when not all of it comes, it all but stands still, or a page comes in its place.
    """
    async with _limiter():
        with part.open("wb") as file:
            transfer = Transfer(file, max_bytes)
            told = await _receive_in_parts(url, part, transfer, local_allowed)
            await anyio.to_thread.run_sync(transfer.sync)
        named = suffix_in(url) or suffix_in(told.url)
        transfer.suffix, odd = await anyio.to_thread.run_sync(_inspect, part, transfer, named, told)
        if odd:
            name = f"{urlsplit(url).hostname}{urlsplit(url).path}"[:200]
            run_logger().warning("The file %s is kept as it came, though %s.", name, " and ".join(odd))
        return transfer


@dataclass
class _Watch:
    """Ends a transfer that would not come to its own end."""

    began: float = field(default_factory=time.monotonic)
    since: float = 0.0
    recent: int = 0
    taken: int = 0

    def begin(self) -> None:
        """A part of the transfer begins."""
        self.since, self.recent = time.monotonic(), 0

    def took(self, count: int) -> None:
        """So many bytes came.

        Raises:
            CutTransfer: when they come too slowly.
        """
        now = time.monotonic()
        self.recent += count
        self.taken += count
        if (seconds := now - self.since) >= SPEED_SECONDS:
            if self.recent < MIN_BYTES_PER_SECOND * seconds:
                raise CutTransfer(f"only {self.recent:,} bytes came in {seconds:.0f} s")
            self.begin()
        if (seconds := now - self.began) > MAX_SECONDS + self.taken / MIN_BYTES_PER_SECOND_IN_ALL:
            raise CutTransfer(f"only {self.taken:,} bytes came in {seconds:.0f} s")


@dataclass(frozen=True)
class _Told:
    """What a server says of a file that came, as far as it is of use.

    Attributes:
        url: Its address, after redirects.
        content_type: Its kind.
        proves: Whether the protocol proves that nothing is missing.
    """

    url: str
    content_type: str
    proves: bool


async def _receive_in_parts(url: str, part: Path, transfer: Transfer, local_allowed: bool) -> _Told:
    watch = _Watch()
    most = 0
    for _ in range(MAX_PARTS):
        try:
            told = await _receive(url, transfer, watch, local_allowed)
            if not transfer.size:
                raise CutTransfer("the file is empty")
            if not told.proves:
                await _prove(url, part, transfer, local_allowed)
            return told
        except _Changed:
            transfer.restart()
        except httpx.HTTPError as error:
            if transfer.size <= most:
                raise CutTransfer(f"{type(error).__name__}: {error or 'no details'}") from error
            most = transfer.size
    raise CutTransfer(f"the transfer was cut {MAX_PARTS} times, the last time after {transfer.size:,} bytes")


async def _receive(url: str, transfer: Transfer, watch: _Watch, local_allowed: bool) -> _Told:
    resumes = bool(transfer.size and transfer.version)
    wanted = {"Range": f"bytes={transfer.size}-", "If-Range": transfer.version} if resumes else {}
    async with _answer("GET", url, wanted, local_allowed) as response:
        if resumes and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _Changed
        await _check_status(response)
        begin, total = _span(response)
        etag = response.headers.get("ETag", "")
        if resumes and response.status_code == HTTPStatus.PARTIAL_CONTENT:
            # Some servers ignore If-Range: half of one file and half of another would be neither.
            if (begin, total, etag) != (transfer.size, transfer.total, transfer.version):
                raise _Changed
        elif begin != 0:
            raise CutTransfer("the file's server sent a part of it that was not asked for")
        else:
            encoding = response.headers.get("Content-Encoding", "").strip().lower()
            transfer.restart("" if encoding == "identity" else encoding)
            if not transfer.is_packed:
                transfer.total = total
                transfer.version = etag if etag.startswith('"') and total is not None else ""
        announced = response.headers.get("Content-Length", "")
        length = int(announced) if announced.isdigit() else None
        if (whole := transfer.total or length or 0) > transfer.max_bytes:
            raise BadFile(f"the file has {whole:,} bytes; the limit is {transfer.max_bytes:,}")
        watch.begin()
        came = await _take_body(response, transfer, watch)
        if length is not None and came != length:
            raise httpx.RemoteProtocolError(f"{came:,} of {length:,} bytes came")
        if transfer.is_packed and not transfer.is_unpacked:
            raise httpx.RemoteProtocolError(f"the packed file ends early, after {transfer.size:,} bytes")
        if transfer.total is not None and transfer.size != transfer.total:
            raise httpx.RemoteProtocolError(f"{transfer.size:,} of {transfer.total:,} bytes came")
        is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
        return _Told(
            url=str(response.request.url),
            content_type=response.headers.get("Content-Type", ""),
            proves=transfer.total is not None
            or transfer.is_unpacked
            or (response.status_code == HTTPStatus.OK and (is_chunked or length is not None)),
        )


async def _take_body(response: httpx.Response, transfer: Transfer, watch: _Watch) -> int:
    """Write the body in batches, the last one too where the connection breaks; returns how much came."""
    batch: list[bytes] = []
    came = size = 0
    writing: asyncio.Future[None] | None = None
    try:
        async for piece in response.aiter_raw():
            watch.took(len(piece))
            batch.append(piece)
            came += len(piece)
            size += len(piece)
            if size >= BATCH_BYTES:
                if writing is not None:
                    await asyncio.wait([writing])
                    writing.result()
                # The next batch comes meanwhile.
                writing = asyncio.ensure_future(asyncio.to_thread(_write, transfer, batch))
                batch, size = [], 0
    finally:
        if writing is not None:
            await asyncio.wait([writing])
            writing.result()
        if batch:
            await asyncio.shield(asyncio.to_thread(_write, transfer, batch))
    return came


def _write(transfer: Transfer, batch: list[bytes]) -> None:
    # At once: between two steps in a thread the loop has the interpreter, and does not give it back soon.
    transfer.write(b"".join(batch))


def _inspect(part: Path, transfer: Transfer, named: str, told: _Told) -> tuple[str, list[str]]:
    """The suffix that fits a file that came, and what is odd about it.

    Raises:
        CutTransfer: when it is a page in place of the file, or not all of it.
    """
    if page := page_in_place(part, named):
        raise CutTransfer(f"the file's server sent {page} in the place of the file")
    # Also where its length was told: a proxy may end a cut answer as if nothing were missing.
    if is_cut(part):
        raise CutTransfer(f"the video is cut short after {transfer.size:,} bytes")
    return suffix_for(part, named, told.content_type), oddities(part, named, told.content_type)


async def _prove(url: str, part: Path, transfer: Transfer, local_allowed: bool) -> None:
    """Where the protocol does not prove that a file is whole: its structure has to, or a second length.

    Raises:
        httpx.RemoteProtocolError: when it is longer.
        CutTransfer: when nothing proves it.
    """
    await anyio.to_thread.run_sync(transfer.file.flush)
    if await anyio.to_thread.run_sync(is_whole, part):
        return
    lengths = set[int]()
    for method, first in (("HEAD", ""), ("GET", "bytes=0-0")):
        wanted = {"Range": first} if first else {}
        with suppress(httpx.HTTPError):
            async with _answer(method, url, wanted, local_allowed) as response:
                packed = response.headers.get("Content-Encoding", "identity") != "identity"
                _, total = _span(response)
                if total is not None and response.is_success and not packed:
                    lengths.add(total)
        if transfer.size in lengths:
            return
    if lengths:
        raise httpx.RemoteProtocolError(f"{transfer.size:,} of {max(lengths):,} bytes came")
    raise CutTransfer(
        f"the transfer ended after {transfer.size:,} bytes, and neither its server nor the file itself tells "
        "whether that is all"
    )


@asynccontextmanager
async def _answer(
    method: str, url: str, wanted: dict[str, str], local_allowed: bool
) -> AsyncGenerator[httpx.Response, None]:
    """The answer of the server that redirects lead to; each one's address is checked."""
    for _ in range(MAX_REDIRECTS + 1):
        async with opened(method, url, _IDENTITY | wanted, local_allowed) as response:
            if not response.has_redirect_location:
                yield response
                return
            url = _redirected(url, response.headers["Location"])
    raise BadFile(f"the address redirects more than {MAX_REDIRECTS} times")


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise BadFile(f"the address redirects to what is no address: {location[:100]!r}") from error
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise BadFile("the address redirects from https to something else")
    return target


async def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in _DEAD:
        raise DeadLink(f"HTTP {status}{await _first_line(response)}")
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise CutTransfer(f"the file's server answered HTTP {status}{await _first_line(response)}")


async def _first_line(response: httpx.Response) -> str:
    """The first line of a refusal, where it is for people."""
    with suppress(httpx.HTTPError, asyncio.TimeoutError):
        async with asyncio.timeout(LINE_SECONDS):
            piece = await anext(response.aiter_raw(), b"")
        line = piece[:1000].decode(errors="replace").strip().partition("\n")[0].strip()
        if line.isprintable() and not line.startswith("<"):
            return f": {line[:200]}" if line else ""
    return ""


def _span(response: httpx.Response) -> tuple[int | None, int | None]:
    """Where in the file an answer's bytes begin, and how long the whole file is; None if not told."""
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if told is None:
        return None, None
    return int(told[1]), None if told[2] == "*" else int(told[2])


def _limiter() -> anyio.CapacityLimiter:
    try:
        return _slots.get()
    except LookupError:
        _slots.set(limiter := anyio.CapacityLimiter(MAX_AT_ONCE))
        return limiter
