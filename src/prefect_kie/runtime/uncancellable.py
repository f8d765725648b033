"""What is paid for is seen through, though its caller is cancelled, timed out, or asked to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import cache
from types import FrameType
from typing import Any, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class Caller:
    """Whoever wants the submission: once gone, nothing more is sent; once sent, it is seen through."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sent = False
        self.gone = False

    def leaves(self) -> bool:
        """Note that nobody waits any more.

        Returns:
            Whether the call may be out.
        """
        with self._guard:
            self.gone = True
            return self._sent

    def lets_send(self) -> bool:
        """Whether the call may begin: somebody still waits for it."""
        with self._guard:
            self._sent = not self.gone
            return self._sent


async def beyond_cancelling(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do something that must come to its end although its run is cancelled or timed out.

    In a thread with an event loop of its own, which neither Prefect's time limits nor the end of the
    run's own loop can touch, and which the interpreter waits for when it exits.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # from here on, cancelling the caller does not cancel it
    context = copy_context()

    def run() -> None:
        try:
            outcome.set_result(context.run(asyncio.run, work()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="kie-submission", daemon=False)
    _threads.add(thread)
    _ask_to_be_waited_for()
    hold_signals()
    thread.start()
    return await asyncio.wrap_future(outcome)


_threads: WeakSet[threading.Thread] = WeakSet()


def hold_signals() -> None:
    """From now on, have a signal that would end this process wait for the paid calls that are out.

    Only in the main thread, where alone it can be done, and only for signals that nobody else handles: inside
    a flow Prefect handles SIGTERM, and its runs are seen through as cancelled ones are.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end_afterwards)


def _end_afterwards(number: int, frame: FrameType | None) -> None:
    del frame
    _let_them_end()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _let_them_end() -> None:
    """Wait for the calls that are out; each has an end in time. Ctrl-C does not cut them off."""
    out = [thread for thread in list(_threads) if thread.is_alive()]
    if not out:
        return
    interrupts = 0

    def wait_on(number: int, frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            print(
                "A paid call is out: its answer is recorded before this process ends (3 minutes at most).",
                file=sys.stderr,
            )

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, wait_on) if main else None
    try:
        for thread in out:
            thread.join()
    finally:
        if main:
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@cache
def _ask_to_be_waited_for() -> None:
    """Have these threads end before what they need does.

    The interpreter waits for them anyway, but first it closes the pools they need for files and host names,
    and Prefect the services that send log lines and events, unless somebody asked later than they did to
    come before; the executors of concurrent.futures ask like this. So ask when the first one is needed.
    """
    if (register := getattr(threading, "_register_atexit", None)) is not None:
        with suppress(RuntimeError):  # the interpreter is ending already
            register(_let_them_end)
