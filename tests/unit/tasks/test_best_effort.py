"""Calls that nobody waits long for: they come to their end, and leave the run its connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from prefect_kie.runtime import best_effort as module
from prefect_kie.runtime.best_effort import MAX_AT_ONCE, best_effort, detach_after

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Calls:
    """Calls that end when they are told to."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.may_end = asyncio.Event()

    async def call(self, fails: bool = False) -> str:
        self.begun += 1
        await self.may_end.wait()
        self.ended += 1
        if fails:
            raise OSError("too late to be told")
        return "done"


@pytest.fixture
async def calls() -> Calls:
    return Calls()


async def settled(calls: Calls, ended: int) -> None:
    """Let the calls end, and wait until so many have."""
    calls.may_end.set()
    while calls.ended < ended:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)


@asynccontextmanager
async def slow_server(seconds: float) -> AsyncIterator[str]:
    """A server that takes its time for each answer."""

    connections: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(seconds)
                writer.write(ANSWER)
                await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in connections:
            writer.transport.abort()
        await server.wait_closed()  # since Python 3.12.1 it waits for its connections too, so they end first
        await asyncio.sleep(0.05)  # before, the event loop closes their sockets a little later


async def test_what_comes_in_time_is_given(calls: Calls) -> None:
    calls.may_end.set()
    assert await detach_after(calls.call(), 5) == "done"
    assert await best_effort(calls.call, 5) == "done"


async def test_an_error_in_time_is_raised(calls: Calls) -> None:
    calls.may_end.set()
    for wait in (detach_after(calls.call(fails=True), 5), best_effort(lambda: calls.call(fails=True), 5)):
        with pytest.raises(OSError, match="too late"):
            await wait


@pytest.mark.parametrize("fails", [False, True])
async def test_what_takes_longer_goes_on_alone_and_says_nothing(calls: Calls, fails: bool) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await detach_after(calls.call(fails), 0.01)
    assert calls.ended == 0
    await settled(calls, 1)
    assert not module._detached


async def test_whoever_asked_may_be_cancelled_and_the_call_is_not(calls: Calls) -> None:
    asking = asyncio.create_task(detach_after(calls.call(), 5))
    while not calls.begun:
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await settled(calls, 1)


async def test_few_are_made_at_once_and_none_that_nobody_waits_for(calls: Calls) -> None:
    waits = [asyncio.create_task(best_effort(calls.call, 0.2)) for _ in range(3 * MAX_AT_ONCE)]
    ended = await asyncio.gather(*waits, return_exceptions=True)
    assert {type(one) for one in ended} == {asyncio.TimeoutError}
    assert calls.begun == MAX_AT_ONCE
    await settled(calls, MAX_AT_ONCE)
    assert calls.begun == MAX_AT_ONCE
    assert await best_effort(calls.call, 5) == "done"


async def test_a_slow_server_costs_a_client_none_of_its_connections() -> None:
    limits = httpx.Limits(max_connections=4)
    async with (
        slow_server(0.02) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, limits=limits, timeout=5) as http,
    ):
        # Some give up at each moment: while they wait for a connection, are given one, make it, and use it.
        waits = [detach_after(http.get("/"), 0.001 * number) for number in range(120)]
        ended = await asyncio.gather(*waits, return_exceptions=True)
        assert sum(isinstance(one, asyncio.TimeoutError) for one in ended) > 50
        answers = await asyncio.wait_for(asyncio.gather(*(http.get("/") for _ in range(8))), 5)
        assert [answer.status_code for answer in answers] == [200] * 8
        while module._detached:  # the last of them still have connections
            await asyncio.sleep(0.01)
