"""The send token, the event of a created job, and the doubts they settle."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.filters import EventFilter, EventRelatedFilter
from prefect.runtime import flow_run

from prefect_kie.api import InsufficientCredits, JobHandle, ServiceUnavailable, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.keys import submission_key
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.runtime.processes import this_machine
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions import paid_call, send_tokens, store
from prefect_kie.submissions.send_tokens import SendToken
from prefect_kie.tasks import sora_2_text_to_video
from tests.conftest import KEY
from tests.left_behind import events_of, forget_the_outcome, the_record

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat")


async def submit(credentials: KieCredentials) -> tuple[JobHandle, str | None]:
    """One call of the same job in a flow run of its own, and that run's id."""

    @flow
    async def pipeline() -> tuple[JobHandle, str | None]:
        return await sora_2_text_to_video(CAT, credentials, job_key="one"), flow_run.get_id()

    return await pipeline()


def record_of(results: Path) -> store.SubmissionRecord:
    return store.SubmissionRecord.model_validate(the_record(results)[1])


def tokens(results: Path) -> list[str]:
    """What the send tokens say."""
    return sorted(json.loads(file.read_text())["state"] for file in (results / send_tokens.FOLDER).glob("*"))


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


async def test_an_event_of_another_attempt_settles_nothing(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    handle, _ = await submit(credentials)
    assert await events_of(handle.task_id)
    forget_the_outcome(results, attempt="another")
    with pytest.raises(SubmissionInDoubt):
        await submit(credentials)
    assert kie.stats()["created"] == 1


async def test_a_call_whose_outcome_is_unknown_is_not_taken_for_one_that_was_not_sent(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    kie.fault("create", reset=True, accept=True)
    for _ in range(2):
        with pytest.raises(SubmissionInDoubt):
            await submit(credentials)
    assert tokens(results) == ["sent"]
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
        kept = store.SubmissionRecords(LocalStorage(results))
        await paid_call._keep(lambda: kept.write(late), late)

    await pipeline()
    assert record_of(results).task_id == handle.task_id
    assert "became job late-job, but submission" in caplog.text
    assert "Both go on" in caplog.text


async def test_an_answer_that_takes_for_ever_ends_in_doubt(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paid_call, "CALL_SECONDS", 0.3)
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


def left_behind(results: Path, credentials: KieCredentials, **known: Any) -> store.SubmissionRecord:
    """The record of an attempt on another machine, long ago, whose call nobody has sent."""
    record = store.SubmissionRecord(
        key=submission_key(credentials, "one", CAT, 1),
        scope="one",
        model=CAT.model_name,
        input=CAT.input_fields(),
        **{"machine": "another", "sender": "another", "written_at": LONG_AGO, **known},
    )
    folder = results / store.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{record.key}.json").write_text(record.model_dump_json())
    return record


LONG_AGO = datetime.now(timezone.utc) - timedelta(hours=1)


@pytest.mark.parametrize("machine", ["another", this_machine()])
async def test_an_attempt_without_a_token_was_not_sent_and_leaves_no_doubt(
    machine: str, kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    left = left_behind(results, credentials, machine=machine)
    handle, _ = await submit(credentials)
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
    assert kie.stats()["created"] == 1
    assert tokens(results) == ["sent", "void"]
    # Whoever began it wakes up now, and sends nothing.
    assert await SendToken(LocalStorage(results), left.attempt).send() is False


async def test_a_sender_that_slept_finds_the_job_of_who_took_over(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paused container: between its record and its call another machine takes the submission over."""
    sends, first = SendToken.send, iter([True])
    storage = LocalStorage(results)
    jobs: list[str] = []

    async def asleep(self: SendToken) -> bool:
        if next(first, False):
            elsewhere = store.SubmissionRecords(storage)
            mine = record_of(results)
            assert await elsewhere.token(mine).void()
            await elsewhere.release(mine)
            async with credentials.get_client() as client:
                jobs.append((await client.create_job(CAT)).task_id)
            await storage.write(
                f"{store.FOLDER}/{mine.key}.json",
                mine.new_attempt().became("submitted", task_id=jobs[0]).model_dump_json().encode(),
            )
        return await sends(self)

    monkeypatch.setattr(SendToken, "send", asleep)
    handle, _ = await submit(credentials)
    assert [handle.task_id] == jobs
    assert kie.stats()["created"] == 1


async def test_a_sender_that_slept_after_its_token_sends_nothing(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is too late by then: a person may have released the submission, and another run made it."""
    with monkeypatch.context() as asleep:
        asleep.setattr(send_tokens, "SEND_SECONDS", -1.0)
        with pytest.raises(ServiceUnavailable, match="held up too long before its call") as caught:
            await submit(credentials)
    assert caught.value.billed == "no"
    assert kie.stats()["created"] == 0
    assert tokens(results) == []
    await submit(credentials)
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize(("wall", "steady"), [(61, 0), (0, 61), (-3600, 61)])
def test_either_clock_tells_that_it_is_too_late(
    wall: float, steady: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    departure = send_tokens.Departure(wall=time.time() - wall, steady=time.monotonic() - steady)
    assert departure.is_over()
    assert not send_tokens.Departure().is_over()


async def test_only_one_of_two_can_send_or_void(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for number in range(50):
        token = SendToken(storage, f"attempt{number}")
        sent, void = await asyncio.gather(token.send(), token.void())
        assert sent is not void
        assert await token.is_sent() is sent
        assert await token.void() is void  # whoever asks again hears the same


async def test_a_storage_that_does_not_take_the_token_stops_the_call(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = LocalStorage.create

    async def full(self: LocalStorage, path: str, content: bytes) -> bool:
        if send_tokens.FOLDER in path:
            raise OSError(28, "No space left on device")
        return await create(self, path, content)

    with monkeypatch.context() as disk:
        disk.setattr(LocalStorage, "create", full)
        with pytest.raises(SubmissionNotRecorded, match="nothing was sent"):
            await submit(credentials)
    assert kie.stats()["created"] == 0
    assert list((results / store.FOLDER).glob("*")) == []
    await submit(credentials)
    assert kie.stats()["created"] == 1


async def test_a_refusal_leaves_neither_record_nor_token(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    kie.fault("create", code=402)
    with pytest.raises(InsufficientCredits):
        await submit(credentials)
    assert [*(results / store.FOLDER).glob("*"), *(results / send_tokens.FOLDER).glob("*")] == []


async def test_a_full_disk_is_told_before_anything_is_paid(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Record, event and database may lie on one disk: without room for the outcome nothing is sent."""
    monkeypatch.setattr("prefect_kie.storage.base._free_bytes", lambda root: 1024 * 1024)
    with pytest.raises(SubmissionNotRecorded, match="only 1,024 KiB left") as caught:
        await submit(credentials)
    assert "Make room" in caught.value.next_step
    assert kie.stats()["created"] == 0
