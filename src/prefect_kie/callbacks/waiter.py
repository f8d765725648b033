"""Hearing Kie ring: one subscription to the Prefect server's events per process, however many jobs wait.

The receiver (`prefect-kie callbacks`) turns a genuine callback into the event `kie.job.callback`. It is
only a reason to look: nothing of it is believed but which job it is about and, as a hint, how far it is.
A subscription that breaks is made again; meanwhile its jobs are looked at as often as without callbacks.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timezone

from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.events import Event
from prefect.logging import get_logger
from prefect.settings import PREFECT_API_URL

from prefect_kie.run_page.events import JOB_CALLBACK

LINGER_SECONDS = 10.0
"""For so long a subscription stays when nobody waits: whoever has submitted a job will."""
READY_SECONDS = 2.0
"""For so long a submission waits for the subscription. A server tells what happens while it is subscribed to,
and what it has stored by then, which is some seconds behind."""
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two tries to subscribe."""
MAX_UNHEARD = 10_000
JOB, KIND, PROGRESS = "kie.job.", "kie.kind", "kie.progress"
"""How the event names its resource, and its labels."""


@dataclass(frozen=True)
class Ring:
    """What a ring tells: a reason to look at the job.

    Attributes:
        done: Whether the job is said to have ended.
        progress: How far it is said to be, percent; a hint.
    """

    done: bool
    progress: float | None = None


@dataclass(eq=False)
class _Waiter:
    """One wait for one job, in some event loop of this process."""

    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    ring: Ring | None = None

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop is closed: it waits no more
            self.loop.call_soon_threadsafe(self.changed.set)


class Doorbell:
    """The rings of one Prefect server, heard in a thread of its own while anybody waits."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiters: dict[str, set[_Waiter]] = {}
        self._unheard: OrderedDict[str, Ring] = OrderedDict()
        self._live = False
        self._live_since = datetime.now(timezone.utc)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: asyncio.Future[None] | None = None
        self._running = False

    async def heard(self, task_id: str, *, often: float, seldom: float) -> Ring | None:
        """Wait until a job rings, or until it is time to look at it all the same.

        Args:
            task_id: Kie's id of the job.
            often: Seconds until a look where no ring could be heard.
            seldom: Seconds until a look where it could.

        Returns:
            The ring; None when it is time to look.
        """
        waiter, begun = _Waiter(asyncio.get_running_loop()), time.monotonic()
        self._join(task_id, waiter)
        try:
            unbroken = self._live
            while waiter.ring is None:
                waiter.changed.clear()
                if self._live and not unbroken:
                    return None  # it may have rung before
                unbroken = self._live
                left = begun + (seldom if unbroken else often) - time.monotonic()
                if left <= 0:
                    return None
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(waiter.changed.wait(), left)
            return waiter.ring
        finally:
            self._leave(task_id, waiter)

    async def ready(self) -> None:
        """Listen from now on, for a while, whether or not anybody waits; returns when it does, or soon."""
        waiter, end = _Waiter(asyncio.get_running_loop()), time.monotonic() + READY_SECONDS
        self._join("", waiter)
        try:
            while not self._live and (left := end - time.monotonic()) > 0:
                waiter.changed.clear()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(waiter.changed.wait(), left)
        finally:
            self._leave("", waiter)

    def has_listened_since(self, moment: datetime) -> bool:
        """Whether no ring since then can have been missed."""
        with self._guard:
            return self._live and self._live_since <= moment

    def rang(self, task_id: str, ring: Ring) -> None:
        """Tell whoever waits for the job, or else whoever comes to wait for it next."""
        with self._guard:
            waiters = list(self._waiters.get(task_id, ()))
            if not waiters and ring.done:
                self._unheard[task_id] = ring
                while len(self._unheard) > MAX_UNHEARD:
                    self._unheard.popitem(last=False)
            for waiter in waiters:
                if waiter.ring is None or ring.done:
                    waiter.ring = ring
        for waiter in waiters:
            waiter.wake()

    def _join(self, task_id: str, waiter: _Waiter) -> None:
        with self._guard:
            self._waiters.setdefault(task_id, set()).add(waiter)
            waiter.ring = self._unheard.pop(task_id, None)
            if self._running:
                return
            self._running = True
        context = copy_context()  # with the settings: which server it is
        threading.Thread(
            target=lambda: context.run(asyncio.run, self._listen()), name="kie-doorbell", daemon=True
        ).start()

    def _leave(self, task_id: str, waiter: _Waiter) -> None:
        with self._guard:
            waiters = self._waiters[task_id]
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[task_id]
            loop = None if self._waiters else self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it is ending already
                loop.call_soon_threadsafe(loop.call_later, LINGER_SECONDS, self._end_if_alone)

    async def _listen(self) -> None:
        listening = asyncio.ensure_future(self._subscribe())
        with self._guard:
            self._loop, self._listening = asyncio.get_running_loop(), listening
        # Whoever has started this may have left before there was a loop to be told.
        self._loop.call_later(LINGER_SECONDS, self._end_if_alone)
        with suppress(asyncio.CancelledError):
            await listening

    async def _subscribe(self) -> None:
        tries = 0
        while True:
            try:
                rings = EventFilter(event=EventNameFilter(name=[JOB_CALLBACK]))
                async with get_events_subscriber(rings, reconnection_attempts=0) as subscriber:
                    self._set_live(True)
                    tries = 0
                    async for event in subscriber:
                        self._take(event)
            except Exception as error:
                get_logger("prefect_kie").debug("Rings of jobs cannot be heard: %r", error)
            self._set_live(False)
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    def _take(self, event: Event) -> None:
        resource = event.resource
        task_id = resource.id.removeprefix(JOB)
        progress: float | None = None
        with suppress(ValueError):
            progress = float(resource.get(PROGRESS) or "")
        self.rang(task_id, Ring(done=resource.get(KIND) == "done", progress=progress))

    def _set_live(self, live: bool) -> None:
        with self._guard:
            if live and not self._live:
                self._live_since = datetime.now(timezone.utc)
            self._live = live
            waiters = [waiter for waiting in self._waiters.values() for waiter in waiting]
        for waiter in waiters:
            waiter.wake()

    def _end_if_alone(self) -> None:
        with self._guard:
            if self._waiters or self._listening is None:
                return
            listening = self._listening
            self._running = self._live = False
            self._loop = self._listening = None
            self._unheard.clear()
        listening.cancel()


_doorbells: dict[str, Doorbell] = {}
_guard = threading.Lock()


def doorbell() -> Doorbell:
    """The doorbell of the Prefect server that this run uses."""
    with _guard:
        return _doorbells.setdefault(str(PREFECT_API_URL.value()), Doorbell())


def _forget_the_parents() -> None:
    """In a forked process there is no thread that listens."""
    global _guard
    _guard = threading.Lock()
    _doorbells.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents)
