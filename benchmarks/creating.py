"""Submitting at Kie's limit: how fast, and whether it is ever passed, by a simulated Kie's clock (Linux).

    python -m benchmarks.creating [--write]

A simulated Kie with Kie's limits (20 creates in any 10 seconds), a Prefect server on SQLite and each run
that submits are processes of their own. First one run alone, without limits on the Prefect server; then
`prefect-kie setup`, and two runs that begin together.

The exit code is 0 when no window of 10 seconds had more than 20 creates, nothing was refused, and there
were at least 1.9 creates a second (one run, after its first 20) and 1.6 (two runs, from their first to
their last).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from benchmarks.apart import Kie, plain_environment, simulated_kie
from benchmarks.command import command, ended
from benchmarks.tables import Figures, machine
from prefect_kie.cli.local_server import local_server

T = TypeVar("T")

ALONE_JOBS = 100
TOGETHER_JOBS = 200
ASKED = ("increment_concurrency_slots", "read_global_concurrency_limit_by_name")
KIES, WINDOW_SECONDS = 20, 10.0
LEAST_ALONE, LEAST_TOGETHER = 1.9, 1.6
HEADS = (
    "",
    "created",
    "fullest 10 s",
    "creates a second",
    "refused (429)",
    "asked for slots",
    "median, ms",
    "longest, ms",
    "looked at the limit",
    "median, ms",
)


@dataclass(frozen=True)
class Outcome:
    """What some runs did together.

    Attributes:
        created: When each job was created, seconds since the beginning, by Kie's clock.
        refused: How many calls Kie refused.
        asked: How long the Prefect server took to answer, seconds, each time it was asked for a slot and in
            what state the limit is.
    """

    created: list[float]
    refused: int
    asked: Mapping[str, list[float]]

    @property
    def fullest(self) -> int:
        """How many creates the fullest window of 10 seconds had."""
        first, most = 0, 0
        for last, moment in enumerate(self.created):
            while moment - self.created[first] >= WINDOW_SECONDS:
                first += 1
            most = max(most, last - first + 1)
        return most

    def cells(self, rate: float) -> tuple[object, ...]:
        """A line of the table."""
        takes, looks = (sorted(1000 * answer for answer in self.asked[name]) for name in ASKED)
        taken = (len(takes), statistics.median(takes), takes[-1]) if takes else (0, "-", "-")
        looked = (len(looks), statistics.median(looks)) if looks else (0, "-")
        return len(self.created), self.fullest, rate, self.refused, *taken, *looked


def violations(name: str, outcome: Outcome, jobs: int, rate: float, least: float) -> list[str]:
    """What is required and not so.

    Args:
        name: Of the runs.
        outcome: What they did.
        jobs: How many they were to create.
        rate: How many they created a second.
        least: How many it must be.
    """
    broken: list[str] = []
    if len(outcome.created) != jobs:
        broken.append(f"{name}: {len(outcome.created)} of {jobs} jobs were created")
    if outcome.fullest > KIES:
        broken.append(f"{name}: {outcome.fullest} creates in {WINDOW_SECONDS:g} s, more than {KIES}")
    if outcome.refused:
        broken.append(f"{name}: {outcome.refused} calls were refused")
    if rate < least:
        broken.append(f"{name}: {rate:.2f} creates a second, less than {least}")
    return broken


def run(processes: int, jobs: int, kie: Kie, environment: Mapping[str, str]) -> Outcome:
    """Have some processes submit so many jobs together.

    Raises:
        RuntimeError: when one of them fails.
    """
    kie.reset()
    words = [sys.executable, "-m", "benchmarks.creating", "--jobs", str(jobs // processes), "--kie", kie.url]
    children = [
        subprocess.Popen(
            [*words, "--process", str(number)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for child in children:  # all have imported what they need
        assert child.stdout is not None
        child.stdout.readline()
    begun = time.time()
    said = [child.communicate()[0] for child in _told_to_go(children)]
    if any(child.returncode for child in children):
        raise RuntimeError("a process that submits has failed; what it said stands above")
    counted: list[dict[str, Any]] = [json.loads(text.splitlines()[-1]) for text in said]
    stats = kie.stats()
    return Outcome(
        created=sorted(moment - begun for moment in stats["creates_times"]),
        refused=stats["throttled"],
        asked={name: [answer for one in counted for answer in one[name]] for name in ASKED},
    )


def _told_to_go(children: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    return children


def submit(number: int, jobs: int, kie: str) -> None:
    """Submit so many jobs in one run of this process, and print what it asked the Prefect server."""
    from prefect import flow
    from prefect.client.orchestration import PrefectClient
    from pydantic import SecretStr

    from prefect_kie.api import Sora2TextToVideoStable
    from prefect_kie.blocks import KieCredentials
    from prefect_kie.tasks import sora_2_text_to_video_stable

    asked: dict[str, list[float]] = {name: [] for name in ASKED}

    def timed(name: str, ask: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        async def asking(*given: Any) -> T:
            begun = time.monotonic()
            try:
                return await ask(*given)
            finally:
                asked[name].append(time.monotonic() - begun)

        return asking

    for name in ASKED:
        setattr(PrefectClient, name, timed(name, getattr(PrefectClient, name)))
    credentials = KieCredentials(api_key=SecretStr("simulated"), base_url=kie, upload_url=kie)

    @flow(name="submit")
    async def submissions() -> None:
        requests = [Sora2TextToVideoStable(prompt=f"boat {number}.{one}") for one in range(jobs)]
        await asyncio.gather(*(sora_2_text_to_video_stable(request, credentials) for request in requests))

    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(submissions())
    print(json.dumps(asked))


def main() -> int:
    """Measure, and say whether it is good.

    Returns:
        The exit code.
    """
    parser = command("creating", "Submitting at Kie's limit.")
    parser.add_argument("--alone", type=int, default=ALONE_JOBS, help="jobs of the run alone (0: none)")
    parser.add_argument("--together", type=int, default=TOGETHER_JOBS, help="jobs of the two runs")
    parser.add_argument("--processes", type=int, default=2, help="how many runs together")
    for hidden in ("--process", "--jobs", "--kie"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process is not None:
        submit(int(options.process), int(options.jobs), options.kie)
        return 0

    home = Path(tempfile.mkdtemp(prefix="kie-creating-"))
    figures, broken = Figures("creating", HEADS), list[str]()
    settings = {"credits": 1_000_000, "video_height": 36, "video_fps": 2}
    with (
        simulated_kie(home / "kie.log", **settings) as kie,
        local_server(home / "prefect", ui=False) as server,
    ):
        quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}
        environment = {**plain_environment(), **server.environment, **quiet}
        if options.alone:
            alone = run(1, options.alone, kie, environment)
            rate = (options.alone - KIES) / (alone.created[-1] - alone.created[0])
            broken += violations("one run", alone, options.alone, rate, LEAST_ALONE)
            figures.add("one run, its own limiter alone", *alone.cells(rate))
            time.sleep(WINDOW_SECONDS)
        setup = [sys.executable, "-m", "prefect_kie.cli", "setup"]
        key = {"KIE_API_KEY": "simulated"}
        subprocess.run(setup, env={**environment, **key}, check=True, stdout=subprocess.DEVNULL)
        together = run(options.processes, options.together, kie, environment)
        rate = (options.together - 1) / (together.created[-1] - together.created[0])
        name = f"{options.processes} runs"
        broken += violations(name, together, options.together, rate, LEAST_TOGETHER)
        figures.add(f"{name}, limits of `prefect-kie setup`", *together.cells(rate))
    console = Console(width=140)
    figures.show(console)
    console.print(f"Logs: {home}")
    return ended(console, machine(), broken, figures.write, options.write)


if __name__ == "__main__":
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "ERROR")
    sys.exit(main())
