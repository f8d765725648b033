"""What was paid for is kept: content decides over headers and over tidiness. Error pages are not kept."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from prefect_kie.media.download import CutTransfer, fetch
from prefect_kie.media.kinds import kind_of
from prefect_kie.simulator.jobs import Clip
from prefect_kie.simulator.rendering import render
from tests.file_hosts import file_host, http_answer
from tests.unit.tasks.test_media import box, movie_header

SRT = b"1\n00:00:00,000 --> 00:00:02,000\nThe free world\n"


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'


PCM = bytes(range(256)) * 64


HTML = b"<!-- gateway -->\n<!DOCTYPE html><html><body>Sign in to go on</body></html>"


MOOV, MDAT = box(b"moov", movie_header(1000, 4000)), box(b"mdat", bytes(100))


FRAGMENTS = box(b"ftyp", b"iso5\0\0\2\0") + MOOV + (box(b"moof", bytes(8)) + box(b"mdat", b"x")) * 12_000


def zipped() -> bytes:
    with zipfile.ZipFile(packed := BytesIO(), "w") as archive:
        archive.writestr("lyrics.txt", "la la la")
    return packed.getvalue()


def ftyp(brand: bytes, *others: bytes) -> bytes:
    return box(b"ftyp", brand + bytes(4) + b"".join(others)) + MOOV + MDAT


@pytest.fixture(scope="module")
def good() -> bytes:
    """A whole video."""
    return render(Clip("a cat", "sora-2", 1), height=36, fps=2)


async def kept(
    content: bytes, tmp_path: Path, address: str = "a.mp4", content_type: str = "application/octet-stream"
) -> str:
    """Under which suffix this is kept."""
    part = tmp_path / "file.part"
    answer = http_answer(content, content_length=len(content), content_type=content_type)
    async with file_host(answer) as host:
        transfer = await fetch(f"{host.url}/{address}", part, local_allowed=True)
    assert part.read_bytes() == content
    return transfer.suffix


@pytest.mark.parametrize("content_type", ["text/plain", "text/html; charset=utf-8", "application/json", ""])
async def test_a_video_is_one_whatever_its_server_calls_it(
    good: bytes, tmp_path: Path, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await kept(good, tmp_path, content_type=content_type) == ".mp4"
    assert ("is kept as it came, though its server calls it" in caplog.text) is bool(content_type)


@pytest.mark.parametrize(
    ("spoil", "suffix", "odd"),
    [
        (lambda good: good + bytes(5), ".mp4", "its last 5 bytes belong to no whole box"),
        (lambda good: good + b"\r\n", ".mp4", "its last 2 bytes"),
        (lambda good: good + b"APETAGEX\xd0\x07\0\0" + b"\xff" * 8, ".mp4", "its last 20 bytes"),
        (lambda good: box(b"free", bytes(20)) + good, ".mp4", None),
        (lambda good: box(b"skip") + good, ".mp4", None),
        (lambda good: box(b"wide") + good, ".mov", None),
        (lambda _: MDAT + MOOV, ".mp4", None),
        (lambda _: MOOV + MDAT, ".mp4", None),
        (lambda _: FRAGMENTS, ".mp4", None),
    ],
    ids=[
        "zeros",
        "newline",
        "tag",
        "free",
        "skip",
        "wide",
        "mdat",
        "moov",
        "fragments",
    ],
)
async def test_an_untidy_video_is_kept(
    good: bytes, tmp_path: Path, spoil: object, suffix: str, odd: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(spoil)
    address = f"a{suffix}"
    assert await kept(spoil(good), tmp_path, address) == suffix
    assert odd is None or odd in caplog.text
    assert odd is not None or "is kept as it came" not in caplog.text


@pytest.mark.parametrize(
    ("content", "address", "content_type", "suffix", "odd"),
    [
        (PCM, "a.pcm", "audio/L16", ".pcm", None),
        (SVG, "a.svg", "image/svg+xml", ".svg", None),
        (SVG, "a.svg", "text/xml", ".svg", None),
        (SRT, "a.srt", "text/plain", ".srt", None),
        (zipped(), "a.zip", "application/zip", ".zip", None),
        (b"%PDF-1.7\n%%EOF", "a.pdf", "application/pdf", ".pdf", None),
        (b"some words", "a.txt", "text/plain", ".txt", None),
        (b"some words", "a", "text/plain; charset=utf-8", ".txt", "it begins as no known file does"),
        (b"some words", "a", "application/octet-stream", ".bin", "it begins as no known file does"),
        (b"no", "a.mp4", "video/mp4", ".mp4", "it begins as no .mp4 file does"),
        (b"x", "a.not-a-suffix", "", ".bin", None),
        (b"x", "a.part", "", ".bin", None),
        (b'{"words": [{"word": "la", "start": 0.5}]}', "a.json", "application/json", ".json", None),
        (b'{"code": 200, "message": "promised"}', "a.json", "application/json", ".json", None),
        (b'{"text": "la la", "segments": []}', "a", "application/json", ".json", None),
        (b'[{"error": 1}]', "a", "application/json", ".json", None),
        (json.dumps({"code": 1, "data": "x" * 70_000}).encode(), "a", "application/json", ".json", None),
        (HTML, "page.html", "text/html", ".html", None),
        (
            b"\x89PNG\r\n\x1a\n",
            "a.mp4",
            "video/mp4",
            ".png",
            "ends in .mp4 and it is a .png file",
        ),
        (b"\xff\xd8\xff", "a.jpeg", "image/jpeg", ".jpg", None),
        (ftyp(b"M4A "), "a.m4a", "audio/mp4", ".m4a", None),
        (ftyp(b"M4B "), "a.m4b", "audio/mp4", ".m4b", None),
        (ftyp(b"mp42"), "a.m4a", "audio/mp4", ".m4a", None),
        (ftyp(b"qt  "), "a.mov", "video/quicktime", ".mov", None),
        (ftyp(b"isom"), "a", "video/mp4", ".mp4", None),
        (ftyp(b"heic"), "a.heic", "image/heic", ".heic", None),
        (ftyp(b"mif1", b"mif1", b"heic"), "a", "image/heic", ".heic", None),
        (ftyp(b"mif1"), "a.heif", "image/heif", ".heif", None),
        (ftyp(b"mif1", b"avif"), "a", "image/avif", ".avif", None),
        (ftyp(b"avif"), "a.avif", "image/avif", ".avif", None),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", "a.mkv", "video/x-matroska", ".mkv", None),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else None,
)
async def test_any_file_is_kept_under_a_suffix_that_fits(
    tmp_path: Path,
    content: bytes,
    address: str,
    content_type: str,
    suffix: str,
    odd: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await kept(content, tmp_path, f"{address}?signature=a.gif", content_type) == suffix
    assert odd is None or odd in caplog.text


@pytest.mark.parametrize(
    ("content", "address"),
    [
        (HTML, "a.mp4"),
        (HTML, "a"),
        (b"\xef\xbb\xbf  <html lang=en>", "a.png"),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code></Error>', "a.mp4"),
        (b'{"code": 404}', "a.mp4"),
        (b'{"code": 404, "msg": "not found", "data": null}', "a"),
        (b'{"message": "rate limited"}', "a"),
        (b'{"error": {"type": "expired"}}', "a.bin"),
        (b'{"state": "still uploading"}', "a.mp3"),
    ],
)
async def test_an_error_page_is_no_result(tmp_path: Path, content: bytes, address: str) -> None:
    with pytest.raises(CutTransfer, match="in the place of the file"):
        await kept(content, tmp_path, address, "video/mp4")


@pytest.mark.parametrize("text", [b"The free world", b"The wide world", b"Now skip this", b"In a moovie"])
def test_words_are_no_boxes(text: bytes) -> None:
    assert kind_of(text) is None
