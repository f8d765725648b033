"""Incomplete is not called whole, where a body ends early and nobody says so, or a resume joins two files."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefect_kie.media.download import CutTransfer, fetch
from prefect_kie.simulator.jobs import Clip
from prefect_kie.simulator.rendering import render
from tests.file_hosts import FileHost, file_host, http_answer
from tests.unit.tasks.test_media import encoded

MP3 = b"ID3\4\0\0\0\0\0\0" + bytes(5000)
OLD, NEW = b"\xff\xd8\xff" + b"o" * 4995 + b"\xff\xd9", b"\xff\xd8\xff" + b"n" * 4995 + b"\xff\xd9"


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Whole videos: the index first, last, and in fragments."""
    folder = tmp_path_factory.mktemp("videos")
    last = encoded(folder / "last.mp4", seconds=1)
    fragments = encoded(folder / "fragments.mp4", seconds=1, movflags="frag_every_frame+empty_moov")
    written = {path.stem: path.read_bytes() for path in (last, fragments)}
    return {"first": render(Clip("a cat", "sora-2", 1), height=36, fps=2), **written}


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.part"


async def local(host: FileHost, part: Path, name: str = "a") -> bytes:
    await fetch(f"{host.url}/{name}", part, local_allowed=True)
    return part.read_bytes()


@pytest.mark.parametrize("answers", [[MP3, MP3], [MP3[:3000], MP3, MP3]], ids=["at once", "after a cut"])
async def test_two_transfers_that_agree_prove_it_where_nothing_else_does(
    answers: list[bytes], part: Path
) -> None:
    """A body that ends with its connection may have been cut."""
    async with file_host(*map(http_answer, answers)) as host:
        assert await local(host, part) == MP3
    assert len(host.requests) == len(answers)


async def test_transfers_that_bring_less_and_less_are_no_file(part: Path) -> None:
    async with file_host(http_answer(MP3), http_answer(MP3[:3000])) as host:
        with pytest.raises(CutTransfer, match="one transfer brought 5,010 bytes, the next one 3,000"):
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
