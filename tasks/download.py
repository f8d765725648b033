"""Fetching one result file: streamed, checked, resumed where the transfer is cut."""

from __future__ import annotations

import ipaddress
import socket
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from prefect_kie.tasks.abandoning import Stop, in_thread
from prefect_kie.tasks.body import pieces
from prefect_kie.tasks.file_clients import file_client
from prefect_kie.tasks.media import is_whole_mp4
from prefect_kie.tasks.transfer import BadFile, Transfer

MAX_FILE_BYTES = 4 * 1024**3
"""Longest file that is fetched unless told otherwise: 4 GiB."""

MAX_REDIRECTS = 3
MAX_PARTS = 50

_DEAD = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


class DeadLink(Exception):
    """The link no longer leads to the file; a fresh one may."""


class CutTransfer(Exception):
    """The transfer broke and brought nothing new; trying again later may."""


async def fetch(
    url: str, part: Path, *, max_bytes: int = MAX_FILE_BYTES, local_allowed: bool = False
) -> Transfer:
    """Fetch a file's bytes into `part`, without the API key.

    A cut transfer is resumed where it broke as long as each try brings new bytes. All of it happens in a
    thread: a gigabyte takes seconds of work, in which other tasks of the process go on.

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
    return await in_thread(partial(_fetch, url, part, max_bytes, local_allowed))


def _fetch(url: str, part: Path, max_bytes: int, local_allowed: bool, stop: Stop) -> Transfer:
    _check_address(url, local_allowed)
    with part.open("wb") as file:
        transfer = Transfer(file, max_bytes)
        try:
            with file_client(url) as http:
                _receive_in_parts(http, url, transfer, local_allowed, stop)
            transfer.finish()
        finally:
            transfer.stop()
    if transfer.suffix == ".mp4" and not is_whole_mp4(part):
        raise CutTransfer(f"the video is cut short after {transfer.size:,} bytes")
    return transfer


def _receive_in_parts(
    http: httpx.Client, url: str, transfer: Transfer, local_allowed: bool, stop: Stop
) -> None:
    for _ in range(MAX_PARTS):
        stop.check()
        before = transfer.size
        try:
            return _receive(http, url, transfer, local_allowed, stop)
        except httpx.HTTPError as error:
            stop.check()
            if transfer.size == before:
                raise CutTransfer(f"{type(error).__name__}: {error or 'no details'}") from error
    raise CutTransfer(f"the transfer was cut {MAX_PARTS} times, the last time after {transfer.size:,} bytes")


def _receive(http: httpx.Client, url: str, transfer: Transfer, local_allowed: bool, stop: Stop) -> None:
    headers = {"Accept-Encoding": "identity"}
    if transfer.size and transfer.version:
        headers |= {"Range": f"bytes={transfer.size}-", "If-Range": transfer.version}
    for _ in range(MAX_REDIRECTS + 1):
        _check_address(url, local_allowed)
        with http.stream("GET", url, headers=headers) as response:
            if response.has_redirect_location:
                url = _redirected(url, response.headers["Location"])
                continue
            _check_answer(response)
            if response.status_code != HTTPStatus.PARTIAL_CONTENT or not _continues(response, transfer):
                transfer.restart()
            transfer.version = response.headers.get("ETag") or response.headers.get("Last-Modified", "")
            announced = response.headers.get("Content-Length", "")
            length = int(announced) if announced.isdigit() else None
            expected = None if length is None else transfer.size + length
            if expected is not None and expected > transfer.max_bytes:
                raise BadFile(f"the file has {expected:,} bytes; the limit is {transfer.max_bytes:,}")
            for piece in pieces(response, length, stop):
                transfer.write(piece)
            if expected is not None and transfer.size != expected:
                raise httpx.RemoteProtocolError(f"{transfer.size:,} of {expected:,} bytes came")
            return
    raise BadFile(f"the address redirects more than {MAX_REDIRECTS} times")


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
