"""`prefect-kie callbacks`: started, called by a Kie, and what it says where it cannot start."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from prefect_kie.api import Job, PollPolicy
from prefect_kie.blocks import KieCredentials
from prefect_kie.callbacks.receiver import HEALTHY
from prefect_kie.cli.main import main
from prefect_kie.flows import generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.tasks import sora_2_text_to_video, wait_for_job
from tests.conftest import KEY
from tests.processes.conftest import Running, callbacks_of
from tests.receiving import SIGNING_KEY, SUBMISSION, block, body, signed
from tests.server.flows.test_questions import Deployed, stored

pytestmark = pytest.mark.server

PATIENT = PollPolicy(usual_seconds=40, min_gap_seconds=0.05, seconds_per_poll=100)
"""Without its callback a job of one second would be found after a minute."""


@pytest.fixture
def calling_kie() -> Iterator[SimulatorServer]:
    """A Kie that signs its callbacks, and repeats the last one."""
    settings = SimulatorSettings(
        signing_key=SIGNING_KEY,
        callback_duplicates=1,
        duration_seconds=1.0,
        video_height=36,
        video_fps=2,
    )
    with SimulatorServer(settings) as kie:
        yield kie


def credentials(kie: SimulatorServer, running: Running) -> KieCredentials:
    return KieCredentials(
        api_key=SecretStr(KEY),
        base_url=kie.url,
        upload_url=kie.url,
        callbacks=block(base_url=running.url),
    )


async def test_a_waiting_run_hears_it(calling_kie: SimulatorServer, running: Running) -> None:
    """The receiver turns Kie's callbacks into events, and the run that waits for the job goes on at once."""
    key = credentials(calling_kie, running)

    @flow
    async def one() -> Job:
        handle = await sora_2_text_to_video(Sora2TextToVideo(prompt="a cat"), key)
        return await wait_for_job(handle, key, poll=PATIENT)

    begun = time.monotonic()
    job = await one()
    assert time.monotonic() - begun < 45
    assert httpx.get(f"{running.url}/health").text == HEALTHY
    called = await callbacks_of(job.task_id, 2)
    assert [event.resource["kie.kind"] for event in called] == ["done"] * 2  # its progress is no news
    assert called[-1].resource["kie.state"] == "success"
    (submission,) = {related.id for event in called for related in event.related}
    assert submission.startswith("kie.submission.kie-")
    assert all(event.payload == {"task_id": job.task_id} for event in called)
    stats = calling_kie.stats()
    assert stats["callbacks_delivered"] == stats["callbacks_sent"] >= 5
    posted = body("older", state="generating", progress=50, createTime=0)
    answer = httpx.post(f"{running.url}/kie/progress", json=posted, headers=signed("older", time.time()))
    (progress,) = await callbacks_of("older", 1)
    assert (answer.text, progress.resource["kie.progress"]) == ("ok", "50")
    log = running.log.read_text()
    assert f"Kie called back about job {job.task_id}: done success" in log
    assert SIGNING_KEY not in log


async def test_a_suspended_run_is_resumed(
    calling_kie: SimulatorServer, running: Running, tmp_path: Path
) -> None:
    """A run that no process waits for is scheduled again when its job has ended."""
    calling_kie.change(duration_seconds=3.0)
    parameters: dict[str, Any] = {
        "request": {"model": "sora-2-text-to-video", "prompt": "a cat"},
        "credentials": await stored(credentials(calling_kie, running)),
        "output": {"directory": str(tmp_path)},
        "waiting": {"mode": "suspend"},
    }
    deployed = await Deployed.of(generate_video, parameters)
    assert (await deployed.work()).name == "Suspended"
    async with get_client() as client:
        for _ in range(200):
            state = (await client.read_flow_run(deployed.run.id)).state
            if state is not None and state.is_scheduled():
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError(f"it is {state}")
    assert (await deployed.work()).is_completed()
    assert calling_kie.stats()["created"] == 1


def test_a_forged_callback_is_refused(running: Running) -> None:
    """The real server answers as the app does, and takes no head without end."""
    url = f"{running.url}/kie/done/{SUBMISSION}"
    assert httpx.post(url, json=body(), headers=signed(at=time.time(), key="another")).status_code == 401
    assert httpx.post(url, content=b" " * 10_000_000).status_code == 413
    with socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2]))) as endless:
        endless.sendall(b"GET /health HTTP/1.1\r\nX-Long: " + b"x" * 20_000)
        assert endless.recv(100).startswith(b"HTTP/1.1 400 ")
    assert httpx.get(f"{running.url}/health").text == HEALTHY


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command to its end: its exit code, and all that it wrote."""

    def call(*words: str) -> tuple[int, str]:
        code = main(["callbacks", *words])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return call


def test_without_a_block_it_says_how_to_make_one(run: Run) -> None:
    code, shown = run("--block", "nowhere")
    assert code == 1
    assert "no KieCallbacks block named 'nowhere'" in shown
    assert ".save('nowhere')" in shown


def test_credentials_without_callbacks_are_told(run: Run) -> None:
    before = KieCredentials(api_key=SecretStr(KEY))
    before.save("kie", overwrite=True)
    code, shown = run()
    assert code == 1
    assert "The credentials block 'kie' has no callbacks" in shown


def test_a_port_that_is_taken_is_told(run: Run) -> None:
    block().save("receiver", overwrite=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, shown = run("--port", str(taken.getsockname()[1]), "--block", "receiver")
    assert code == 1
    assert "Cannot listen on 127.0.0.1 port" in shown
