"""The pipelines of docs/examples: prompts from a table, results back into it, nothing paid twice."""

from __future__ import annotations

import asyncio
import importlib
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import character_series
from prefect_kie.models import Slice
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.conftest import QUICK
from tests.server.flows.test_questions import Deployed

pytestmark = pytest.mark.server

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SURFS, READS = "{character} surfs at dawn", "{character} reads to a sleepy fox"
PREPARATION = 1
"""Jobs besides the episodes: the original. The character costs nothing."""


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The examples are found as where they are run: beside each other."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    for example in EXAMPLES.glob("*.py"):
        sys.modules.pop(example.stem, None)


@pytest.fixture
def kie() -> Iterator[SimulatorServer]:
    """A simulated Kie whose videos show enough to make a character of."""
    settings = SimulatorSettings(
        duration_seconds=0.2, video_height=360, video_fps=8, create_per_10s=None, polls_per_second=None
    )
    with SimulatorServer(settings) as simulator:
        yield simulator


@pytest.fixture
async def campaign(credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example that calls the series as a subflow; the block `kie` leads to the simulator."""
    await credentials.asave("kie", overwrite=True)
    monkeypatch.setattr("prefect_kie.tasks.wait.next_poll", lambda *_, **__: 0.1)
    return importlib.import_module("campaign")


@pytest.fixture
def name() -> str:
    """A campaign of the test's own."""
    return f"spring_{uuid4().hex[:8]}"


@pytest.fixture
def database(tmp_path: Path, name: str) -> Path:
    """A table with two prompts."""
    example = importlib.import_module("campaign")
    with closing(sqlite3.connect(tmp_path / "campaigns.db")) as connection, connection:
        connection.execute(example.TABLE)
        connection.executemany(
            "INSERT INTO episodes (campaign, prompt) VALUES (?, ?)",
            [(name, SURFS), (name, READS), ("another", "not asked for")],
        )
    return tmp_path / "campaigns.db"


def rows(database: Path, name: str) -> dict[str, dict[str, Any]]:
    """The campaign's rows by their prompt."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute("SELECT * FROM episodes WHERE campaign = ?", [name])
        return {row["prompt"]: dict(row) for row in found}


def check_saved(row: dict[str, Any]) -> None:
    """What the table says of a video is true."""
    assert (row["status"], row["error"]) == ("saved", None)
    assert Path(row["path"]).is_file()
    assert row["task_id"] in row["path"]
    assert row["credits"] > 0


def check_failed(row: dict[str, Any]) -> None:
    """The table says that there is no video, and why."""
    assert (row["status"], row["path"], row["credits"]) == ("failed", None, None)
    assert row["task_id"] in row["error"]
    assert "Charged: no" in row["error"]


def change_prompt(database: Path, old: str, new: str) -> None:
    """What a person does with a prompt that Kie does not make."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE episodes SET prompt = ? WHERE prompt = ?", [new, old])


async def test_what_fails_is_written_back_and_a_new_prompt_is_all_that_the_next_run_pays(
    campaign: ModuleType, database: Path, name: str, kie: SimulatorServer
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:  # what ends before the episodes is written to each row
        monkeypatch.setattr(campaign, "SLICE", Slice(start=20, end=23))
        with pytest.raises(RunIncomplete):
            await campaign.make_campaign(database, name)
    for row in rows(database, name).values():
        assert (row["status"], row["task_id"]) == ("failed", None)
        assert "made no episode" in row["error"]
    assert kie.stats()["created"] == PREPARATION

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    kie.fault("job", prompt="sleepy fox", fail={"failMsg": "Internal Error"})
    with pytest.MonkeyPatch.context() as monkeypatch:  # the results cannot be written
        monkeypatch.setattr(campaign, "load", full)
        with pytest.raises(sqlite3.OperationalError):
            await campaign.make_campaign(database, name)
    assert kie.stats()["created"] == PREPARATION + 2

    with pytest.raises(RunIncomplete):
        await campaign.make_campaign(database, name)
    made = rows(database, name)
    check_saved(made[SURFS])
    check_failed(made[READS])
    jobs = {
        job["task_id"]: job["input"]["prompt"] for job in kie.stats()["jobs"] if job["input"].get("prompt")
    }
    assert "surfs at dawn" in jobs[made[SURFS]["task_id"]]
    assert rows(database, "another")["not asked for"]["status"] is None

    assert kie.stats()["created"] == PREPARATION + 2  # the same input is the same job

    change_prompt(database, READS, "{character} reads to a fox")
    assert await campaign.make_campaign(database, name) == 1
    check_saved(rows(database, name)["{character} reads to a fox"])
    assert await campaign.make_campaign(database, name) == 0
    assert kie.stats()["created"] == PREPARATION + 2 + 1


@pytest.fixture
async def worker(credentials: KieCredentials, name: str) -> AsyncIterator[None]:
    """The deployment character-series/kie, and somebody who executes its runs as a worker's processes do."""
    block = name.replace("_", "-")
    await credentials.asave(block)
    async with get_client() as client:
        deployment = await client.create_deployment(
            await client.create_flow_from_name(character_series.name),
            "kie",
            entrypoint="prefect_kie.flows.character_series",
            pull_steps=[],
            parameters={"credentials": block, "waiting": {"poll": QUICK.model_dump(mode="json")}},
        )
        due = {
            "deployment_filter": DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
            "flow_run_filter": FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
            ),
        }

        async def work() -> None:
            while True:
                for run in await client.read_flow_runs(**due):
                    await Deployed(character_series, run).work()
                await asyncio.sleep(0.2)

        working = asyncio.create_task(work())
        yield
        assert not working.done()
        working.cancel()
        await client.delete_deployment(deployment)


async def test_the_same_through_the_deployment(
    worker: None, database: Path, name: str, kie: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    make_campaign = importlib.import_module("campaign_by_deployment").make_campaign_by_deployment
    kie.fault("job", prompt="sleepy fox", fail={"failMsg": "Internal Error"})
    with pytest.raises(RunIncomplete, match="1 of 2 episodes failed"):
        await make_campaign(database, name)
    made = rows(database, name)
    check_saved(made[SURFS])
    check_failed(made[READS])

    change_prompt(database, READS, "{character} reads to a fox")
    assert await make_campaign(database, name) == 1
    check_saved(rows(database, name)["{character} reads to a fox"])
    assert kie.stats()["created"] == PREPARATION + 2 + 1
    of_series = [
        record
        for record in caplog.records
        if str(getattr(record, "flow_run_name", "")).startswith("character-series")
    ]
    assert of_series
    assert not [record for record in of_series if record.exc_info or "Traceback" in record.getMessage()]
