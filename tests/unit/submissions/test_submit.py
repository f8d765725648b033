"""Paid once: what the simulator counts when calls are repeated, fail, or never answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.api import (
    AuthenticationFailed,
    FeatureDisabled,
    InsufficientCredits,
    InvalidRequest,
    KieError,
    Maintenance,
    RateLimited,
    ServiceUnavailable,
    SubmissionInDoubt,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import free_port
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.keys import submission_key
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.runtime.processes import this_machine
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions import send_tokens, service, store
from prefect_kie.submissions.send_tokens import SendToken
from tests.conftest import KEY
from tests.submitting import CAT, Submissions


@pytest.fixture
def mine(tmp_path: Path, credentials: KieCredentials) -> Submissions:
    """This process's submissions."""
    return Submissions(tmp_path, credentials)


async def test_equal_calls_are_one_job(kie: SimulatorServer, mine: Submissions) -> None:
    handles = [*await asyncio.gather(*(mine.submit() for _ in range(5))), await mine.submit()]
    assert len({handle.task_id for handle in handles}) == 1
    assert kie.stats()["created"] == 1


async def test_takes_second_tries_and_scopes_are_jobs_of_their_own(
    kie: SimulatorServer, mine: Submissions
) -> None:
    for options in ({"take": 2}, {"second_try": 1}, {"scope": "two"}, {}):
        for _ in range(2):
            await mine.submit(**options)
    assert kie.stats()["created"] == 4


FINAL: list[tuple[dict[str, Any], type[KieError]]] = [
    ({"code": 401}, AuthenticationFailed),
    ({"code": 402}, InsufficientCredits),
    ({"code": 422, "msg": "prompt is too long"}, InvalidRequest),
    ({"code": 505}, FeatureDisabled),
    ({"status": 403, "body": "<html>forbidden</html>"}, AuthenticationFailed),
    ({"code": 429}, RateLimited),
    ({"status": 429, "body": "slow down"}, RateLimited),
    ({"code": 455, "msg": "maintenance"}, Maintenance),
]
"""One of each kind; all of them: tests/unit/api/test_classification.py."""


@pytest.mark.parametrize(("fault", "error"), FINAL, ids=lambda value: str(value)[:50])
async def test_a_refusal_is_not_charged_leaves_nothing_and_is_free_to_be_submitted_again(
    fault: dict[str, Any], error: type[KieError], kie: SimulatorServer, mine: Submissions
) -> None:
    kie.fault("create", times=1, **fault)
    with pytest.raises(error) as caught:
        await mine.submit()
    assert (kie.stats()["created"], kie.stats()["charged"]) == (0, 0)
    assert (caught.value.billed, caught.value.retryable) == ("no", error in (RateLimited, Maintenance))
    assert caught.value.next_step in str(caught.value)
    assert (mine.files(), mine.tokens()) == ([], [])

    await mine.submit()
    assert kie.stats()["created"] == 1


async def test_no_connection_is_a_rejection(mine: Submissions) -> None:
    mine.kie = mine.kie.model_copy(update={"base_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(ServiceUnavailable, match="got no answer"):
        await mine.submit()
    assert (mine.files(), mine.tokens()) == ([], [])


DOUBTS: list[dict[str, Any]] = [
    {"hang": 5},
    {"reset": True},
    {"body": "<html>502 Bad Gateway</html>"},
    {"body": ""},
    {"truncate": 10},
    {"status": 502, "body": "<html>bad gateway</html>"},
    {"code": 500, "msg": "Internal Error"},
    {"code": 408, "msg": "timeout"},
    {"code": 455, "msg": "maintenance", "data": {"taskId": "abc"}},
    {"merge": {"data": None}},
]


@pytest.mark.parametrize("fault", DOUBTS, ids=lambda fault: "-".join(map(str, fault)))
async def test_an_unknown_outcome_is_never_submitted_again(
    fault: dict[str, Any], kie: SimulatorServer, mine: Submissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_INTEGRATIONS_KIE_CREATE_TIMEOUT_SECONDS", "0.3")
    accepted = {} if {"truncate", "merge"} & set(fault) else {"accept": True}
    kie.fault("create", times=1, **accepted, **fault)

    for _ in range(2):  # now, and in a later run of the same job
        with pytest.raises(SubmissionInDoubt) as caught:
            await mine.submit()
        error = caught.value
        assert error.billed == "unknown"
        assert error.submission == mine.record().key
        assert error.submission in str(error)
        assert f"resolve_submission with submission='{error.submission}'" in error.next_step
    assert mine.tokens() == ["sent"]
    assert kie.stats()["created"] == 1


async def test_an_answer_that_takes_for_ever_ends_in_doubt(kie: SimulatorServer, mine: Submissions) -> None:
    mine.call_seconds = 0.3
    kie.fault("create", drip=5)  # bytes come all the time, so no read times out
    with pytest.raises(SubmissionInDoubt, match="no full answer after"):
        await mine.submit()
    assert kie.stats()["created"] == 1


async def test_recordid_alone_is_an_answer(kie: SimulatorServer, mine: Submissions) -> None:
    kie.fault("create", merge={"data": {"taskId": None}})
    assert (await mine.submit()).task_id == kie.stats()["jobs"][0]["task_id"]


async def test_the_record_says_what_was_asked_and_what_became_of_it(mine: Submissions) -> None:
    handle = await mine.submit()
    record = mine.record()
    assert (record.state, record.task_id, record.scope) == ("submitted", handle.task_id, "one")
    assert record.key == handle.submission == mine.files()[0].stem
    assert (record.model, record.input) == (CAT.model_name, CAT.input_fields())
    assert record.flow_run_id == "a run"
    assert KEY not in mine.files()[0].read_text()
    assert mine.events.submitted == [record]


# Cancelled


async def until(happened: Callable[[], Any]) -> None:
    for _ in range(500):
        if happened():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def test_a_caller_cancelled_during_the_call_still_has_its_job_recorded(
    kie: SimulatorServer, mine: Submissions, caplog: pytest.LogCaptureFixture
) -> None:
    kie.fault("create", delay=0.3)
    call = asyncio.ensure_future(mine.submit())
    await until(mine.tokens)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert "Stopped while submission" in caplog.text
    handle = await mine.submit()
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
    assert kie.stats()["created"] == 1


async def test_a_caller_cancelled_while_its_budget_is_asked_sends_nothing_and_hears_of_no_call(
    kie: SimulatorServer, mine: Submissions, caplog: pytest.LogCaptureFixture
) -> None:
    asked, go_on = asyncio.Event(), False
    occupy, loop = mine.limit.occupy, asyncio.get_running_loop()

    async def slow(slots: int) -> int | None:
        loop.call_soon_threadsafe(asked.set)
        while not go_on:
            await asyncio.sleep(0.01)
        return await occupy(slots)

    mine.limit.credits, mine.limit.occupy = 100, slow  # type: ignore[method-assign]
    call = asyncio.ensure_future(mine.submit())
    await asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert "Stopped while submission" not in caplog.text
    go_on = True
    await asyncio.sleep(0.2)
    assert (mine.files(), mine.limit.used, kie.stats()["created"]) == ([], 0, 0)


async def test_an_error_that_nobody_waits_for_any_more_is_logged(
    kie: SimulatorServer, mine: Submissions, caplog: pytest.LogCaptureFixture
) -> None:
    kie.fault("create", delay=0.3, code=402)
    call = asyncio.ensure_future(mine.submit())
    await until(mine.tokens)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: "not enough credits" in caplog.text.lower() or "402" in caplog.text)


# Storage


async def test_a_record_left_by_a_killed_process_puts_the_submission_in_doubt(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await mine.submit()
    mine.forget_the_outcome(attempt="killed")  # one of which the server has no event
    with pytest.raises(SubmissionInDoubt, match="never learned"):
        await mine.submit()
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 99}'], ids=["empty", "cut", "other version"])
async def test_a_damaged_record_is_no_licence_to_pay_again(
    content: bytes, kie: SimulatorServer, mine: Submissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "DAMAGED_PAUSE", 0.0)
    await mine.submit()
    mine.files()[0].write_bytes(content)
    with pytest.raises(SubmissionNotRecorded, match="damaged") as caught:
        await mine.submit()
    assert caught.value.billed == "unknown"
    assert kie.stats()["created"] == 1


async def test_without_a_writable_storage_nothing_is_sent(kie: SimulatorServer, mine: Submissions) -> None:
    (mine.folder / store.FOLDER).write_text("a file where the folder should be")
    with pytest.raises(SubmissionNotRecorded, match="nothing was sent") as caught:
        await mine.submit()
    assert caught.value.billed == "unknown"  # it cannot be read either: an earlier run may have paid
    assert "PREFECT_LOCAL_STORAGE_PATH" in caught.value.next_step
    assert kie.stats()["created"] == 0


class Forgetful(LocalStorage):
    """A storage that takes everything and keeps nothing."""

    async def create(self, path: str, content: bytes) -> bool:
        return True


class OutOfReach(LocalStorage):
    """A storage that cannot be asked."""

    async def read(self, path: str) -> bytes | None:
        raise ConnectionError("no route to host")


class Full(LocalStorage):
    """A disk without room."""

    async def free_bytes(self) -> int | None:
        return 1024 * 1024


class Shared(LocalStorage):
    """A storage that lets two writers create one file."""

    create = store.Storage.create  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("storage", "reason", "next_step"),
    [
        (Forgetful, "does not keep", ""),
        (OutOfReach, "cannot be read", ""),
        (Full, "only 1,024 KiB left", "Make room"),
        (Shared, "exactly one of two writers", "S3, Google or Azure"),
    ],
)
async def test_a_storage_that_cannot_be_trusted_stops_the_submission(
    storage: type[LocalStorage],
    reason: str,
    next_step: str,
    kie: SimulatorServer,
    tmp_path: Path,
    credentials: KieCredentials,
) -> None:
    mine = Submissions(tmp_path, credentials, storage(tmp_path))
    with pytest.raises(SubmissionNotRecorded, match=reason) as caught:
        await mine.submit()
    assert next_step in caught.value.next_step
    assert (mine.files(), kie.stats()["created"]) == ([], 0)


class Stumbling(LocalStorage):
    """A disk of which some calls fail.

    Attributes:
        fails: Which ones, of (method, path).
    """

    fails: Callable[[str, str], bool] = staticmethod(lambda method, path: False)

    async def read(self, path: str) -> bytes | None:
        self._stumble("read", path)
        return await super().read(path)

    async def write(self, path: str, content: bytes) -> None:
        self._stumble("write", path)
        await super().write(path, content)

    async def create(self, path: str, content: bytes) -> bool:
        self._stumble("create", path)
        return await super().create(path, content)

    def _stumble(self, method: str, path: str) -> None:
        if self.fails(method, path):
            raise OSError(28, "No space left on device")


@pytest.fixture
def stumbling(tmp_path: Path, credentials: KieCredentials) -> tuple[Submissions, Stumbling]:
    """Submissions on a disk that may stumble."""
    storage = Stumbling(tmp_path)
    return Submissions(tmp_path, credentials, storage), storage


async def test_a_claim_that_cannot_be_read_back_is_made_anew(
    kie: SimulatorServer, stumbling: tuple[Submissions, Stumbling]
) -> None:
    mine, storage = stumbling
    storage.fails = lambda method, path: method == "read" and bool(mine.files())
    with pytest.raises(SubmissionNotRecorded, match="nothing was sent"):
        await mine.submit()
    del storage.fails
    assert kie.stats()["created"] == 0
    await mine.submit()
    assert kie.stats()["created"] == 1


async def test_a_storage_that_does_not_take_the_token_stops_the_call(
    kie: SimulatorServer, stumbling: tuple[Submissions, Stumbling]
) -> None:
    mine, storage = stumbling
    storage.fails = lambda method, path: method == "create" and send_tokens.FOLDER in path
    with pytest.raises(SubmissionNotRecorded, match="nothing was sent"):
        await mine.submit()
    del storage.fails
    assert (mine.files(), kie.stats()["created"]) == ([], 0)
    await mine.submit()
    assert kie.stats()["created"] == 1


async def test_an_outcome_that_cannot_be_recorded_is_reported_and_the_run_goes_on(
    kie: SimulatorServer, stumbling: tuple[Submissions, Stumbling], caplog: pytest.LogCaptureFixture
) -> None:
    mine, storage = stumbling
    storage.fails = lambda method, path: method == "write"
    handle = await mine.submit()
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
    assert "could not be recorded in result storage (OSError: [Errno 28] No space" in caplog.text
    assert f"Job: {handle.task_id}." in caplog.text
    assert mine.events.flushed == 1

    with pytest.raises(SubmissionNotRecorded, match="is known now but cannot be recorded") as caught:
        await mine.submit()
    assert caught.value.retryable
    assert (caught.value.billed, caught.value.task_id) == ("unknown", handle.task_id)
    storage.fails = lambda method, path: method == "read" and store.FOLDER in path
    with pytest.raises(SubmissionNotRecorded, match="nothing was sent now") as caught:
        await mine.submit()
    assert caught.value.billed == "unknown"
    del storage.fails
    assert (await mine.submit()).task_id == handle.task_id
    assert kie.stats()["created"] == 1


async def test_a_storage_that_stumbles_once_loses_no_outcome(
    kie: SimulatorServer, stumbling: tuple[Submissions, Stumbling]
) -> None:
    mine, storage = stumbling
    first = iter([True])
    storage.fails = lambda method, path: method == "write" and next(first, False)
    handle = await mine.submit()
    assert (mine.record().state, mine.record().task_id) == ("submitted", handle.task_id)


async def test_a_late_answer_does_not_overwrite_who_took_over(
    kie: SimulatorServer, mine: Submissions, caplog: pytest.LogCaptureFixture
) -> None:
    """Released by a person while the call was out, against all advice, and made again by another run."""
    kie.fault("create", delay=0.3)
    late = asyncio.ensure_future(mine.submit())
    await until(mine.tokens)
    mine.change_record(attempt="theirs", state="submitted", task_id="their job")
    handle = await late
    assert mine.record().task_id == "their job"
    assert f"became job {handle.task_id}, but submission" in caplog.text
    assert "Both go on" in caplog.text


async def test_a_doubtful_answer_that_names_a_task_is_remembered(
    kie: SimulatorServer, mine: Submissions
) -> None:
    kie.fault("create", code=455, msg="maintenance", data={"taskId": "abc"})
    for _ in range(2):
        with pytest.raises(SubmissionInDoubt) as caught:
            await mine.submit()
        assert caught.value.task_id == "abc"
    assert kie.stats()["created"] == 0


# Other processes

ELSEWHERE = {"host": "another", "machine": "another"}


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


async def test_a_call_that_another_process_still_waits_for_is_waited_for_too(
    kie: SimulatorServer, mine: Submissions
) -> None:
    first = await mine.submit()
    done, waits = mine.files()[0].read_text(), iter(range(5))
    mine.forget_the_outcome(**ELSEWHERE, written_at=now())
    mine.clock.before_sleep = lambda: next(waits, None) == 4 and mine.files()[0].write_text(done)
    assert (await mine.submit()).task_id == first.task_id
    assert kie.stats()["created"] == 1
    assert list(waits) == []


async def test_a_call_that_another_process_never_answers_is_in_doubt(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await mine.submit()
    mine.forget_the_outcome(**ELSEWHERE, written_at=now(), attempt="theirs")
    with pytest.raises(SubmissionInDoubt):
        await mine.submit()
    assert 190 < mine.clock.passed < 210
    assert kie.stats()["created"] == 1


async def test_a_caller_cancelled_while_it_waits_for_another_sends_nothing_later(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await mine.submit()
    mine.forget_the_outcome(**ELSEWHERE, written_at=now())
    sleep = mine.clock.sleep

    async def slowly(seconds: float) -> None:
        await asyncio.sleep(0.01)
        mine.clock.passed -= seconds
        await sleep(seconds)

    mine.clock.sleep = slowly  # type: ignore[method-assign]
    call = asyncio.ensure_future(mine.submit())
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    mine.files()[0].unlink()  # the other one was refused
    await asyncio.sleep(0.1)
    assert (mine.files(), kie.stats()["created"]) == ([], 1)


async def test_a_record_from_a_clock_that_is_ahead_holds_nobody_up(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await mine.submit()
    mine.forget_the_outcome(written_at="2099-01-01T00:00:00Z", attempt="ahead", **ELSEWHERE)
    with pytest.raises(SubmissionInDoubt, match=r"UTC on another and its outcome"):
        await mine.submit()
    assert (mine.clock.passed, kie.stats()["created"]) == (0, 1)


async def test_a_call_of_a_dead_process_is_not_waited_for(kie: SimulatorServer, mine: Submissions) -> None:
    await mine.submit()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    mine.forget_the_outcome(process=process.pid, attempt="dead")
    with pytest.raises(SubmissionInDoubt):
        await mine.submit()
    assert (mine.clock.passed, kie.stats()["created"]) == (0, 1)


async def left_behind(mine: Submissions, **known: Any) -> store.SubmissionRecord:
    """The record of an attempt on another machine whose call nobody has sent."""
    record = store.SubmissionRecord(
        key=submission_key(mine.kie, "one", CAT, 1),
        scope="one",
        model=CAT.model_name,
        input=CAT.input_fields(),
        **{**ELSEWHERE, "written_at": datetime.now(timezone.utc) - timedelta(hours=1), **known},
    )
    await mine.records.write(record)
    return record


@pytest.mark.parametrize("machine", ["another", this_machine()])
async def test_an_attempt_without_a_token_was_not_sent_and_leaves_no_doubt(
    machine: str, kie: SimulatorServer, mine: Submissions
) -> None:
    left = await left_behind(mine, machine=machine)
    handle = await mine.submit()
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
    assert kie.stats()["created"] == 1
    assert mine.tokens() == ["sent", "void"]
    # Whoever began it wakes up now, and sends nothing.
    assert await SendToken(mine.storage, left.attempt).send() is False


async def test_a_fresh_record_without_a_token_is_taken_over_after_some_seconds(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await left_behind(mine, written_at=datetime.now(timezone.utc))
    await mine.submit()
    assert 5 <= mine.clock.passed < 7
    assert kie.stats()["created"] == 1


async def test_a_sender_that_slept_finds_the_job_of_who_took_over(
    kie: SimulatorServer, mine: Submissions, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paused container: between its record and its call another machine takes the submission over."""
    sends, first = SendToken.send, iter([True])
    jobs: list[str] = []

    async def asleep(self: SendToken) -> bool:
        if next(first, False):
            ours = mine.record()
            assert await mine.records.token(ours).void()
            await mine.records.release(ours)
            async with credentials.get_client() as client:
                jobs.append((await client.create_job(CAT)).task_id)
            theirs = ours.model_copy(update={"attempt": "theirs", "state": "submitted", "task_id": jobs[0]})
            await mine.records.write(theirs)
        return await sends(self)

    monkeypatch.setattr(SendToken, "send", asleep)
    assert [(await mine.submit()).task_id] == jobs
    assert kie.stats()["created"] == 1


async def test_a_sender_that_slept_after_its_token_sends_nothing(
    kie: SimulatorServer, mine: Submissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is too late by then: a person may have released the submission, and another run made it."""
    sends = SendToken.send

    async def asleep(self: SendToken) -> bool:
        mine.clock.passed += 61
        return await sends(self)

    with monkeypatch.context() as patched:
        patched.setattr(SendToken, "send", asleep)
        with pytest.raises(ServiceUnavailable, match="held up too long before its call") as caught:
            await mine.submit()
    assert caught.value.billed == "no"
    assert (mine.files(), mine.tokens(), kie.stats()["created"]) == ([], [], 0)
    await mine.submit()
    assert kie.stats()["created"] == 1


async def test_two_who_take_over_one_attempt_pay_once(
    kie: SimulatorServer, mine: Submissions, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage holds up one of them between finding the attempt in its record and removing that."""

    @asynccontextmanager
    async def of_two_processes(key: str) -> AsyncGenerator[None, None]:
        yield

    class Slow(LocalStorage):
        async def delete(self, path: str) -> None:
            if store.FOLDER in path:
                removing.append(path)
                while not (mine.clock.passed or quicker.done()):
                    await asyncio.sleep(0)
            await super().delete(path)

    removing: list[str] = []
    quicker = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(service, "single_flight", of_two_processes)
    monkeypatch.setattr(store.SubmissionRecord, "in_flight_seconds", store.SubmissionRecord.call_seconds)
    slow = Submissions(mine.folder, credentials, Slow(mine.folder))
    await left_behind(mine)
    slower = asyncio.ensure_future(slow.submit())
    await until(lambda: removing)
    made = asyncio.ensure_future(mine.submit())
    await asyncio.wait([made])
    quicker.set_result(None)
    assert (await made).task_id == (await slower).task_id
    assert kie.stats()["created"] == 1


async def test_an_attempt_whose_taker_died_before_it_was_removed_is_taken_over(
    kie: SimulatorServer, mine: Submissions
) -> None:
    left = await left_behind(mine)
    assert await mine.records.token(left).void()
    await mine.submit()
    assert 29 < mine.clock.passed < 32
    assert kie.stats()["created"] == 1


async def test_only_one_of_two_can_send_or_void(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for number in range(50):
        token = SendToken(storage, f"attempt{number}")
        sent, void = await asyncio.gather(token.send(), token.void())
        assert sent is not void
        assert await token.is_sent() is sent
        assert not await token.void()  # whoever comes later changes nothing
        assert await token.is_sent() is not void


async def test_somebody_quicker_each_time_is_noticed(
    kie: SimulatorServer, mine: Submissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(self: object, record: object) -> bool:
        return False

    monkeypatch.setattr(store.SubmissionRecords, "claim", lost)
    with pytest.raises(SubmissionNotRecorded, match="this run sent nothing"):
        await mine.submit()
    assert kie.stats()["created"] == 0


async def test_a_record_that_has_become_somebody_elses_is_left_alone(mine: Submissions) -> None:
    ours, theirs = (
        store.SubmissionRecord(key="kie-1", scope="one", model="m", input={}, attempt=attempt)
        for attempt in ("ours", "theirs")
    )
    await mine.records.write(theirs)
    await mine.records.release(ours)
    assert await mine.records.read("kie-1") == theirs


@pytest.mark.parametrize("options", [{"take": 0}, {"second_try": -1}], ids=str)
async def test_senseless_options_are_refused(
    options: dict[str, Any], kie: SimulatorServer, mine: Submissions
) -> None:
    with pytest.raises(ValueError, match="counts from"):
        await mine.submit(**options)
    assert kie.stats()["created"] == 0


def test_the_key_of_a_submission_is_what_it_has_always_been() -> None:
    # A changed key pays every running job again after an upgrade: this value may never change.
    cat = Sora2TextToVideo(prompt="a cat")
    assert submission_key(None, "run", cat, 1) == "kie-58d59f96ea8eca58be4eefd06754cfa8"
    explicit = Sora2TextToVideo(prompt="a cat", aspect_ratio="landscape", n_frames="10")
    assert submission_key(None, "run", explicit, 1) == submission_key(None, "run", cat, 1)
    others = [
        submission_key(None, "run", cat, 2),
        submission_key(None, "another run", cat, 1),
        submission_key(None, "run", Sora2TextToVideo(prompt="a cat", n_frames="15"), 1),
    ]
    assert len({submission_key(None, "run", cat, 1), *others}) == 4
