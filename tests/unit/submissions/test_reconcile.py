"""Submissions in doubt: bound or released by evidence, or by a person's word that cannot be wrong."""

from __future__ import annotations

import asyncio
import os
import re
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.api import InvalidRequest, JobNotFound, Maintenance, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions.resolution import ResolvedSubmission
from tests.submitting import CAT, Submissions

NOBODYS = f"kie-{'0' * 32}"


@pytest.fixture
def mine(tmp_path: Path, credentials: KieCredentials) -> Submissions:
    """This process's submissions."""
    return Submissions(tmp_path, credentials)


async def doubt(kie: SimulatorServer, mine: Submissions, *, created: bool = True, **options: Any) -> str:
    """A submission in doubt, for which Kie created a job or did not; its key."""
    kie.fault("create", reset=True, accept=created)
    with pytest.raises(SubmissionInDoubt) as caught:
        await mine.submit(**options)
    return caught.value.submission or ""


async def states(mine: Submissions) -> list[str]:
    return [record.state for record in await mine.service.list_in_doubt()]


async def test_an_event_settles_a_doubt(
    kie: SimulatorServer, mine: Submissions, caplog: pytest.LogCaptureFixture
) -> None:
    handle = await mine.submit()
    mine.forget_the_outcome()
    assert (await mine.submit()).task_id == handle.task_id
    assert mine.record().state == "submitted"
    assert f"was answered with job {handle.task_id}, although its record does not know" in caplog.text
    assert kie.stats()["created"] == 1


async def test_an_event_of_another_attempt_settles_nothing(kie: SimulatorServer, mine: Submissions) -> None:
    await mine.submit()
    mine.forget_the_outcome(attempt="another")
    with pytest.raises(SubmissionInDoubt):
        await mine.submit()
    assert kie.stats()["created"] == 1


async def test_a_job_that_a_callback_or_an_unclear_answer_named_is_polled_and_bound(
    kie: SimulatorServer, mine: Submissions
) -> None:
    task_id = (await mine.submit()).task_id
    for named, called_back in ((task_id, []), (None, ["nothing", task_id])):
        mine.forget_the_outcome(attempt="unclear")
        mine.change_record(task_id=named)
        mine.events.called_back = called_back
        assert (await mine.submit()).task_id == task_id
    assert kie.stats()["created"] == 1


async def test_a_named_job_of_another_take_is_not_bound(kie: SimulatorServer, mine: Submissions) -> None:
    first = (await mine.submit(take=1)).task_id
    kie.fault("create", code=500, msg="Internal Error", data={"taskId": first})
    with pytest.raises(SubmissionInDoubt):
        await mine.submit(take=2)
    assert await states(mine) == ["submitting"]


async def test_listing_settles_what_is_known_by_now(kie: SimulatorServer, mine: Submissions) -> None:
    await mine.submit(scope="a settled one")
    await doubt(kie, mine)
    mine.events.called_back = [kie.stats()["jobs"][1]["task_id"]]
    assert await states(mine) == ["submitted"]
    assert await states(mine) == []


async def test_a_damaged_record_is_reported_and_hides_no_other(
    kie: SimulatorServer, mine: Submissions, caplog: pytest.LogCaptureFixture
) -> None:
    await doubt(kie, mine)
    mine.files()[0].with_name("kie-0damaged.json").write_text("{")
    assert await states(mine) == ["submitting"]
    assert "the record of submission kie-0damaged" in caplog.text


async def test_a_person_binds_it_to_its_job_and_the_run_goes_on_with_it(
    kie: SimulatorServer, mine: Submissions
) -> None:
    key = await doubt(kie, mine)
    (job,) = kie.stats()["jobs"]
    bound = await mine.service.resolve(key, task_id=job["task_id"])
    assert (bound.state, bound.task_id) == ("submitted", job["task_id"])
    assert mine.events.submitted[0].task_id == job["task_id"]
    assert (await mine.submit()).task_id == job["task_id"]
    assert kie.stats()["created"] == 1


async def test_a_person_releases_it_and_it_is_submitted_anew(kie: SimulatorServer, mine: Submissions) -> None:
    key = await doubt(kie, mine, created=False)
    mine.clock.passed += 300
    assert (await mine.service.resolve(key, release=True)).state == "released"
    assert (mine.files(), kie.stats()["created"]) == ([], 0)
    await mine.submit()
    assert kie.stats()["created"] == 1


async def test_a_release_waits_until_the_call_is_surely_over(kie: SimulatorServer, mine: Submissions) -> None:
    """Kie may create the job yet, though whoever sent the call has given up or is gone."""
    key = await doubt(kie, mine, created=False)
    with pytest.raises(InvalidRequest, match="may still be out") as caught:
        await mine.service.resolve(key, release=True)
    assert re.search(r"run this again in (200|1\d\d) s; nothing was changed", caught.value.next_step)
    with pytest.raises(SubmissionInDoubt):
        await mine.submit()


@pytest.mark.parametrize("polls_that_fail", [0, 1])
async def test_a_release_against_the_evidence_binds_instead(
    polls_that_fail: int, kie: SimulatorServer, mine: Submissions
) -> None:
    task_id = (await mine.submit()).task_id
    mine.forget_the_outcome(attempt="unclear")
    key = mine.change_record(task_id=task_id)
    mine.clock.passed += 300
    if polls_that_fail:
        kie.fault("poll", times=polls_that_fail, code=455)
    with pytest.raises(InvalidRequest, match=f"is job {task_id}, and stays it"):
        await mine.service.resolve(key, release=True)
    assert (await mine.submit()).task_id == task_id
    assert kie.stats()["created"] == 1


async def test_a_named_job_that_cannot_be_polled_is_not_released(
    kie: SimulatorServer, mine: Submissions
) -> None:
    task_id = (await mine.submit()).task_id
    mine.forget_the_outcome(attempt="unclear")
    key = mine.change_record(task_id=task_id)
    mine.clock.passed += 300
    kie.fault("poll", times=2, code=455)
    with pytest.raises(Maintenance):
        await mine.service.resolve(key, release=True)
    assert (await mine.submit()).task_id == task_id


OTHERS = [
    ({"prompt": "a dog on a red sofa"}, r"its prompt is 'a dog on a red sofa', not 'a cat on a red sofa'"),
    ({"n_frames": "15"}, r"its n_frames is '15', not '10'"),
    ({"remove_watermark": True}, None),  # what the echo has beside what was sent may be Kie's own defaults
]


@pytest.mark.parametrize(("changes", "refusal"), OTHERS, ids=lambda value: str(value)[:30])
async def test_a_job_is_bound_only_if_it_is_what_was_asked_for(
    changes: dict[str, Any],
    refusal: str | None,
    kie: SimulatorServer,
    mine: Submissions,
    credentials: KieCredentials,
) -> None:
    key = await doubt(kie, mine, created=False)
    async with credentials.get_client() as client:
        task_id = (await client.create_job(CAT.model_copy(update=changes))).task_id
    if refusal is None:
        assert (await mine.service.resolve(key, task_id=task_id)).state == "submitted"
        return
    with pytest.raises(InvalidRequest, match=refusal) as caught:
        await mine.service.resolve(key, task_id=task_id)
    assert "Nothing was changed" in caught.value.next_step
    assert await states(mine) == ["submitting"]


async def test_a_job_of_another_submission_is_refused(kie: SimulatorServer, mine: Submissions) -> None:
    """Two takes of one request ask for the same; bound to one job, one of the two videos would be lost."""
    first = await mine.submit(take=1)
    key = await doubt(kie, mine, take=2)
    with pytest.raises(InvalidRequest, match="already, so it cannot be"):
        await mine.service.resolve(key, task_id=first.task_id)


async def test_an_older_job_of_the_same_words_is_refused(
    kie: SimulatorServer, mine: Submissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await doubt(kie, mine)
    (job,) = kie.stats()["jobs"]
    monkeypatch.setattr(kie.simulator, "clock", lambda: time.time() + 3600)  # so that the job is an hour old
    with pytest.raises(InvalidRequest, match="s older than the submission"):
        await mine.service.resolve(key, task_id=job["task_id"])


async def test_a_job_made_much_later_is_refused(kie: SimulatorServer, mine: Submissions) -> None:
    key = await doubt(kie, mine)
    (job,) = kie.stats()["jobs"]
    mine.change_record(written_at="2026-01-01T00:00:00Z")
    with pytest.raises(InvalidRequest, match="after the submission"):
        await mine.service.resolve(key, task_id=job["task_id"])


async def test_a_job_that_kie_does_not_know_is_refused(kie: SimulatorServer, mine: Submissions) -> None:
    key = await doubt(kie, mine)
    with pytest.raises(JobNotFound) as caught:
        await mine.service.resolve(key, task_id="nothing")
    assert "Nothing was changed" in caught.value.next_step
    assert await states(mine) == ["submitting"]


async def test_a_job_whose_echo_cannot_be_read_is_refused(kie: SimulatorServer, mine: Submissions) -> None:
    key = await doubt(kie, mine)
    (job,) = kie.stats()["jobs"]
    kie.fault("poll", merge={"data": {"param": None}})
    with pytest.raises(InvalidRequest, match="does not tell what was asked for"):
        await mine.service.resolve(key, task_id=job["task_id"])


async def test_what_is_settled_stays(mine: Submissions) -> None:
    task_id = (await mine.submit()).task_id
    key = mine.record().key
    for choice in ({"release": True}, {"task_id": "another"}):
        with pytest.raises(InvalidRequest, match=f"is job {task_id}, and stays it"):
            await mine.service.resolve(key, **choice)  # type: ignore[arg-type]
    assert (await mine.service.resolve(key, task_id=task_id)).task_id == task_id


async def test_an_unknown_submission_is_refused(mine: Submissions) -> None:
    with pytest.raises(InvalidRequest, match=f"no record of a submission '{NOBODYS}'"):
        await mine.service.resolve(NOBODYS)


async def test_one_that_another_process_is_submitting_is_left_alone(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await mine.submit()
    now = datetime.now(timezone.utc).isoformat()
    key = mine.forget_the_outcome(process=os.getppid(), written_at=now)
    assert await states(mine) == ["submitting"]
    assert mine.service.is_being_submitted(mine.record())
    with pytest.raises(InvalidRequest, match="is submitting it just now") as caught:
        await mine.service.resolve(key, release=True)
    assert re.match(r"Run this again in (200|1\d\d) s", caught.value.next_step)
    assert kie.stats()["created"] == 1


async def test_a_call_that_this_very_process_has_out_is_left_alone(
    kie: SimulatorServer, mine: Submissions
) -> None:
    kie.fault("create", delay=0.3)
    call = asyncio.ensure_future(mine.submit())
    while not mine.tokens():
        await asyncio.sleep(0.01)
    assert await states(mine) == ["submitting"]
    assert mine.service.is_being_submitted(mine.record())
    await call
    assert (await states(mine), kie.stats()["created"]) == ([], 1)


async def test_the_table_of_doubts_shows_text_of_others_as_it_is(mine: Submissions) -> None:
    await mine.submit(Sora2TextToVideo(prompt="<img src=x onerror=alert(1)> [a](https://evil.example) `b`"))
    shown = ResolvedSubmission.of(mine.record(), None, False)
    assert not set("<>[]`") & set(shown.row["prompt"])
