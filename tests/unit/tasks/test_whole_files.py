"""Incomplete is not called whole, where a body ends early and nobody says so, or a resume joins two files."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from prefect_kie.media.containers import is_whole
from prefect_kie.media.download import CutTransfer, fetch
from prefect_kie.simulator import render_video
from tests.file_hosts import FileHost, file_host, http_answer
from tests.unit.tasks.test_media import box, encoded, movie_header

MP3 = b"ID3\4\0\0\0\0\0\0" + bytes(5000)
OLD, NEW = b"\xff\xd8\xff" + b"o" * 4995 + b"\xff\xd9", b"\xff\xd8\xff" + b"n" * 4995 + b"\xff\xd9"


def riff(kind: bytes, content: bytes) -> bytes:
    return b"RIFF" + (4 + len(content)).to_bytes(4, "little") + kind + content


def ogg_page(flags: int, content: bytes) -> bytes:
    return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([1, len(content)]) + content


def ebml(content: bytes) -> bytes:
    header = b"\x1a\x45\xdf\xa3\x84webm"
    return header + b"\x18\x53\x80\x67\x01" + len(content).to_bytes(7, "big") + content


def zipped() -> bytes:
    with zipfile.ZipFile(packed := BytesIO(), "w") as archive:
        archive.writestr("lyrics.txt", "la la la")
    return packed.getvalue()


WHOLE: dict[str, bytes] = {
    "png": b"\x89PNG\r\n\x1a\n" + bytes(500) + b"\0\0\0\0IEND\xaeB`\x82",
    "jpg": OLD,
    "gif": b"GIF89a" + b"x" * 500 + b"\0;",
    "wav": riff(b"WAVE", b"fmt " + bytes(500)),
    "webp": riff(b"WEBP", b"VP8 " + bytes(500)),
    "avi of two": riff(b"AVI ", bytes(500)) + riff(b"AVIX", bytes(500)),
    "ogg": ogg_page(2, b"a" * 200) + ogg_page(4, b"b" * 200),
    "webm": ebml(bytes(500)),
    "glb": b"glTF\2\0\0\0" + (512).to_bytes(4, "little") + bytes(500),
    "mov": box(b"wide") + box(b"mdat", bytes(500)) + box(b"moov", movie_header(1000, 4000)),
    "heic": box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", bytes(100)) + box(b"mdat", bytes(500)),
    "zip": zipped(),
    "pdf": b"%PDF-1.7\n" + b"x" * 500 + b"\n%%EOF\n",
    "svg": b"<svg>" + b"<path/>" * 90 + b"</svg>\n",
    "json": json.dumps({"words": ["la"] * 100}).encode(),
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Whole videos: the index first, last, and in fragments."""
    folder = tmp_path_factory.mktemp("videos")
    options = {"seconds": 1, "portrait": False, "height": 36, "fps": 2, "image": None}
    first = render_video(folder / "first.mp4", prompt="a cat", model="sora-2", **options)
    last = encoded(folder / "last.mp4", seconds=1)
    fragments = encoded(folder / "fragments.mp4", seconds=1, movflags="frag_every_frame+empty_moov")
    return {path.stem: path.read_bytes() for path in (first, last, fragments)}


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.part"


async def local(host: FileHost, part: Path, name: str = "a") -> bytes:
    await fetch(f"{host.url}/{name}", part, local_allowed=True)
    return part.read_bytes()


@pytest.mark.parametrize("name", [*WHOLE, "first", "last", "fragments"])
async def test_a_files_own_structure_proves_that_it_is_whole(
    name: str, videos: dict[str, bytes], part: Path
) -> None:
    content = (WHOLE | videos)[name]
    async with file_host(http_answer(content)) as host:
        assert await local(host, part) == content
    assert len(host.requests) == 1


@pytest.mark.parametrize("name", [*WHOLE, "first", "last", "fragments"])
@pytest.mark.parametrize("missing", [1, 0.4])
async def test_what_ends_early_is_not_whole(
    name: str, missing: float, videos: dict[str, bytes], part: Path
) -> None:
    content = (WHOLE | videos)[name].rstrip(b"\n")
    cut = content[: -(missing if missing == 1 else int(len(content) * missing))]
    async with file_host(http_answer(cut)) as host:
        with pytest.raises(CutTransfer, match="neither its server nor the file itself tells"):
            await local(host, part)


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_video_cut_before_it_was_sent_is_not_whole(
    name: str, chunked: bool, videos: dict[str, bytes], part: Path
) -> None:
    """Whatever its server says: a proxy may end a cut answer as if nothing were missing."""
    cut = videos[name][:-100]
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(cut), cut)
    as_chunks = http_answer(chunks, transfer_encoding="chunked")
    async with file_host(as_chunks if chunked else http_answer(cut, content_length=len(cut))) as host:
        with pytest.raises(CutTransfer, match=f"the video is cut short after {len(cut):,} bytes"):
            await local(host, part)


def test_a_stream_that_ends_between_two_fragments_is_not_whole(
    videos: dict[str, bytes], tmp_path: Path
) -> None:
    content = videos["fragments"]
    path = tmp_path / "cut.mp4"
    path.write_bytes(content[: content.rindex(b"moof") - 4])
    assert not is_whole(path)


def test_a_video_without_its_index_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + box(b"mdat", bytes(500)))
    assert not is_whole(path)


LENGTH = {"content_length": len(MP3)}
FIRST_BYTE = http_answer(b"I", "206 Partial Content", content_length=1, content_range=f"bytes 0-0/{len(MP3)}")


@pytest.mark.parametrize(
    "second",
    [[http_answer(**LENGTH)], [http_answer(), FIRST_BYTE], [http_answer(status="405 No"), FIRST_BYTE]],
    ids=["HEAD", "a range", "a range, where HEAD is refused"],
)
@pytest.mark.parametrize("kept", [len(MP3), 3000])
async def test_a_second_length_decides_where_the_file_does_not_tell(
    second: list[bytes], kept: int, part: Path
) -> None:
    answers = [http_answer(MP3[:kept]), *second]
    async with file_host(*answers, *answers) as host:
        if kept == len(MP3):
            assert await local(host, part) == MP3
            assert len(host.requests) == len(answers)
        else:
            with pytest.raises(CutTransfer, match=r"3,000 of 5,010 bytes|0 bytes, expected 5010"):
                await local(host, part)


async def test_an_end_of_chunks_proves_it(part: Path) -> None:
    chunks = b"%x\r\n%b\r\n" % (len(MP3), MP3)
    async with file_host(http_answer(chunks + b"0\r\n\r\n", transfer_encoding="chunked")) as host:
        assert await local(host, part) == MP3
    async with file_host(http_answer(chunks, transfer_encoding="chunked")) as host:
        with pytest.raises(CutTransfer):
            await local(host, part)


CUT = http_answer(OLD[:2000], content_length=len(OLD), etag='"old"')


def rest(content: bytes = NEW, begin: int = 2000, total: int | None = None, **headers: str) -> bytes:
    told = f"bytes {begin}-{len(content) - 1}/{total or len(content)}"
    length = len(content) - begin
    return http_answer(
        content[begin:], "206 Partial Content", content_length=length, content_range=told, **headers
    )


@pytest.mark.parametrize(
    "second",
    [
        rest(etag='"new"'),
        rest(),
        rest(etag='W/"old"'),
        rest(NEW + b"more", etag='"old"'),
        rest(begin=1000, etag='"old"'),
        http_answer(status="416 Range Not Satisfiable", content_range="bytes */1000"),
    ],
    ids=["another tag", "no tag", "a weak tag", "another total", "another beginning", "shorter now"],
)
async def test_halves_of_two_files_are_never_joined(second: bytes, part: Path) -> None:
    async with file_host(CUT, second, http_answer(NEW, content_length=len(NEW), etag='"new"')) as host:
        assert await local(host, part) == NEW
    assert [("Range: bytes=2000-" in request) for request in host.requests] == [False, True, False]


async def test_a_part_of_a_file_is_not_the_file(part: Path) -> None:
    """A server that sends a part although all of it was asked for."""
    first = http_answer(
        OLD[:2000],
        "206 Partial Content",
        content_length=2000,
        content_range="bytes 0-1999/5000",
        etag='"old"',
    )
    async with file_host(first, rest(OLD, etag='"old"')) as host:
        assert await local(host, part) == OLD
    async with file_host(first) as host:
        with pytest.raises(CutTransfer, match=r"2,000 of 5,000 bytes came"):
            await local(host, part)


@pytest.mark.parametrize("answer", [rest(OLD, etag='"old"'), http_answer(b"x", "206 Partial Content")])
async def test_a_part_that_was_not_asked_for_is_no_file(answer: bytes, part: Path) -> None:
    async with file_host(answer) as host:
        with pytest.raises(CutTransfer, match="a part of it that was not asked for"):
            await local(host, part)


def spoiled(change: Callable[[bytearray], None]) -> bytes:
    content = bytearray(WHOLE["wav"])
    change(content)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        spoiled(lambda wav: wav.__setitem__(slice(4, 8), b"\xff\xff\xff\xff")),
        spoiled(lambda wav: wav.__setitem__(slice(4, 8), bytes(4))),
        b"\x1a\x45\xdf\xa3\x84webm\x18\x53\x80\x67\x01" + b"\xff" * 7 + bytes(500),
        b"\x1a\x45\xdf\xa3\x00",
        b"\x1a\x45\xdf\xa3",
        b"RIFF",
        b"OggS",
        box(b"ftyp", b"isom") + box(b"moov") + b"\0\0\0\0mdat" + bytes(100),
        b"[" * 100_000,
    ],
)
def test_what_leaves_its_length_open_is_not_proven(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any"
    path.write_bytes(content)
    assert not is_whole(path)
