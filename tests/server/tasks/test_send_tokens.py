"""The send token, the event of a created job, and the doubts they settle."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.filters import EventFilter, EventRelatedFilter
from prefect.runtime import flow_run

from prefect_kie.api import JobHandle, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video
from tests.conftest import KEY
from tests.left_behind import events_of, forget_the_outcome, the_record

pytestmark = [pytest.mark.server, pytest.mark.recorded]

CAT = Sora2TextToVideo(prompt="a cat")


async def submit(credentials: KieCredentials) -> tuple[JobHandle, str | None]:
    """One call of the same job in a flow run of its own, and that run's id."""

    @flow
    async def pipeline() -> tuple[JobHandle, str | None]:
        return await sora_2_text_to_video(CAT, credentials, job_key="one"), flow_run.get_id()

    return await pipeline()


async def test_a_created_job_is_an_event_related_to_its_run_and_submission(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    handle, run = await submit(credentials)
    (event,) = await events_of(handle.task_id)
    assert event.event == "kie.job.submitted"
    roles = {related.role: related.id for related in event.related}
    assert roles["flow-run"] == f"prefect.flow-run.{run}"
    assert roles["kie-submission"] == f"kie.submission.{handle.submission}"
    assert {"flow", "task-run"} <= set(roles)
    assert event.resource["kie.model"] == CAT.model_name
    assert KEY not in event.model_dump_json()

    by_run = EventFilter(related=EventRelatedFilter(resources_in_roles=[(roles["flow-run"], "flow-run")]))
    async with get_client() as client:
        names = [one.event for one in (await client.read_events(by_run, limit=50)).events]
    assert names.count("kie.job.submitted") == 1


async def test_an_event_settles_a_doubt(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handle, _ = await submit(credentials)
    assert await events_of(handle.task_id)
    forget_the_outcome(results)

    again, _ = await submit(credentials)
    assert again.task_id == handle.task_id
    assert kie.stats()["created"] == 1
    assert the_record(results)[1]["state"] == "submitted"
    assert f"was answered with job {handle.task_id}, although its record does not know" in caplog.text


async def test_a_server_that_cannot_be_asked_leaves_the_doubt(
    kie: SimulatorServer,
    credentials: KieCredentials,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await submit(credentials)
    forget_the_outcome(results)

    async def away(self: object, wanted: object, limit: int) -> None:
        raise ConnectionError("the server is away")

    monkeypatch.setattr(PrefectClient, "read_events", away)
    with pytest.raises(SubmissionInDoubt):
        await submit(credentials)
    assert "could not be asked for the events kie.job.submitted of submission" in caplog.text
    assert kie.stats()["created"] == 1
