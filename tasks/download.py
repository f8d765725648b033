"""Fetching one result file: streamed, checked, resumed where the transfer is cut."""

from __future__ import annotations

import ipaddress
import socket
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import anyio
import anyio.to_thread
import httpx
from anyio.lowlevel import RunVar

from prefect_kie.api.hosts import http_client
from prefect_kie.tasks.media import is_whole_mp4
from prefect_kie.tasks.transfer import BadFile, Transfer

MAX_FILE_BYTES = 4 * 1024**3
"""Longest file that is fetched unless told otherwise: 4 GiB."""

MAX_REDIRECTS = 3
MAX_PARTS = 50
MAX_AT_ONCE = 8
"""Transfers of one event loop that run side by side; the others wait for their turn."""

BATCH_BYTES = 1024 * 1024
TIMEOUT = httpx.Timeout(60.0, connect=10.0)

_slots: RunVar[anyio.CapacityLimiter] = RunVar("prefect_kie.transfers")
_DEAD = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


class DeadLink(Exception):
    """The link no longer leads to the file; a fresh one may."""


class CutTransfer(Exception):
    """The transfer broke and brought nothing new; trying again later may."""


async def fetch(
    url: str, part: Path, *, max_bytes: int = MAX_FILE_BYTES, local_allowed: bool = False
) -> Transfer:
    """Fetch a file's bytes into `part`, without the API key.

    A cut transfer is resumed where it broke as long as each try brings new bytes. The disk's work and the
    checksum are a thread's, a megabyte at a time; other tasks of the process go on.

    Args:
        url: The file's public address.
        part: Where to write; overwritten.
        max_bytes: Longest file to take.
        local_allowed: Whether the address may be on this machine (with a simulator it is).

    Returns:
        The finished transfer.

    Raises:
        DeadLink: when the address no longer leads to the file.
        BadFile: when what comes is not a medium, is empty, or is too long.
        CutTransfer: when the connection breaks without bringing anything new.
    """
    _check_address(url, local_allowed)
    async with _limiter():
        with part.open("wb") as file:
            transfer = Transfer(file, max_bytes)
            async with http_client(url, TIMEOUT, keepalive=0) as http:
                await _receive_in_parts(http, url, transfer, local_allowed)
            await anyio.to_thread.run_sync(transfer.finish)
        if transfer.suffix == ".mp4" and not await anyio.to_thread.run_sync(is_whole_mp4, part):
            raise CutTransfer(f"the video is cut short after {transfer.size:,} bytes")
        return transfer


async def _receive_in_parts(
    http: httpx.AsyncClient, url: str, transfer: Transfer, local_allowed: bool
) -> None:
    for _ in range(MAX_PARTS):
        before = transfer.size
        try:
            return await _receive(http, url, transfer, local_allowed)
        except httpx.HTTPError as error:
            if transfer.size == before:
                raise CutTransfer(f"{type(error).__name__}: {error or 'no details'}") from error
    raise CutTransfer(f"the transfer was cut {MAX_PARTS} times, the last time after {transfer.size:,} bytes")


async def _receive(http: httpx.AsyncClient, url: str, transfer: Transfer, local_allowed: bool) -> None:
    headers = {"Accept-Encoding": "identity"}
    if transfer.size and transfer.version:
        headers |= {"Range": f"bytes={transfer.size}-", "If-Range": transfer.version}
    for _ in range(MAX_REDIRECTS + 1):
        _check_address(url, local_allowed)
        async with http.stream("GET", url, headers=headers) as response:
            if response.has_redirect_location:
                url = _redirected(url, response.headers["Location"])
                continue
            _check_answer(response)
            if response.status_code != HTTPStatus.PARTIAL_CONTENT or not _continues(response, transfer):
                transfer.restart()
            transfer.version = response.headers.get("ETag") or response.headers.get("Last-Modified", "")
            announced = response.headers.get("Content-Length", "")
            expected = transfer.size + int(announced) if announced.isdigit() else None
            if expected is not None and expected > transfer.max_bytes:
                raise BadFile(f"the file has {expected:,} bytes; the limit is {transfer.max_bytes:,}")
            await _take_body(response, transfer)
            if expected is not None and transfer.size != expected:
                raise httpx.RemoteProtocolError(f"{transfer.size:,} of {expected:,} bytes came")
            return
    raise BadFile(f"the address redirects more than {MAX_REDIRECTS} times")


async def _take_body(response: httpx.Response, transfer: Transfer) -> None:
    """Write the body in batches, the last one too where the connection breaks after it."""
    batch: list[bytes] = []
    size = 0
    try:
        async for piece in response.aiter_raw():
            batch.append(piece)
            size += len(piece)
            if size >= BATCH_BYTES:
                full, batch, size = batch, [], 0
                await anyio.to_thread.run_sync(_write, transfer, full)
    finally:
        if batch:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_write, transfer, batch)


def _write(transfer: Transfer, batch: list[bytes]) -> None:
    for piece in batch:
        transfer.write(piece)


def _limiter() -> anyio.CapacityLimiter:
    try:
        return _slots.get()
    except LookupError:
        _slots.set(limiter := anyio.CapacityLimiter(MAX_AT_ONCE))
        return limiter


def _check_answer(response: httpx.Response) -> None:
    if response.status_code in _DEAD:
        raise DeadLink(f"HTTP {response.status_code}")
    if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise CutTransfer(f"the file's server answered HTTP {response.status_code}")
    kind = response.headers.get("Content-Type", "").lower()
    if kind.startswith(("text/", "application/json", "application/xml", "application/xhtml")):
        raise BadFile(f"the file's server sent {kind.partition(';')[0]} instead of a medium")


def _continues(response: httpx.Response, transfer: Transfer) -> bool:
    content_range: str = response.headers.get("Content-Range", "")
    return content_range.startswith(f"bytes {transfer.size}-")


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise BadFile(f"the address redirects to what is no address: {location[:100]!r}") from error
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise BadFile("the address redirects from https to something else")
    return target


def _check_address(url: str, local_allowed: bool) -> None:
    """Refuse addresses that a result has no business to name: other schemes, this network's own hosts."""
    try:
        httpx.URL(url)
        parts = urlsplit(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise BadFile(f"the result's address is none: {url[:100]!r}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise BadFile(f"the result's address is not a public http or https one: {url[:100]!r}")
    if not local_allowed and _is_private(parts.hostname):
        raise BadFile(f"the result's address lies in a private network: {url[:100]!r}")


def _is_private(host: str) -> bool:
    """Whether a host is surely this machine or one of its network; names are not resolved."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    try:  # who connects takes 127.1, 0x7f000001 and 2130706433 for addresses as well
        return not ipaddress.ip_address(socket.inet_aton(host)).is_global
    except (OSError, ValueError):
        return False
