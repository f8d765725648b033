"""Whether a file is whole, as far as its own structure tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

from prefect_kie.media.kinds import HEAD_BYTES, ISO_SUFFIXES, boxes, kind_of

TAIL_BYTES = 66_000
"""Within which a file's end mark stands: a ZIP's has up to 64 KiB of comment after it."""

_BOXES = {
    *(b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx"),
    *(b"free", b"skip", b"wide", b"udta", b"meta", b"uuid"),
}

MAX_JSON_BYTES = 16 * 1024**2


def is_whole(path: Path) -> bool:
    """Whether a file's own structure proves that nothing of it is missing.

    Not every kind can tell (an MP3, a text), and odd files do not although nothing is missing: false means
    that it is not proven.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        head = file.read(HEAD_BYTES)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        kind = kind_of(head)
        if kind in (*ISO_SUFFIXES, ".avif", ".heic", ".heif"):
            return _is_whole_mp4(file, size, is_picture=kind not in ISO_SUFFIXES)
        if head.startswith(b"RIFF"):
            return _is_whole_riff(file, size)
        if head.startswith(b"\x1a\x45\xdf\xa3"):
            return _is_whole_ebml(file, size)
        if kind == ".glb":
            return 12 <= int.from_bytes(head[8:12], "little") <= size
        if kind is None and head.lstrip()[:1] in (b"{", b"["):
            return _is_json(path, size)
    return _has_end_mark(kind, head, tail)


def is_cut(path: Path) -> bool:
    """Whether a video's own structure proves that its end is missing: a box goes on after the file ends."""
    with path.open("rb") as file:
        if kind_of(file.read(HEAD_BYTES)) not in ISO_SUFFIXES:
            return False
        size = path.stat().st_size
        file.seek(size - bytes_after_boxes(path))
        return file.read(8)[4:] in _BOXES  # other bytes after the last box are no part of the video


def bytes_after_boxes(path: Path) -> int:
    """How many bytes of an MP4 stand after its last whole box."""
    with path.open("rb") as file:
        size = path.stat().st_size
        end = 0
        for _, _, stop in boxes(file, 0, size):
            end = stop
    return size - end


def _is_whole_mp4(file: BinaryIO, size: int, *, is_picture: bool) -> bool:
    end, last, names, length = 0, b"", set[bytes](), b""
    for last, _, stop in boxes(file, 0, size):
        names.add(last)
        file.seek(end)
        length, end = file.read(4), stop
    if end != size or length == bytes(4):  # a last box without a length goes on to wherever the file ends
        return False
    if b"moof" in names:  # a fragment more or less: only the index of them all tells
        return last == b"mfra"
    return (b"meta" if is_picture else b"moov") in names


def _is_whole_riff(file: BinaryIO, size: int) -> bool:
    end = 0
    while end + 12 <= size:  # a long AVI consists of several
        file.seek(end)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        if name != b"RIFF" or length < 4:
            break  # odd bytes after it, or a length that its writer never filled in
        if (end := end + 8 + length) > size:
            return False
        end += length % 2
    return end > 0


def _is_whole_ebml(file: BinaryIO, size: int) -> bool:
    file.seek(4)
    header = _ebml_length(file)
    if header is None:
        return False
    file.seek(header, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
        return False
    segment = _ebml_length(file)
    return segment is not None and file.tell() + segment <= size


def _ebml_length(file: BinaryIO) -> int | None:
    """A length of 1 to 8 bytes, told by the first one's leading zeros; None where it is left open."""
    first = file.read(1)
    width = 9 - first[0].bit_length() if first else 9
    if width > 8:
        return None
    value = int.from_bytes(first + file.read(width - 1), "big") & ((1 << 7 * width) - 1)
    return None if value == (1 << 7 * width) - 1 else value


def _is_json(path: Path, size: int) -> bool:
    if size > MAX_JSON_BYTES:
        return False
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _has_end_mark(kind: str | None, head: bytes, tail: bytes) -> bool:
    trimmed = tail.rstrip(b"\0\r\n\t ")
    if kind == ".png":
        return b"\0\0\0\0IEND\xaeB`\x82" in tail
    if kind == ".jpg":
        return trimmed.endswith(b"\xff\xd9")
    if kind == ".gif":
        return trimmed.endswith(b"\0;")
    if kind == ".ogg":
        return _is_last_ogg_page(tail[max(0, tail.rfind(b"OggS\0")) :])
    if head.startswith(b"PK"):
        last = tail[tail.rfind(b"PK\x05\x06") :]
        return len(last) >= 22 and 22 + int.from_bytes(last[20:22], "little") <= len(last)
    if head.startswith(b"%PDF-"):
        return b"%%EOF" in tail[-1024:]
    return trimmed.endswith(b"</svg>")


def _is_last_ogg_page(page: bytes) -> bool:
    if len(page) < 27 or not page[5] & 4:
        return False
    lengths = page[27 : 27 + page[26]]
    return 27 + page[26] + sum(lengths) <= len(page)
