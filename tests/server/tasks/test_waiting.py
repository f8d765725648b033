"""Waiting for a job: what a run shows, and what ends it."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from prefect import State, flow
from prefect.client.orchestration import get_client

from prefect_kie.api import (
    AuthenticationFailed,
    Job,
    JobFailed,
    JobHandle,
    JobNotFound,
    JobResult,
    KieError,
    PollPolicy,
    UsageLimitReached,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import free_port
from prefect_kie.errors import JobTimedOut
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video, wait_for_job
from prefect_kie.tasks.wait import _poll_again
from tests.conftest import QUICK

pytestmark = pytest.mark.server
# Unknown states, jobs that are not visible yet, wrong clocks: tests/server/flows/test_named_faults.py.

CAT = Sora2TextToVideo(prompt="a cat")


async def job_of(credentials: KieCredentials, poll: PollPolicy = QUICK) -> Job:
    """Submit and wait, in a flow run of its own."""

    @flow
    async def pipeline() -> Job:
        handle = await sora_2_text_to_video(CAT, credentials)
        return await wait_for_job(handle, credentials, poll=poll)

    return await pipeline()


async def handle_of(credentials: KieCredentials) -> JobHandle:
    """Submit, outside a flow."""
    return await sora_2_text_to_video(CAT, credentials)


@pytest.mark.recorded
async def test_the_orchestrator_does_the_polling(kie: SimulatorServer, credentials: KieCredentials) -> None:
    kie.change(duration_seconds=0.9)
    handle = await handle_of(credentials)
    state: State[Job] = await wait_for_job(handle, credentials, poll=QUICK, return_state=True)  # type: ignore[call-overload]

    assert (await state.aresult()).urls
    assert re.fullmatch(r"Succeeded after \d+ s, 30 credits", state.message or "")
    async with get_client() as client:
        history = await told_states(client, state)
    names = [name for name, _ in history]
    assert names[0] == "Pending"
    assert names[-1] == "Completed"
    assert {"AwaitingRetry", "Retrying"} <= set(names)
    messages = [message for name, message in history if name == "AwaitingRetry"]
    assert any(message.startswith("generating ") and " %, next poll in " in message for message in messages)
    assert all("next poll in" in message for message in messages)


async def told_states(client: Any, state: State[Any]) -> list[tuple[str, str]]:
    """The run's states as the server knows them, once it has heard of the last one."""
    task_run_id = state.state_details.task_run_id
    for _ in range(100):
        states = await client.read_task_run_states(task_run_id)
        if (states and states[-1].is_final()) or any(known.is_final() for known in states):
            ordered = sorted(states, key=lambda known: known.timestamp)
            return [(str(known.name), known.message or "") for known in ordered]
        await asyncio.sleep(0.1)
    raise AssertionError("the server never heard of the run's end")


async def test_waiting_logs_no_line_per_look(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    kie.fault("poll", times=2, merge={"data": {"state": "generating"}})  # however late the looks come
    job = await job_of(credentials)
    assert 3 <= kie.stats()["polls"] <= 10
    lines = [
        record.getMessage()
        for record in caplog.records
        if str(getattr(record, "task_run_name", "")).startswith("wait")
    ]
    assert len(lines) == 2  # how it ended, and Prefect's own last word
    assert job.urls[0] in lines[0]
    assert job.task_id in lines[0]
    assert "30 credits" in lines[0]


async def test_a_long_wait_for_the_first_poll_is_told(caplog: pytest.LogCaptureFixture) -> None:
    handle = JobHandle(task_id="t1", model="veo-3-1", submitted_at=datetime.now(timezone.utc))

    @flow
    async def run() -> None:
        await _poll_again(handle, PollPolicy(usual_seconds=180), 0.0, "submitted", None)

    await run()
    assert any("Job t1 is being made; its first poll is in" in one.getMessage() for one in caplog.records)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ({"failCode": 422, "failMsg": ""}, JobFailed, "no reason given"),
        ({"failCode": "GENERATION_FAILED", "failMsg": "timed out"}, JobFailed, "timed out"),
    ],
    ids=["no reason", "a reason"],
)
async def test_a_failed_job_is_told_and_not_charged(
    fault: dict[str, Any],
    error: type[KieError],
    said: str,
    kie: SimulatorServer,
    credentials: KieCredentials,
) -> None:
    kie.fault("job", fail=fault)
    kie.fault("poll", times=None, merge={"code": 200, "msg": "success", "data": {"progress": 100}})
    with pytest.raises(error, match=said) as caught:
        await job_of(credentials)
    assert type(caught.value) is error
    assert caught.value.billed == "no"
    assert caught.value.task_id == kie.stats()["jobs"][0]["task_id"]
    assert (kie.stats()["created"], kie.stats()["charged"]) == (1, 0)
    assert getattr(caught.value, "transient", None) is (said == "timed out")


async def test_a_failure_raises_through_a_future_and_with_changed_options_too(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("job", times=None, fail={"failCode": "500", "failMsg": "Internal Error"})
    handle = await handle_of(credentials)
    with pytest.raises(JobFailed):
        await wait_for_job.with_options(name="patient")(handle, credentials, poll=QUICK)

    @flow
    def pipeline() -> None:
        wait_for_job.submit(handle, credentials, poll=QUICK).result()

    with pytest.raises(JobFailed):
        await asyncio.to_thread(pipeline)


async def test_success_without_files_is_a_value(kie: SimulatorServer, credentials: KieCredentials) -> None:
    kie.fault("job", no_url=True)
    assert (await job_of(credentials)).result == JobResult()


@pytest.mark.parametrize("known_since", [timedelta(minutes=5), None], ids=["old", "found by its id"])
async def test_an_unknown_job_is_not_waited_for(
    known_since: timedelta | None, kie: SimulatorServer, credentials: KieCredentials
) -> None:
    since = datetime.now(timezone.utc) - known_since if known_since else None
    handle = JobHandle(task_id="f" * 32, model="sora-2-text-to-video", submitted_at=since)
    with pytest.raises(JobNotFound, match="recordInfo is null") as caught:
        await wait_for_job(handle, credentials, poll=QUICK)
    assert "collect_job" in caught.value.next_step
    assert kie.stats()["polls"] == 2


@pytest.mark.parametrize(
    "said", [{"code": 404}, {"code": 422, "msg": "recordInfo is null"}], ids=["404", "422"]
)
async def test_a_job_that_is_not_found_once_is_waited_for(
    kie: SimulatorServer, credentials: KieCredentials, said: dict[str, Any]
) -> None:
    handle = await handle_of(credentials)
    old = handle.model_copy(update={"submitted_at": datetime.now(timezone.utc) - timedelta(minutes=5)})
    kie.fault("poll", **said)
    assert (await wait_for_job(old, credentials, poll=QUICK)).urls


async def test_failed_looks_never_end_a_paid_job(kie: SimulatorServer, credentials: KieCredentials) -> None:
    # Every other kind of failed look: tests/server/flows/test_named_faults.py.
    kie.fault("poll", times=12, code=500)
    assert (await job_of(credentials)).urls
    assert kie.stats()["created"] == 1


async def test_a_refused_look_ends_the_run_and_tells_how_to_come_back(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("poll", times=None, code=433)
    with pytest.raises(UsageLimitReached) as caught:
        await job_of(credentials)
    assert caught.value.task_id == kie.stats()["jobs"][0]["task_id"]
    assert caught.value.billed == "unknown"
    assert "The job goes on at Kie" in caught.value.next_step
    assert "collect_job" in caught.value.next_step


async def test_the_deadline_has_a_last_look_and_leaves_the_job_to_be_collected(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("job", stuck=True)
    poll = QUICK.model_copy(update={"deadline_seconds": 0.5})
    before = datetime.now(timezone.utc)
    with pytest.raises(JobTimedOut, match="is still") as caught:
        await job_of(credentials, poll)
    assert (datetime.now(timezone.utc) - before).total_seconds() < 10
    assert caught.value.billed == "unknown"
    assert caught.value.task_id in str(caught.value)
    assert "collect_job" in caught.value.next_step
    assert kie.stats()["polls"] >= 2


async def test_a_success_at_the_last_look_counts(kie: SimulatorServer, credentials: KieCredentials) -> None:
    # One gap until the deadline: the only look that finds the success is the one made for the deadline.
    kie.change(duration_seconds=0.5)
    poll = PollPolicy(deadline_seconds=1.0, min_gap_seconds=0.2, max_gap_seconds=30, usual_seconds=1000)
    assert (await job_of(credentials, poll)).urls


async def test_nobody_looks_at_a_job_that_was_just_submitted(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("job", duration=0.0)
    poll = PollPolicy(min_gap_seconds=0.4, max_gap_seconds=0.4, usual_seconds=10)
    await job_of(credentials, poll)
    assert kie.stats()["polls"] == 1


async def test_an_outage_past_the_deadline_ends_the_wait(credentials: KieCredentials) -> None:
    nowhere = credentials.model_copy(update={"base_url": f"http://127.0.0.1:{free_port()}"})
    poll = QUICK.model_copy(update={"deadline_seconds": 0.2})
    for age in (timedelta(hours=1), None):
        since = datetime.now(timezone.utc) - age if age else None
        handle = JobHandle(task_id="1", model="sora-2-text-to-video", submitted_at=since)
        with pytest.raises(JobTimedOut, match="could not be polled by its deadline"):
            await wait_for_job(handle, nowhere, poll=poll)


async def test_a_run_that_starts_after_the_deadline_is_not_ended_by_one_failed_look(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    handle = await handle_of(credentials)
    long_ago = datetime.now(timezone.utc) - timedelta(hours=2)
    kie.change(duration_seconds=0)
    kie.fault("poll", times=3, code=429)
    old = handle.model_copy(update={"submitted_at": long_ago})
    await asyncio.sleep(0.3)
    assert (await wait_for_job(old, credentials, poll=QUICK)).urls


async def test_a_submitters_clock_that_is_ahead_does_not_hold_up_the_looks(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    handle = await handle_of(credentials)
    ahead = handle.model_copy(update={"submitted_at": datetime.now(timezone.utc) + timedelta(hours=1)})
    assert (await wait_for_job(ahead, credentials, poll=QUICK)).urls


async def test_a_prefect_server_that_does_not_give_the_block_costs_time_only(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await handle_of(credentials)
    await credentials.asave("waiting-test", overwrite=True)
    load, failures = KieCredentials.aload, iter([True, True])

    async def sometimes(name: str) -> KieCredentials:
        if next(failures, False):
            raise httpx.ConnectError("the Prefect server is away")
        return await load(name)

    monkeypatch.setattr(KieCredentials, "aload", sometimes)
    assert (await wait_for_job(handle, "waiting-test", poll=QUICK)).urls


async def test_a_missing_block_leaves_the_job_to_be_collected(credentials: KieCredentials) -> None:
    handle = await handle_of(credentials)
    with pytest.raises(AuthenticationFailed) as caught:
        await wait_for_job(handle, "nobody", poll=QUICK.model_copy(update={"min_gap_seconds": 0.05}))
    assert caught.value.task_id == handle.task_id
    assert caught.value.billed == "unknown"
    assert "collect_job" in caught.value.next_step


async def test_a_job_found_by_its_id_is_aged_by_kies_own_clock(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.change(clock_skew_seconds=-7200, duration_seconds=0.5)
    handle = await handle_of(credentials)
    found = JobHandle(task_id=handle.task_id, model=handle.model)
    assert (await wait_for_job(found, credentials, poll=QUICK)).urls


async def test_a_finished_job_is_looked_at_once(kie: SimulatorServer, credentials: KieCredentials) -> None:
    job = await job_of(credentials)
    before = kie.stats()["polls"]
    again = await wait_for_job(job.handle, credentials, poll=QUICK)
    assert again.urls == job.urls
    assert kie.stats()["polls"] == before + 1


async def test_a_cancelled_wait_says_which_job_goes_on_and_how_to_collect_it(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    kie.change(duration_seconds=60)
    ids: list[str] = []

    @flow
    async def pipeline() -> None:
        handle = await sora_2_text_to_video(Sora2TextToVideo(prompt="a cat"), credentials)
        ids.append(handle.task_id)
        waiting = asyncio.ensure_future(wait_for_job(handle, credentials, poll=QUICK))
        while not kie.stats()["polls"]:
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    await pipeline()
    told = " ".join(record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert f"Stopped waiting for job {ids[0]}. Kie cannot cancel a job" in told
    assert f"is charged if it succeeds. Fetch it with collect_job('{ids[0]}')" in told
