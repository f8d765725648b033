"""Where the key may go, how connections are made, and what of an answer is read: bounded, without the key."""

import base64
import ipaddress
import re
import ssl
import zlib
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cache
from html import unescape
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

API_URL = "https://api.kie.ai"
UPLOAD_URL = "https://kieai.redpandaai.co"


def check_key(key: SecretStr | str) -> SecretStr:
    """A key that can be sent as a header, else a ValueError, whose message never holds the key."""
    secret = (key.get_secret_value() if isinstance(key, SecretStr) else key).strip()
    if not secret:
        raise ValueError("the API key is empty; get one at kie.ai/api-key")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ValueError("the API key holds a space or a character that no key has; copy it again")
    return SecretStr(secret)


def check_host(url: str) -> str:
    """An address without a slash at its end; a ValueError unless it is https, or http on this machine."""
    url = url.strip()
    # Never quoted: what was pasted here may hold a password.
    wanted = "must be an address like https://host.example or https://host.example/path"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(wanted) from None
    if not host or not (url.isascii() and url.isprintable()) or set(url) & set(" @?#\\<>\"'"):
        raise ValueError(f"{wanted}, without a user, a query or a fragment")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return url.rstrip("/")
    raise ValueError("must be https (plain http can be read on its way), or http on this machine")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def http_client(
    url: str, timeout: httpx.Timeout, *, keepalive: int, proxy: str | None = None
) -> httpx.AsyncClient:
    """An HTTP client that never follows redirects, and keeps so many idle connections.

    Proxies of the environment are used neither for this machine nor for files of any host, whose `url` is "".
    """
    return httpx.AsyncClient(
        verify=_tls_context(),
        timeout=timeout,
        # Idle connections are kept for longer than the time between two polls of a job. Rate limiters bound
        # the calls: a bound of the pool would fill up with connections of calls that were cancelled before
        # they took them (httpcore 1.0.9).
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=keepalive, keepalive_expiry=60.0),
        follow_redirects=False,
        trust_env=bool(url) and not is_loopback(urlsplit(url).hostname or ""),
        # Kie's answers are short; what is not compressed cannot grow.
        headers={"User-Agent": f"prefect-kie/{_version()}", "Accept-Encoding": "identity"},
        proxy=proxy,
    )


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the certificates takes tens of milliseconds: once a process, not once a poll.
    return httpx.create_ssl_context()


@cache
def _version() -> str:
    return version("prefect-kie")  # read from the disk, which takes a millisecond


MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Kie's answers are a few KiB; a longer one than this is not read, nor decoded, to its end."""

HIDDEN = "[key]"
HIDDEN_TEXT = "[a text that quotes the key]"
MIN_KEY = 8  # a shorter key than this is not looked for in base64: it would be found in any text
MAX_DEPTH = 50
_ESCAPE = re.compile(r"\\u00([0-9a-f]{2})", re.IGNORECASE)


def last_moment(too_late: Callable[[], bool]) -> Callable[[str, Any], Coroutine[Any, Any, None]]:
    """What httpx calls at each step of a request; it stops one that would leave too late."""

    async def trace(step: str, _: Any) -> None:
        if step.endswith("send_request_headers.started") and too_late():
            raise httpx.ConnectTimeout("this process was held up too long before its call; nothing was sent")

    return trace


def bare(error: BaseException) -> BaseException:
    """An exception without the frames it went through: their variables hold requests with the key."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


async def read_bounded(response: httpx.Response, most: int) -> bytes | None:
    """The body of an answer, cut at `most` bytes received and decoded; None where it cannot be decoded.

    httpx decodes whole pieces, in as many layers as an answer asks for: 3 KB can become gigabytes. So what
    was not asked for is decoded here, one layer of it.
    """
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            break
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return bytes(body[:most])
    if encoding in ("gzip", "x-gzip", "deflate"):
        with suppress(zlib.error):  # 32: gzip or zlib, whichever it is
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(bytes(body), most)
    return None


class KeyHider:
    """Takes the key out of whatever Kie, or a proxy on the way, quotes.

    The key becomes `[key]`. A text that holds it in base64 or escaped (URL, HTML, JSON) is hidden as a whole.
    """

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, text: str) -> str:
        key = self._key.get_secret_value()
        text = text.replace(key, HIDDEN)
        unescaped = (unquote(text), unescape(text), _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
        coded = text.replace("-", "+").replace("_", "/")
        if any(key in form for form in unescaped) or any(form in coded for form in _in_base64(key)):
            return HIDDEN_TEXT
        return text

    def in_json(self, value: Any, depth: int = 0) -> Any:
        """A JSON value without the key, in names too; and without what is nested deeper than any answer."""
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.in_json(each, depth + 1) for each in value]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            return {self(name): self.in_json(each, depth + 1) for name, each in fields.items()}
        return value


def _in_base64(key: str) -> list[str]:
    """What stands in base64 for the key, whatever comes before and after it."""
    if len(key) < MIN_KEY:
        return []
    coded = [base64.b64encode(bytes(offset) + key.encode()).decode() for offset in range(3)]
    return [text[-(-offset * 8 // 6) : (offset + len(key)) * 8 // 6] for offset, text in enumerate(coded)]
