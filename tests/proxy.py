"""A proxy before a Prefect server that lets HTTP through and, when told to, no websocket, as many do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.hosting import hosting

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\nConnection: close\r\n\r\nforbidden"


@dataclass
class Proxy:
    """The proxy, listening on a port of its own.

    Attributes:
        target: The server's port.
        blocked: Whether websockets are refused.
        refused: How many were.
        port: Its own port.
        loop: Its event loop, which runs in a thread of its own.
    """

    target: int
    blocked: bool = True
    refused: int = 0
    port: int = 0
    loop: asyncio.AbstractEventLoop = field(init=False)
    _websockets: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    @property
    def url(self) -> str:
        """The address of the server's API behind it."""
        return f"http://127.0.0.1:{self.port}/api"

    def block(self) -> None:
        """Cut all websockets, and refuse them from now on."""
        self.blocked = True
        self.loop.call_soon_threadsafe(self.cut)

    def cut(self) -> None:
        """Cut all websockets; called in the proxy's own loop."""
        for writer in list(self._websockets):
            writer.transport.abort()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        websocket = b"upgrade: websocket" in head.lower()
        if websocket and self.blocked:
            self.refused += 1
            writer.write(REFUSAL)
            await writer.drain()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        if websocket:
            self._websockets.add(writer)
        try:
            server_writer.write(head)
            await asyncio.gather(_pipe(reader, server_writer), _pipe(server_reader, writer))
        finally:
            self._websockets.discard(writer)
            server_writer.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def proxy(target: int, *, blocked: bool = True) -> Generator[Proxy, None, None]:
    """Run a proxy in a thread of its own.

    Args:
        target: The server's port.
        blocked: Whether websockets are refused from the start.
    """
    one = Proxy(target, blocked)
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        one.loop = asyncio.get_running_loop()
        async with hosting(one.handle) as address:
            one.port = int(address.rpartition(":")[2])
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield one
    finally:
        one.loop.call_soon_threadsafe(stop.set)
        thread.join()
