"""What a new user sets up, on a server of its own: Prefect, a simulated Kie, the deployments, a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from prefect_kie.cli.local_server import LocalServer, local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.conftest import with_tables

T = TypeVar("T")

ROOT = Path(__file__).parent.parent.parent
JOB_SECONDS = 2.0
PATIENCE_SECONDS = 120.0
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Fleet:
    """A server with deployments and a worker.

    Attributes:
        server: The Prefect server.
        kie: The simulated Kie.
        home: Its directory; the home of all that runs here.
        deployments: Ids of the deployments, by `flow/name`.
    """

    server: LocalServer
    kie: SimulatorServer
    home: Path
    deployments: Mapping[str, str]

    @property
    def logs(self) -> dict[str, str]:
        """All runs and jobs, a line each, and the ends of the worker's and the server's logs."""
        try:
            runs = [f"{run['created']} {run['name']}: {run['state_name']}" for run in self._runs()]
        except httpx.HTTPError as error:
            runs = [repr(error)]
        jobs = [str(job) for job in self.kie.stats()["jobs"]]
        logs = (self.home / "worker.log", self.server.home / "server.log")
        ends = {log.name: log.read_text()[-5_000:] for log in logs if log.exists()}
        return {"runs": "\n".join(runs), "jobs": "\n".join(jobs), **ends}

    def created(self) -> int:
        """How many jobs were submitted to Kie so far."""
        return int(self.kie.stats()["created"])

    def ask(self, path: str, **body: Any) -> Any:
        """One answer of the server's API."""
        with httpx.Client(base_url=f"{self.server.url}/api", trust_env=False, timeout=60) as http:
            answer = http.post(path, json=body) if path.endswith("filter") else http.get(path)
            return answer.raise_for_status().json()

    def runs(self) -> int:
        """How many flow runs there are."""
        return len(self._runs())

    def _runs(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.ask("/flow_runs/filter", sort="EXPECTED_START_TIME_ASC")
        return runs

    def wait_until(self, run: str, *states: str) -> dict[str, Any]:
        """The flow run, as soon as it is in one of these states: their names, or COMPLETED and such."""

        def reached() -> dict[str, Any] | None:
            found: dict[str, Any] = self.ask(f"/flow_runs/{run}")
            if {found["state_type"], found["state_name"]} & set(states):
                return found
            assert found["state_type"] not in ENDED, found["state"]
            return None

        return eventually(reached, f"run {run} gets {' or '.join(states)}", lambda: self.history(run))

    def history(self, run: str) -> list[tuple[str, str]]:
        """The run's states with their times."""
        states = self.ask(f"/flow_run_states/?flow_run_id={run}")
        return [(state["timestamp"], state["name"]) for state in states]

    def artifact(self, run: str, key: str) -> dict[str, Any]:
        """The latest artifact of a run whose key begins so, as soon as there is one."""
        wanted = {"key": {"like_": f"{key}%"}, "flow_run_id": {"any_": [run]}}

        def found() -> dict[str, Any] | None:
            artifacts = self.ask("/artifacts/filter", artifacts=wanted, sort="CREATED_DESC")
            return artifacts[0] if artifacts else None

        return eventually(found, f"run {run} has an artifact {key}")


def eventually(look: Callable[[], T | None], what: str, known: Callable[[], object] = lambda: "") -> T:
    """What is looked for, as soon as it is there; else an error that tells what is known."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if (found := look()) is not None:
            return found
        time.sleep(0.3)
    raise AssertionError(f"not within {PATIENCE_SECONDS:g} s: {what}; {known()}")


@contextmanager
def fleet(home: Path) -> Generator[Fleet, None, None]:
    """Set it up as the README says, but for the key: that is given in the browser.

    Args:
        home: An empty directory.
    """
    settings = SimulatorSettings(
        duration_seconds=JOB_SECONDS,
        prices={"kling-3.0/video": 30.0},
        video_fps=24,  # models refuse a character's clip of fewer
    )
    with SimulatorServer(settings) as kie, local_server(with_tables(home / "server")) as server:
        others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment = {**others, **server.environment, "HOME": str(home)}
        # Else a worker asks every 10 seconds for runs.
        environment["PREFECT_WORKER_QUERY_SECONDS"] = "1"
        prefect = [sys.executable, "-m", "prefect", "--no-prompt"]

        def do(*command: str) -> None:
            done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr

        written = yaml.safe_load((ROOT / "prefect.yaml").read_text())
        for one in written["deployments"]:
            if one["entrypoint"].rpartition(".")[2] in ("generate_video", "character_series"):
                one["parameters"]["waiting"] = {"poll": {"max_gap_seconds": 2}}  # these jobs take seconds
        (home / "prefect.yaml").write_text(yaml.safe_dump(written))
        do(*prefect, "block", "register", "-m", "prefect_kie.blocks")
        do(*prefect, "work-pool", "create", "kie", "--type", "process")
        do(*prefect, "deploy", "--all")
        do(*prefect, "variable", "set", "kie_prices", '{"kling-3.0/video": 30}')
        do(sys.executable, "-m", "prefect_kie.cli", "deploy", "ai-music-api/generate", "nano-banana-pro")
        with _worker([*prefect, "worker", "start", "--pool", "kie"], environment, home):
            made = Fleet(server, kie, home, {})
            flows = {flow["id"]: flow["name"] for flow in made.ask("/flows/filter")}
            found = {
                f"{flows[one['flow_id']]}/{one['name']}": one["id"] for one in made.ask("/deployments/filter")
            }
            for name, one in found.items():
                if name.startswith(("generate-audio/ai-music", "generate-image/nano")):  # as above
                    waiting = {"poll": {"max_gap_seconds": 2}}
                    body = {"parameters": {"credentials": "kie", "waiting": waiting}}
                    address = f"{server.url}/api/deployments/{one}"
                    httpx.patch(address, json=body, trust_env=False).raise_for_status()
            yield Fleet(server, kie, home, found)


@contextmanager
def _worker(command: list[str], environment: dict[str, str], home: Path) -> Generator[None, None, None]:
    with (home / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=home, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
