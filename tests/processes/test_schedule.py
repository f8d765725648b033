"""The daily video of prefect.yaml, made by a real schedule and a real worker: each run pays once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import AwaitingRetry

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import LocalServer
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.conftest import QUICK, grouped

ROOT = Path(__file__).parents[2]
EVERY_SECONDS = 15
"""Longer than a run takes on a machine that is not too busy: the deployment lets one run at once."""

PATIENCE = 300.0
"""Seconds; on a busy machine a run waits its turn, and Prefect looks again for a free one after 30."""


@pytest.fixture
async def client(prefect_server: LocalServer) -> AsyncIterator[PrefectClient]:
    """A client of the session's server."""
    async with get_client() as client:
        yield client


def run_prefect(directory: Path, *words: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *words]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def worker(pool: str, home: Path) -> Generator[None, None, None]:
    """A process worker, in a directory where nothing is; told to stop at the end."""
    # Prefect's worker asks for work every 10 seconds, and for runs that are due in 10, unless told otherwise.
    quick = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_PREFETCH_SECONDS": "1"}
    storage = {"PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(home / "results")}
    with (home / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool],
            env={**os.environ, **quick, **storage},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()  # nothing, where it has ended


@asynccontextmanager
async def daily(
    client: PrefectClient, credentials: KieCredentials, home: Path
) -> AsyncGenerator[DeploymentResponse, None]:
    """The daily deployment of prefect.yaml: its days are seconds, its names its own, its schedule is on."""
    unique = f"schedule-{uuid4().hex[:8]}"
    block = await credentials.asave(unique)
    written = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    (one,) = [one for one in written["deployments"] if one["name"] == "kie-daily"]
    (schedule,) = one["schedules"]
    del schedule["cron"]
    schedule |= {"interval": EVERY_SECONDS, "active": True}
    one["name"] = unique
    one["work_pool"]["name"] = unique
    one["parameters"] |= {
        "credentials": unique,
        **grouped(directory=str(home / "videos"), poll=QUICK.model_dump(mode="json")),
    }
    (home / "prefect.yaml").write_text(yaml.safe_dump({"pull": written["pull"], "deployments": [one]}))
    await client.create_work_pool(WorkPoolCreate(name=unique, type="process"))
    await asyncio.to_thread(run_prefect, home, "deploy", "--all")
    deployment = await client.read_deployment_by_name(f"generate-video/{unique}")
    try:
        yield deployment
    finally:
        await client.delete_deployment(deployment.id)  # and with it whatever it has still scheduled
        await client.delete_work_pool(unique)
        await client.delete_block_document(block)


async def runs_of(client: PrefectClient, deployment: UUID) -> list[FlowRun]:
    """Its runs that have begun, or are to begin now."""
    runs = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    # One that waits for the deployment's only slot, or is late, is scheduled by another name.
    return [run for run in runs if run.state_name != "Scheduled" or run.run_count]


async def completed(client: PrefectClient, deployment: UUID, least: int | None = None) -> list[FlowRun]:
    """Its runs, once all of them are completed, or so many; on a busy machine the next ones queue up."""
    end = time.monotonic() + PATIENCE
    while True:
        runs = await runs_of(client, deployment)
        ended = [run for run in runs if run.state is not None and run.state.is_final()]
        assert all(run.state is not None and run.state.is_completed() for run in ended), ended
        if len(ended) >= (len(runs) if least is None else least):
            return ended
        assert time.monotonic() < end, runs
        await asyncio.sleep(0.3)


def notes(home: Path) -> list[dict[str, Any]]:
    """What is noted of each video that was saved."""
    return [json.loads(path.read_text()) for path in (home / "videos").glob("*.json")]


@pytest.mark.server
async def test_each_scheduled_run_pays_once_and_run_again_it_pays_nothing(
    client: PrefectClient, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    async with daily(client, credentials, tmp_path) as deployment:
        with worker(deployment.work_pool_name or "", tmp_path):
            await completed(client, deployment.id, 2)
            (schedule,) = deployment.schedules
            await client.update_deployment_schedule(deployment.id, schedule.id, active=False)
            runs = await completed(client, deployment.id)
            assert all(run.auto_scheduled for run in runs)
            assert {run.created_by.type for run in runs if run.created_by} == {"SCHEDULE"}
            starts = [run.expected_start_time for run in runs]
            assert len(set(starts)) == len(runs)
            stats = kie.stats()
            assert stats["created"] == len(runs)
            assert stats["charged"] == len(runs) * SimulatorSettings().price_of("kling-2.6/text-to-video")
            assert {job["task_id"] for job in stats["jobs"]} == {note["task_id"] for note in notes(tmp_path)}
            videos = {path: path.stat().st_mtime_ns for path in (tmp_path / "videos").glob("*.mp4")}
            assert len(videos) == len(runs)

            # As `prefect flow-run retry` and the UI's Retry.
            await client.set_flow_run_state(runs[0].id, AwaitingRetry(), force=True)
            again = await completed(client, deployment.id)
            assert [run.run_count for run in again] == [2] + [1] * (len(runs) - 1)
            assert kie.stats()["created"] == stats["created"]
            assert kie.stats()["charged"] == stats["charged"]
            assert {path: path.stat().st_mtime_ns for path in (tmp_path / "videos").glob("*.mp4")} == videos
