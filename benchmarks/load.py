"""A team's load: 20 deployed runs of 50 videos each, at Kie's own limits, on two workers (Linux).

    python -m benchmarks.load [--runs 20] [--sqlite 5 10 20] [--rows 50] [--write]

A Prefect server on PostgreSQL (and then on SQLite, where asked for), `prefect-kie setup`, the deployments of
prefect.yaml, two process workers and a simulated Kie, whose jobs take 30 s. All runs are there at once; the
server's own limits keep them to Kie's 20 submissions in 10 seconds together.

Required on PostgreSQL: each video is created, charged and saved once; the server knows of a submission within
10 s; no worker, and no run's process, needs more than 300 MiB.
"""

from __future__ import annotations

import bisect
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.postgres import postgres
from benchmarks.processes import PATIENT, simulated_kie
from benchmarks.recovery import Bench, environments
from benchmarks.report import Figures, command, machine, report
from prefect_kie.cli.local_server import local_server

BATCHES = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}
"""What docs/fleet.md advises: else the server writes down each state by itself, and falls behind."""
JOB_SECONDS = 30.0
PRICE = 30
CREATES_PER_SECOND = 2.0
LOOK_SECONDS = 2.0
PATIENCE = 7200.0
MAX_BEHIND = 10.0
MAX_MIB = 300.0
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
HEADS = (
    "database", "runs", "videos", "time, s", "of the ideal", "record behind, s", "MiB, worker", "MiB, run",
    "created", "charged", "saved", "refused",
)  # fmt: skip


class Load(Bench):
    """The runs, and what is seen of them."""

    def order(self, number: int, rows: int) -> str:
        """A run that no worker has taken yet."""
        deployment = self.ask("GET", "/deployments/name/generate-batch/kie")
        video = {"model": "kling-2.6/text-to-video", "sound": "false"}
        parameters = {
            "manifest": [{"prompt": f"load {number} {row}", **video} for row in range(rows)],
            "output": {"directory": str(self.home / "videos" / str(number))},
            "waiting": {"poll": {"usual_seconds": JOB_SECONDS}},
        }
        path = f"/deployments/{deployment['id']}/create_flow_run"
        return str(self.ask("POST", path, json={"parameters": parameters})["id"])

    def all_at_once(self, runs: int) -> None:
        """Let a deployment's limit not be what is measured."""
        deployment = self.ask("GET", "/deployments/name/generate-batch/kie")
        body = {"concurrency_limit": runs}
        self._http.patch(f"/deployments/{deployment['id']}", json=body).raise_for_status()

    def states(self, runs: list[str]) -> list[str]:
        """The states in which they are."""
        found = self.ask("POST", "/flow_runs/filter", json={"flow_runs": {"id": {"any_": runs}}})
        return [str(run["state"]["type"]) for run in found]

    def known(self) -> int:
        """How many submissions the server has on record as completed."""
        wanted = {"name": {"like_": ": load "}, "state": {"type": {"any_": ["COMPLETED"]}}}
        return int(self.ask("POST", "/task_runs/count", json={"task_runs": wanted}))

    def saved(self) -> int:
        """How many videos are there."""
        return len({path.name for path in (self.home / "videos").glob("*/*.mp4")})


def peak_mib(mark: bytes) -> float:
    """The most memory that one of the processes with this in its environment has needed so far, MiB."""
    found = [0]
    for process, environment in environments():
        if any(entry.startswith(mark) for entry in environment.split(b"\0")):
            try:
                status = Path(f"/proc/{process}/status").read_text()
            except OSError:
                continue  # ended meanwhile
            found += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(found) / 1024


def behind(samples: list[tuple[float, int]], created: list[float]) -> float:
    """The longest time for which a created job was not on the server's record, seconds."""
    late = [0.0]
    for at, known in samples:
        if known < bisect.bisect_right(created, at):
            late.append(at - created[known])
    return max(late)


def measure(runs: int, rows: int, sqlite: bool, figures: Figures) -> list[str]:
    """Run it, add its row, and return the requirements not met."""
    home = Path(tempfile.mkdtemp(prefix="kie-load-"))
    print(f"{runs} runs of {rows} videos; logs in {home}", flush=True)
    small = {"video_height": 36, "video_fps": 2, "report_progress": False}
    paid: dict[str, Any] = {"credits": 1_000_000, "default_price": PRICE, "prices": {}}
    with ExitStack() as started:
        kie = started.enter_context(
            simulated_kie(home / "kie.log", duration_seconds=JOB_SECONDS, **small, **paid)
        )
        settings = BATCHES | (PATIENT if sqlite else started.enter_context(postgres()).settings)
        server = started.enter_context(local_server(home / "prefect", ui=False, settings=settings))
        load = Load(server, kie, home)
        load.prepare()
        load.all_at_once(runs)
        workers = [started.enter_context(load.worker()) for _ in range(2)]
        ordered = [load.order(number, rows) for number in range(runs)]
        samples, run_mib, begun = list[tuple[float, int]](), 0.0, time.monotonic()
        while not all(state in ENDED for state in load.states(ordered)):
            if time.monotonic() > begun + PATIENCE:
                raise TimeoutError(f"after {PATIENCE:g} s the runs are {load.states(ordered)}")
            samples.append((time.time(), load.known()))
            run_mib = max(run_mib, peak_mib(b"PREFECT__FLOW_RUN_ID="))
            time.sleep(LOOK_SECONDS)
        seconds, stats, states = time.monotonic() - begun, kie.stats(), load.states(ordered)
        worker_mib = max(_peak(worker.pid) for worker in workers)
        saved = load.saved()
        for worker in workers:  # nothing is left to do, and a server that is behind would hold them up
            worker.kill()
    jobs: list[dict[str, Any]] = stats["jobs"]
    wanted, charged = runs * rows, round(stats["charged"] / PRICE)
    late = behind(samples, sorted(float(job["created_at"]) for job in jobs))
    share = seconds / (wanted / CREATES_PER_SECOND + JOB_SECONDS)
    figures.add(
        "SQLite" if sqlite else "PostgreSQL", runs, wanted, seconds, share, late, worker_mib, run_mib,
        len(jobs), charged, saved, stats["throttled"],
    )  # fmt: skip
    broken: list[str] = []
    if failed := [state for state in states if state != "COMPLETED"]:
        broken.append(f"{len(failed)} runs are {', '.join(sorted(set(failed)))}")
    if not len(jobs) == charged == saved == wanted:
        broken.append(f"{wanted} videos, {len(jobs)} created, {charged} charged, {saved} saved")
    if late > MAX_BEHIND:
        broken.append(f"the server's record was {late:.1f} s behind")
    if max(worker_mib, run_mib) > MAX_MIB:
        broken.append(f"a worker needed {worker_mib:.0f} MiB, a run {run_mib:.0f} MiB")
    return broken


def _peak(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("load", __doc__)
    parser.add_argument("--runs", type=int, nargs="*", default=[20], help="how many at once, on PostgreSQL")
    parser.add_argument("--sqlite", type=int, nargs="*", default=[], help="how many at once, on SQLite")
    parser.add_argument("--rows", type=int, default=50, help="how many videos each makes")
    options = parser.parse_args()
    figures = Figures("load", HEADS)
    broken: list[str] = []
    for runs in options.runs:
        broken += measure(runs, options.rows, False, figures)
    for runs in options.sqlite:
        print("\n".join(measure(runs, options.rows, True, figures)))
    return report(figures, machine(), broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
