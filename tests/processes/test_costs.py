"""The cost report of a batch with faults of each kind, killed on its worker: what the simulator counts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.states import Crashed
from prefect.variables import Variable

from benchmarks.processes import running
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import LocalServer
from prefect_kie.flows import CostReport, generate_batch, report_costs, resolve_submission
from prefect_kie.runtime.processes import is_gone, this_machine
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions import store
from tests.conftest import QUICK
from tests.server.flows.test_questions import Deployed, artifact

pytestmark = pytest.mark.server

PRICE = 30
PATIENCE = 300.0
FAULTS = {"paused": 4, "fail": 6, "moderated": 5, "lost answer": 3, "slow": 4, "none": 38}
"""How many of the sixty rows have which fault; those that Kie refuses are first, and over at the kill."""
BLOCK = POOL = "cost-report"


@pytest.fixture
def prices(prefect_server: LocalServer) -> Iterator[None]:
    """A price for the one model."""
    Variable.set("kie_prices", {"sora-2-text-to-video": PRICE}, overwrite=True)
    yield
    Variable.unset("kie_prices")


@pytest.fixture
async def client(prices: None) -> AsyncIterator[PrefectClient]:
    """A client of the session's server, with a work pool."""
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        yield client
        await client.delete_work_pool(POOL)


async def until(is_so: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


def processes(run: UUID) -> list[int]:
    """The processes that execute a flow run."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"PREFECT__FLOW_RUN_ID={run}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


async def settle(report: CostReport, kie: SimulatorServer) -> None:
    """What a person does about each doubt: look for its job at Kie, and tell."""
    known = {row.task_id for row in report.submissions}
    jobs = {
        job["input"]["prompt"]: job["task_id"] for job in kie.stats()["jobs"] if job["task_id"] not in known
    }
    for row in report.submissions:
        if row.status == "in doubt":
            job = jobs.get(row.prompt)
            await resolve_submission(row.submission, job, release=job is None, credentials=BLOCK)


async def compared(kie: SimulatorServer) -> CostReport:
    """The report, which is what the simulator counts but for those jobs whose submission is in doubt."""
    await until(lambda: all(job["state"] in ("success", "fail") for job in kie.stats()["jobs"]))
    report, stats = await report_costs(credentials=BLOCK), kie.stats()
    known = {row.task_id for row in report.submissions}
    doubts = [job for job in stats["jobs"] if job["task_id"] not in known]
    total = report.total
    assert {job["input"]["prompt"] for job in doubts} <= {
        row.prompt for row in report.submissions if row.status == "in doubt"
    }
    assert total.charged == stats["charged"] - sum(job["credits"] for job in doubts)
    assert total.made == stats["succeeded"] - sum(job["state"] == "success" for job in doubts)
    assert total.failed == stats["failed"] - sum(job["state"] == "fail" for job in doubts)
    assert (total.refused, total.running) == (stats["rejected"], 0)
    assert total.reserved == PRICE * total.in_doubt
    return report


async def test_it_equals_what_kie_has_counted_after_a_kill_too(
    client: PrefectClient,
    kie: SimulatorServer,
    credentials: KieCredentials,
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await credentials.asave(BLOCK, overwrite=True)
    rows = [
        {"model": "sora-2-text-to-video", "prompt": f"number {number}, [sim: {fault}]"}
        for fault, many in FAULTS.items()
        for number in range(many)
    ]
    assert len(rows) == 60
    kie.change(credits=60 * PRICE)
    flow = await client.create_flow_from_name("generate-batch")
    deployment = await client.create_deployment(
        flow,
        POOL,
        entrypoint="prefect_kie.flows.generate_batch",
        pull_steps=[],
        work_pool_name=POOL,
        tags=["spring"],
    )
    parameters = {
        "manifest": rows,
        "credentials": BLOCK,
        "output": {"directory": str(tmp_path / "videos")},
        "approval": {"max_credits": 2000},
        "max_concurrency": 15,
        "waiting": {"poll": QUICK.model_dump()},
        "scope": {"job_key": "sixty"},
    }
    run = (await client.create_flow_run_from_deployment(deployment, parameters=parameters)).id
    environment = {
        **os.environ,
        "PREFECT_WORKER_QUERY_SECONDS": "0.5",
        "PREFECT_WORKER_PREFETCH_SECONDS": "1",
        "PREFECT_LOCAL_STORAGE_PATH": str(results),
    }
    words = ["-m", "prefect", "worker", "start", "--pool", POOL]
    log = tmp_path / "worker.log"
    with running(words, environment, log, directory=tmp_path) as worker:
        await until(lambda: kie.stats()["created"] >= 30)
        worker.kill()  # first, or it would see its process die
        for process in (killed_ones := processes(run)):
            os.kill(process, signal.SIGKILL)
        await until(lambda: all(is_gone(this_machine(), process) for process in killed_ones))
    await client.set_flow_run_state(run, Crashed(message="The machine died."), force=True)
    killed = await compared(kie)
    assert 30 <= killed.total.made + killed.total.failed + killed.total.in_doubt < 60

    elsewhere = Deployed(generate_batch, await client.read_flow_run(run))
    await elsewhere.retry()
    assert (await elsewhere.work()).name == "Failed"  # since some rows are missing
    again = await compared(kie)
    assert again.total.in_doubt >= FAULTS["lost answer"]
    monkeypatch.setattr(store, "OUTCOME_SECONDS", 0.0)  # a person who comes some minutes later
    await settle(again, kie)
    report, stats = await compared(kie), kie.stats()
    total = report.total
    released = sum(row.status == "released" for row in report.submissions)
    assert (total.wanted, total.made, total.in_doubt) == (60, 60 - 4 - 6 - 5 - released, 0)
    assert (total.charged, total.estimated, total.reserved) == (stats["charged"], 60 * PRICE, 0)
    assert stats["charged"] == PRICE * total.made  # each video is paid once
    assert total.saved == killed.total.charged  # what the second run has found made
    assert [group.name for group in report.groups] == ["sixty"]
    (tagged,) = CostReport.of("tag", report.submissions).groups
    assert (tagged.name, tagged.charged) == ("spring", total.charged)
    assert json.loads(await artifact("kie-costs"))[-1]["charged"] == f"{stats['charged']:,.10g}"
