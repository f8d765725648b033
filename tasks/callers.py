"""What is paid for is seen through, though its caller is cancelled, timed out, or asked to end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import cache
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
    thread.start()
    return await asyncio.wrap_future(outcome)


_threads: WeakSet[threading.Thread] = WeakSet()


def _let_them_end() -> None:
    for thread in list(_threads):
        thread.join()


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
