"""Waiting for Kie's callbacks: one subscription to the Prefect server's events per process, for all jobs.

The receiver (`prefect-kie callbacks`) turns a genuine callback into the event `kie.job.callback`; a webhook
turns any request into one, so those are verified here. It is only a reason to poll: nothing of it is believed
but which job it is about and, as a hint, how far it is. If the subscription breaks, it is made again;
meanwhile its jobs are polled as often as without callbacks.
"""

import asyncio
import math
import random
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any

from prefect.context import TaskRunContext
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.events import Event
from prefect.logging import get_logger
from prefect.settings import PREFECT_API_URL

from prefect_kie.api import JobHandle, PollPolicy, next_poll
from prefect_kie.api.polling import Duration
from prefect_kie.blocks import KieCallbacks
from prefect_kie.callbacks.webhook import Verifier
from prefect_kie.run_page.artifacts import show_progress
from prefect_kie.run_page.events import JOB, JOB_CALLBACK
from prefect_kie.run_page.markdown import plain
from prefect_kie.runtime.loop import per_process, run_on_loop
from prefect_kie.settings import KieSettings

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Between two tries to subscribe."""
KIND, PROGRESS = "kie.kind", "kie.progress"
"""The labels of its resource."""
FALLBACK = (1.5, 0.5)
"""Callbacks may be lost: a poll after so many usual durations, and again after each further share of one."""
UNSIGNED_SECONDS = 10.0
"""Between two unsigned callbacks that count for one job: anybody may send them."""

Subscribe = Callable[..., AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class Callback:
    """What a callback says: that the job has ended, or (a hint) how far it is, percent."""

    done: bool
    progress: float | None = None
    genuine: bool = True


@dataclass(eq=False)
class _Waiting:
    callback: Callback | None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class CallbackWaiter:
    """The callbacks from one Prefect server, subscribed to while anybody waits; on the background loop."""

    def __init__(
        self,
        settings: KieSettings | None = None,
        *,
        verifier: Verifier | None = None,
        subscribe: Subscribe = get_events_subscriber,
        backoff: Sequence[float] = BACKOFF_SECONDS,
        max_unclaimed: int = 10_000,
    ) -> None:
        self._settings, self._subscribe_to = settings or KieSettings(), subscribe
        self._verifier = verifier or Verifier()
        self._backoff, self._max_unclaimed = backoff, max_unclaimed
        self._waiting: dict[str, set[_Waiting]] = {}
        self._unclaimed: OrderedDict[str, Callback] = OrderedDict()
        self._unsigned_from: dict[str, float] = {}  # by the monotonic clock
        self._subscribed = asyncio.Event()
        self._subscribed_at: datetime | None = None
        self._subscription: asyncio.Task[None] | None = None
        self._users, self._told = 0, False
        self._unsubscribing: asyncio.TimerHandle | None = None

    async def wait(self, task_id: str, *, poll_interval: float, fallback_interval: float) -> Callback | None:
        """Wait for a callback about a job; None when it is time to poll it all the same.

        That is after `poll_interval` seconds without a subscription, after `fallback_interval` with one.
        """
        waiting, begun = _Waiting(self._unclaimed.pop(task_id, None)), time.monotonic()
        async with self._subscribing():
            self._waiting.setdefault(task_id, set()).add(waiting)
            try:
                subscribed = self._subscribed.is_set()
                while (pause := self._seconds_until_it_counts(task_id, waiting.callback)) > 0:
                    waiting.changed.clear()
                    if self._subscribed.is_set() and not subscribed:
                        return None  # it may have come before
                    subscribed = self._subscribed.is_set()
                    interval = fallback_interval if subscribed else poll_interval
                    if (left := begun + interval - time.monotonic()) <= 0:
                        return None
                    with suppress(TimeoutError):
                        await asyncio.wait_for(waiting.changed.wait(), min(left, pause))
                if waiting.callback is not None and not waiting.callback.genuine:
                    self._unsigned_from[task_id] = time.monotonic() + UNSIGNED_SECONDS
                return waiting.callback
            finally:
                self._waiting[task_id].discard(waiting)
                if not self._waiting[task_id]:
                    del self._waiting[task_id]

    async def ensure_subscribed(self) -> None:
        """Subscribe for a while, whether or not anybody waits; returns when that is done, or soon.

        A server sends what happens while it is subscribed to, and what it has stored by then, which is some
        seconds behind.
        """
        async with self._subscribing():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._subscribed.wait(), self._settings.subscribe_timeout_seconds)

    def subscribed_since(self, moment: datetime) -> bool:
        """Whether no callback since then can have been missed."""
        return self._subscribed_at is not None and self._subscribed_at <= moment

    def deliver(self, task_id: str, callback: Callback) -> None:
        """Give a callback to whoever waits for the job, or else to whoever waits for it next."""
        waiting = self._waiting.get(task_id, ())
        if not waiting and callback.done:
            if callback.genuine or task_id not in self._unclaimed:
                self._unclaimed[task_id] = callback
            while len(self._unclaimed) > self._max_unclaimed:
                self._unclaimed.popitem(last=False)
        for one in waiting:
            if one.callback is None or (callback.done and callback.genuine):
                one.callback = callback
            one.changed.set()

    def _seconds_until_it_counts(self, task_id: str, callback: Callback | None) -> float:
        if callback is None:
            return math.inf
        return 0.0 if callback.genuine else self._unsigned_from.get(task_id, 0.0) - time.monotonic()

    @asynccontextmanager
    async def _subscribing(self) -> AsyncGenerator[None, None]:
        """Keep the subscription, and for a while afterwards."""
        self._users += 1
        if self._unsubscribing is not None:
            self._unsubscribing.cancel()
        if self._subscription is None:
            self._subscription = asyncio.create_task(self._subscribe())
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                linger = self._settings.subscription_linger_seconds
                self._unsubscribing = asyncio.get_running_loop().call_later(linger, self._unsubscribe)

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.cancel()
        self._subscription = None
        self._set_subscribed(None)
        self._unclaimed.clear()
        self._unsigned_from.clear()

    async def _subscribe(self) -> None:
        tries = 0
        while True:
            try:
                callbacks = EventFilter(event=EventNameFilter(name=[JOB_CALLBACK]))
                async with self._subscribe_to(callbacks, reconnection_attempts=0) as subscriber:
                    self._set_subscribed(datetime.now(timezone.utc))
                    tries = 0
                    async for event in subscriber:
                        self._take(event)
            except Exception as error:
                get_logger("prefect_kie").debug("There is no subscription to callbacks: %r", error)
            self._set_subscribed(None)
            await asyncio.sleep(self._backoff[min(tries, len(self._backoff) - 1)])
            tries += 1

    def _take(self, event: Event) -> None:
        resource, progress = event.resource, None
        if (trust := self._verifier.trust(event, time.time())) == "none":
            # Other accounts' callbacks pass by here as well.
            if not self._told and resource.id.removeprefix(JOB) in self._waiting:
                self._told = True
                get_logger("prefect_kie").warning(
                    "A callback about job %s does not count: it is not signed with the key in the callbacks "
                    "block, or too long ago. Runs poll their jobs; further ones like it are not reported.",
                    plain(resource.id.removeprefix(JOB), 100),
                )
            return
        with suppress(ValueError):
            progress = float(resource.get(PROGRESS) or "")
        callback = Callback(resource.get(KIND) == "done", progress, trust == "genuine")
        self.deliver(resource.id.removeprefix(JOB), callback)

    def _set_subscribed(self, since: datetime | None) -> None:
        self._subscribed_at = since
        if since is None:
            self._subscribed.clear()
        else:
            self._subscribed.set()
        for waiting in self._waiting.values():
            for one in waiting:
                one.changed.set()


def callback_waiter(callbacks: KieCallbacks | None = None) -> CallbackWaiter:
    """The callback waiter of the Prefect server that this run uses, for what a block accepts."""
    return _callback_waiter(str(PREFECT_API_URL.value()), Verifier.of(callbacks))


@per_process
def _callback_waiter(url: str, verifier: Verifier) -> CallbackWaiter:
    del url  # another server has other callbacks
    return CallbackWaiter(verifier=verifier)


async def wait_for_callback(
    handle: JobHandle, callbacks: KieCallbacks | None, poll: PollPolicy, age: float | None, expected: Duration
) -> bool:
    """Wait until Kie calls back about a job of this age (True), or it is time to poll it all the same."""
    waiter, since, context = callback_waiter(callbacks), handle.submitted_at, TaskRunContext.get()
    is_first_run = context is None or context.task_run.run_count <= 1
    if is_first_run and (since is None or not waiter.subscribed_since(since)):
        await run_on_loop(waiter.ensure_subscribed)
        return False  # it may have called while nobody listened
    usual = poll.usual_seconds or expected.seconds
    age, begun = age or 0.0, time.monotonic()
    interval = next_poll(poll, age=age, usual=usual, spread=expected.spread, chance=random.random()) or 0.0  # noqa: S311
    fallback = min(
        max(FALLBACK[0] * usual - age, FALLBACK[1] * usual), max(interval, poll.deadline_seconds - age)
    )
    while True:
        passed = time.monotonic() - begun
        intervals = {"poll_interval": interval - passed, "fallback_interval": fallback - passed}
        callback = await run_on_loop(partial(waiter.wait, handle.task_id, **intervals))
        if callback is None or callback.done:
            return callback is not None
        now = age + time.monotonic() - begun
        await show_progress(handle, None, age=now, usual=usual, told=callback.progress)
