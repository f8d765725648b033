"""Work in a thread that ends soon when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")

MOST_AT_ONCE = 8
"""Transfers of one event loop that run side by side, each in a thread; the others wait for their turn."""

STOP_SECONDS = 2.0
"""For how long a cancelled caller waits for the thread, which may be waiting for a host's first answer."""

_slots: RunVar[anyio.CapacityLimiter] = RunVar("prefect_kie.transfers")


class Abandoned(Exception):
    """Nobody waits for this work any more."""


class Stop:
    """Tells a thread to stop, and breaks the connection at which it may be waiting."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._connection: socket.socket | None = None

    def check(self) -> None:
        """End here, where nobody waits for the result.

        Raises:
            Abandoned: when the caller was cancelled.
        """
        if self._wanted.is_set():
            raise Abandoned

    def breaks(self, connection: object) -> None:
        """Name the connection that is read from now on."""
        self._connection = connection if isinstance(connection, socket.socket) else None
        self.check()

    def set(self) -> None:
        """Have the thread stop."""
        self._wanted.set()
        if self._connection is not None:
            with suppress(OSError):  # it is closed already
                # The socket's own method: a TLS one would take its state apart, which the thread is using.
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


async def in_thread(work: Callable[[Stop], T]) -> T:
    """Do blocking work in a thread; when this is cancelled, the work is told to stop and waited for.

    Args:
        work: What to do; it is handed what tells it to stop, and checks it between its steps.

    Returns:
        What it returns.
    """
    stop = Stop()
    begun = threading.Event()

    def begin() -> T:
        begun.set()
        stop.check()
        return work(stop)

    running = asyncio.create_task(anyio.to_thread.run_sync(begin, limiter=_limiter()))
    try:
        return await asyncio.shield(running)
    finally:
        if not running.done():
            stop.set()
            if not begun.is_set():
                running.cancel()  # it waits for its turn
            with anyio.CancelScope(shield=True):
                await asyncio.wait([running], timeout=STOP_SECONDS)
            running.cancel()  # of a thread that hangs, what it says in the end is of no interest
        if running.done() and not running.cancelled():
            running.exception()  # it was told above, or is Abandoned


def _limiter() -> anyio.CapacityLimiter:
    try:
        return _slots.get()
    except LookupError:
        _slots.set(limiter := anyio.CapacityLimiter(MOST_AT_ONCE))
        return limiter
