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
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.events.worker import EventsWorker

from prefect_kie.api import Job, PollPolicy, Sora2TextToVideo, Sora2TextToVideoStable, SubmissionInDoubt
from prefect_kie.blocks import KieCallbacks, KieCredentials
from prefect_kie.callbacks import waiter as module
from prefect_kie.callbacks.waiter import Callback, CallbackWaiter, callback_waiter
from prefect_kie.run_page.events import JOB_CALLBACK
from prefect_kie.runtime.loop import run_on_loop
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.tasks import sora_2_text_to_video, sora_2_text_to_video_stable, wait_for_job
from tests.conftest import KEY, QUICK
from tests.receiver.calling import emit_callback

CAT = Sora2TextToVideo(prompt="a cat")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.5)
    monkeypatch.setattr(module, "SUBSCRIBE_SECONDS", 20)  # on a busy machine it takes a while


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


@pytest.mark.server
async def test_everybody_who_waits_for_a_job_gets_its_callback() -> None:
    waiter, mine, other = CallbackWaiter(), f"job-{uuid4().hex}", f"job-{uuid4().hex}"

    async def call_back() -> None:
        await asyncio.sleep(0.1)
        emit_callback(other, kind="done")
        emit_callback(mine, kind="progress", progress=43)

    await subscribed(waiter)
    *got, _ = await asyncio.gather(wait(waiter, mine), wait(waiter, mine), wait(waiter, mine), call_back())
    assert got == [Callback(done=False, progress=43)] * 3
    await unsubscribed(waiter)


@pytest.mark.server
async def test_whoever_is_subscribed_misses_no_callback_before_waiting() -> None:
    waiter, job = CallbackWaiter(), f"job-{uuid4().hex}"
    assert not waiter.subscribed_since(datetime.now(timezone.utc))
    await subscribed(waiter)
    emit_callback(job, kind="done")
    await asyncio.to_thread(EventsWorker.drain_all, 5)
    for _ in range(200):
        if job in waiter._unclaimed:
            break
        await asyncio.sleep(0.01)
    assert await wait(waiter, job) == Callback(done=True)
    await unsubscribed(waiter)


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(module, "get_events_subscriber", server := Server())
    monkeypatch.setattr(module, "BACKOFF_SECONDS", (0.02,))
    return server


async def test_however_many_wait_there_is_one_subscription_and_none_afterwards(server: Server) -> None:
    waiter = CallbackWaiter()
    waits = [wait(waiter, f"job-{number}", 0.3, 0.3) for number in range(50)]
    assert await asyncio.gather(*waits) == [None] * 50
    assert server.made == 1
    await unsubscribed(waiter)


async def test_a_broken_subscription_falls_back_to_polling_and_comes_back(server: Server) -> None:
    waiter = CallbackWaiter()

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
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNCLAIMED", 10)
    waiter = CallbackWaiter()
    for number in range(100):
        waiter.deliver(f"job-{number}", Callback(done=True))
        waiter.deliver(f"other-{number}", Callback(done=False, progress=1))
    assert len(waiter._unclaimed) == 10
    assert await wait(waiter, "job-99", 0, 0) == Callback(done=True)
    assert await wait(waiter, "job-99", 0, 0) is None
    await unsubscribed(waiter)


# Waiting tasks


@pytest.fixture
def slow_kie() -> Any:
    settings = SimulatorSettings(
        duration_seconds=1.0, video_height=36, video_fps=2, create_per_10s=None, polls_per_second=None
    )
    with SimulatorServer(settings) as simulator:
        yield simulator


def ringing(kie: SimulatorServer) -> KieCredentials:
    """Credentials with callbacks to an address where nobody is: the tests ring themselves."""
    callbacks = KieCallbacks(base_url="http://127.0.0.1:9", accept_unsigned=True)
    return KieCredentials(api_key=KEY, base_url=kie.url, upload_url=kie.url, callbacks=callbacks)


PATIENT = PollPolicy(usual_seconds=40, min_gap_seconds=0.05, seconds_per_poll=100)


async def rings_at_its_end(kie: SimulatorServer, number: int = 0) -> None:
    """As the receiver does, at the end of the job."""
    while not kie.stats()["jobs"] or kie.stats()["jobs"][number]["state"] != "success":
        await asyncio.sleep(0.05)
    emit_callback(kie.stats()["jobs"][number]["task_id"], kind="done", state="success")


@pytest.mark.server
async def test_a_waiting_task_wakes_up_and_looks_once(slow_kie: SimulatorServer) -> None:
    credentials = ringing(slow_kie)

    @flow
    async def one() -> Job:
        handle = await sora_2_text_to_video(CAT, credentials)
        assert handle.callback_requested
        return await wait_for_job(handle, credentials, poll=PATIENT)

    begun = time.monotonic()
    job, _ = await asyncio.gather(one(), rings_at_its_end(slow_kie))
    assert job.urls
    assert time.monotonic() - begun < 10  # and not after 60 s, when it would have looked by itself
    (seen,) = slow_kie.stats()["jobs"]
    assert seen["polls"] == 1
    assert seen["callBackUrl"].startswith("http://127.0.0.1:9/kie/done/kie-")
    assert seen["progressCallBackUrl"].startswith("http://127.0.0.1:9/kie/progress/kie-")


@pytest.mark.server
async def test_only_models_that_know_it_are_given_a_progress_address(slow_kie: SimulatorServer) -> None:
    credentials = ringing(slow_kie)

    @flow
    async def one() -> bool:
        request = Sora2TextToVideoStable(prompt="a cat")
        return (await sora_2_text_to_video_stable(request, credentials)).callback_requested

    assert await one()
    (seen,) = slow_kie.stats()["jobs"]
    assert seen["callBackUrl"] is not None
    assert seen["progressCallBackUrl"] is None
    assert slow_kie.stats()["violations"] == 0


@pytest.mark.server
async def test_a_lost_callback_costs_time_and_no_video(slow_kie: SimulatorServer) -> None:
    credentials = ringing(slow_kie)
    poll = PollPolicy(usual_seconds=1.5, min_gap_seconds=0.05, seconds_per_poll=100)

    @flow
    async def one() -> Job:
        handle = await sora_2_text_to_video(CAT, credentials)
        return await wait_for_job(handle, credentials, poll=poll)

    assert (await one()).urls
    assert slow_kie.stats()["jobs"][0]["polls"] <= 2


@pytest.mark.server
async def test_a_ring_before_the_record_is_ready_is_looked_at_again(slow_kie: SimulatorServer) -> None:
    credentials = ringing(slow_kie)

    @flow
    async def one() -> Job:
        handle = await sora_2_text_to_video(CAT, credentials)
        emit_callback(handle.task_id, kind="done", state="success")
        return await wait_for_job(handle, credentials, poll=PollPolicy(usual_seconds=40, min_gap_seconds=0.4))

    assert (await one()).urls
    assert 2 <= slow_kie.stats()["jobs"][0]["polls"] <= 4


@pytest.mark.server
async def test_a_run_again_looks_at_once(slow_kie: SimulatorServer) -> None:
    credentials = ringing(slow_kie)

    @flow
    async def submit() -> Any:
        return await sora_2_text_to_video(CAT, credentials)

    handle = await submit()
    while slow_kie.stats()["jobs"][0]["state"] != "success":
        await asyncio.sleep(0.05)
    await unsubscribed(callback_waiter())

    @flow
    async def again() -> Job:
        return await wait_for_job(handle, credentials, poll=PATIENT)

    assert (await again()).urls
    assert slow_kie.stats()["jobs"][0]["polls"] == 1


@pytest.mark.server
async def test_without_callbacks_nothing_listens(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> Any:
        raise AssertionError("there are no callbacks")

    monkeypatch.setattr(module, "callback_waiter", nobody)
    monkeypatch.setattr(module, "get_events_subscriber", nobody)

    @flow
    async def one() -> Job:
        handle = await sora_2_text_to_video(CAT, credentials)
        assert not handle.callback_requested
        return await wait_for_job(handle, credentials, poll=QUICK)

    assert (await one()).urls


# Doubts


async def in_doubt(kie: SimulatorServer, credentials: KieCredentials) -> tuple[str, str]:
    """A submission whose answer was lost: its key, and the job that Kie made of it."""
    kie.fault("create", accept=True, reset=True)

    @flow
    async def lost() -> None:
        await sora_2_text_to_video(CAT, credentials, job_key="doubtful")

    with pytest.raises(SubmissionInDoubt) as caught:
        await lost()
    assert caught.value.submission is not None
    return caught.value.submission, kie.stats()["jobs"][-1]["task_id"]


async def gone_on(credentials: KieCredentials) -> str:
    @flow
    async def again() -> str:
        return (await sora_2_text_to_video(CAT, credentials, job_key="doubtful")).task_id

    return await again()


@pytest.mark.server
async def test_a_callback_settles_a_submission_in_doubt(slow_kie: SimulatorServer) -> None:
    credentials = ringing(slow_kie)
    submission, task_id = await in_doubt(slow_kie, credentials)
    with pytest.raises(SubmissionInDoubt):
        await gone_on(credentials)
    emit_callback(task_id, kind="done", submission=submission)
    await stored_events()
    assert await gone_on(credentials) == task_id
    assert slow_kie.stats()["created"] == 1


@pytest.mark.server
async def test_a_ring_of_another_job_settles_nothing(slow_kie: SimulatorServer) -> None:
    credentials = ringing(slow_kie)

    @flow
    async def other() -> str:
        return (await sora_2_text_to_video(Sora2TextToVideo(prompt="a dog"), credentials)).task_id

    dog = await other()
    submission, task_id = await in_doubt(slow_kie, credentials)
    for job in (dog, "nobody-knows-this-one"):
        emit_callback(job, kind="done", submission=submission)
    await stored_events()
    with pytest.raises(SubmissionInDoubt):
        await gone_on(credentials)
    emit_callback(task_id, kind="progress", submission=submission)
    await stored_events()
    assert await gone_on(credentials) == task_id


async def stored_events() -> None:
    """Wait until the server has stored what it was told: some seconds, since it stores many at once."""
    await asyncio.to_thread(EventsWorker.drain_all, 5)
    marker = f"marker-{uuid4().hex}"
    emit_callback(marker, kind="done")
    await asyncio.to_thread(EventsWorker.drain_all, 5)
    wanted = EventFilter(
        event=EventNameFilter(name=[JOB_CALLBACK]), resource=EventResourceFilter(id=[f"kie.job.{marker}"])
    )
    async with get_client() as client:
        for _ in range(300):
            if (await client.read_events(wanted, limit=1)).events:
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the server stores no events")
