"""Progress of waiting jobs on the run page: found by its key, cheap, never backwards, never in the way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import flow, task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.runtime import flow_run

from prefect_kie.api import Job, JobFailed, JobHandle, JobState, PollPolicy
from prefect_kie.blocks import KieCredentials
from prefect_kie.media.saved import artifact_key
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.run_page import artifacts as progress
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video, wait_for_job
from tests.conftest import QUICK
from tests.unit.tasks.test_progress import Requests, artifacts

EVIL = Sora2TextToVideo(prompt="a <script>alert(1)</script> | [cat](javascript:x)")


@pytest.fixture(autouse=True)
def _no_pause_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_quiet_until", 0.0)
    monkeypatch.setattr(progress, "LIMIT_SECONDS", 30.0)  # the server of a busy machine takes its time
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 0.0)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    seen, send = Requests(), PrefectClient.request

    async def counted(self: PrefectClient, method: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
        if path in ("/artifacts/", "/artifacts/{id}") and method != "DELETE":
            seen.sent.append((f"{method} {path}", kwargs.get("json")))
            if seen.failing is not None:
                raise seen.failing("no artifacts today")
            if seen.hanging:
                await asyncio.sleep(60)
        return await send(self, method, path, *args, **kwargs)

    monkeypatch.setattr(PrefectClient, "request", counted)
    return seen


async def waited(credentials: KieCredentials, poll: PollPolicy = QUICK) -> tuple[str, str | None]:
    """Submit and wait, in a flow run of its own: the task's id and the run's."""

    @flow
    async def pipeline() -> tuple[str, str | None]:
        handle = await sora_2_text_to_video(EVIL, credentials)
        with suppress(JobFailed):
            await wait_for_job(handle, credentials, poll=poll)
        return handle.task_id, flow_run.get_id()

    return await pipeline()


@pytest.mark.server
@pytest.mark.recorded
async def test_a_waiting_job_has_one_artifact_that_ends_at_100(
    kie: SimulatorServer, credentials: KieCredentials, requests: Requests
) -> None:
    kie.change(duration_seconds=4)  # long enough for several polls on a busy machine
    task_id, run = await waited(credentials, QUICK.model_copy(update={"usual_seconds": 8.0}))

    (artifact,) = await artifacts(artifact_key("progress", task_id))
    assert (artifact.type, artifact.data) == ("progress", 100)
    assert artifact.flow_run_id == UUID(run)
    assert artifact.task_run_id is not None
    description = str(artifact.description)
    assert "sora-2-text-to-video" in description
    assert task_id in description
    assert r"a \<script\>alert(1)\</script\> \| \[cat\](javascript\:x)" in description

    assert [sent for sent, _ in requests.sent] == [
        "POST /artifacts/",
        *["PATCH /artifacts/{id}"] * (len(requests.sent) - 1),
    ]
    assert 3 <= len(requests.sent) <= kie.stats()["polls"] + 1  # one a poll, and one before the first
    assert requests.percents == sorted(requests.percents)
    assert requests.percents[-1] == 100
    assert any(0 < percent < 95 for percent in requests.percents)


@pytest.mark.server
@pytest.mark.recorded
async def test_a_job_that_tells_no_percentage_goes_by_its_usual_time(
    kie: SimulatorServer, credentials: KieCredentials, requests: Requests
) -> None:
    kie.change(duration_seconds=4)
    kie.fault("poll", times=None, merge={"data": {"progress": None}})
    await waited(credentials)
    *before, last = requests.percents
    assert last == 100
    assert before == sorted(set(before))  # none is sent twice
    assert before[-1] == 95


@pytest.mark.server
@pytest.mark.recorded
async def test_progress_never_goes_back(requests: Requests) -> None:
    told = iter([60.0, 20.0, 20.0, 61.0])

    handle = JobHandle(task_id="t", model="sora-2-text-to-video")
    job = Job(task_id="t", model="sora-2-text-to-video", state=JobState.GENERATING)

    @task
    async def looks() -> None:
        for percent in told:
            await progress.show_progress(
                handle, job.model_copy(update={"progress": percent}), age=1, usual=180
            )
        await progress.show_end(handle, job, "[heavy](load)")

    @flow
    async def run() -> None:
        await looks()

    await run()
    assert requests.percents == [60, 61, 61]
    assert r"**Failed:** \[heavy\](load)" in requests.sent[-1][1]["description"]


@pytest.mark.server
@pytest.mark.recorded
async def test_progress_is_shown_from_fifteen_seconds_on_and_at_most_every_fifteen(
    requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 15.0)
    handle = JobHandle(task_id="calm", model="m", submitted_at=datetime.now(timezone.utc))
    clock = 1000.0
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock))

    @flow
    async def run() -> None:
        nonlocal clock
        for age in (14, 16, 30, 32, 40):
            clock = 1000.0 + age
            await progress.show_progress(handle, None, age=age, usual=100)
        await progress.show_end(handle, None)

    await run()
    assert requests.percents == [16, 32, 100]


@pytest.mark.server
@pytest.mark.recorded
async def test_a_failed_job_stays_where_it_was_and_says_why(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.change(duration_seconds=0.5)
    kie.fault("job", fail={"failCode": "500", "failMsg": "heavy load"})
    task_id, _ = await waited(credentials)
    (artifact,) = await artifacts(artifact_key("progress", task_id))
    assert 0 <= float(artifact.data) <= 99  # type: ignore[arg-type]
    assert "**Failed:**" in str(artifact.description)
    assert "heavy load" in str(artifact.description)


@pytest.mark.server
@pytest.mark.recorded
async def test_a_run_has_one_artifact_per_job_and_none_of_a_job_that_was_done_before(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie.change(duration_seconds=0.8)
    monkeypatch.setattr(progress, "STARTED_AT", progress.STARTED_AT)

    @flow
    async def pipeline() -> str:
        handle = await sora_2_text_to_video(EVIL, credentials)
        await wait_for_job(handle, credentials, poll=QUICK)
        progress._shown.cache_clear()  # as in another process, in which a run that was suspended goes on
        progress.STARTED_AT = datetime.now(timezone.utc)
        await wait_for_job(handle, credentials, poll=QUICK)
        return handle.task_id

    @flow
    async def again(task_id: str) -> None:
        await wait_for_job(JobHandle(task_id=task_id, model="job"), credentials, poll=QUICK)

    task_id = await pipeline()
    await again(task_id)
    (artifact,) = await artifacts(artifact_key("progress", task_id))
    assert artifact.data == 100


@pytest.mark.server
@pytest.mark.recorded
async def test_a_server_that_takes_no_artifacts_fails_no_job_and_is_left_alone(
    kie: SimulatorServer,
    credentials: KieCredentials,
    requests: Requests,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kie.change(duration_seconds=0.6)
    requests.failing = httpx.ConnectError
    with caplog.at_level("DEBUG", "prefect.prefect_kie"):
        task_id, _ = await waited(credentials)
    assert kie.stats()["polls"] >= 2
    assert len(requests.sent) == 1
    told = [record for record in caplog.records if "is not shown" in record.getMessage()]
    assert {record.levelname for record in told} == {"DEBUG"}
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    requests.failing = None
    assert await artifacts(artifact_key("progress", task_id)) == []


@pytest.mark.server
@pytest.mark.recorded
async def test_a_server_that_hangs_delays_no_job(
    kie: SimulatorServer, credentials: KieCredentials, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LIMIT_SECONDS", 0.05)
    kie.change(duration_seconds=0.6)
    requests.hanging = True
    await waited(credentials)
    assert len(requests.sent) == 1


@pytest.mark.server
@pytest.mark.recorded
async def test_an_artifact_that_somebody_deletes_is_made_anew(requests: Requests) -> None:
    handle = JobHandle(task_id="deleted1", model="m")

    @task
    async def looks() -> None:
        await progress.show_progress(handle, None, age=90, usual=180)
        (artifact,) = await artifacts("kie-progress-deleted1")
        async with get_client() as client:
            await client.delete_artifact(artifact.id)
        await progress.show_progress(handle, None, age=120, usual=180)
        progress._quiet_until = 0.0
        await progress.show_progress(handle, None, age=10, usual=180)

    @flow
    async def run() -> None:
        await looks()

    await run()
    (artifact,) = await artifacts("kie-progress-deleted1")
    assert artifact.data == 66
