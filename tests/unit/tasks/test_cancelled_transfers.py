"""A transfer that nobody waits for any more: it ends, and lets go of file, connection and turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from prefect_kie.media import download
from prefect_kie.media.download import fetch
from tests.hosting import hosting

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n\x89PNG\r\n\x1a\n" + bytes(100)


@asynccontextmanager
async def stalled_host(head: bytes) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A host that begins an answer and does not go on; the event says that the client has hung up."""
    hung_up = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            await reader.read()  # returns when the other side closes
        hung_up.set()

    async with hosting(answer) as url:
        yield url, hung_up
        await asyncio.wait_for(hung_up.wait(), 10)


async def grown(part: Path) -> None:
    """Wait until a transfer has begun to write, or has opened its file at least."""
    while not part.exists():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("head", [HEAD, b""], ids=["in its body", "before an answer"])
async def test_a_cancelled_transfer_hangs_up(tmp_path: Path, head: bytes) -> None:
    part = tmp_path / "video.part"
    async with stalled_host(head) as (url, hung_up):
        transfer = asyncio.create_task(fetch(url, part, local_allowed=True))
        await grown(part)
        await asyncio.sleep(0.2)  # it waits for more now; the host would have it wait for a minute
        transfer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await transfer
        await asyncio.wait_for(hung_up.wait(), 10)


async def test_a_timeout_around_it_is_kept(tmp_path: Path) -> None:
    async with stalled_host(HEAD) as (url, hung_up):
        with pytest.raises(TimeoutError), anyio.fail_after(0.3):
            await fetch(url, tmp_path / "video.part", local_allowed=True)
        await asyncio.wait_for(hung_up.wait(), 10)


async def test_who_waits_for_a_turn_goes_without_having_begun(tmp_path: Path) -> None:
    async with stalled_host(HEAD) as (url, hung_up):
        parts = [tmp_path / str(number) for number in range(download.MAX_AT_ONCE + 1)]
        transfers = [asyncio.create_task(fetch(url, part, local_allowed=True)) for part in parts]
        for part in parts[:-1]:
            await grown(part)
        transfers[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await transfers[-1]
        assert not parts[-1].exists()
        for transfer in transfers:
            transfer.cancel()
        await asyncio.gather(*transfers, return_exceptions=True)
        hung_up.set()  # some may not even have called
