"""The background event loop of a process: what is paid for, and what a process shares, lives on it.

Runs have event loops and threads of their own, which end when they are cancelled or time out. This loop
lasts as long as its process, so a paid call on it finishes whatever becomes of its caller, and clients, rate
limiters and subscriptions on it are shared without locks. A forked process begins with none of them.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable
from concurrent import futures
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakValueDictionary

P = ParamSpec("P")
T = TypeVar("T")

_guard = threading.RLock()
_made: list[dict[Hashable, Any]] = []
_parents: list[Any] = []
"""What a forked process has inherited: kept, since closing it would run what its parent has yet to do."""


def per_process(make: Callable[P, T]) -> Callable[P, T]:
    """Make something once per process and arguments; a forked process makes its own."""
    made: dict[Hashable, T] = {}
    _made.append(cast("dict[Hashable, Any]", made))

    def get(*args: P.args, **kwargs: P.kwargs) -> T:
        with _guard:
            if args not in made:
                made[args] = make(*args, **kwargs)
            return made[args]

    return get


def _reset_after_fork() -> None:
    global _guard
    _guard = threading.RLock()
    for made in _made:
        _parents.append(dict(made))
        made.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


class Cancellation:
    """Whether somebody still waits for a paid call, and what follows where nobody does.

    Work is only ever cancelled where it waits with nothing begun: from `begin_waiting` until `end_waiting`.
    Elsewhere it goes on to where it asks. `committed` says that the call may be out.
    """

    def __init__(self) -> None:
        self._guard = threading.RLock()  # a signal handler may come while its own thread holds it
        self._waiting = self.committed = self.cancelled = False

    def cancel(self) -> bool:
        """Say that nobody waits any more; returns whether the work may be cancelled on the spot."""
        with self._guard:
            self.cancelled = True
            return self._waiting

    def begin_waiting(self) -> None:
        """Allow the work to be cancelled from now on; raises `CancelledError` where it already is."""
        with self._guard:
            if self.cancelled:
                raise asyncio.CancelledError
            self._waiting, self.committed = True, False

    def end_waiting(self) -> None:
        """From now on do not cancel the work on the spot; raises `CancelledError` where nobody waits."""
        with self._guard:
            self._waiting = False
            if self.cancelled:
                raise asyncio.CancelledError

    def try_commit(self) -> None:
        """From now on finish the work, whoever leaves; raises as `end_waiting`."""
        with self._guard:
            self.end_waiting()
            self.committed = True


@per_process
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    # With a task that never ends: anyio keeps its worker threads for as long as that runs.
    forever = partial(loop.run_until_complete, asyncio.Event().wait())
    threading.Thread(target=forever, name="prefect-kie", daemon=True).start()
    return loop


@per_process
def _paid_calls() -> dict[futures.Future[Any], Callable[[], None]]:
    return {}  # the outcomes that are waited for, and how each is cancelled


async def run_on_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on the background loop, with what lives there; it is cancelled with its caller."""
    if asyncio.get_running_loop() is _loop():
        return await work()

    async def call() -> T:
        return await work()

    # It has the caller's context: its log, settings and tags.
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), _loop()))


async def run_uncancellable(work: Callable[[], Coroutine[Any, Any, T]], cancellation: Cancellation) -> T:
    """Run a coroutine on the background loop that finishes even if its caller is gone.

    Neither a cancelled caller nor Prefect's time limits stop it, and a process that is asked to end (by a
    signal, or at its interpreter's exit) waits for it; it is cancelled only where `cancellation` allows it.
    """
    outcome: futures.Future[T] = futures.Future()
    outcome.set_running_or_notify_cancel()  # so that whoever waits for it does not cancel it

    async def finish() -> None:
        try:
            outcome.set_result(await work())
        except BaseException as error:
            outcome.set_exception(error)

    def cancel() -> None:
        if cancellation.cancel():  # it has begun, and waits
            running.cancel()

    paid_calls = _paid_calls()
    paid_calls[outcome] = cancel
    outcome.add_done_callback(lambda ended: paid_calls.pop(ended, None))
    _finish_at_exit()
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            # Only what nobody handles: inside a flow Prefect handles SIGTERM, and cancels the run's callers.
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _end_afterwards)
    running = asyncio.run_coroutine_threadsafe(finish(), _loop())
    try:
        return await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        cancel()
        raise


@per_process
def _finish_at_exit() -> None:
    """Have paid calls finish before what they need is gone: pools for files and host names, and what sends
    Prefect's log lines and events. Whoever asks last comes first, so ask when the first call is made, as the
    executors of concurrent.futures do.
    """
    if (register := getattr(threading, "_register_atexit", None)) is not None:
        with suppress(RuntimeError):  # the interpreter is ending already
            register(_finish_paid_calls)


def _end_afterwards(number: int, frame: FrameType | None) -> None:
    _finish_paid_calls()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _finish_paid_calls() -> None:
    """Wait for the calls that are out; each has an end in time. Ctrl-C does not cut them off."""
    if not (calls := dict(_paid_calls())):
        return
    for cancel in calls.values():
        cancel()

    def wait_on(number: int, frame: FrameType | None) -> None:
        print(
            "A paid call is out: its answer is recorded before this process ends (3 minutes at most).",
            file=sys.stderr,
        )

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, wait_on) if main else None
    try:
        futures.wait(calls)
    finally:
        if main:
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@per_process
def _locks() -> WeakValueDictionary[str, asyncio.Lock]:
    return WeakValueDictionary()  # a lock lasts as long as somebody holds it, or waits for it


def in_progress(key: str) -> bool:
    """Whether this process is at it just now."""
    return key in _locks()


@asynccontextmanager
async def single_flight(key: str) -> AsyncGenerator[None, None]:
    """Let one caller with this key through at a time; used on the background loop only."""
    lock = _locks().setdefault(key, asyncio.Lock())
    async with lock:
        yield
