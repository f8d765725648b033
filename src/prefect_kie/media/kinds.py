"""What a file is: content decides, not headers. How long a video plays, and whether its end is missing.

What was paid for is kept, even where its server calls it a text or nobody knows its kind.
"""

import json
import mimetypes
import re
import struct
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

HEAD_BYTES = 64  # so many of a file's first bytes tell its kind
MAX_BOXES = 1_000_000  # two for each fragment of a stream, and some fragments hold a single picture

_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (8, b"WEBP", ".webp"),
    (8, b"AVI ", ".avi"),
    (8, b"WAVE", ".wav"),
    (0, b"GIF8", ".gif"),
    (0, (b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"), ".mp3"),  # MPEG-1 and 2
    (0, (b"\xff\xf1", b"\xff\xf9"), ".aac"),
    (0, b"fLaC", ".flac"),
    (0, b"OggS", ".ogg"),
    (0, b"glTF", ".glb"),
)

# Brands of an `ftyp` box: its first one tells what the file is; all others are MP4s.
_BRANDS = {
    ".avif": (b"avif", b"avis"),
    ".heic": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    ".m4a": (b"M4A ", b"M4B "),
    ".mov": (b"qt  ",),
}
_ANY_PICTURE = (b"mif1", b"msf1")  # first brands of pictures of any coding, which the further ones tell
ISO_SUFFIXES = (".mp4", ".m4v", ".mov", ".3gp", ".m4a", ".m4b")  # boxes that play (ISO/IEC 14496-12)
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
SOUND_SUFFIXES = (".mp3", ".wav", ".ogg", ".flac", ".m4a", ".aac")
PICTURE_SUFFIXES = (".png", ".jpg", ".webp", ".gif", ".avif")
_BOXES = {
    *(b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx"),
    *(b"free", b"skip", b"wide", b"udta", b"meta", b"uuid"),
}
MAX_PAGE_BYTES = 64 * 1024  # is read of what may be an error; no error in JSON is longer
# Suffixes that an address may name for what is recognised as another one: the bytes are alike.
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
_PAGE = re.compile(rb"(?is)(\s|<!--.*?-->|<\?xml.*?\?>)*<(!doctype\s+html|html|head|body|error|script)\b")
_ERROR_NAMES = {"error", "errors", "code", "message", "msg", "detail"}
_BESIDE_ERRORS = _ERROR_NAMES | {
    *("data", "details", "instance", "path", "requestId", "request_id", "status", "statusCode", "success"),
    *("timestamp", "title", "type"),
}


def kind_of(head: bytes) -> str | None:
    """The suffix that fits a file's first bytes; None for whatever has no known signature."""
    if head[4:8] == b"ftyp":
        brands = (head[8:12], *(head[at : at + 4] for at in range(16, len(head), 4)))
        first = brands[1:] if brands[0] in _ANY_PICTURE else brands[:1]
        found = (suffix for brand in first for suffix, named in _BRANDS.items() if brand in named)
        return next(found, ".heif" if brands[0] in _ANY_PICTURE else ".mp4")
    # A text may begin with "The free ..." too, but no such box is as long as its letters would make it.
    if head[4:8] in (b"mdat", b"moov") or (head[4:8] in (b"wide", b"free", b"skip") and head[0] == 0):
        return ".mov" if head[4:8] == b"wide" else ".mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return ".mkv" if b"matroska" in head else ".webm"
    return next((suffix for at, begin, suffix in _SIGNATURES if head.startswith(begin, at)), None)


def kind_in(path: Path) -> str | None:
    """The suffix that fits a file, by its first bytes."""
    with path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES))


def mp4_seconds(path: Path) -> float | None:
    """How long an MP4 plays, seconds, by its movie header (`moov/mvhd`); None where the file does not say."""
    start, end = 0, path.stat().st_size
    with path.open("rb") as file:
        for name in (b"moov", b"mvhd"):
            found = (span for kind, *span in _boxes(file, start, end) if kind == name)
            start, end = next(found, (0, 0))
        file.seek(start)
        header = file.read(32) if end else b""
    if len(header) < 32:
        return None
    layout, begin, end = (">IQ", 20, 32) if header[0] == 1 else (">II", 12, 20)
    scale, units = struct.unpack(layout, header[begin:end])
    unknown = 2**64 - 1 if header[0] == 1 else 2**32 - 1
    return units / scale if scale and units not in (0, unknown) else None


def is_cut(path: Path) -> bool:
    """Whether a video's own structure proves that its end is missing: a box goes on after the file ends."""
    if kind_in(path) not in ISO_SUFFIXES:
        return False
    with path.open("rb") as file:
        file.seek(path.stat().st_size - bytes_after_boxes(path))
        return file.read(8)[4:] in _BOXES  # other bytes after the last box are no part of the video


def bytes_after_boxes(path: Path) -> int:
    """How many bytes of an MP4 stand after its last whole box."""
    size = path.stat().st_size
    with path.open("rb") as file:
        return size - max((stop for *_, stop in _boxes(file, 0, size)), default=0)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, content's beginning and end of each box from `start` on, as far as they are whole."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        content = start + 8
        if size == 1:  # the size did not fit into 32 bits and follows
            (size,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
            content += 8
        stop = end if size == 0 else start + size
        if not content <= stop <= end:
            return
        yield kind, content, stop
        start = stop


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
