"""The trigger of docs/examples/publish.yaml: a batch is published when all its rows are saved, and once."""

from __future__ import annotations

import asyncio
import importlib
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectAlreadyExists

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import Scope, generate_batch
from prefect_kie.run_page.events import BATCH_FINISHED, emit, event_of
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, grouped
from tests.processes.test_deployments import run_prefect
from tests.server.test_examples import EXAMPLES

pytestmark = [pytest.mark.server, pytest.mark.recorded]

ROWS = [{"animal": "yak"}, {"animal": "fox"}]
DEFAULTS = {"model": "sora-2-text-to-video", "prompt": "a {animal} in the fog"}


class Publishing:
    """The deployed example."""

    def __init__(self, client: PrefectClient, deployment: UUID) -> None:
        self.deployment = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
        self._client = client

    async def runs(self, batch: str, least: int = 0, seconds: float = 20.0) -> list[FlowRun]:
        """The runs for a batch, once there are so many."""
        end = time.monotonic() + seconds
        while True:
            runs = await self._client.read_flow_runs(deployment_filter=self.deployment)
            found = [run for run in runs if run.parameters["batch"] == batch]
            if len(found) >= least or time.monotonic() > end:
                return found
            await asyncio.sleep(0.1)

    async def announce(self, batch: str, seconds: float = 20.0) -> list[FlowRun]:
        """The runs for a batch that is only said to have finished, twice by one run."""
        for _ in range(2):
            labels = {"kie.complete": "yes", "kie.occasion": batch}
            payload = {"batch": batch, "results": "none"}
            emit(event_of(BATCH_FINISHED, f"kie.batch.{batch}", batch, labels, payload))
        return await self.runs(batch, 1, seconds)


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    """The example, deployed as its first line says, its trigger in use."""
    for name in ("publish.py", "publish.yaml"):
        shutil.copy(EXAMPLES / name, tmp_path)
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name="kie", type="process"))
        words = (EXAMPLES / "publish.yaml").read_text().splitlines()[0].split()
        await asyncio.to_thread(run_prefect, tmp_path, list(words[3:]))
        deployment = await client.read_deployment_by_name("publish/kie")
        made = Publishing(client, deployment.id)
        for number in range(10):  # the server takes a new trigger into use in the background
            if await made.announce(f"try {number}", 3.0):
                break
        yield made
        await client.delete_deployment(deployment.id)


async def test_a_batch_is_published_when_it_has_finished(
    publishing: Publishing,
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {**grouped(directory=tmp_path / "videos", poll=QUICK), "scope": Scope(job_key="foggy & wet")}
    kie.fault("job", prompt="a fox", fail={"failMsg": "it violates our policy"})
    with pytest.raises(RunIncomplete):
        await generate_batch(ROWS, credentials, DEFAULTS, **options)
    new = [ROWS[0], {"animal": "fox cub"}]
    made = await generate_batch(new, credentials, DEFAULTS, **options)
    (run,) = await publishing.runs("foggy & wet", 1)
    assert run.parameters == {"batch": "foggy & wet", "results": made.results}
    assert len(await publishing.announce("later")) == 1  # though it was said twice
    assert len(await publishing.runs("foggy & wet")) == 1

    monkeypatch.syspath_prepend(str(EXAMPLES))
    page = importlib.import_module("publish").publish(**run.parameters)
    text = page.read_text()
    assert "<h1>foggy &amp; wet</h1>" in text
    assert text.count("<video ") == 2
    for video in made.videos:
        assert video.video is not None
        assert f'src="{video.video.files[0].name}"' in text
