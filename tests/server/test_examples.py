"""The pipelines of docs/examples: prompts from a table, results back into it, nothing paid twice."""

from __future__ import annotations

import importlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import character_series
from prefect_kie.models import Slice
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.conftest import QUICK

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


async def test_a_failed_episode_is_written_back_and_its_new_prompt_is_all_that_the_next_run_pays(
    campaign: ModuleType, database: Path, name: str, kie: SimulatorServer
) -> None:
    kie.fault("job", prompt="sleepy fox", fail={"failMsg": "Internal Error"})
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

    with pytest.raises(RunIncomplete):  # the same input is the same job
        await campaign.make_campaign(database, name)
    assert kie.stats()["created"] == PREPARATION + 2
    check_failed(rows(database, name)[READS])

    change_prompt(database, READS, "{character} reads to a fox")
    assert await campaign.make_campaign(database, name) == 1
    check_saved(rows(database, name)["{character} reads to a fox"])
    assert await campaign.make_campaign(database, name) == 0
    assert kie.stats()["created"] == PREPARATION + 2 + 1


async def test_what_ends_before_the_episodes_is_written_to_each_row(
    campaign: ModuleType, database: Path, name: str, kie: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = campaign.SLICE
    monkeypatch.setattr(campaign, "SLICE", Slice(start=20, end=23))
    with pytest.raises(RunIncomplete):
        await campaign.make_campaign(database, name)
    for row in rows(database, name).values():
        assert (row["status"], row["task_id"]) == ("failed", None)
        assert "made no episode" in row["error"]

    monkeypatch.setattr(campaign, "SLICE", part)
    assert await campaign.make_campaign(database, name) == 2
    assert kie.stats()["created"] == PREPARATION + 2  # the original once


async def test_after_results_that_could_not_be_written_nothing_is_paid_anew(
    campaign: ModuleType, database: Path, name: str, kie: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, failures = campaign.load, [sqlite3.OperationalError("disk I/O error")]

    def load_at_second(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return load(*arguments)

    monkeypatch.setattr(campaign, "load", load_at_second)
    with pytest.raises(sqlite3.OperationalError):
        await campaign.make_campaign(database, name)
    assert await campaign.make_campaign(database, name) == 2
    for row in rows(database, name).values():
        check_saved(row)
    assert kie.stats()["created"] == PREPARATION + 2


@pytest.fixture
async def worker(
    credentials: KieCredentials, name: str, results: Path, tmp_path: Path
) -> AsyncIterator[Path]:
    """The deployment character-series/kie, and a worker for it with the test's result storage; its log."""
    pool = name.replace("_", "-")
    await credentials.asave(pool)
    log = tmp_path / "worker.log"
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        deployment = await client.create_deployment(
            await client.create_flow_from_name(character_series.name),
            "kie",
            entrypoint="prefect_kie.flows.character_series",
            pull_steps=[],
            work_pool_name=pool,
            parameters={"credentials": pool, "waiting": {"poll": QUICK.model_dump(mode="json")}},
        )
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool],
                env={
                    **os.environ,
                    "PREFECT_WORKER_QUERY_SECONDS": "1",
                    "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(results),
                },
                cwd=tmp_path,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield log
            finally:
                os.killpg(process.pid, signal.SIGKILL)  # and the flow runs that it started
        await client.delete_deployment(deployment)
        await client.delete_work_pool(pool)


async def test_the_same_through_the_deployment_run_by_a_worker(
    worker: Path, database: Path, name: str, kie: SimulatorServer
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
    assert "Traceback" not in worker.read_text()
