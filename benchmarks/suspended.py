"""Twenty runs that wait without a process: how soon they go on, on this machine (Linux).

    python -m benchmarks.suspended

A Prefect server on SQLite, a simulated Kie with signed callbacks of which one in five is lost, `prefect-kie
setup`, the deployments of prefect.yaml, one process worker that looks for work every two seconds, and
`prefect-kie callbacks`, which is killed and started again in the middle. Twenty runs of generate_video with
`wait: suspend` submit their jobs; while these run, no process of a flow run may exist. Their jobs end some
seconds after each other. Whoever is not called back is found by `resume-waiting`, once a minute.

The exit code is 0 when all twenty videos are there, each paid once, no process waited, and each run whose
callback arrived ended within 15 seconds of it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.apart import running
from benchmarks.command import command, ended
from benchmarks.recovery import Bench, environments, wait_until
from benchmarks.tables import Figures, machine
from prefect_kie.cli.local_server import LocalServer, free_port, local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings

RUNS = 20
APART_SECONDS = 7.0
"""Between the ends of two jobs: starting a run's process takes two cores some seconds."""
FIRST_END_SECONDS = 150.0
"""By then all runs have been started, one after the other, and are suspended."""
WITHIN_SECONDS = 15.0
EXIT_SECONDS = 10.0
"""The process of the run that was suspended last has ended by then."""
SIGNING_KEY = "whsec-of-a-benchmark"
WORKER_LOOKS_SECONDS = "2"


class Suspended(Bench):
    """The same machines, and a receiver."""

    def __init__(self, server: LocalServer, kie: SimulatorServer, home: Path) -> None:
        super().__init__(server, kie, home)
        self.kie = kie
        self.port = free_port()
        self._environment["PREFECT_WORKER_QUERY_SECONDS"] = WORKER_LOOKS_SECONDS

    def prepare(self) -> None:
        """What an operator does once."""
        super().prepare()
        callbacks = {"base_url": f"http://127.0.0.1:{self.port}", "signing_key": SIGNING_KEY}
        self._run(
            "-c",
            "from prefect_kie.blocks import *; block = KieCredentials.load('kie'); "
            f"block.callbacks = KieCallbacks(**{callbacks!r}); block.save('kie', overwrite=True)",
        )
        sweeper = self.ask("GET", "/deployments/name/resume-waiting/kie")
        (schedule,) = sweeper["schedules"]
        path = f"/deployments/{sweeper['id']}/schedules/{schedule['id']}"
        self.send("PATCH", path, json={"active": True})

    def receiver(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """`prefect-kie callbacks`; told to stop at the end, unless it has ended before."""
        words = ["-m", "prefect_kie.cli", "callbacks", "--port", str(self.port)]
        return running(words, self._environment, self.home / "receiver.log", directory=self.home)

    def start_runs(self) -> list[str]:
        """Twenty runs; the jobs of all end at times of their own."""
        deployment = self.ask("GET", "/deployments/name/generate-video/kie")
        runs: list[str] = []
        for number in range(RUNS):
            parameters = {
                "request": {"model": "sora-2-text-to-video", "prompt": f"boat {number:02}"},
                "credentials": "kie",
                "directory": str(self.home / "videos"),
                "wait": "suspend",
            }
            path = f"/deployments/{deployment['id']}/create_flow_run"
            runs.append(str(self.ask("POST", path, json={"parameters": parameters})["id"]))
        return runs

    def states(self, run: str) -> list[dict[str, Any]]:
        """All states of a run, in their order."""
        found: list[dict[str, Any]] = self.ask("GET", "/flow_run_states/", params={"flow_run_id": run})
        return sorted(found, key=lambda state: str(state["timestamp"]))

    def are(self, runs: list[str], *states: str) -> bool:
        """Whether all runs are in one of these states."""
        wanted = {"flow_runs": {"id": {"any_": runs}, "state": {"name": {"any_": list(states)}}}}
        return bool(self.ask("POST", "/flow_runs/count", json=wanted) == len(runs))

    def rings(self) -> dict[str, datetime]:
        """When each job's ring came to the server, by task id."""
        wanted = {"filter": {"event": {"name": ["kie.job.callback"]}}, "limit": 50}
        page, found = self.ask("POST", "/events/filter", json=wanted), {}
        for event in page["events"]:
            if event["resource"].get("kie.kind") == "done":
                task_id = event["resource"]["prefect.resource.id"].removeprefix("kie.job.")
                found[task_id] = when(event["occurred"])
        return found

    def send(self, method: str, path: str, **options: Any) -> None:
        """As `ask`, where there is no answer but that it was done."""
        self._http.request(method, path, **options).raise_for_status()


def when(text: str) -> datetime:
    """A time as the server writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def processes_of(runs: list[str]) -> int:
    """How many processes execute one of these flow runs; those of resume-waiting are others."""
    marks = [f"PREFECT__FLOW_RUN_ID={run}".encode() for run in runs]
    return sum(any(mark in environment for mark in marks) for _, environment in environments())


def measure(bench: Suspended) -> tuple[list[dict[str, Any]], int]:
    """Run it all.

    Returns:
        What became of each run; and how many processes waited while all were suspended.
    """
    with bench.worker():
        with bench.receiver() as receiver:
            runs = bench.start_runs()
            wait_until("all suspended", lambda: bench.are(runs, "Suspended"))
            print(f"All are suspended: {datetime.now(timezone.utc):%H:%M:%S} UTC", flush=True)
            time.sleep(EXIT_SECONDS)
            waiting = max(_processes_soon(runs) for _ in range(20))
            half = sorted(job["finishes_at"] for job in bench.kie.stats()["jobs"])[RUNS // 2]
            wait_until("half of the jobs have ended", lambda: time.time() > half)
            receiver.kill()
            receiver.wait()
        with bench.receiver():
            wait_until("all ended", lambda: bench.are(runs, "Completed", "Failed", "Crashed", "Cancelled"))
            time.sleep(6)  # the server stores its events some seconds later
            rings = bench.rings()
    jobs = {job["input"]["prompt"]: job for job in bench.kie.stats()["jobs"]}
    return [_row(bench, run, f"boat {number:02}", jobs, rings) for number, run in enumerate(runs)], waiting


def _processes_soon(runs: list[str]) -> int:
    time.sleep(0.5)
    return processes_of(runs)


def _row(
    bench: Suspended, run: str, prompt: str, jobs: dict[str, Any], rings: dict[str, datetime]
) -> dict[str, Any]:
    states = bench.states(run)
    ended = when(states[-1]["timestamp"])
    job = jobs[prompt]
    rung = rings.get(job["task_id"])
    return {
        "state": states[-1]["name"],
        "rung": rung is not None,
        "after ring": (ended - rung).total_seconds() if rung else None,
        "after end": ended.timestamp() - job["finishes_at"],
    }


def report(rows: list[dict[str, Any]], waiting: int, created: int, document: Path | None) -> int:
    """Print the table, and put it into a document where all is as it must be.

    Returns:
        The exit code.
    """
    figures = Figures("suspended", ("", "runs", "median, s", "longest, s"))
    rung = [row["after ring"] for row in rows if row["rung"]]
    lost = [row["after end"] for row in rows if not row["rung"]]
    for what, seconds in (("ended after its ring", rung), ("callback lost: after its job's end", lost)):
        shown = (statistics.median(seconds), max(seconds)) if seconds else ("-", "-")
        figures.add(what, len(seconds), *shown)
    console = Console(width=100)
    figures.show(console)
    completed = sum(row["state"] == "Completed" for row in rows)
    told = f"Completed: {completed}. Jobs created: {created}. Processes that waited: {waiting}."
    broken: list[str] = []
    if not completed == created == RUNS:
        broken.append(f"{RUNS} runs, {created} jobs created, {completed} completed")
    if waiting:
        broken.append(f"{waiting} processes waited")
    if (longest := max(rung, default=0.0)) > WITHIN_SECONDS:
        broken.append(f"{longest:.1f} s from a ring to its run's end, more than {WITHIN_SECONDS:g}")
    return ended(console, f"{told} {machine()}", broken, figures.write, document)


def main() -> int:
    """Measure, and say whether it is good.

    Returns:
        The exit code.
    """
    options = command("suspended", "Suspended runs.").parse_args()
    home = Path(tempfile.mkdtemp(prefix="kie-suspended-"))
    settings = SimulatorSettings(
        duration_seconds=FIRST_END_SECONDS,
        video_height=36,
        video_fps=2,
        signing_key=SIGNING_KEY,
        callback_drop=0.2,
        seed=4,
    )
    with SimulatorServer(settings) as kie, local_server(home / "prefect", ui=False) as server:
        begun = time.time()
        for number in range(RUNS):
            # Each job's own end: the runs submit them in about the order in which they are started.
            kie.fault("job", prompt=f"boat {number:02}", duration=FIRST_END_SECONDS + APART_SECONDS * number)
        bench = Suspended(server, kie, home)
        bench.prepare()
        rows, waiting = measure(bench)
        code = report(rows, waiting, int(kie.stats()["created"]), options.write)
        print(f"{(time.time() - begun) / 60:.0f} minutes. Logs and videos: {home}")
    return code


if __name__ == "__main__":
    sys.exit(main())
