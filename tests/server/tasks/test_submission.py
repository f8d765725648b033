"""Paid once: what the simulator counts when calls are repeated, fail, or never answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect import flow, task
from prefect.client.orchestration import PrefectClient

from prefect_kie.api import (
    AuthenticationFailed,
    FeatureDisabled,
    InsufficientCredits,
    InvalidRequest,
    JobHandle,
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
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions import paid_call, store
from prefect_kie.submissions import submit as submission
from prefect_kie.tasks import sora_2_text_to_video
from tests.conftest import KEY
from tests.left_behind import events_of, forget_the_outcome

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat")


async def submit(credentials: KieCredentials | str, **options: Any) -> JobHandle:
    """One call of the task in a flow run of its own."""

    @flow
    async def pipeline() -> JobHandle:
        return await sora_2_text_to_video(CAT, credentials, **options)

    return await pipeline()


async def test_equal_calls_in_one_run_are_one_job(kie: SimulatorServer, credentials: KieCredentials) -> None:
    @flow
    async def pipeline() -> list[JobHandle]:
        at_once = await asyncio.gather(*(sora_2_text_to_video(CAT, credentials) for _ in range(5)))
        return [*at_once, await sora_2_text_to_video(CAT, credentials)]

    handles = await pipeline()

    assert len({handle.task_id for handle in handles}) == 1
    assert kie.stats()["created"] == 1


def test_equal_calls_from_threads_are_one_job(kie: SimulatorServer, credentials: KieCredentials) -> None:
    @flow
    def pipeline() -> set[str]:
        futures = [sora_2_text_to_video.submit(CAT, credentials) for _ in range(5)]
        return {future.result().task_id for future in futures}

    assert len(pipeline()) == 1
    assert kie.stats()["created"] == 1


async def test_takes_are_jobs_of_their_own(kie: SimulatorServer, credentials: KieCredentials) -> None:
    @flow
    async def pipeline() -> None:
        for take in (1, 2, 1):
            await sora_2_text_to_video(CAT, credentials, take=take)

    await pipeline()

    assert kie.stats()["created"] == 2


async def test_runs_are_jobs_of_their_own_unless_they_share_a_key(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    for _ in range(2):
        await submit(credentials)
    assert kie.stats()["created"] == 2
    for _ in range(2):
        await submit(credentials, job_key="chapter 1")
    assert kie.stats()["created"] == 3


async def test_a_flow_retry_goes_on_with_the_same_job(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    crashes = iter([True, False])

    @flow(retries=1, retry_delay_seconds=0)
    async def pipeline() -> JobHandle:
        handle = await sora_2_text_to_video(CAT, credentials)
        if next(crashes):
            raise RuntimeError("the body crashed after the job was paid")
        return handle

    handle = await pipeline()

    assert kie.stats()["created"] == 1
    assert kie.stats()["jobs"][0]["task_id"] == handle.task_id


async def test_a_subflow_made_anew_by_its_parents_retry_pays_once(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    # Prefect gives a failed subflow a new run, with a new id, when its parent is run again.
    crashes = iter([True, False])

    @flow
    async def child() -> JobHandle:
        handle = await sora_2_text_to_video(CAT, credentials)
        if next(crashes):
            raise RuntimeError("the subflow crashed after the job was paid")
        return handle

    @flow(retries=1, retry_delay_seconds=0)
    async def parent() -> JobHandle:
        return await child()

    await parent()

    assert kie.stats()["created"] == 1


async def test_a_call_inside_another_task_belongs_to_the_flow_run(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    @task
    async def step() -> JobHandle:
        return await sora_2_text_to_video(CAT, credentials)

    @flow
    async def pipeline() -> tuple[JobHandle, JobHandle]:
        return await step(), await sora_2_text_to_video(CAT, credentials)

    first, second = await pipeline()

    assert first.task_id == second.task_id
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize(
    "fault",
    [{"code": 429}, {"status": 429, "body": "slow down"}, {"code": 455, "msg": "maintenance"}],
    ids=["429", "HTTP 429", "455"],
)
async def test_a_rejected_call_is_retried_by_prefect_and_paid_once(
    fault: dict[str, Any], kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("create", times=2, **fault)
    handle = await submit(credentials)
    assert kie.stats()["created"] == 1
    assert kie.stats()["jobs"][0]["task_id"] == handle.task_id


FINAL: list[tuple[dict[str, Any], type[KieError]]] = [
    ({"code": 401}, AuthenticationFailed),
    ({"code": 402}, InsufficientCredits),
    ({"code": 422, "msg": "prompt is too long"}, InvalidRequest),
    ({"code": 505}, FeatureDisabled),
    ({"status": 403, "body": "<html>forbidden</html>"}, AuthenticationFailed),
]
"""One of each kind; all of them: tests/unit/api/test_classification.py."""


@pytest.mark.parametrize(("fault", "error"), FINAL, ids=lambda value: str(value)[:50])
async def test_a_refusal_is_final_not_charged_and_free_to_be_submitted_again(
    fault: dict[str, Any], error: type[KieError], kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("create", times=1, **fault)
    with pytest.raises(error) as caught:
        await submit(credentials, job_key="one")
    assert (kie.stats()["created"], kie.stats()["charged"]) == (0, 0)
    assert caught.value.billed == "no"
    assert caught.value.next_step in str(caught.value)

    await submit(credentials, job_key="one")
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"code": 429}, RateLimited), ({"code": 455}, Maintenance)],
    ids=["429", "455"],
)
async def test_a_rejection_that_stays_ends_with_its_error_and_nothing_paid(
    fault: dict[str, Any], error: type[KieError], kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("create", times=None, **fault)
    with pytest.raises(error):
        await submit(credentials)
    assert kie.stats()["created"] == 0


async def test_no_connection_is_a_rejection(credentials: KieCredentials) -> None:
    nowhere = credentials.model_copy(update={"base_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(ServiceUnavailable, match="got no answer"):
        await submit(nowhere)


DOUBTS: list[dict[str, Any]] = [
    {"hang": 5},
    {"reset": True},
    {"garbage": "<html>502 Bad Gateway</html>"},
    {"empty": True},
    {"truncate": 10},
    {"status": 502, "body": "<html>bad gateway</html>"},
    {"code": 500, "msg": "Internal Error"},
    {"code": 408, "msg": "timeout"},
    {"code": 455, "msg": "maintenance", "data": {"taskId": "abc"}},
    {"merge": {"data": None}},
]


@pytest.mark.parametrize("fault", DOUBTS, ids=lambda fault: "-".join(map(str, fault)))
async def test_an_unknown_outcome_is_never_submitted_again(
    fault: dict[str, Any],
    kie: SimulatorServer,
    credentials: KieCredentials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prefect_kie.api.client.CREATE_READ_TIMEOUT", 0.3)
    accepted = {} if {"truncate", "merge"} & set(fault) else {"accept": True}
    kie.fault("create", times=1, **accepted, **fault)

    for _ in range(2):  # now, and in a later run of the same job
        with pytest.raises(SubmissionInDoubt) as caught:
            await submit(credentials, job_key="one")
        error = caught.value
        assert error.billed == "unknown"
        assert error.submission is not None
        assert error.submission in str(error)
        assert f"resolve_submission with submission='{error.submission}'" in error.next_step

    assert kie.stats()["created"] == 1


async def test_recordid_alone_is_an_answer(kie: SimulatorServer, credentials: KieCredentials) -> None:
    kie.fault("create", merge={"data": {"taskId": None}})
    handle = await submit(credentials)
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]


async def test_a_run_cancelled_during_the_call_still_records_the_job(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    kie.fault("create", delay=0.3)

    @flow
    async def pipeline() -> None:
        call = asyncio.ensure_future(sora_2_text_to_video(CAT, credentials, job_key="one"))
        while not record_files(results):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    await pipeline()

    assert kie.stats()["created"] == 1
    handle = await submit(credentials, job_key="one")
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
    assert kie.stats()["created"] == 1


def record_files(folder: Path) -> list[Path]:
    return sorted((folder / store.FOLDER).glob("*.json"))


async def test_the_record_tells_what_was_asked_and_what_became_of_it(
    credentials: KieCredentials, results: Path
) -> None:
    handle = await submit(credentials)
    (file,) = record_files(results)
    record = json.loads(file.read_text())
    assert record["state"] == "submitted"
    assert record["task_id"] == handle.task_id
    assert record["key"] == handle.submission == file.stem
    assert (record["model"], record["input"]) == (CAT.model_name, CAT.input_fields())
    assert record["flow_run_id"]
    assert KEY not in file.read_text()


async def test_a_record_left_by_a_killed_process_puts_the_submission_in_doubt(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    await submit(credentials, job_key="one")
    forget_the_outcome(results, attempt="killed")  # one of which the server has no event

    with pytest.raises(SubmissionInDoubt, match="never learned"):
        await submit(credentials, job_key="one")
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 99}'], ids=["empty", "cut", "other version"])
async def test_a_damaged_record_is_no_licence_to_pay_again(
    content: bytes, kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    await submit(credentials, job_key="one")
    (file,) = record_files(results)
    file.write_bytes(content)

    with pytest.raises(SubmissionNotRecorded, match="damaged") as caught:
        await submit(credentials, job_key="one")
    assert caught.value.billed == "unknown"
    assert kie.stats()["created"] == 1


async def test_without_a_writable_storage_nothing_is_sent(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    results.mkdir()
    (results / store.FOLDER).write_text("a file where the folder should be")
    with pytest.raises(SubmissionNotRecorded, match="nothing was sent") as caught:
        await submit(credentials)
    assert caught.value.billed == "no"
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


@pytest.mark.parametrize(
    ("storage", "reason"),
    [(Forgetful, "does not keep"), (OutOfReach, "cannot be read")],
    ids=["forgets", "out of reach"],
)
async def test_a_storage_that_cannot_be_trusted_stops_the_submission(
    storage: type[LocalStorage],
    reason: str,
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prefect_kie.storage.run_storage.storage_for", lambda block: storage(tmp_path))
    with pytest.raises(SubmissionNotRecorded, match=reason):
        await submit(credentials)
    assert kie.stats()["created"] == 0


async def test_an_outcome_that_cannot_be_recorded_is_told_and_the_run_goes_on(
    kie: SimulatorServer,
    credentials: KieCredentials,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(self: object, record: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paid_call, "KEEP_PAUSES", (0.0, 0.0))
    with monkeypatch.context() as broken:
        broken.setattr(store.SubmissionRecords, "write", refuse)
        handle = await submit(credentials, job_key="one")
        assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
        assert "could not be recorded in result storage (OSError: [Errno 28] No space" in caplog.text
        assert f"Job: {handle.task_id}." in caplog.text
        assert await events_of(handle.task_id)

        with pytest.raises(SubmissionNotRecorded, match="is known now but cannot be recorded"):
            await submit(credentials, job_key="one")
    again = await submit(credentials, job_key="one")
    assert again.task_id == handle.task_id
    assert kie.stats()["created"] == 1


async def test_a_rejected_submission_leaves_no_record(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    kie.fault("create", code=402)
    with pytest.raises(InsufficientCredits):
        await submit(credentials)
    assert record_files(results) == []


async def test_a_claim_that_cannot_be_read_back_is_withdrawn(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, broken = LocalStorage.read, iter([False, True])

    async def stumbling(self: LocalStorage, path: str) -> bytes | None:
        if next(broken, False):
            raise OSError(5, "Input/output error")
        return await read(self, path)

    monkeypatch.setattr(LocalStorage, "read", stumbling)
    with pytest.raises(SubmissionNotRecorded, match="nothing was sent"):
        await submit(credentials, job_key="one")
    assert record_files(results) == []
    await submit(credentials, job_key="one")
    assert kie.stats()["created"] == 1


async def test_a_doubtful_answer_that_names_a_task_is_remembered(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("create", code=455, msg="maintenance", data={"taskId": "abc"})
    for _ in range(2):
        with pytest.raises(SubmissionInDoubt) as caught:
            await submit(credentials, job_key="one")
        assert caught.value.task_id == "abc"
    assert kie.stats()["created"] == 0


async def test_a_call_that_another_process_still_waits_for_is_waited_for_too(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "POLL_SECONDS", 0.05)
    first = await submit(credentials, job_key="one")
    (file,) = record_files(results)
    done = file.read_text()
    now = datetime.now(timezone.utc).isoformat()
    unknown = {"state": "submitting", "task_id": None}
    pending = {**unknown, "process": os.getppid(), "sender": "another", "written_at": now}
    file.write_text(json.dumps({**json.loads(done), **pending}))
    second = asyncio.ensure_future(submit(credentials, job_key="one"))
    await asyncio.sleep(0.6)
    assert not second.done()
    file.write_text(done)
    assert (await second).task_id == first.task_id
    assert kie.stats()["created"] == 1


async def test_a_run_cancelled_while_it_waits_for_another_sends_nothing_later(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "POLL_SECONDS", 0.05)
    await submit(credentials, job_key="one")
    (file,) = record_files(results)
    now = datetime.now(timezone.utc).isoformat()
    unknown = {"state": "submitting", "task_id": None}
    pending = {**unknown, "process": os.getppid(), "sender": "another", "written_at": now}
    file.write_text(json.dumps({**json.loads(file.read_text()), **pending}))

    @flow
    async def pipeline() -> None:
        call = asyncio.ensure_future(sora_2_text_to_video(CAT, credentials, job_key="one"))
        await asyncio.sleep(0.5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    await pipeline()
    file.unlink()  # the other one was refused
    await asyncio.sleep(0.3)
    assert kie.stats()["created"] == 1
    assert record_files(results) == []


async def test_a_record_from_a_clock_that_is_ahead_holds_nobody_up(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    await submit(credentials, job_key="one")
    elsewhere = {"host": "another", "machine": "another", "sender": "another"}
    forget_the_outcome(results, written_at="2099-01-01T00:00:00Z", attempt=uuid4().hex, **elsewhere)
    with pytest.raises(SubmissionInDoubt, match=r"UTC on another and its outcome"):
        await submit(credentials, job_key="one")
    assert kie.stats()["created"] == 1


async def test_a_call_of_a_dead_process_is_not_waited_for(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    await submit(credentials, job_key="one")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    forget_the_outcome(results, process=process.pid, sender="dead", attempt=uuid4().hex)
    with pytest.raises(SubmissionInDoubt):
        await submit(credentials, job_key="one")
    assert kie.stats()["created"] == 1


async def test_a_time_limit_does_not_lose_the_answer(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    kie.fault("create", delay=0.9)

    @flow
    async def pipeline() -> None:
        await sora_2_text_to_video.with_options(timeout_seconds=0.4)(CAT, credentials, job_key="one")

    with pytest.raises(TimeoutError):
        await pipeline()
    for _ in range(100):
        if any(json.loads(file.read_text())["state"] == "submitted" for file in record_files(results)):
            break
        await asyncio.sleep(0.05)
    handle = await submit(credentials, job_key="one")
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
    assert kie.stats()["created"] == 1


INTERRUPTED = """
import asyncio, os, sys, threading
from prefect import flow
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.tasks import sora_2_text_to_video

credentials = KieCredentials(api_key="any", base_url=sys.argv[1], upload_url=sys.argv[1])

@flow
async def pipeline():
    call = asyncio.ensure_future(
        sora_2_text_to_video(Sora2TextToVideo(prompt="a cat"), credentials, job_key="one")
    )
    while not os.path.isdir(os.path.join(sys.argv[2], "kie-submissions")):
        await asyncio.sleep(0.01)
    threading.Timer(0.1, os.kill, (os.getpid(), int(sys.argv[3]))).start()
    await call

asyncio.run(pipeline())
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
async def test_a_process_asked_to_end_records_the_job_first(
    sent: signal.Signals, kie: SimulatorServer, credentials: KieCredentials, results: Path, tmp_path: Path
) -> None:
    kie.fault("create", delay=0.8)
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    command = [sys.executable, str(tmp_path / "interrupted.py"), kie.url, str(results), str(int(sent))]
    environment = {**os.environ, "PREFECT_LOCAL_STORAGE_PATH": str(results)}
    ended = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode != 0, ended.stderr
    handle = await submit(credentials, job_key="one")
    assert handle.task_id == kie.stats()["jobs"][0]["task_id"]
    assert kie.stats()["created"] == 1


async def test_a_storage_that_prefect_only_falls_back_to_is_not_trusted(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: object) -> object:
        raise httpx.ConnectError("the Prefect server is away")

    monkeypatch.setattr(PrefectClient, "read_server_default_result_storage", away)
    with pytest.raises(SubmissionNotRecorded, match="could not be asked where results are stored"):
        await submit(credentials)

    async def elsewhere(self: object) -> object:
        return SimpleNamespace(default_result_storage_block_id=uuid4())

    monkeypatch.setattr(PrefectClient, "read_server_default_result_storage", elsewhere)
    with pytest.raises(SubmissionNotRecorded, match="could not be"):
        await submit(credentials)
    assert kie.stats()["created"] == 0


async def test_somebody_quicker_between_look_and_claim_is_noticed(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(self: object, record: object) -> bool:
        return False

    monkeypatch.setattr(store.SubmissionRecords, "claim", lost)
    with pytest.raises(SubmissionNotRecorded, match="this run sent nothing"):
        await submit(credentials)
    assert kie.stats()["created"] == 0


@pytest.mark.parametrize("options", [{"take": 0}, {"job_key": " "}], ids=str)
async def test_senseless_options_are_refused(
    options: dict[str, Any], kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises(ValueError, match=r"take counts|job_key must"):
        await submit(credentials, **options)
    assert kie.stats()["created"] == 0


async def test_an_unknown_block_says_how_to_make_it(kie: SimulatorServer) -> None:
    with pytest.raises(AuthenticationFailed, match="no KieCredentials block named 'nobody'") as caught:
        await submit("kie-credentials/nobody")
    assert "save('nobody')" in caught.value.next_step


async def test_a_block_is_found_by_its_name(kie: SimulatorServer, credentials: KieCredentials) -> None:
    await credentials.asave("submission-test", overwrite=True)
    await submit("submission-test")
    await submit("kie-credentials/submission-test")
    assert kie.stats()["created"] == 2


async def test_outside_a_task_run_it_refuses_to_pay(credentials: KieCredentials) -> None:
    with pytest.raises(RuntimeError, match="runs as a Prefect task"):
        await sora_2_text_to_video.fn(CAT, credentials)


def test_the_key_of_a_submission_is_what_it_has_always_been() -> None:
    # A changed key pays every running job again after an upgrade: this value may never change.
    assert submission_key(None, "run", CAT, 1) == "kie-58d59f96ea8eca58be4eefd06754cfa8"
    explicit = Sora2TextToVideo(prompt="a cat", aspect_ratio="landscape", n_frames="10")
    assert submission_key(None, "run", explicit, 1) == submission_key(None, "run", CAT, 1)
    others = [
        submission_key(None, "run", CAT, 2),
        submission_key(None, "another run", CAT, 1),
        submission_key(None, "run", Sora2TextToVideo(prompt="a cat", n_frames="15"), 1),
    ]
    assert len({submission_key(None, "run", CAT, 1), *others}) == 4


async def test_a_record_that_has_become_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    kept = store.SubmissionRecords(LocalStorage(tmp_path))
    mine, theirs = (
        store.SubmissionRecord(key="kie-1", model="m", input={}, attempt=attempt)
        for attempt in ("mine", "theirs")
    )
    await kept.write(theirs)
    await kept.release(mine)
    assert await kept.read("kie-1") == theirs
