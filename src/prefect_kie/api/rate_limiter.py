"""The pace of a key's calls in this process: all its event loops and threads take turns.

Kie counts creates per account and looks per job (once: per key), and refuses what is too much. So each call
here waits its turn, first come, first served, all of a key's together; a refusal (429) slows them all down.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from logging import Logger, LoggerAdapter, getLogger
from typing import Any, TypeAlias

from pydantic import SecretStr

from prefect_kie.api.limits import CREATES_PER_10_SECONDS, LOOKS_PER_SECOND, Slowdown, Window

Log: TypeAlias = "Logger | LoggerAdapter[Any]"
Permit: TypeAlias = Callable[[Callable[[], int]], Awaitable[int]]
"""Asks somebody else for leave (a limit that several processes share): given how many calls wait at the
moment of asking, it says for how many it has got leave, one at least."""

LEAVE_SECONDS = 0.5
"""For so long what a permit gave is shared among those who wait; what is not used by then is forfeited, or
calls of different times would arrive together."""

LOOK_AROUND_SECONDS = 5.0
"""So often a waiting call looks whether those before it are still there: their event loop may have died."""

LEAST_SLEEP = 0.001
"""Shorter than this an event loop may not sleep at all, and its clock not move on."""

LOG = getLogger("prefect_kie")


class Turn:
    """Leave for one call; to be ended when its answer is in. One that is dropped ends by itself.

    Attributes:
        begun: When it was given, by its pace's clock.
    """

    def __init__(self, pace: Pace, begun: float, log: Log) -> None:
        self._pace: Pace | None = pace
        self._log = log
        self.begun = begun

    def end(self, *, sent: bool = True, refused: bool = False) -> None:
        """Say that the call's answer is in, or that none will come. Once is enough.

        Args:
            sent: Whether the call may have left this machine.
            refused: Whether the answer was that there are too many.
        """
        pace, self._pace = self._pace, None
        if pace is not None:
            pace.ended(self, sent=sent, refused=refused, log=self._log)

    def __del__(self) -> None:
        if self._pace is not None:  # its event loop died, or somebody forgot
            self._pace.dropped.append(self.begun)


class _Waiter:
    """A call that waits, in an event loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    @property
    def lives(self) -> bool:
        return self.loop.is_running()

    def wake(self) -> None:
        """From any thread."""
        try:
            self.loop.call_soon_threadsafe(self._woken.set)
        except RuntimeError:  # the loop is closed
            return

    async def sleep(self, seconds: float) -> None:
        """Until woken, but not longer."""
        try:
            seconds = min(max(seconds, LEAST_SLEEP), LOOK_AROUND_SECONDS)
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return
        self._woken.clear()


class Pace:
    """Turns for one kind of call with one key.

    Args:
        what: What it is called in the log.
        calls: How many Kie takes.
        seconds: In what time.
        slowdown: Shared by all kinds of calls with the key.
        clock: Gives seconds.
    """

    def __init__(
        self,
        what: str,
        calls: int,
        seconds: float,
        slowdown: Slowdown | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._window = Window(calls, seconds)
        self._slowdown = slowdown or Slowdown()
        self._clock = clock
        self._guard = threading.Lock()
        self._queue: deque[_Waiter] = deque()
        self._leave, self._leave_until = 0, 0.0
        self._last = 0.0
        self.dropped: deque[float] = deque()
        """Turns that nobody ended. Noted without the lock: the collector may come when it is held."""

    def allow(self, calls: int) -> None:
        """Take another number of calls for what Kie takes, from now on."""
        with self._guard:
            self._window.calls = calls

    @property
    def share(self) -> float:
        """The part of the usual pace at which calls go now; less than 1 after refusals."""
        with self._guard:
            return self._slowdown.share(self._clock())

    async def turn(self, permit: Permit | None = None, log: Log = LOG) -> Turn:
        """Wait until one more call may go out.

        Args:
            permit: Whom to ask as well; asked only when this process could send at once, for as many
                calls as wait then.
            log: Where to say that the pace falls, or is back.

        Returns:
            Leave for one call.
        """
        me = _Waiter()
        try:
            while True:
                with self._guard:
                    step = self._step(me, log, asks=permit is not None)
                if isinstance(step, Turn):
                    return step
                if step > 0:
                    await me.sleep(step)
                elif permit is not None:
                    got = await permit(self._waiting)
                    with self._guard:
                        self._leave, self._leave_until = got, self._clock() + LEAVE_SECONDS
        finally:
            with self._guard:
                if me in self._queue:
                    self._queue.remove(me)
                self._wake_first()

    def ended(self, turn: Turn, *, sent: bool, refused: bool, log: Log) -> None:
        """What `Turn.end` does."""
        now = self._clock()
        with self._guard:
            self._window.end(now, sent=sent)
            slower = refused and self._slowdown.refused(turn.begun, now)
            self._wake_first()
        if slower:
            log.info(  # it heals by itself
                "Kie refused a %s: too many at once (429). All calls of this process with this key now go at "
                "half the usual pace, slower if that is too fast, and come back to it within a minute. "
                "Others may be using the key: limits that hold for all are made by `prefect-kie setup`.",
                self._what,
            )

    def _step(self, me: _Waiter, log: Log, *, asks: bool) -> Turn | float:
        """What is next for one who waits: its turn, seconds to sleep, or 0: somebody else is to be asked."""
        now = self._clock()
        while self.dropped:
            self.dropped.popleft()
            self._window.end(now)
        while self._queue and not self._queue[0].lives:
            self._queue.popleft()
        if me not in self._queue:
            self._queue.append(me)
        if self._queue[0] is not me:
            return LOOK_AROUND_SECONDS
        opens = self._window.opens_in(now)
        usual = self._window.seconds / self._window.calls
        if opens is None:
            return LOOK_AROUND_SECONDS  # or until an answer comes
        if (wait := max(opens, self._slowdown.gap(usual, self._last, now))) > 0:
            return wait
        if asks:
            if self._leave < 1 or now >= self._leave_until:
                return 0
            self._leave -= 1
        if self._slowdown.over(now):
            log.info("Calls to Kie with this key go at the usual pace again.")
        self._window.begin()
        self._last = now
        return Turn(self, now, log)

    def _waiting(self) -> int:
        """How many calls could go out now, and wait."""
        with self._guard:
            now = self._clock()
            if self._slowdown.share(now) < 1:
                return 1
            return max(1, min(len(self._queue), self._window.free(now)))

    def _wake_first(self) -> None:
        if self._queue:
            self._queue[0].wake()


class KeyPace:
    """The pace of all calls with one key.

    Attributes:
        creates: Turns for createTask.
        looks: Turns for recordInfo.
    """

    def __init__(self, creates: int, looks: int, clock: Callable[[], float] = time.monotonic) -> None:
        slowdown = Slowdown()
        self.creates = Pace("create", creates, 10.0, slowdown, clock)
        self.looks = Pace("look", looks, 1.0, slowdown, clock)


_paces: dict[tuple[str, bytes], KeyPace] = {}
_paces_guard = threading.Lock()


def pace_of(
    base_url: str,
    key: SecretStr,
    creates_per_10_seconds: int = CREATES_PER_10_SECONDS,
    looks_per_second: int = LOOKS_PER_SECOND,
) -> KeyPace:
    """The one pace that this process has for a key.

    Args:
        base_url: Where the jobs API lives.
        key: The key; only its hash is kept.
        creates_per_10_seconds: What Kie takes; the number given last holds for all.
        looks_per_second: The same for looks.
    """
    name = base_url, hashlib.sha256(key.get_secret_value().encode()).digest()
    with _paces_guard:
        pace = _paces.get(name)
        if pace is None:
            pace = _paces[name] = KeyPace(creates_per_10_seconds, looks_per_second)
    pace.creates.allow(creates_per_10_seconds)
    pace.looks.allow(looks_per_second)
    return pace


def _forget_the_parents() -> None:
    """In a forked process: what its parent has out, nobody here will end."""
    global _paces_guard
    _paces_guard = threading.Lock()
    _paces.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents)
