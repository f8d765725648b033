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


class Host:
    """A host that begins an answer and does not go on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked = self.left = 0

    async def is_asked(self, times: int = 1) -> None:
        """Wait for so many requests. None is cancelled earlier: while anyio connects, that leaves a socket to
        the garbage collection, and Python warns about it.
        """
        while self.asked < times:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # what the host has begun to send has come

    async def is_left(self, times: int = 1) -> None:
        """Wait until so many clients have hung up."""
        async with asyncio.timeout(10):
            while self.left < times:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def stalled_host(head: bytes = HEAD) -> AsyncIterator[Host]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        host.asked += 1
        await reader.read()  # returns when the other side closes
        host.left += 1

    async with hosting(answer) as url:
        host = Host(url)
        yield host


@pytest.mark.parametrize("head", [HEAD, b""], ids=["in its body", "before an answer"])
async def test_a_cancelled_transfer_hangs_up(tmp_path: Path, head: bytes) -> None:
    async with stalled_host(head) as host:
        transfer = asyncio.create_task(fetch(host.url, tmp_path / "video.part", local_allowed=True))
        await host.is_asked()
        transfer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await transfer
        await host.is_left()


async def test_a_timeout_around_it_is_kept(tmp_path: Path) -> None:
    async with stalled_host() as host, asyncio.TaskGroup() as others:

        async def ends(scope: anyio.CancelScope) -> None:
            await host.is_asked()
            scope.deadline = anyio.current_time()

        async def fetch_in_time() -> None:
            with anyio.fail_after(60) as scope:
                others.create_task(ends(scope))
                await fetch(host.url, tmp_path / "video.part", local_allowed=True)

        with pytest.raises(TimeoutError):
            await fetch_in_time()
        await host.is_left()


async def test_who_waits_for_a_turn_goes_without_having_begun(tmp_path: Path) -> None:
    async with stalled_host() as host:
        parts = [tmp_path / str(number) for number in range(download.MAX_AT_ONCE + 1)]
        transfers = [asyncio.create_task(fetch(host.url, part, local_allowed=True)) for part in parts]
        await host.is_asked(download.MAX_AT_ONCE)
        transfers[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await transfers[-1]
        assert not parts[-1].exists()
        for transfer in transfers:
            transfer.cancel()
        await asyncio.gather(*transfers, return_exceptions=True)
        await host.is_left(download.MAX_AT_ONCE)
