"""What happens to a video when its processes die: measured with real ones, on this machine (Linux).

    python -m benchmarks.recovery [--postgres]

A Prefect server on SQLite (or PostgreSQL), a simulated Kie, `prefect-kie setup`, the deployments of
prefect.yaml and real process workers. While a flow run waits for its job:

1. its process is killed (SIGKILL), its worker lives;
2. its worker is told to stop (SIGTERM), and another worker is started;
3. it is cancelled, as in the UI: that must not be taken for a crash;
4. its process and its worker are killed, and another worker is started.

Takes about seven minutes. The exit code is 0 when every video was paid once and none was lost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx

from benchmarks.postgres import postgres
from benchmarks.processes import Kie, plain_environment, running
from benchmarks.report import ROOT, Figures, machine, report
from prefect_kie.cli.local_server import LocalServer, local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings

JOB_SECONDS = 20.0
PATIENCE = 600.0
HEADS = ("", "crashed", "running again", "ended", "as", "runs", "created", "charged", "saved")
NOT_RUN_AGAIN_SECONDS = 30.0
"""How long a cancelled run is looked at: the automations and a worker's next look take less."""


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds after the blow, and what there is in the end."""

    scenario: str
    crashed: float | None
    running: float | None
    ended: float | None
    state: str
    runs: int
    created: int
    charged: float
    saved: int
    right: bool


class Bench:
    """The server, the simulated Kie and the workers of all scenarios."""

    def __init__(self, server: LocalServer, kie: SimulatorServer | Kie, home: Path) -> None:
        self.home = home
        self._kie = kie
        self._http = httpx.Client(base_url=f"{server.url}/api", trust_env=False, timeout=120)
        self._environment = {**plain_environment(), **server.environment}

    def prepare(self) -> None:
        """What an operator does once."""
        block = {"api_key": "simulated", "base_url": self._kie.url, "upload_url": self._kie.url}
        self._run(
            "-c", f"from prefect_kie.blocks import KieCredentials; KieCredentials(**{block!r}).save('kie')"
        )
        self._run("-m", "prefect_kie.cli", "setup")
        self._run("-m", "prefect", "--no-prompt", "work-pool", "create", "kie", "--type", "process")
        self._run("-m", "prefect", "--no-prompt", "deploy", "--all")

    def _run(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, *words],
            env=self._environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")

    def worker(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A process worker; told to stop at the end, unless it has ended before."""
        words = ["-m", "prefect", "worker", "start", "--pool", "kie"]
        log = self.home / "worker.log"
        return running(words, self._environment, log, directory=self.home, stop_seconds=60)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Ask the server; as Prefect's own client, again where its SQLite was busy (503)."""
        while (answer := self._http.request(method, path, **options)).status_code == 503:
            time.sleep(1)
        return answer.raise_for_status().json()

    def jobs(self, prompt: str) -> list[dict[str, Any]]:
        """The jobs that Kie has for a prompt."""
        jobs: list[dict[str, Any]] = self._kie.stats()["jobs"]
        return [job for job in jobs if job["input"].get("prompt") == prompt]

    def charged(self) -> float:
        """All credits charged so far."""
        return float(self._kie.stats()["charged"])


class Waiting:
    """A flow run of generate_video that waits for the job it has submitted, about to be struck."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench = bench
        self._name = name
        self._directory = bench.home / "videos" / name
        self._charged = bench.charged()
        deployment = bench.ask("GET", "/deployments/name/generate-video/kie")
        parameters = {
            "request": {"model": "sora-2-text-to-video", "prompt": name},
            "credentials": "kie",
            "output": {"directory": str(self._directory)},
            "waiting": {"poll": {"usual_seconds": JOB_SECONDS, "min_gap_seconds": 2}},
        }
        path = f"/deployments/{deployment['id']}/create_flow_run"
        self._run = str(bench.ask("POST", path, json={"parameters": parameters})["id"])
        wait_until(f"{name}: looked at", lambda: any(job["polls"] > 0 for job in bench.jobs(name)))
        if not self.processes():
            raise RuntimeError(f"no process of flow run {self._run} was found")
        self._struck = datetime.now(timezone.utc)

    def processes(self) -> list[int]:
        """The processes that execute it: all that have its id in their environment."""
        mark = f"PREFECT__FLOW_RUN_ID={self._run}".encode()
        return [process for process, environment in environments() if mark in environment.split(b"\0")]

    def kill(self) -> None:
        """SIGKILL, so that nothing can clean up."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def cancel(self) -> None:
        """What the UI's Cancel does."""
        state = {"type": "CANCELLING", "name": "Cancelling", "message": "Cancelled by a person"}
        self._bench.ask("POST", f"/flow_runs/{self._run}/set_state", json={"state": state, "force": True})

    def wait_for_its_end(self) -> None:
        """Wait until it has ended, and was not merely called crashed."""
        ends = ("COMPLETED", "FAILED", "CANCELLED")
        try:
            wait_until(f"{self._name}: ended", lambda: self._states()[-1]["type"] in ends)
        except TimeoutError as error:
            states = "; ".join(f"{state['timestamp']} {state['name']}" for state in self._states())
            raise TimeoutError(f"{error}: {states}") from error

    def row(self, expected: str) -> Row:
        """What the server, Kie and the directory say in the end."""
        states = self._states()
        created, saved = len(self._bench.jobs(self._name)), self._whole_videos()
        state = str(states[-1]["name"])
        return Row(
            scenario=self._name,
            crashed=self._seconds(states, "Crashed"),
            running=self._seconds(states, "Running"),
            ended=self._seconds(states, state),
            state=state,
            runs=int(self._bench.ask("GET", f"/flow_runs/{self._run}")["run_count"]),
            created=created,
            charged=self._bench.charged() - self._charged,
            saved=saved,
            right=state == expected and created == 1 and saved == (expected == "Completed"),
        )

    def _states(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._bench.ask(
            "GET", "/flow_run_states/", params={"flow_run_id": self._run}
        )
        return sorted(found, key=lambda state: str(state["timestamp"]))

    def _seconds(self, states: list[dict[str, Any]], name: str) -> float | None:
        """When it came into this state for the first time after the blow."""
        times = [
            datetime.fromisoformat(str(state["timestamp"]).replace("Z", "+00:00"))
            for state in states
            if state["name"] == name
        ]
        later = [(time - self._struck).total_seconds() for time in times if time > self._struck]
        return later[0] if later else None

    def _whole_videos(self) -> int:
        """How many videos are there with the checksum that was noted of them."""
        notes = [json.loads(path.read_text()) for path in self._directory.glob("*.json")]
        return sum(
            hashlib.sha256((self._directory / file["name"]).read_bytes()).hexdigest() == file["sha256"]
            for note in notes
            for file in note["files"]
        )


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    """Look twice a second.

    Raises:
        TimeoutError: when it does not become so.
    """
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"after {PATIENCE:g} s still not {what}")
        time.sleep(0.5)


def environments() -> Generator[tuple[int, bytes], None, None]:
    """Each process of this machine that we may look at, and its environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(folder.name), (folder / "environ").read_bytes()


def process_killed(bench: Bench) -> Row:
    """The runner inside the worker sees its process die."""
    with bench.worker():
        waiting = Waiting(bench, "process killed, worker alive")
        waiting.kill()
        waiting.wait_for_its_end()
        return waiting.row("Completed")


def worker_stopped(bench: Bench) -> Row:
    """As when a machine gets a new version."""
    with bench.worker() as worker:
        waiting = Waiting(bench, "worker stopped, another started")
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
        with bench.worker():
            waiting.wait_for_its_end()
        return waiting.row("Completed")


def cancelled(bench: Bench) -> Row:
    """That is no crash, and it is not run again."""
    with bench.worker():
        waiting = Waiting(bench, "cancelled by a person")
        waiting.cancel()
        waiting.wait_for_its_end()
        time.sleep(NOT_RUN_AGAIN_SECONDS)
        return waiting.row("Cancelled")


def worker_killed(bench: Bench) -> Row:
    """Nobody is left who could tell; only the heartbeats are missing."""
    with bench.worker() as worker:
        waiting = Waiting(bench, "process and worker killed")
        worker.kill()  # first, or it would see its process die
        worker.wait()
        waiting.kill()
        with bench.worker():
            waiting.wait_for_its_end()
        return waiting.row("Completed")


def main() -> int:
    """Run all scenarios.

    Returns:
        The exit code: 0 when every video was paid once and none was lost.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--postgres", action="store_true", help="the Prefect server keeps its data in PostgreSQL"
    )
    on_postgres = parser.parse_args().postgres
    home = Path(tempfile.mkdtemp(prefix="kie-recovery-"))
    settings = SimulatorSettings(duration_seconds=JOB_SECONDS, video_height=36, video_fps=2)
    with ExitStack() as started:
        kie = started.enter_context(SimulatorServer(settings))
        database = started.enter_context(postgres()).settings if on_postgres else {}
        server = started.enter_context(local_server(home / "prefect", ui=False, settings=database))
        bench = Bench(server, kie, home)
        bench.prepare()
        rows = [scenario(bench) for scenario in (process_killed, worker_stopped, cancelled, worker_killed)]
    figures, broken = (
        Figures("recovery", HEADS),
        [f"{one.scenario}: not as it must be" for one in rows if not one.right],
    )
    for one in rows:
        times = (f"{at:.0f}" if at is not None else "-" for at in (one.crashed, one.running, one.ended))
        figures.add(one.scenario, *times, one.state, one.runs, one.created, f"{one.charged:g}", one.saved)
    if left := [process for process, environment in environments() if str(home).encode() in environment]:
        broken.append(f"{len(left)} processes are left")
    return report(figures, f"Seconds after the blow. Logs and videos: {home}. {machine()}", broken, None)


if __name__ == "__main__":
    sys.exit(main())
