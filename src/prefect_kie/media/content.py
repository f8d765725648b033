"""What came: the suffix for it, what is odd about it, and whether it is an error page instead.

Content decides. What was paid for is kept, even where its server calls it a text or nobody knows its kind.
"""

from __future__ import annotations

import json
import mimetypes
import re
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from prefect_kie.media.kinds import ISO_SUFFIXES, bytes_after_boxes, kind_in

MAX_PAGE_BYTES = 64 * 1024  # is read of what may be an error; no error in JSON is longer

_ALIKE = {
    ".mp4": ISO_SUFFIXES,
    ".mov": (".mp4", ".qt"),
    ".m4a": (".m4b",),
    ".heic": (".heif",),
    ".heif": (".heic",),
    ".jpg": (".jpeg",),
    ".ogg": (".oga", ".ogv", ".opus"),
    ".webm": (".weba",),
}
"""Suffixes that an address may name for what is recognised as another one: the bytes are alike."""

_PAGE = re.compile(
    rb"(\s|<!--.*?-->|<\?xml.*?\?>)*<(!doctype\s+html|html|head|body|error|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_ERROR_NAMES = {"error", "errors", "code", "message", "msg", "detail"}
_BESIDE_ERRORS = _ERROR_NAMES | {
    *("data", "details", "instance", "path", "requestId", "request_id", "status", "statusCode", "success"),
    *("timestamp", "title", "type"),
}


def suffix_in(url: str) -> str:
    """The suffix that an address names, in lower case; empty where it names none."""
    suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    return suffix if re.fullmatch(r"\.(?=\d*[a-z])[a-z0-9]{1,8}", suffix) and suffix != ".part" else ""


def suffix_for(path: Path, named: str, content_type: str) -> str:
    """The suffix for a file: by its first bytes, else its address, else its server's word, else `.bin`."""
    known = kind_in(path)
    if known:
        return named if known != ".jpg" and named in _ALIKE.get(known, ()) else known
    guessed = mimetypes.guess_extension(content_type.partition(";")[0].strip()) or ""
    return named or (guessed if re.fullmatch(r"\.[a-z0-9]{1,8}", guessed) else ".bin")


def page_in_place(path: Path, named: str) -> str | None:
    """What came instead of the file, where that is an error page; None where it is no page."""
    if kind_in(path):
        return None
    with path.open("rb") as file:
        content = file.read(MAX_PAGE_BYTES + 1).removeprefix(b"\xef\xbb\xbf")
    if _PAGE.match(content) and named not in (".html", ".htm", ".xhtml", ".xml"):
        return "a page"
    if named == ".json" or len(content) > MAX_PAGE_BYTES or not content.lstrip().startswith(b"{"):
        return None
    try:
        told: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    names = set(cast("dict[str, Any]", told))
    if _is_medium(named) or (names & _ERROR_NAMES and names <= _BESIDE_ERRORS):
        return f"an answer in JSON ({content[:200].decode(errors='replace')})"
    return None


def oddities(path: Path, named: str, content_type: str) -> list[str]:
    """What is odd about a file that is kept, each as half a sentence."""
    found: list[str] = []
    known = kind_in(path)
    if known and re.match("text/|application/(json|xml|xhtml)", content_type, re.IGNORECASE):
        found.append(f"its server calls it {content_type.partition(';')[0][:50]}")
    if known and _is_medium(named) and named not in (known, *_ALIKE.get(known, ())):
        found.append(f"its address ends in {named} and it is a {known} file")
    if not known and (_is_medium(named) or not named):
        found.append(f"it begins as no {named or 'known'} file does")
    if known in ISO_SUFFIXES and (after := bytes_after_boxes(path)):
        found.append(f"its last {after:,} bytes belong to no whole box")
    return found


def _is_medium(suffix: str) -> bool:
    kind, _ = mimetypes.guess_type(f"x{suffix}")
    return (kind or "").startswith(("video/", "audio/", "image/")) and suffix != ".svg"
