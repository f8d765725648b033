"""Second traces of an answer, and the doubts they settle."""

from __future__ import annotations

import asyncio
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.filters import EventFilter, EventRelatedFilter, EventResourceFilter
from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from prefect_kie.api import (
    InsufficientCredits,
    JobHandle,
    Sora2TextToVideo,
    SubmissionInDoubt,
    SubmissionNotRecorded,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import records, sending, sora_2_text_to_video, traces
from prefect_kie.tasks.storage import LocalStorage
from tests.conftest import KEY

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat")


async def submit(credentials: KieCredentials) -> tuple[JobHandle, str | None]:
    """One call of the same job in a flow run of its own, and that run's id."""

    @flow
    async def pipeline() -> tuple[JobHandle, str | None]:
        return await sora_2_text_to_video(CAT, credentials, job_key="one"), flow_run.get_id()

    return await pipeline()


def the_record(results: Path) -> tuple[Path, dict[str, Any]]:
    (file,) = (results / records.FOLDER).glob("*.json")
    return file, json.loads(file.read_text())


def record_of(results: Path) -> records.SubmissionRecord:
    return records.SubmissionRecord.model_validate(the_record(results)[1])


def forget_the_outcome(results: Path, **changes: Any) -> None:
    """The record as a process leaves it that is killed before it can write the outcome."""
    file, record = the_record(results)
    file.write_text(json.dumps({**record, "state": "submitting", "task_id": None, **changes}))


async def events_of(task_id: str) -> list[Any]:
    wanted = EventFilter(resource=EventResourceFilter(id=[f"kie.job.{task_id}"]))
    async with get_client() as client:
        for _ in range(200):
            if found := (await client.read_events(wanted, limit=50)).events:
                return list(found)
            await asyncio.sleep(0.05)
    return []


@pytest.fixture(autouse=True)
def _no_traces_of_others() -> None:
    for trace in traces_on_disk():
        trace.unlink()


def traces_on_disk() -> list[Path]:
    return list((get_current_settings().home / traces.FOLDER).glob("*"))


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
    assert traces_on_disk() == []

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


async def test_an_event_of_another_attempt_settles_nothing(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    handle, _ = await submit(credentials)
    assert await events_of(handle.task_id)
    forget_the_outcome(results, attempt="another")
    with pytest.raises(SubmissionInDoubt):
        await submit(credentials)
    assert kie.stats()["created"] == 1


async def test_a_trace_on_disk_settles_a_doubt_without_the_server(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, _ = await submit(credentials)
    forget_the_outcome(results)
    traces.leave(record_of(results), task_id=handle.task_id)
    monkeypatch.setattr(PrefectClient, "read_events", None)

    again, _ = await submit(credentials)
    assert again.task_id == handle.task_id
    assert kie.stats()["created"] == 1
    assert traces_on_disk() == []


async def test_a_trace_of_a_refusal_frees_the_submission(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie.fault("create", code=402)

    async def refuse(self: object, record: object, reason: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(records.SubmissionRecords, "release", refuse)
        broken.setattr("prefect_kie.tasks.sending.KEEP_PAUSES", ())
        with pytest.raises(InsufficientCredits):
            await submit(credentials)
    assert the_record(results)[1]["state"] == "submitting"
    assert sorted(trace.suffix for trace in traces_on_disk()) == [".answered", ".sent"]

    await submit(credentials)
    assert kie.stats()["created"] == 1
    assert the_record(results)[1]["state"] == "submitted"
    assert traces_on_disk() == []


@pytest.mark.parametrize(
    "content",
    ["", '{"attempt": "ki', "[]", '{"attempt": "another", "task_id": "a"}', '{"attempt": "killed"}'],
)
async def test_a_torn_or_foreign_answer_proves_nothing(
    content: str, kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    await submit(credentials)
    forget_the_outcome(results, attempt="killed")
    traces.leave(record_of(results), refusal="refused")
    (trace,) = traces_on_disk()
    trace.write_text(content)
    with pytest.raises(SubmissionInDoubt):
        await submit(credentials)
    assert kie.stats()["created"] == 1


async def killed_before_the_call(credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as process:
        process.setattr("prefect_kie.tasks.traces.sending", lambda record: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await submit(credentials)


async def test_a_process_that_ended_before_the_call_leaves_no_doubt(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await killed_before_the_call(credentials, monkeypatch)
    assert the_record(results)[1]["state"] == "submitting"
    await submit(credentials)
    assert kie.stats()["created"] == 1
    assert traces_on_disk() == []


async def test_one_that_was_only_stopped_for_a_while_sends_nothing_after_that(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A paused container, a laptop that slept: another process took it for gone, and made the submission.
    await killed_before_the_call(credentials, monkeypatch)
    stopped = record_of(results)
    traces_before = [trace.read_bytes() for trace in traces_on_disk()]
    assert len(traces_before) == 1
    await submit(credentials)
    assert traces.sending(stopped) is False
    assert kie.stats()["created"] == 1


async def test_an_attempt_declared_void_meanwhile_starts_over(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, first = traces.sending, iter([True])

    def after_somebody_else(record: records.SubmissionRecord) -> bool:
        if next(first, False):
            assert traces._is_void(record)  # what another process's look at the proof does
        return sending(record)

    monkeypatch.setattr("prefect_kie.tasks.traces.sending", after_somebody_else)
    await submit(credentials)
    assert kie.stats()["created"] == 1
    assert the_record(results)[1]["state"] == "submitted"


def test_what_was_begun_and_forgotten_a_month_ago_goes() -> None:
    old, young, mine = (records.SubmissionRecord(key="kie-1", model="m", input={}) for _ in range(3))
    assert traces.begin(old)
    os.utime(traces._path(old, "begun"), (0, time.time() - 31 * 24 * 3600))
    assert traces.begin(young)
    assert traces.begin(mine)
    assert sorted(traces_on_disk()) == sorted(traces._path(one, "begun") for one in (young, mine))


def test_only_one_of_two_can_send_or_void(tmp_path: Path) -> None:
    for number in range(50):
        record = records.SubmissionRecord(key=f"kie-{number}", model="m", input={})
        assert traces.begin(record)
        with ThreadPoolExecutor(2) as pool:
            sent, void = pool.submit(traces.sending, record), pool.submit(traces._is_void, record)
        assert sent.result() is not void.result()
        traces.forget(record)


async def test_a_disk_that_cannot_say_that_the_call_begins_stops_it(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(record: object) -> bool:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("prefect_kie.tasks.traces.sending", full)
        with pytest.raises(SubmissionNotRecorded, match="nothing was sent") as caught:
            await submit(credentials)
    assert "PREFECT_HOME" in caught.value.next_step
    assert kie.stats()["created"] == 0
    assert list((results / records.FOLDER).glob("*")) == []
    assert traces_on_disk() == []
    await submit(credentials)
    assert kie.stats()["created"] == 1


async def test_a_call_whose_outcome_is_unknown_is_not_taken_for_one_that_was_not_sent(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    kie.fault("create", reset=True, accept=True)
    for _ in range(2):
        with pytest.raises(SubmissionInDoubt):
            await submit(credentials)
    assert [trace.suffix for trace in traces_on_disk()] == [".sent"]
    assert kie.stats()["created"] == 1


async def test_a_late_answer_does_not_overwrite_who_took_over(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Released by a person while the call was out, against all advice, and made again by another run.
    handle, _ = await submit(credentials)
    theirs = record_of(results)
    late = theirs.model_copy(update={"attempt": "late", "task_id": "late-job", "state": "submitted"})

    @flow
    async def pipeline() -> None:
        kept = records.SubmissionRecords(LocalStorage(results))
        await sending._keep(lambda: kept.write(late), late)

    await pipeline()
    assert record_of(results).task_id == handle.task_id
    assert "became job late-job, but submission" in caplog.text
    assert "Both go on" in caplog.text


async def test_an_answer_that_takes_for_ever_ends_in_doubt(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "CALL_SECONDS", 0.3)
    kie.fault("create", drip=5)  # bytes come all the time, so no read times out
    with pytest.raises(SubmissionInDoubt, match="had not answered in full"):
        await submit(credentials)
    assert kie.stats()["created"] == 1


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


async def test_a_job_that_an_unclear_answer_named_is_looked_at_and_bound(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    handle, _ = await submit(credentials)
    forget_the_outcome(results, attempt="unclear", task_id=handle.task_id)
    again, _ = await submit(credentials)
    assert again.task_id == handle.task_id
    assert kie.stats()["created"] == 1


async def test_a_disk_that_takes_no_trace_is_passed_over(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / traces.FOLDER).write_text("a file where the folder should be")
    monkeypatch.setattr("prefect_kie.tasks.traces.get_current_settings", lambda: SimpleNamespace(home=home))
    handle, _ = await submit(credentials)
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
