"""Paid once: what the simulator counts when calls are repeated, fail, or never answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
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
    JobHandle,
    Maintenance,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions import store
from prefect_kie.tasks import sora_2_text_to_video
from tests.conftest import KEY

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat")


async def submit(credentials: KieCredentials | str, **options: Any) -> JobHandle:
    """One call of the task in a flow run of its own."""

    @flow
    async def pipeline() -> JobHandle:
        return await sora_2_text_to_video(CAT, credentials, **options)

    return await pipeline()


def test_equal_calls_from_threads_are_one_job(kie: SimulatorServer, credentials: KieCredentials) -> None:
    @flow
    def pipeline() -> set[str]:
        futures = [sora_2_text_to_video.submit(CAT, credentials) for _ in range(5)]
        return {future.result().task_id for future in futures}

    assert len(pipeline()) == 1
    assert kie.stats()["created"] == 1


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


async def test_a_rejected_call_is_retried_by_prefect_and_paid_once(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    # One of its kind; all of them: tests/unit/api/test_classification.py.
    kie.fault("create", times=2, status=429, body="slow down")
    handle = await submit(credentials)
    assert kie.stats()["created"] == 1
    assert kie.stats()["jobs"][0]["task_id"] == handle.task_id


async def test_a_rejection_that_stays_ends_with_its_error_and_nothing_paid(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("create", times=None, code=455)
    with pytest.raises(Maintenance):
        await submit(credentials)
    assert kie.stats()["created"] == 0


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
