"""Two workers on two machines share nothing but a Prefect server and an S3 store: paid once, never lost."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.results import ResultRecordMetadata
from prefect.states import AwaitingRetry, Crashed

from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.outcomes.results import GeneratedVideos
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import Storage
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.submissions.store import FOLDER, SubmissionRecord
from prefect_kie.tasks import SavedResult
from tests.conftest import QUICK, grouped
from tests.s3_store import KEY, SECRET, S3Store, s3_store

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
PATIENCE = 60.0
"""Seconds after which something will not happen any more, on however slow a machine."""


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Store]:
    with s3_store() as store:
        yield store


class Fleet:
    """The workers' machines, and what they share.

    Attributes:
        records: The store that Prefect keeps results in.
        videos: The store that videos go to.
        name: What the names of its blocks, its deployment and its job_key have in common.
    """

    def __init__(self, s3: S3Store, directory: Path, started: ExitStack) -> None:
        self._directory, self._started = directory, started
        self.name = uuid4().hex[:12]
        self._blocks = {"results": s3.block(), "videos": s3.block()}
        self.records: Storage = storage_for(self._blocks["results"])
        self.videos: Storage = storage_for(self._blocks["videos"])

    async def prepare(self, client: PrefectClient, credentials: KieCredentials) -> None:
        """Save the blocks, and deploy the flow."""
        for name, block in self._blocks.items():
            await block.asave(f"{name}-{self.name}")
        await credentials.asave(f"shared-{self.name}")
        self._deployment = await client.create_deployment(
            await client.create_flow_from_name(generate_video.name),
            f"shared-{self.name}",
            entrypoint="prefect_kie.flows.generate_video",
            pull_steps=[],
        )

    async def order(self, client: PrefectClient, **parameters: Any) -> FlowRun:
        """A run of the deployment that no worker has taken yet."""
        return await client.create_flow_run_from_deployment(
            self._deployment,
            parameters={
                "request": CAT.model_dump(mode="json"),
                "credentials": f"shared-{self.name}",
                **grouped(
                    storage=f"remote-file-system/videos-{self.name}",
                    poll=QUICK.model_dump(mode="json"),
                    **parameters,
                ),
            },
        )

    def home(self, machine: str) -> Path:
        """A machine's own disk."""
        return self._directory / machine

    def execute(self, run: UUID, machine: str) -> subprocess.Popen[bytes]:
        """Execute a run on a machine as Prefect's worker does there."""
        home = self.home(machine)
        home.mkdir(parents=True)
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect.engine", str(run)],
                env={
                    **os.environ,
                    "HOME": str(home),
                    "PREFECT_HOME": str(home / "prefect"),
                    "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK": f"remote-file-system/results-{self.name}",
                    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
                },
                cwd=home,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._started.enter_context(process)
        self._started.callback(process.kill)  # before it is waited for
        return process

    def log(self, machine: str) -> str:
        """What a machine's process said."""
        return (self.home(machine) / "log").read_text()

    def kept_at_home(self) -> list[Path]:
        """What of videos and records is on a machine's own disk."""
        return [path for path in self._directory.rglob("*") if path.suffix == ".mp4" or FOLDER in path.parts]


@pytest.fixture
def fleet(s3: S3Store, tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as started:
        yield Fleet(s3, tmp_path / "machines", started)


async def until(happened: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        await asyncio.sleep(0.05)


async def made_by(fleet: Fleet, client: PrefectClient, run: UUID) -> GeneratedVideos:
    """The result of a run, from the shared store."""
    ended = await client.read_flow_run(run)
    assert ended.state is not None
    assert ended.state.is_completed(), ended.state
    kept: ResultRecordMetadata = ended.state.data
    # Not by state.aresult(), which in Prefect 3.9 leaves a connection to the server open.
    made = kept.serializer.loads(await fleet.records.read(kept.storage_key or "none") or b"")
    assert isinstance(made, GeneratedVideos)
    return made


async def check_saved(fleet: Fleet, task_id: str) -> None:
    """Make sure that the video is in the store, whole, with its sidecar, and nowhere else."""
    sidecar, video = await fleet.videos.names("") or ["none", "none"]
    assert sidecar.removesuffix(".json") == video.removesuffix(".mp4")
    saved = SavedResult.model_validate_json(await fleet.videos.read(sidecar) or b"")
    content = await fleet.videos.read(video)
    assert content is not None
    assert saved.task_id == task_id
    assert [file.name for file in saved.files] == [video]
    assert saved.files[0].size == len(content)
    assert saved.files[0].sha256 == hashlib.sha256(content).hexdigest()
    assert saved.path == fleet.videos.address(video)
    assert fleet.kept_at_home() == []


async def test_a_run_whose_machine_dies_goes_on_on_another_one(
    fleet: Fleet, kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.change(duration_seconds=5)
    async with get_client() as client:
        await fleet.prepare(client, credentials)
        run = (await fleet.order(client)).id
        first = fleet.execute(run, "first")
        await until(lambda: kie.stats()["polls"] >= 1 or first.poll() is not None)
        first.kill()
        first.wait()
        assert kie.stats()["succeeded"] == 0, fleet.log("first")
        (name,) = await fleet.records.names(FOLDER) or ["none"]
        record = SubmissionRecord.model_validate_json(await fleet.records.read(f"{FOLDER}/{name}") or b"")
        assert record.state == "submitted"
        assert await fleet.videos.names("") == []

        # What Prefect does where a worker is gone, and then a person's Retry.
        await client.set_flow_run_state(run, Crashed(), force=True)
        await client.set_flow_run_state(run, AwaitingRetry(), force=True)
        assert await asyncio.to_thread(fleet.execute(run, "second").wait, PATIENCE) == 0, fleet.log("second")

        (video,) = (await made_by(fleet, client, run)).videos
    assert video.status == "saved"
    assert video.task_id == record.task_id
    assert kie.stats()["created"] == 1
    await check_saved(fleet, record.task_id or "none")
    for machine in ("first", "second"):
        assert KEY not in fleet.log(machine)
        assert SECRET not in fleet.log(machine)


async def test_two_machines_with_one_job_key_at_once_pay_once(
    fleet: Fleet, kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("create", delay=1.0)  # so that the second one comes while the first one is being answered
    async with get_client() as client:
        await fleet.prepare(client, credentials)
        runs = [(await fleet.order(client, job_key=fleet.name)).id for _ in range(2)]
        machines = ["first", "second"]
        processes = [fleet.execute(run, machine) for run, machine in zip(runs, machines, strict=True)]
        for process, machine in zip(processes, machines, strict=True):
            assert await asyncio.to_thread(process.wait, PATIENCE) == 0, fleet.log(machine)
        made = [await made_by(fleet, client, run) for run in runs]
    assert kie.stats()["created"] == 1
    (task_id,) = {video.task_id for one in made for video in one.videos}
    assert [video.status for one in made for video in one.videos] == ["saved", "saved"]
    await check_saved(fleet, task_id or "none")
