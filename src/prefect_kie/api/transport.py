"""What is done on the way to Kie and back: the key is added and hidden, answers are read with bounds."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Coroutine, Generator, Iterator
from html import unescape
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx
from pydantic import SecretStr

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Kie's answers are a few KiB; a longer one than this is not read, nor decoded, to its end."""

HIDDEN = "[key]"
HIDDEN_TEXT = "[a text that quotes the key]"
ESCAPED_IN_EACH_OTHER = 5
MIN_KEY = 8
"""A shorter key than this is hidden only as it is: other forms of it are found in any text."""

E = TypeVar("E", bound=BaseException)


class KeyAuth(httpx.Auth):
    """Adds the key to a request; no frame of ours ever holds it in clear."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


def last_moment(too_late: Callable[[], bool]) -> Callable[[str, Any], Coroutine[Any, Any, None]]:
    """What httpx calls at each step of a request; it stops one that would leave too late."""

    async def trace(step: str, _: Any) -> None:
        if step.endswith("send_request_headers.started") and too_late():
            raise httpx.ConnectTimeout("this process was held up too long before its call; nothing was sent")

    return trace


def bare(error: E) -> E:
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
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return None
    try:
        # 32: gzip or zlib, whichever it is.
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(bytes(body), most)
    except zlib.error:
        return None


_BETWEEN = re.compile(r"[\s\0\\\xad\u200b-\u200f\u2060\ufeff\ufffd]+")
_ESCAPE = re.compile(r"\\(?:u00|u\{0{0,6}|x)([0-9a-f]{2})\}?|=([0-9a-f]{2})", re.IGNORECASE)


class KeyHider:
    """Takes the key out of whatever Kie, or a proxy on the way, quotes, however it is encoded there.

    The key as it is becomes `[key]`. A text that holds it in another form is hidden as a whole: escapes of
    URLs, JSON and HTML, one inside the other; base64 and hexadecimal; UTF-16 and UTF-32 read as something
    else; other letters, or blanks in between.
    """

    def __init__(self, key: SecretStr) -> None:
        self._key = key
        plain = key.get_secret_value()
        self._forms = tuple(_forms(plain)) if len(plain) >= MIN_KEY else ()

    def __call__(self, text: str) -> str:
        """The text without the key."""
        text = text.replace(self._key.get_secret_value(), HIDDEN)
        return HIDDEN_TEXT if self._forms and self._is_in(text) else text

    def in_json(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A JSON object without the key, in names too; it may be nested deeper than Python recurses."""
        whole: dict[str, Any] = {}
        left: list[tuple[Any, Any]] = [(fields, whole)]
        while left:
            given, hidden = left.pop()
            named = isinstance(hidden, dict)
            for name, value in given.items() if named else enumerate(given):
                kept: Any = value
                if isinstance(value, str):
                    kept = self(value)
                elif isinstance(value, dict | list):
                    kept = {} if isinstance(value, dict) else []
                    left.append((value, kept))  # pyright: ignore[reportUnknownArgumentType]
                if named:
                    hidden[self(str(name))] = kept
                else:
                    hidden.append(kept)
        return whole

    def _is_in(self, text: str) -> bool:
        key = self._key.get_secret_value().casefold()
        for _ in range(ESCAPED_IN_EACH_OTHER):
            squeezed = _BETWEEN.sub("", text)
            coded = squeezed.replace("-", "+").replace("_", "/")
            if key in squeezed.casefold() or any(form in coded for form in self._forms):
                return True
            unescaped = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), unescape(unquote(text)))
            if unescaped == text:
                return False
            text = unescaped
        return False


def _forms(key: str) -> Iterator[str]:
    """The key in base64 and in hexadecimal."""
    for encoding in ("ascii", "utf-16-le", "utf-16-be"):
        raw = key.encode(encoding)
        yield from (raw.hex(), raw.hex().upper())
        for offset in range(3):
            # Whatever stands before and after the key, these characters are its own.
            coded = base64.b64encode(bytes(offset) + raw).decode()
            yield coded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
