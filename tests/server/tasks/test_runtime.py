"""The background loop: one at a time for a key, one client for a key, and nothing of a parent's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect import flow, unmapped

from prefect_kie.blocks import KieCredentials
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video, wait_for_job
from tests.conftest import KEY, QUICK

FORKING = """
import asyncio, multiprocessing, sys
from prefect import flow
from prefect_kie.api import PollPolicy
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.tasks import sora_2_text_to_video, wait_for_job

credentials = KieCredentials(api_key=sys.argv[2], base_url=sys.argv[1], upload_url=sys.argv[1])
quick = PollPolicy(usual_seconds=0.2, min_gap_seconds=0.05, max_gap_seconds=0.3)

@flow
async def pipeline(take):
    cat = Sora2TextToVideo(prompt="a cat")
    handle = await sora_2_text_to_video(cat, credentials, take=take, job_key="one")
    return (await wait_for_job(handle, credentials, poll=quick)).task_id

def make(take):
    asyncio.run(pipeline(take))

make(1)
child = multiprocessing.get_context("fork").Process(target=make, args=(2,))
child.start()
child.join()
make(1)  # found again, with what the parent still has
sys.exit(child.exitcode)
"""


@pytest.mark.server
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_submits_and_waits_as_its_parent_does(
    kie: SimulatorServer, results: Path, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORKING, kie.url, KEY],
        env={**os.environ, "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(results)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert kie.stats()["created"] == 2
    assert {job["state"] for job in kie.stats()["jobs"]} == {"success"}


@pytest.mark.server
def test_a_synchronous_flow_maps_over_requests(kie: SimulatorServer, credentials: KieCredentials) -> None:
    @flow
    def pipeline() -> set[str]:
        requests = [Sora2TextToVideo(prompt=f"cat {number}") for number in range(3)]
        handles = sora_2_text_to_video.map(requests, unmapped(credentials))
        jobs = wait_for_job.map(handles, unmapped(credentials), poll=unmapped(QUICK))
        return {job.result().task_id for job in jobs}

    assert pipeline() == {job["task_id"] for job in kie.stats()["jobs"]}
    assert kie.stats()["created"] == 3
