"""A process that is asked to end while its paid call is out records the outcome first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prefect_kie.simulator import SimulatorServer
from tests.conftest import KEY
from tests.left_behind import the_record

pytestmark = pytest.mark.server

SCRIPT = """
import asyncio, sys
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.tasks import sora_2_text_to_video

credentials = KieCredentials(api_key=sys.argv[2], base_url=sys.argv[1], upload_url=sys.argv[1])
asyncio.run(sora_2_text_to_video(Sora2TextToVideo(prompt="a cat"), credentials, job_key="one"))
"""


@pytest.mark.parametrize(
    "signals",
    [["SIGINT", "SIGINT"], ["SIGHUP", "SIGTERM"]],  # each alone would end a process that does not listen
    ids=" then ".join,
)
def test_outside_a_flow_too(signals: list[str], kie: SimulatorServer, results: Path, tmp_path: Path) -> None:
    kie.fault("create", delay=1.5)
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, kie.url, KEY],
        # Without coverage, which handles SIGTERM itself.
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(results),
        },
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    ) as process:
        while not list(results.glob("kie-send-tokens/*")):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.02)
        time.sleep(0.2)
        for name in signals:
            process.send_signal(getattr(signal, name))
            time.sleep(0.3)
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert kie.stats()["created"] == 1
    assert the_record(results)[1]["state"] == "submitted"
    assert the_record(results)[1]["task_id"] == kie.stats()["jobs"][0]["task_id"]
