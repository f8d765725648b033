"""`prefect-kie callbacks`: started, rung by a Kie, and what it says where it cannot start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import httpx
import pytest
from pydantic import SecretStr

from prefect_kie.api import KieClient, Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.callbacks.receiver import HEALTHY
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.conftest import KEY
from tests.receiver.calling import SIGNING_KEY, SUBMISSION, TASK, block, body, signed
from tests.receiver.conftest import Running, rings_of

pytestmark = pytest.mark.server


async def test_kies_own_callbacks_become_events(running: Running) -> None:
    callbacks = block(base_url=running.url)
    settings = SimulatorSettings(
        signing_key=SIGNING_KEY,
        callback_duplicates=2,
        duration_seconds=0.4,
        video_height=36,
        video_fps=2,
    )
    with SimulatorServer(settings) as kie:
        async with KieClient(KEY, base_url=kie.url, upload_url=kie.url) as client:
            handle = await client.create_job(
                Sora2TextToVideo(prompt="a cat"),
                callback_url=callbacks.done_url(SUBMISSION),
                progress_callback_url=callbacks.progress_url(SUBMISSION),
            )
        *_, done = sorted(await rings_of(handle.task_id, 2), key=lambda event: event.occurred)
        assert (done.resource["kie.kind"], done.resource["kie.state"]) == ("done", "success")
        assert [related.id for related in done.related] == [f"kie.submission.{SUBMISSION}"]
        assert done.payload == {"task_id": handle.task_id}
        assert kie.stats()["callbacks_delivered"] == kie.stats()["callbacks_sent"] >= 4
    counted = running.counted()
    assert counted["repeated"] >= 2
    assert sum(count for outcome, count in counted.items() if outcome not in ("rang", "repeated")) == 0


def test_it_serves_health_and_metrics(running: Running) -> None:
    assert httpx.get(f"{running.url}/health").text == HEALTHY
    assert httpx.get(f"{running.url}/metrics").headers["content-type"].startswith("text/plain")


def test_connections_that_say_nothing_keep_nobody_out(running: Running) -> None:
    silent = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(450)]
    try:
        started = time.perf_counter()
        answer = httpx.post(
            f"{running.url}/kie/done/{SUBMISSION}", json=body(), headers=signed(TASK, time.time())
        )
        assert (answer.status_code, time.perf_counter() - started < 1) == (200, True)
        assert silent[0].recv(1) == b""  # the oldest had to make room
    except ConnectionResetError:
        pass
    finally:
        for one in silent:
            one.close()


def run(*words: str, **environment: str) -> tuple[int, str]:
    """Run the command to its end: its exit code, and all that it wrote."""
    command = [sys.executable, "-m", "prefect_kie.cli", "callbacks", *words]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


def test_without_a_block_it_says_how_to_make_one() -> None:
    code, shown = run("--block", "nowhere")
    assert code == 1
    assert "no KieCallbacks block named 'nowhere'" in shown
    assert ".save('nowhere')" in shown


def test_credentials_without_callbacks_are_told() -> None:
    before = KieCredentials(api_key=SecretStr(KEY))
    before.save("kie", overwrite=True)
    code, shown = run()
    assert code == 1
    assert "The credentials block 'kie' has no callbacks" in shown


def test_a_port_that_is_taken_is_told() -> None:
    block().save("receiver", overwrite=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, shown = run("--port", str(taken.getsockname()[1]), "--block", "receiver")
    assert code == 1
    assert "Cannot listen on 127.0.0.1 port" in shown
