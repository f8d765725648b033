"""Callbacks: at once, for everybody who waits, through breaks, with one subscription a process."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.events.worker import EventsWorker

from prefect_kie.api import Job, PollPolicy, SubmissionInDoubt
from prefect_kie.blocks import KieCallbacks, KieCredentials
from prefect_kie.callbacks.waiter import Callback, CallbackWaiter, callback_waiter
from prefect_kie.models import Sora2TextToVideo, Sora2TextToVideoStable
from prefect_kie.run_page.events import JOB_CALLBACK
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.tasks import sora_2_text_to_video, sora_2_text_to_video_stable, wait_for_job
from tests.conftest import KEY, QUICK
from tests.receiving import emit_callback
from tests.unit.tasks.test_callback_waiter import QUICK as QUICK_WAITER
from tests.unit.tasks.test_callback_waiter import subscribed, unsubscribed, wait

CAT = Sora2TextToVideo(prompt="a cat")


@pytest.mark.server
@pytest.mark.recorded
async def test_everybody_who_waits_for_a_job_gets_its_callback() -> None:
    waiter, mine, other = CallbackWaiter(QUICK_WAITER), f"job-{uuid4().hex}", f"job-{uuid4().hex}"

    async def call_back() -> None:
        await asyncio.sleep(0.1)
        emit_callback(other, kind="done")
        emit_callback(mine, kind="progress", progress=43)

    await subscribed(waiter)
    *got, _ = await asyncio.gather(wait(waiter, mine), wait(waiter, mine), wait(waiter, mine), call_back())
    assert got == [Callback(done=False, progress=43)] * 3
    await unsubscribed(waiter)


@pytest.mark.server
@pytest.mark.recorded
async def test_whoever_is_subscribed_misses_no_callback_before_waiting() -> None:
    waiter, job = CallbackWaiter(QUICK_WAITER), f"job-{uuid4().hex}"
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
@pytest.mark.recorded
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
@pytest.mark.recorded
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
@pytest.mark.recorded
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
@pytest.mark.recorded
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
@pytest.mark.recorded
async def test_a_run_again_polls_at_once(slow_kie: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback_waiter(), "_settings", QUICK_WAITER)
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
@pytest.mark.recorded
async def test_without_callbacks_nothing_listens(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*args: Any, **options: Any) -> Any:
        raise AssertionError("there are no callbacks")

    monkeypatch.setattr(CallbackWaiter, "wait", nobody)
    monkeypatch.setattr(CallbackWaiter, "ensure_subscribed", nobody)

    @flow
    async def one() -> Job:
        handle = await sora_2_text_to_video(CAT, credentials)
        assert not handle.callback_requested
        return await wait_for_job(handle, credentials, poll=QUICK)

    assert (await one()).urls


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
@pytest.mark.recorded
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
@pytest.mark.recorded
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
