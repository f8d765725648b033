"""Callbacks: at once, for everybody who waits, through breaks, with one subscription a process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from functools import partial
from typing import Any

import pytest
from prefect.events import Event, Resource
from pydantic import SecretStr

from prefect_kie.callbacks.waiter import Callback, CallbackWaiter
from prefect_kie.callbacks.webhook import Verifier
from prefect_kie.runtime.loop import run_on_loop
from prefect_kie.settings import KieSettings

QUICK = KieSettings(subscription_linger_seconds=0.1, subscribe_timeout_seconds=20)  # on a busy machine


async def wait(waiter: CallbackWaiter, job: str, poll: float = 20, fallback: float = 20) -> Callback | None:
    wait = partial(waiter.wait, job, poll_interval=poll, fallback_interval=fallback)
    return await run_on_loop(wait)


async def subscribed(waiter: CallbackWaiter) -> None:
    await run_on_loop(waiter.ensure_subscribed)
    assert waiter.subscribed_since(datetime.now(timezone.utc))


async def unsubscribed(waiter: CallbackWaiter) -> None:
    """Wait until nobody waits, and its subscription has ended."""
    for _ in range(300):
        if waiter._subscription is None:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it is still subscribed")


class Server:
    """Subscriptions to a server that is cut off, and away, when it is told to."""

    def __init__(self) -> None:
        self.away = False
        self.cut = threading.Event()
        self.made = 0

    @asynccontextmanager
    async def __call__(self, *args: object, **options: object) -> AsyncIterator[AsyncIterator[Any]]:
        if self.away:
            raise ConnectionError("the server is away")
        self.made += 1
        yield self._events()

    async def _events(self) -> AsyncIterator[Any]:
        while not self.cut.is_set():
            await asyncio.sleep(0.01)
        self.cut.clear()
        return
        yield

    def waiter(self, **options: Any) -> CallbackWaiter:
        return CallbackWaiter(QUICK, subscribe=self, backoff=[0.02], **options)


@pytest.fixture
def server() -> Server:
    return Server()


async def test_however_many_wait_there_is_one_subscription_and_none_afterwards(server: Server) -> None:
    waiter = server.waiter()
    waits = [wait(waiter, f"job-{number}", 0.3, 0.3) for number in range(50)]
    assert await asyncio.gather(*waits) == [None] * 50
    assert server.made == 1
    await unsubscribed(waiter)


async def test_a_broken_subscription_falls_back_to_polling_and_comes_back(server: Server) -> None:
    waiter = server.waiter()

    async def keep_waiting() -> None:
        while True:
            await wait(waiter, "keeper", 60, 60)

    keeper = asyncio.ensure_future(keep_waiting())

    async def waited(poll: float, fallback: float) -> float:
        begun = time.monotonic()
        assert await wait(waiter, "job", poll, fallback) is None
        return time.monotonic() - begun

    await asyncio.sleep(0.2)
    assert await waited(0.0, 0.3) >= 0.3
    server.away = True
    server.cut.set()
    await asyncio.sleep(0.2)
    assert not waiter.subscribed_since(datetime.now(timezone.utc))
    assert await waited(0.05, 60) < 1
    server.away = False
    await asyncio.sleep(0.2)
    assert server.made == 2
    assert await waited(0.0, 0.3) >= 0.3
    # One that breaks while somebody waits lets them poll at once where their time is over.
    waiting = asyncio.ensure_future(waited(0.0, 60))
    await asyncio.sleep(0.1)
    server.away = True
    server.cut.set()
    assert await waiting < 2
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    await unsubscribed(waiter)


async def test_callbacks_that_nobody_waits_for_are_kept_for_the_next_and_bounded(
    server: Server,
) -> None:
    waiter = server.waiter(max_unclaimed=10)
    for number in range(100):
        waiter.deliver(f"job-{number}", Callback(done=True))
        waiter.deliver(f"other-{number}", Callback(done=False, progress=1))
    assert len(waiter._unclaimed) == 10
    assert await wait(waiter, "job-99", 0, 0) == Callback(done=True)
    assert await wait(waiter, "job-99", 0, 0) is None
    await unsubscribed(waiter)


async def test_unsigned_callbacks_of_one_job_count_now_and_then(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many anybody sends, a job is polled for them once in a while; for a genuine one at once."""
    monkeypatch.setattr("prefect_kie.callbacks.waiter.UNSIGNED_SECONDS", 0.4)
    waiter, unsigned = server.waiter(), Callback(done=True, genuine=False)
    waiter.deliver("job", unsigned)
    assert await wait(waiter, "job") == unsigned
    waiter.deliver("job", Callback(done=True))
    waiter.deliver("job", unsigned)
    assert await wait(waiter, "job", 0, 0) == Callback(done=True)
    begun = time.monotonic()
    for _ in range(100):
        waiter.deliver("job", unsigned)
    assert await wait(waiter, "job", 0, 0.1) is None
    waiter.deliver("job", unsigned)
    assert await wait(waiter, "job") == unsigned
    assert time.monotonic() - begun >= 0.3
    await unsubscribed(waiter)


async def test_a_job_that_is_waited_for_and_called_back_falsely_is_told_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong signing key is found by that; callbacks of other accounts' jobs are nobody's business."""
    waiter = server.waiter(verifier=Verifier(webhook=True, signing_key=SecretStr("key"), window_seconds=300))

    def take(job: str) -> None:
        payload = {"timestamp": "1", "signature": "forged"}
        resource = {"prefect.resource.id": f"kie.job.{job}", "kie.kind": "done"}
        waiter._take(Event(event="kie.job.callback", resource=Resource(resource), payload=payload))

    await subscribed(waiter)
    waiting = asyncio.ensure_future(wait(waiter, "mine", 0.5, 0.5))
    await asyncio.sleep(0.1)
    assert waiter._waiting
    for job in ("another", "mine", "mine"):
        take(job)
    assert await waiting is None
    (told,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert told.startswith("A callback about job mine does not count: it is not signed with the key")
    await unsubscribed(waiter)
