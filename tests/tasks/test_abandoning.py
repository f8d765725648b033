"""A transfer that nobody waits for any more: it ends, and lets go of file, connection and turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from prefect_kie.tasks import abandoning
from prefect_kie.tasks.abandoning import Stop, in_thread
from prefect_kie.tasks.download import fetch

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n\x89PNG\r\n\x1a\n" + bytes(100)


@asynccontextmanager
async def stalled_host(head: bytes) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A host that begins an answer and does not go on; the event says that the client has hung up."""
    hung_up = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        writers.append(writer)
        await reader.read()  # returns when the other side closes
        hung_up.set()
        writer.close()
        await writer.wait_closed()

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", hung_up
        for writer in writers:
            if not writer.is_closing():
                writer.write_eof()  # an abandoned thread learns now that nothing will come
        await asyncio.wait_for(hung_up.wait(), 10)


async def grown(part: Path) -> None:
    """Wait until a transfer has begun to write, or has opened its file at least."""
    while not part.exists():
        await asyncio.sleep(0.01)


async def test_a_cancelled_transfer_hangs_up(tmp_path: Path) -> None:
    part = tmp_path / "video.part"
    async with stalled_host(HEAD) as (url, hung_up):
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


async def test_a_host_that_does_not_answer_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abandoning, "STOP_SECONDS", 0.05)
    part = tmp_path / "video.part"
    async with stalled_host(b"") as (url, hung_up):
        transfer = asyncio.create_task(fetch(url, part, local_allowed=True))
        await grown(part)
        transfer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(transfer, 10)
        assert not hung_up.is_set()


async def test_who_waits_for_its_turn_goes_without_having_begun() -> None:
    done, begun = asyncio.Event(), list[int]()

    def work(stop: Stop) -> None:
        begun.append(1)
        while not done.is_set():
            time.sleep(0.01)
            stop.check()

    first = [asyncio.create_task(in_thread(work)) for _ in range(abandoning.MOST_AT_ONCE)]
    while len(begun) < abandoning.MOST_AT_ONCE:
        await asyncio.sleep(0.01)
    late = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0.05)
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(late, 1)
    done.set()
    await asyncio.gather(*first)
    assert len(begun) == abandoning.MOST_AT_ONCE
    await in_thread(work)  # the turn of the cancelled one is not lost
