"""`make bench`: the waits, the table, and the table in docs/benchmarks.md.

Usage: python -m benchmarks.waiting [--jobs N] [--tasks N] [--scale N] [--seed N] [--write]
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmarks.apart import plain_environment
from benchmarks.command import command, ended
from benchmarks.tables import machine, write_between
from benchmarks.waiting.schedules import SIGMAS, Cost, Gap, every, jobs, polling, waits
from benchmarks.waiting.table import (
    CALLBACKS,
    POLLING,
    PROGRESS,
    Measured,
    markdown,
    rows,
    show,
    violations,
)
from prefect_kie.cli.local_server import local_server

INTERVALS = (0.5, 6.0, 10.0)
"""Seconds between the looks of replicate, runwayml and prefect-dbt."""


def main() -> int:
    """Measure everything.

    Returns:
        The exit code: 0 when all that is required is so.
    """
    parser = command("waiting", "How soon an ended job is known.")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of each schedule alone")
    parser.add_argument("--tasks", type=int, default=40, help="jobs through real tasks")
    parser.add_argument("--scale", type=float, default=0.1, help="how much shorter those jobs are")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    started, console = time.monotonic(), Console(width=180)
    measured = [one for sigma in SIGMAS for one in _schedules(sigma, options.jobs, options.seed)]
    with tempfile.TemporaryDirectory(prefix="prefect-kie-bench-") as directory:
        measured += _real_tasks(options, Path(directory), console)

    lines = rows(measured, options.scale)
    show(console, lines)
    below = machine(f"{(time.monotonic() - started) / 60:.0f} minutes")
    write = partial(write_between, "waiting", markdown(lines))
    return ended(console, below, violations(measured), write, options.write)


def _schedules(sigma: float, count: int, seed: int) -> list[Measured]:
    ways: dict[str, Gap] = {
        POLLING: polling(sigma, seed),
        PROGRESS: polling(sigma, seed, progress=True),
        **{f"every {seconds:g} s": every(seconds) for seconds in INTERVALS},
    }
    made = jobs(sigma, count, seed)
    return [Measured(sigma, way, count, Cost.of(waits(gap, made))) for way, gap in ways.items()]


def _real_tasks(options: argparse.Namespace, directory: Path, console: Console) -> list[Measured]:
    # SQLite has one writer at a time; what it refuses is tried again by the clients.
    patient = {"PREFECT_SERVER_DATABASE_TIMEOUT": "60", "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60"}
    with local_server(directory / "prefect", ui=False, settings=patient) as server:
        # Before anything imports Prefect, here or in the receiver.
        os.environ |= {**server.environment, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}
        from benchmarks.waiting.tasks import Laboratory, receiver

        signing_key, log = secrets.token_hex(), directory / "receiver.log"
        measured: list[Measured] = []
        with receiver(signing_key, {**plain_environment(), **server.environment}, log) as url:
            made = Laboratory(url, signing_key, scale=options.scale, count=options.tasks, seed=options.seed)
            for sigma in SIGMAS:
                for way in (CALLBACKS, POLLING):
                    with console.status(f"{way}, sigma {sigma:g}, {options.tasks} real tasks"):
                        cost = Cost.of(made.trial(sigma, callbacks=way == CALLBACKS))
                    measured.append(Measured(sigma, way, options.tasks, cost, real=True))
        from prefect.logging.handlers import APILogWorker

        APILogWorker.drain_all(timeout=10)  # while its server is still there
    return measured


if __name__ == "__main__":
    sys.exit(main())
