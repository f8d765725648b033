"""The events of jobs, as the Prefect server and its automations see them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.automations import EventTrigger, Posture
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventResourceFilter
from prefect.runtime import flow_run

from prefect_kie.api import JobFailed, JobHandle
from prefect_kie.blocks import KieCredentials
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.run_page import events
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import SavedResult, save_result, sora_2_text_to_video, wait_for_job
from tests.conftest import KEY, QUICK
from tests.receiving import emit_callback

pytestmark = [pytest.mark.server, pytest.mark.recorded]

LONG = Sora2TextToVideo(prompt="a very long story of a cat " * 100)


async def waited(credentials: KieCredentials, *, times: int = 1) -> tuple[JobHandle, str]:
    """Submit and wait, in a flow run of its own."""

    @flow
    async def pipeline() -> tuple[JobHandle, str]:
        handle = await sora_2_text_to_video(LONG, credentials)
        for _ in range(times):
            with suppress(JobFailed):
                await wait_for_job(handle, credentials, poll=QUICK)
        return handle, str(flow_run.get_id())

    return await pipeline()


async def told(task_id: str, count: int) -> list[Any]:
    """The job's events, once there are so many, in order."""
    wanted = EventFilter(resource=EventResourceFilter(id=[f"kie.job.{task_id}"]))
    async with get_client() as client:
        for _ in range(200):
            found = (await client.read_events(wanted, limit=50)).events
            if len(found) >= count:
                return sorted(found, key=lambda event: event.occurred)
            await asyncio.sleep(0.05)
    raise AssertionError(f"{len(found)} events")


async def test_a_job_that_succeeds_is_told_once(kie: SimulatorServer, credentials: KieCredentials) -> None:
    handle, run = await waited(credentials, times=2)
    submitted, succeeded = await told(handle.task_id, 2)
    assert (submitted.event, succeeded.event) == ("kie.job.submitted", "kie.job.succeeded")
    assert succeeded.resource["kie.model"] == "sora-2-text-to-video"
    assert succeeded.resource["kie.credits"] == "30"
    assert succeeded.payload["credits"] == 30
    assert succeeded.payload["task_id"] == handle.task_id
    assert succeeded.payload["urls"][0].startswith(kie.url)
    roles = {related.role: related.id for related in succeeded.related}
    assert roles["flow-run"] == f"prefect.flow-run.{run}"
    assert roles["kie-submission"] == f"kie.submission.{handle.submission}"
    for event in (submitted, succeeded):
        assert len(event.payload["prompt"]) <= 200
        assert len(event.model_dump_json()) < 5000
        assert KEY not in event.model_dump_json()


async def test_what_is_saved_is_told_once_a_run(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    @flow
    async def saving(handle: JobHandle) -> SavedResult:
        job = await wait_for_job(handle, credentials, poll=QUICK)
        await save_result(job, credentials, directory=tmp_path)
        return await save_result(job, credentials, directory=tmp_path)

    handle, _ = await waited(credentials)
    saved = await saving(handle)
    *_, last = await told(handle.task_id, 4)
    assert last.event == "kie.job.saved"
    assert last.resource["kie.kind"] == last.payload["kind"] == "video"
    assert (last.payload["path"], last.payload["bytes"]) == (saved.path, saved.files[0].size)
    assert last.payload["files"] == [
        {"path": saved.path, "kind": "video", "bytes": saved.files[0].size, "role": "result"}
    ]


async def test_a_job_that_fails_is_told_with_its_code(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("job", fail={"failCode": "500", "failMsg": "heavy load " * 100})
    handle, _ = await waited(credentials)
    _, failed = await told(handle.task_id, 2)
    assert failed.event == "kie.job.failed"
    assert (failed.resource["kie.code"], failed.resource["kie.billed"]) == ("500", "no")
    assert failed.payload["error"] == "JobFailed"
    assert failed.payload["reason"].startswith("heavy load")
    assert max(len(str(value)) for value in failed.payload.values()) <= 200


async def test_another_run_tells_the_end_again_as_its_own(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    handle, _ = await waited(credentials)

    @flow
    async def collecting() -> str:
        await wait_for_job(JobHandle(task_id=handle.task_id, model="job"), credentials, poll=QUICK)
        return str(flow_run.get_id())

    run = await collecting()
    *_, last = await told(handle.task_id, 3)
    assert last.event == "kie.job.succeeded"
    assert f"prefect.flow-run.{run}" in {related.id for related in last.related}


async def test_a_callback_is_told_with_its_hints() -> None:
    submission = f"kie-{'a1' * 16}"
    emit_callback("called-1", kind="progress", state="generating", progress=62.5, submission=submission)
    emit_callback("called-1", kind="done", submission="../elsewhere")
    progress, done = await told("called-1", 2)
    assert progress.event == done.event == events.JOB_CALLBACK == "kie.job.callback"
    assert dict(progress.resource) == {
        "prefect.resource.id": "kie.job.called-1",
        "prefect.resource.name": "job called-1",
        "kie.kind": "progress",
        "kie.state": "generating",
        "kie.progress": "62.5",
    }
    assert submissions(progress) == [f"kie.submission.{submission}"]
    assert progress.payload == {"task_id": "called-1"}
    assert done.resource["kie.kind"] == "done"
    assert "kie.state" not in dict(done.resource)
    assert submissions(done) == []


def submissions(event: Any) -> list[str]:
    """The submissions an event is related to; Prefect itself may relate it to a run of this process."""
    return [related.id for related in event.related if related.id.startswith("kie.submission.")]


async def test_an_automation_can_wait_for_them(kie: SimulatorServer, credentials: KieCredentials) -> None:
    trigger = EventTrigger(
        expect={events.JOB_SUCCEEDED},
        match={"prefect.resource.id": "kie.job.*", "kie.model": "sora-2-*"},  # type: ignore[arg-type]
        posture=Posture.Reactive,
        threshold=1,
    )
    handle, _ = await waited(credentials)
    submitted, succeeded = await told(handle.task_id, 2)
    assert [trigger.match.matches(event.resource) for event in (submitted, succeeded)] == [True, True]
    assert trigger.expect == {succeeded.event}


async def test_events_that_cannot_be_sent_fail_no_job(
    kie: SimulatorServer,
    credentials: KieCredentials,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no events today")

    monkeypatch.setattr(events, "emit_event", broken)
    with caplog.at_level(logging.DEBUG, "prefect.prefect_kie"):
        await waited(credentials)
    assert "no events today" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
