"""The receiver's own web server: uvicorn, with bounds on what a connection may take.

What each part bounds: the app (`app.py`) a body's size and its time; uvicorn, set here, the length of a
request's head, the requests at once (beyond `MAX_REQUESTS` the answer is 503) and how long a connection may
idle between two requests; and what is added here to uvicorn, the time until a request's head is there.
Uvicorn does not bound that: a few hundred connections that send nothing, or a byte a minute, would keep
everybody else out.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 5.0
"""How long a connection may take until a request's head is there."""
HEAD_BYTES = 16 * 1024
MAX_CONNECTIONS = 250
"""From here on, with each new connection the one is closed that has waited longest for a request."""
MAX_REQUESTS = 500
"""Connections at once, when all of them are busy with a request; the next request is answered 503."""
STOP_SECONDS = 3
"""How long requests may take to end when the server is stopped."""


class _Protocol(H11Protocol):
    """Uvicorn's HTTP connection, which does not wait for ever for a request."""

    _head_timer: asyncio.TimerHandle

    # Narrower than asyncio's own signature, as in uvicorn itself.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._head_timer.cancel()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head_timer.cancel()

    def send_400_response(self, msg: str) -> None:
        # Where a body turns out to be no HTTP, the app may not have answered yet: its answer goes nowhere.
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        super().send_400_response(msg)

    @property
    def is_waiting(self) -> bool:
        """Whether it is open and no request is being answered."""
        idle = not self.cycle or self.cycle.response_complete
        return idle and not self.transport.is_closing()

    def _make_room(self) -> None:
        others = self.connections - {self}
        waiting = [one for one in others if isinstance(one, _Protocol) and one.is_waiting]
        if waiting:
            min(waiting, key=lambda one: one._head_timer.when()).transport.abort()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._close_if_waiting)

    def _close_if_waiting(self) -> None:
        if self.is_waiting:
            self.transport.abort()


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to listen on, so that a port that is taken is the caller's error.

    Args:
        host: Address of this machine.
        port: Port there; 0 picks a free one.

    Raises:
        OSError: when the port is taken, or the address is not this machine's.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_app(app: FastAPI, listener: socket.socket) -> None:
    """Serve the app until Ctrl-C or SIGTERM.

    Args:
        app: The receiver.
        listener: The socket it listens on.
    """
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        # Its warnings are about requests that anybody can send; the app's own log is bounded.
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        # Who is asking is never used, so nothing that a proxy or anybody else says of it is read.
        proxy_headers=False,
        limit_concurrency=MAX_REQUESTS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=int(HEAD_SECONDS),
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    with _signals_only_stop():
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _signals_only_stop() -> Generator[None]:
    """Uvicorn ends in good order at a signal and raises it again afterwards, which is to do nothing more."""

    def nothing(*_: object) -> None: ...

    before = {number: signal.signal(number, nothing) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
