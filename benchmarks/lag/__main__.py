"""The server's record at Kie's own pace: 2 creates and 10 looks a second.

Usage: python -m benchmarks.lag [--seconds N] [--database sqlite|postgresql|both] [--write]

A Prefect server, set up by `prefect-kie setup` but for the limits that processes share; a simulated Kie with
Kie's limits, whose jobs take 30 s; and `generate_batch` with two rows for each second: each in a process of
its own. The exit code is 0 when every task run is stored as completed, and no state of one was stored 10 s
after it was taken on, or later.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from benchmarks.apart import ROOT, Kie, cpu_seconds, plain_environment, simulated_kie
from benchmarks.command import command, ended
from benchmarks.lag.record import Asking, Lags, all_lags
from benchmarks.postgres import postgres
from benchmarks.tables import Figures, machine
from prefect_kie.cli.local_server import LocalServer, local_server
from prefect_kie.runtime.global_limits import CREATE_LIMIT, POLL_LIMIT

CREATES_A_SECOND = 2.0
JOB_SECONDS = 30.0
MOST_SECONDS = 10.0
LEAST_OF_THE_PACE = 0.9
"""A run that creates or looks more slowly than this share of what Kie allows says nothing about it."""
LOOKS_A_SECOND = 10.0
SETTLED_SECONDS = 40.0
"""So long after the first create, as many jobs end as begin."""
WATCH_SECONDS = 5.0
TASKS = 3
"""Task runs of each video: submit, wait, save."""

HEADS = (
    "database", "videos", "creates/s", "looks/s", "measured", "states",
    "lag, s: median", "p95", "most", "server CPU, cores", "client CPU, cores",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What one run showed."""

    database: str
    videos: int
    completed: int
    creates: float
    looks: float
    asked: Lags
    stored: Lags
    server: float
    client: float

    def add_to(self, figures: Figures) -> None:
        """Two lines: of the states that were asked for, and of all that the database holds."""
        for how, lags, cores in (
            ("shown by the API", self.asked, (self.server, self.client)),
            ("stored, all states", self.stored, ("", "")),
        ):
            pace = (self.database, self.videos, self.creates, self.looks)
            figures.add(*pace, how, lags.count, lags.median, lags.p95, lags.most, *cores)

    @property
    def broken(self) -> list[str]:
        """What is required and not so."""
        found: list[str] = []
        most = max(self.asked.most, self.stored.most)
        if most >= MOST_SECONDS:
            found.append(
                f"{self.database}: the record was {most:.1f} s behind, {MOST_SECONDS:g} are too many"
            )
        if self.completed != TASKS * self.videos:
            found.append(
                f"{self.database}: {self.completed} of {TASKS * self.videos} task runs are completed"
            )
        for what, pace, kies in (
            ("creates", self.creates, CREATES_A_SECOND),
            ("looks", self.looks, LOOKS_A_SECOND),
        ):
            if pace < LEAST_OF_THE_PACE * kies:
                found.append(f"{self.database}: {pace:.2f} {what} a second: this was not Kie's own pace")
        return found


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all that is required is so.
    """
    parser = command("lag", "How late the server's record of task runs is.")
    parser.add_argument("--seconds", type=float, default=600.0, help="for how long jobs are created")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="a further one of the server"
    )
    options = parser.parse_args()

    console, figures, broken = Console(width=180), Figures("lag", HEADS, words=1), list[str]()
    settings = dict(setting.split("=", 1) for setting in options.setting)
    for database in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        with tempfile.TemporaryDirectory(prefix="prefect-kie-lag-") as home:
            measured = _measure(database, options.seconds, Path(home), settings)
        measured.add_to(figures)
        broken += measured.broken
        figures.show(console)
    said = machine(f"{options.seconds:g} s each", *options.setting)
    return ended(console, said, broken, figures.write, options.write)


def _measure(database: str, seconds: float, home: Path, settings: Mapping[str, str]) -> Measured:
    videos = round(CREATES_A_SECOND * seconds)
    with ExitStack() as stack:
        settings, url = dict(settings), f"sqlite+aiosqlite:///{home}/prefect/prefect.db"
        if database == "postgresql":
            made = stack.enter_context(postgres())
            settings, url = settings | made.settings, made.url
        server = stack.enter_context(local_server(home / "prefect", ui=False, settings=settings))
        kie = stack.enter_context(
            simulated_kie(home / "kie.log", duration_seconds=JOB_SECONDS, credits=1e9, video_height=90)
        )
        environment = {
            **plain_environment(),
            **server.environment,
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
        }
        _set_up(server, environment)
        before, begun = cpu_seconds(server.process_id), time.monotonic()
        watched = stack.enter_context(_watching(kie))
        asking = Asking(f"{server.url}/api")
        client = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.lag.client", kie.url, str(videos), str(home / "videos")],
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert client.stdout is not None
        for line in client.stdout:
            asking.saw(json.loads(line))
        used = os.wait4(client.pid, 0)[2]
        took = time.monotonic() - begun
        asking.end()
        completed = _completed(server, TASKS * videos)
        stats = kie.stats()
        created = stats["creates_times"]
        return Measured(
            database=database,
            videos=videos,
            completed=completed,
            creates=(len(created) - 1) / (created[-1] - created[0]),
            looks=watched.pace(created[0] + SETTLED_SECONDS, created[-1]),
            asked=Lags.of(asking.lags),
            stored=Lags.of(asyncio.run(all_lags(url))),
            server=(cpu_seconds(server.process_id) - before) / took,
            client=(used.ru_utime + used.ru_stime) / took,
        )


class Looks:
    """How many looks Kie had seen, and when."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []

    def pace(self, begin: float, end: float) -> float:
        """Looks a second between two times, epoch seconds; 0 where that is too short to tell."""
        inside = [one for one in self.seen if begin <= one[0] <= end]
        if len(inside) < 2:
            return 0.0
        return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


@contextmanager
def _watching(kie: Kie) -> Generator[Looks, None, None]:
    """Count the looks meanwhile."""
    looks, over = Looks(), threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            seen = kie.stats()["looks"]
            looks.seen.append((time.time(), seen))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()


def _set_up(server: LocalServer, environment: Mapping[str, str]) -> None:
    """What an operator does once, but for the limits that processes share: they let less through than Kie."""
    subprocess.run(
        [sys.executable, "-m", "prefect_kie.cli", "setup"],
        env=environment,
        cwd=ROOT,
        check=False,  # it misses a key: the client brings its own
        capture_output=True,
    )
    for name in (CREATE_LIMIT, POLL_LIMIT):
        httpx.delete(f"{server.url}/api/v2/concurrency_limits/{name}", trust_env=False, timeout=60)


def _completed(server: LocalServer, expected: int) -> int:
    """How many task runs are stored as completed; what is missing has some time to come."""
    asked = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    count, end = 0, time.monotonic() + 60
    while count < expected and time.monotonic() < end:
        answer = httpx.post(f"{server.url}/api/task_runs/count", json=asked, trust_env=False, timeout=60)
        count = int(answer.json()) if answer.is_success else count
        time.sleep(1)
    return count


if __name__ == "__main__":
    sys.exit(main())
