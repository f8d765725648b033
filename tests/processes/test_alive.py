"""Nothing alive is ended: runs whose heartbeats cannot arrive, or arrive late, on a real server and workers.

Silence is ten seconds here instead of ninety (the least that Prefect takes), and a job takes forty:
`make processes ARGS="-m slow -k alive"`, one to two minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from benchmarks.processes import running
from prefect_kie.cli.automations import RECOVERING, RECOVERY_TAG, all_automations
from prefect_kie.cli.local_server import LocalServer, local_server
from prefect_kie.cli.main import main
from prefect_kie.cli.setup import set_up
from prefect_kie.runtime.heartbeat import SILENT
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.conftest import unhurried
from tests.proxy import proxy
from tests.server.test_provisioning import Runs, runs_under, states_of

JOB_SECONDS = 40.0
SILENCE = timedelta(seconds=10)
PATIENCE = 300.0
QUICK_RUNS = """
import os
os.environ["PREFECT_INTEGRATIONS_KIE_HEARTBEAT_SECONDS"] = "2"
os.environ["PREFECT_INTEGRATIONS_KIE_OWNERSHIP_CHECK_SECONDS"] = "1"
from prefect_kie.flows import generate_video
"""
"""A module from which a worker's runs take the flow: their heartbeats are as quick as silence is here."""

pytestmark = pytest.mark.server


@pytest.fixture
async def client(prefect_server: LocalServer) -> AsyncIterator[PrefectClient]:
    """A client of the session's server."""
    async with get_client() as client:
        yield client


def port(server: LocalServer) -> int:
    """Where the server listens."""
    return int(server.url.rsplit(":", 1)[1])


class Machine:
    """A machine with a worker, and how it reaches the Prefect server."""

    def __init__(self, client: PrefectClient, home: Path, api_url: str) -> None:
        self.name = f"alive-{uuid4().hex[:8]}"
        self.home = home / self.name
        self._client = client
        self._api_url = api_url

    def worker(self) -> Any:
        """A process worker."""
        code = self.home / "code"
        code.mkdir(parents=True)
        (code / "quick_runs.py").write_text(QUICK_RUNS)
        environment = {
            **os.environ,
            "PREFECT_API_URL": self._api_url,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "1",
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(self.home / "results"),
            "PYTHONPATH": str(code),
        }
        words = ["-m", "prefect", "worker", "start", "--pool", self.name]
        return running(words, environment, self.home / "worker.log", directory=self.home, stop_seconds=60)

    @asynccontextmanager
    async def pool(self) -> AsyncGenerator[None, None]:
        """The work pool that the worker serves."""
        await self._client.create_work_pool(WorkPoolCreate(name=self.name, type="process"))
        try:
            yield
        finally:
            await self._client.delete_work_pool(self.name)

    async def run(self, block: str, prompt: str, job_variables: dict[str, Any] | None = None) -> Run:
        """Start a run of a deployment on this machine."""
        flow = await self._client.create_flow_from_name("generate-video")
        deployment = await self._client.create_deployment(
            flow,
            f"{self.name}-{prompt}",
            entrypoint="quick_runs.generate_video",
            pull_steps=[],
            work_pool_name=self.name,
            tags=[RECOVERY_TAG],
            concurrency_limit=2,
            job_variables=job_variables,
        )
        parameters = {
            "request": {"model": "sora-2-text-to-video", "prompt": prompt},
            "credentials": block,
            "output": {"directory": str(self.home / prompt)},
            "waiting": {"poll": {"usual_seconds": JOB_SECONDS, "min_gap_seconds": 1, "max_gap_seconds": 2}},
        }
        made = await self._client.create_flow_run_from_deployment(deployment, parameters=parameters)
        return Run(self._client, made.id, prompt, self.home / prompt)


class Run:
    """A flow run, as the server, Kie and the process table see it."""

    def __init__(self, client: PrefectClient, id: UUID, prompt: str, directory: Path) -> None:
        self.id = id
        self.prompt = prompt
        self._client = client
        self._directory = directory

    async def states(self) -> list[State]:
        """All its states, in their order."""
        return sorted(await self._client.read_flow_run_states(self.id), key=lambda state: state.timestamp)

    async def times_begun(self) -> int:
        """How often it has begun."""
        return (await self._client.read_flow_run(self.id)).run_count

    def processes(self) -> set[int]:
        """The processes that have it in their environment."""
        found = set[int]()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"PREFECT__FLOW_RUN_ID={self.id}".encode() in (folder / "environ").read_bytes():
                    found.add(int(folder.name))
        return found

    def saved(self) -> int:
        """How many whole files it saved."""
        return sum(
            hashlib.sha256((self._directory / file["name"]).read_bytes()).hexdigest() == file["sha256"]
            for path in self._directory.glob("*.json")
            for file in json.loads(path.read_text())["files"]
        )

    async def until(self, name: str) -> list[State]:
        """Its states, once it is in the state of this name."""
        end = time.monotonic() + PATIENCE
        while (states := await self.states())[-1].name != name:
            assert time.monotonic() < end, [state.name for state in states]
            await asyncio.sleep(0.2)
        return states


async def begun(kie: SimulatorServer, *runs: Run) -> None:
    """Wait until Kie was asked about the job of each."""
    end = time.monotonic() + PATIENCE
    asked = set[str]()
    while not {run.prompt for run in runs} <= asked:
        asked = {job["input"]["prompt"] for job in kie.stats()["jobs"] if job["polls"] > 0}
        assert time.monotonic() < end, asked
        await asyncio.sleep(0.2)


@pytest.fixture
def slow_kie() -> Generator[SimulatorServer, None, None]:
    """A Kie whose jobs take longer than a run may be silent."""
    settings = SimulatorSettings(
        duration_seconds=JOB_SECONDS, video_height=36, video_fps=2, create_per_10s=None, polls_per_second=None
    )
    with SimulatorServer(settings) as kie:
        yield kie


@contextmanager
def kept_alive(process: int) -> Generator[None, None, None]:
    """A process that is stopped goes on in the end, whatever happens."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


def test_the_doctor_and_setup_say_what_does_not_arrive(
    prefect_server: LocalServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on each way that an event goes, and where to read on; setup is not failed by it."""
    blocked = "no event reaches the server over its websocket"
    with proxy(port(prefect_server)) as way:
        with temporary_settings({PREFECT_API_URL: way.url}):
            codes = main(["doctor"]), main(["setup"])
        told = capsys.readouterr().out.splitlines()
        assert codes[0] == 1
        assert sum(blocked in line for line in told) == 2
        assert sum("docs/proxies.md" in line for line in told) == 2
        assert any(line.startswith("error ") and "403" in line for line in told)
        assert any(line.startswith("warning ") and "403" in line for line in told)
        way.blocked = False
        with temporary_settings({PREFECT_API_URL: way.url}):
            main(["doctor"])
        assert "ok       events arrive, over the websocket and over HTTP" in capsys.readouterr().out


@pytest.mark.slow
async def test_one_process_per_run(
    client: PrefectClient, prefect_server: LocalServer, slow_kie: SimulatorServer, tmp_path: Path
) -> None:
    """Whatever becomes of its heartbeats, a run that lives is not run again beside itself."""
    block = f"alive-{uuid4().hex[:8]}"
    await unhurried(slow_kie).asave(block)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(runs_under(all_automations(silence=SILENCE)))
        blocked = stack.enter_context(proxy(port(prefect_server)))
        cut = stack.enter_context(proxy(port(prefect_server), blocked=False))
        ways = (blocked.url, cut.url, f"{prefect_server.url}/api")
        behind, cut_off, direct = machines = [Machine(client, tmp_path, url) for url in ways]
        for machine in machines:
            await stack.enter_async_context(machine.pool())
            stack.enter_context(machine.worker())
        never = await behind.run(block, "websockets refused")
        no_more = await cut_off.run(block, "websockets cut")
        overwritten = await direct.run(block, "variables overwritten", {"env": {"OTHER": "1"}})
        asleep = await direct.run(block, "process asleep")
        await begun(slow_kie, never, no_more, overwritten, asleep)
        cut.block()
        (sleeper,) = asleep.processes()
        stack.enter_context(kept_alive(sleeper))
        os.kill(sleeper, signal.SIGSTOP)
        await asleep.until(RECOVERING)
        await asleep.until("Running")
        os.kill(sleeper, signal.SIGCONT)
        woken = time.monotonic()
        while sleeper in asleep.processes():
            assert time.monotonic() < woken + 20, "two processes of one run"
            await asyncio.sleep(0.1)
        for run in (never, no_more, overwritten, asleep):
            names = [state.name for state in await run.until("Completed")]
            assert names.count("Crashed") == names.count(SILENT) == (run is asleep), (run.prompt, names)
            # By its count, since a run that waits says so in further states of this name.
            assert await run.times_begun() == 1 + (run is asleep), run.prompt
            assert run.saved() == 1, run.prompt
        assert blocked.refused > 0
        assert cut.refused > 0
        assert slow_kie.stats()["created"] == 4


@pytest.mark.slow
async def test_a_crash_is_answered_though_the_server_dies_meanwhile(tmp_path: Path) -> None:
    """The time between a crash and its re-run is in the server's database."""
    home = tmp_path / "server"
    with local_server(home, ui=False) as server, temporary_settings({PREFECT_API_URL: f"{server.url}/api"}):
        async with get_client() as client:
            async for _ in set_up(client):
                pass
            runs = Runs(client)
            crashed, later = [await runs.of_deployment(RECOVERY_TAG) for _ in range(2)]
            for run in (crashed, later):  # once the second is answered, all events of the first are counted
                await runs.crash(run)
                assert await runs.becomes(RECOVERING, run)
        os.killpg(server.process_id, signal.SIGKILL)
    with (
        local_server(home, port=port(server), ui=False),
        temporary_settings({PREFECT_API_URL: f"{server.url}/api"}),
    ):
        async with get_client() as client:
            assert await Runs(client).becomes("AwaitingRetry", crashed, 90), await states_of(client, crashed)
