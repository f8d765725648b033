"""Every transfer has an end, and what it unpacks a bound."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from prefect_kie.media import addresses, download
from prefect_kie.media.addresses import BadFile
from prefect_kie.media.download import CutTransfer, fetch
from tests.file_hosts import file_host, http_answer
from tests.hosting import hosting

MIB = 1024 * 1024
WAV = b"RIFF" + (4 + 300_000).to_bytes(4, "little") + b"WAVE" + bytes(300_000)
SRT = b"1\n00:00:00,000 --> 00:00:02,000\nla la\n"
BOMB = b"".join([gzip.compress(bytes(MIB))] * 64)  # members of one file, so that it is quick to make
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.part"


@asynccontextmanager
async def dripping(at_once: bytes) -> AsyncIterator[str]:
    """A host that sends this, and then a byte at a time for ever."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(at_once)
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        hung_up.set()

    hung_up = asyncio.Event()
    async with hosting(answer) as url:
        yield f"{url}/a.mp4"
        await asyncio.wait_for(hung_up.wait(), 10)


@pytest.mark.parametrize(
    ("at_once", "constants", "text"),
    [
        (HEAD + b"\r\n", {"MAX_SECONDS": 0.2, "MIN_BYTES_PER_SECOND": 10**6}, "only .* bytes came in"),
        (HEAD + b"X-Long: ", {"ANSWER_SECONDS": 0.2}, "no answer was complete within 0.2 s"),
    ],
    ids=["in its body", "in its headers"],
)
async def test_a_byte_at_a_time_has_an_end(
    at_once: bytes,
    constants: dict[str, float],
    text: str,
    part: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in constants.items():
        monkeypatch.setattr(addresses if name == "ANSWER_SECONDS" else download, name, value)
    started = time.monotonic()
    async with dripping(at_once) as url:
        with pytest.raises(CutTransfer, match=text):
            await fetch(url, part, local_allowed=True)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (gzip.compress(WAV), "gzip"),
        (gzip.compress(WAV[:1000]) + gzip.compress(WAV[1000:]), "x-gzip"),
        (WAV, "gzip"),
        (WAV, "br"),
        (WAV, "identity"),
    ],
    ids=["gzip", "two members", "said to be gzip", "said to be br", "identity"],
)
@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
async def test_what_comes_packed_is_unpacked(packed: bytes, encoding: str, told: bool, part: Path) -> None:
    length = {"content_length": len(packed)} if told else {}
    async with file_host(http_answer(packed, content_encoding=encoding, **length)) as host:
        transfer = await fetch(f"{host.url}/a.wav", part, local_allowed=True)
    assert (transfer.size, transfer.suffix) == (len(WAV), ".wav")
    assert part.read_bytes() == WAV


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "binary", "none", "aws-chunked"])
async def test_what_no_packing_is_called_so_is_kept(
    encoding: str, part: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Stores keep whatever word an uploader took for an encoding."""
    answer = http_answer(SRT, content_length=len(SRT), content_encoding=encoding)
    async with file_host(answer) as host:
        await fetch(f"{host.url}/a.srt", part, local_allowed=True)
    assert part.read_bytes() == SRT
    assert f"its server calls it packed ({encoding.lower()})" in caplog.text


@pytest.mark.parametrize(
    ("packed", "encoding", "error", "text"),
    [
        (BOMB, "gzip", BadFile, "longer than the limit of 2,097,152 bytes"),
        (gzip.compress(BOMB), "gzip, gzip", BadFile, "packed .gzip, gzip., which"),
        (b"anything", "br", BadFile, r"packed \(br\), which was not asked for"),
        (gzip.compress(WAV)[:200], "gzip", CutTransfer, "cannot be unpacked"),
        (gzip.compress(WAV)[:10] + b"\xff" * 200, "gzip", CutTransfer, "cannot be unpacked"),
    ],
    ids=["a bomb", "a bomb in a bomb", "br", "cut", "broken"],
)
async def test_what_cannot_be_unpacked_is_refused(
    packed: bytes, encoding: str, error: type[Exception], text: str, part: Path
) -> None:
    async with file_host(http_answer(packed, content_length=len(packed), content_encoding=encoding)) as host:
        with pytest.raises(error, match=text):
            await fetch(host.url, part, local_allowed=True, max_bytes=2 * MIB)
    assert part.stat().st_size <= 2 * MIB
