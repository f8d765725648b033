"""Rings reach the Prefect server, also one that was away; what waits is bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_kie.callbacks.receiver import Ring, telling
from prefect_kie.callbacks.receiver.telling import RingTeller
from prefect_kie.cli.local_server import LocalServer
from tests.receiver.conftest import told

pytestmark = pytest.mark.server


class Line:
    """The line to the Prefect server, which can be cut, or go silent."""

    def __init__(self, server: str) -> None:
        self._to = urlsplit(server).port
        self._ends: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.up = True
        self.silent = False

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/api"

    def cut(self) -> None:
        self.up = False
        for end in self._ends:
            end.transport.abort()

    async def close(self) -> None:
        self.cut()
        self._server.close()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await source.read(65536):
                if not self.silent:
                    sink.write(content)
        sink.transport.abort()


@pytest.fixture
async def line(prefect_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """A line that Prefect's client uses, and a teller that tries again soon."""
    monkeypatch.setattr(telling, "PAUSES", (0.0, 0.05))
    line = Line(prefect_server.url)
    with temporary_settings({PREFECT_API_URL: await line.open()}):
        yield line
    await line.close()


def rings(prefix: str, count: int) -> Iterator[Ring]:
    return (Ring(f"{prefix}-{number}", None, "done") for number in range(count))


async def until(seconds: float, teller: RingTeller, left: int = 0) -> None:
    """Wait until no more than so many wait."""
    ends = time.perf_counter() + seconds
    while len(teller) > left:
        assert time.perf_counter() < ends, len(teller)
        await asyncio.sleep(0.02)


async def test_rings_wait_for_a_server_that_is_away(line: Line) -> None:
    line.cut()
    teller = RingTeller(most=20)
    for ring in rings("away", 20):
        teller(ring)
    await asyncio.sleep(0.3)
    line.up = True
    await until(20, teller)
    await teller.stop()
    assert len(await told("away-", 20)) == 20


async def test_a_connection_that_breaks_loses_no_ring(line: Line) -> None:
    teller = RingTeller()
    teller.start()
    for part in range(3):
        for ring in rings(f"cut-{part}", 10):
            teller(ring)
        await until(20, teller, left=5)
        line.cut()
        line.up = True
    await until(20, teller)
    await teller.stop()
    assert len(await told("cut-", 30)) == 30


async def test_a_server_that_says_nothing_is_left_and_asked_anew(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "CONFIRM_SECONDS", 0.3)
    teller = RingTeller()
    teller(Ring("mute-0", None, "done"))
    await until(20, teller)
    line.silent = True
    started = time.perf_counter()
    for ring in rings("mute-1", 5):
        teller(ring)
    assert time.perf_counter() - started < 0.1
    await asyncio.sleep(0.5)
    assert len(teller) == 5
    line.cut()
    line.silent, line.up = False, True
    await until(40, teller)
    await teller.stop()
    assert len(await told("mute-", 6)) == 6


async def test_what_waits_is_bounded_and_the_end_comes_soon(line: Line) -> None:
    line.cut()
    teller = RingTeller(most=3)
    for ring in rings("many", 3):
        teller(ring)
    with pytest.raises(asyncio.QueueFull):
        teller(Ring("more", None, "done"))
    started = time.perf_counter()
    await teller.stop(seconds=0.2)
    assert time.perf_counter() - started < 3
    assert len(teller) == 3
