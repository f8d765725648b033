"""What happens to a video when its processes die: measured with real ones, on this machine (Linux).

    python benchmarks/recovery.py

A Prefect server on SQLite, a simulated Kie, `prefect-kie setup`, the deployments of prefect.yaml and a real
process worker. While a flow run waits for its job:

1. its process is killed (SIGKILL), its worker lives;
2. its process and its worker are killed, and another worker is started;
3. it is cancelled, as in the UI: that must not be taken for a crash.

Takes about three minutes. The exit code is 0 when every video was paid once and none was lost.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from prefect_kie.local_server import PASSED_ON, LocalServer, local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings

ROOT = Path(__file__).resolve().parent.parent
JOB_SECONDS = 20.0
PATIENCE = 240.0
NOT_RUN_AGAIN_SECONDS = 20.0
"""A cancelled run is looked at for so long: the automation, and a worker's next look, take less."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

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
    """The server, its API and the simulated Kie of all scenarios."""

    def __init__(self, server: LocalServer, kie: SimulatorServer, home: Path) -> None:
        self.home = home
        self._kie = kie
        self._http = httpx.Client(base_url=f"{server.url}/api", trust_env=False, timeout=30)
        others = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._environment = {**others, **server.environment}

    def run(self, *words: str, **environment: str) -> None:
        """Run a command of this Python to its end."""
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env={**self._environment, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")

    def prepare(self) -> None:
        """What an operator does once."""
        block = {"api_key": "simulated", "base_url": self._kie.url, "upload_url": self._kie.url}
        save = f"from prefect_kie.blocks import KieCredentials; KieCredentials(**{block!r}).save('kie')"
        subprocess.run([sys.executable, "-c", save], env=self._environment, check=True)
        self.run("prefect_kie.cli", "setup")
        self.run("prefect", "--no-prompt", "work-pool", "create", "kie", "--type", "process")
        self.run("prefect", "--no-prompt", "deploy", "--all")

    @contextmanager
    def worker(self) -> Generator[subprocess.Popen[bytes], None, None]:
        """A process worker; ended in good order, unless it was killed before."""
        with (self.home / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "worker", "start", "--pool", "kie"],
                env=self._environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)

    def start(self, prompt: str, directory: Path) -> str:
        """A new flow run of generate_video; its id."""
        deployment = self._http.get("/deployments/name/generate-video/kie").raise_for_status().json()
        parameters = {
            "request": {"model": "sora-2-text-to-video", "prompt": prompt},
            "credentials": "kie",
            "directory": str(directory),
            "poll": {"usual_seconds": JOB_SECONDS, "min_gap_seconds": 2},
        }
        path = f"/deployments/{deployment['id']}/create_flow_run"
        return str(self._http.post(path, json={"parameters": parameters}).raise_for_status().json()["id"])

    def flow_run(self, run: str) -> dict[str, Any]:
        """A flow run, as the server knows it."""
        found: dict[str, Any] = self._http.get(f"/flow_runs/{run}").raise_for_status().json()
        return found

    def cancel(self, run: str) -> None:
        """What the UI's Cancel does."""
        state = {"type": "CANCELLING", "name": "Cancelling", "message": "Cancelled by a person"}
        path = f"/flow_runs/{run}/set_state"
        self._http.post(path, json={"state": state, "force": True}).raise_for_status()

    def states(self, run: str) -> list[dict[str, Any]]:
        """Every state of a flow run, in order."""
        found: list[dict[str, Any]] = (
            self._http.get("/flow_run_states/", params={"flow_run_id": run}).raise_for_status().json()
        )
        return sorted(found, key=lambda state: str(state["timestamp"]))

    def jobs(self, prompt: str) -> list[dict[str, Any]]:
        """The jobs that Kie has for a prompt."""
        jobs: list[dict[str, Any]] = self._kie.stats()["jobs"]
        return [job for job in jobs if job["input"].get("prompt") == prompt]

    def charged(self) -> float:
        """All credits charged so far."""
        return float(self._kie.stats()["charged"])


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    """Look twice a second.

    Raises:
        TimeoutError: when it does not become so.
    """
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"after {PATIENCE:g} s still not: {what}")
        time.sleep(0.5)


def processes_of(run: str) -> list[int]:
    """The processes that execute a flow run: all that have its id in their environment."""
    mark = f"PREFECT__FLOW_RUN_ID={run}".encode()
    return [process for process, environment in environments() if mark in environment.split(b"\0")]


def environments() -> Generator[tuple[int, bytes], None, None]:
    """Each process of this machine that we may look at, and its environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(folder.name), (folder / "environ").read_bytes()


def kill(processes: list[int]) -> None:
    """SIGKILL: nobody can clean up."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def scenario(bench: Bench, name: str, worker: subprocess.Popen[bytes], *, worker_too: bool) -> Row:
    """A flow run whose process is killed while it waits, and what becomes of it."""
    directory, charged = bench.home / "videos" / name, bench.charged()
    run = waiting_run(bench, name, directory)
    killed = datetime.now(timezone.utc)
    if worker_too:
        worker.kill()  # first, or it would see its flow run die
        worker.wait()
    kill(processes_of(run))
    if worker_too:
        with bench.worker():
            wait_until(f"{name}: ended", lambda: ended(bench, run, killed))
    else:
        wait_until(f"{name}: ended", lambda: ended(bench, run, killed))
    return row(bench, name, run, killed, directory, charged, expected="Completed")


def cancelled(bench: Bench, name: str) -> Row:
    """A flow run that a person cancels while it waits: it is not run again."""
    directory, charged = bench.home / "videos" / name, bench.charged()
    run = waiting_run(bench, name, directory)
    begun = datetime.now(timezone.utc)
    bench.cancel(run)
    wait_until(f"{name}: ended", lambda: ended(bench, run, begun))
    time.sleep(NOT_RUN_AGAIN_SECONDS)
    return row(bench, name, run, begun, directory, charged, expected="Cancelled")


def waiting_run(bench: Bench, name: str, directory: Path) -> str:
    """A flow run that waits for the job it has submitted."""
    run = bench.start(name, directory)
    wait_until(f"{name}: looked at its job", lambda: any(job["looks"] > 0 for job in bench.jobs(name)))
    if not processes_of(run):
        raise RuntimeError(f"{name}: no process of flow run {run} was found")
    return run


def ended(bench: Bench, run: str, since: datetime) -> bool:
    """Whether the run ended, and was not merely called crashed."""
    state = bench.states(run)[-1]
    final = state["type"] in ("COMPLETED", "FAILED", "CANCELLED")
    return final and moment(state) > since


def moment(state: Mapping[str, Any]) -> datetime:
    """When a state began."""
    return datetime.fromisoformat(str(state["timestamp"]).replace("Z", "+00:00"))


def row(
    bench: Bench, name: str, run: str, since: datetime, directory: Path, charged: float, *, expected: str
) -> Row:
    """What the server, Kie and the directory say in the end."""
    later = [state for state in bench.states(run) if moment(state) > since]

    def seconds(state_name: str) -> float | None:
        found = [moment(state) for state in later if state["name"] == state_name]
        return (found[0] - since).total_seconds() if found else None

    found = bench.flow_run(run)
    created, saved = len(bench.jobs(name)), whole_videos(directory)
    state = str(found["state"]["name"])
    right = state == expected and created == 1 and saved == (expected == "Completed")
    return Row(
        scenario=name,
        crashed=seconds("Crashed"),
        running=seconds("Running"),
        ended=seconds(state),
        state=state,
        runs=int(found["run_count"]),
        created=created,
        charged=bench.charged() - charged,
        saved=saved,
        right=right,
    )


def whole_videos(directory: Path) -> int:
    """How many videos are there with the checksum that was noted of them."""
    return sum(
        json.loads(path.with_suffix(".json").read_text())["sha256"]
        == hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.glob("*.mp4")
    )


def show(rows: list[Row]) -> None:
    """The table."""
    table = Table(title="Seconds after the kill (or the cancelling)", title_justify="left")
    for heading in ("scenario", "crashed", "running again", "ended", "state", "runs", "created", "charged"):
        table.add_column(heading, justify="left" if heading in ("scenario", "state") else "right")
    table.add_column("saved, checked", justify="right")
    for one in rows:
        times = (f"{when:.1f}" if when is not None else "–" for when in (one.crashed, one.running, one.ended))
        counts = (str(one.runs), str(one.created), f"{one.charged:g}", str(one.saved))
        table.add_row(one.scenario, *times, one.state, *counts)
    Console().print(table)


def main() -> int:
    """Run all scenarios.

    Returns:
        The exit code: 0 when every video was paid once and none was lost.
    """
    home = Path(tempfile.mkdtemp(prefix="kie-recovery-"))
    settings = SimulatorSettings(duration_seconds=JOB_SECONDS, video_height=36, video_fps=2)
    with SimulatorServer(settings) as kie, local_server(home / "prefect", ui=False) as server:
        bench = Bench(server, kie, home)
        bench.prepare()
        with bench.worker() as worker:
            rows = [scenario(bench, "process killed, worker alive", worker, worker_too=False)]
            rows.append(cancelled(bench, "cancelled by a person"))
            rows.append(scenario(bench, "process and worker killed", worker, worker_too=True))
    show(rows)
    left = [process for process, environment in environments() if str(home).encode() in environment]
    print(f"Processes left: {len(left)}. Logs and files: {home}")
    return 0 if all(one.right for one in rows) and not left else 1


if __name__ == "__main__":
    sys.exit(main())
