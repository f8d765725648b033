"""A simulated Kie, clients of it, and a server that answers whatever a test gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from prefect_kie.api import KieClient
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.hosting import hosting

KEY = "sk-live-5f1d2c3b4a59687766554433"


@pytest.fixture(scope="session")
def running_kie() -> Iterator[SimulatorServer]:
    """One simulator for all tests; its jobs take no time."""
    settings = SimulatorSettings(
        duration_seconds=0,
        video_height=36,
        video_fps=2,
        create_per_10s=None,
        polls_per_second=None,
        api_keys=(KEY,),
    )
    with SimulatorServer(settings) as server:
        yield server


@pytest.fixture(scope="session")
def control(running_kie: SimulatorServer) -> Iterator[httpx.Client]:
    """The simulator's remote control; one for all tests, since making a client takes 20 ms."""
    with httpx.Client(base_url=running_kie.url, trust_env=False) as http:
        yield http


@pytest.fixture
def kie(running_kie: SimulatorServer, control: httpx.Client) -> SimulatorServer:
    """The simulator, as if just started."""
    control.post("/_sim/reset").raise_for_status()
    return running_kie


NewClient = Callable[..., KieClient]


@pytest.fixture
async def new_client() -> AsyncIterator[NewClient]:
    """Make clients of a server; they are closed at the end."""
    async with AsyncExitStack() as stack:

        def make(url: str, *, key: str = KEY, timeout: float = 5.0, **bounds: Any) -> KieClient:
            client = KieClient(
                key,
                base_url=url,
                upload_url=url,
                timeout=timeout,
                creates_per_10_seconds=100_000,
                polls_per_second=100_000,
                **bounds,
            )
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def client(kie: SimulatorServer, new_client: NewClient) -> KieClient:
    return new_client(kie.url)


@dataclass
class Wire:
    """A server on a port of its own that answers every request with the same bytes.

    Attributes:
        requests: Each request as received: its head, its body.
        connections: How many connections were opened.
        cut_off: Set once the other side has gone away in the middle of an answer.
    """

    url: str
    requests: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    connections: int = 0
    cut_off: asyncio.Event = field(default_factory=asyncio.Event)


NewWire = Callable[..., AbstractAsyncContextManager[Wire]]


def http_answer(
    body: bytes | str,
    status: str = "200 OK",
    content_type: str = "application/json",
    headers: tuple[str, ...] = (),
) -> bytes:
    """A whole HTTP answer, as it goes over the wire."""
    content = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(content)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


@asynccontextmanager
async def wire(answer: bytes, *, endless: bool = False) -> AsyncIterator[Wire]:
    """Answer every request with these bytes; `endless` goes on sending until nobody listens.

    An empty answer closes the connection once a request was read.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        try:
            while head := await _head(reader):
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().splitlines()
                        if line.startswith("content-length:")
                    ),
                    0,
                )
                served.requests.append((head, await reader.readexactly(length)))
                writer.write(answer)
                while endless:
                    writer.write(b" " * 65_536)
                    await writer.drain()
                await writer.drain()
                if not answer:
                    return
        except ConnectionError:
            served.cut_off.set()

    async with hosting(serve) as url:
        served = Wire(url)
        yield served


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return ""


@pytest.fixture
async def free_url() -> str:
    """An address on this machine where nothing listens."""
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}"
