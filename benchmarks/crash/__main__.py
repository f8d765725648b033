"""`make crash`: the kills and their table, which `--write` puts into docs/guarantees.md.

python -m benchmarks.crash [--each N] [--random N] [--at-once N] [--seed N] [--write]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from benchmarks.processes import PATIENT
from benchmarks.report import command, machine, report
from prefect_kie.cli.local_server import local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings


def main() -> int:
    parser = command("crash", __doc__, "docs/guarantees.md")
    parser.add_argument("--each", type=int, default=25, help="kills at each named moment")
    parser.add_argument("--random", type=int, default=300, help="kills at random moments")
    parser.add_argument("--at-once", type=int, default=3, help="runs at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", type=Path, help="where everything goes, and stays")
    options = parser.parse_args()
    if options.directory is not None:
        options.directory.mkdir(parents=True, exist_ok=True)
        return _run(options, options.directory)
    with tempfile.TemporaryDirectory(prefix="prefect-kie-crash-") as directory:
        return _run(options, Path(directory))


def _run(options: argparse.Namespace, directory: Path) -> int:
    settings = SimulatorSettings(
        duration_seconds=0.4,
        video_height=72,
        video_fps=4,
        create_per_10s=None,
        polls_per_second=None,
        credits=1_000_000,
    )
    prefect = local_server(directory / "prefect", ui=False, settings=PATIENT)
    with prefect as server, SimulatorServer(settings) as kie:
        # Before anything imports Prefect, here or in the runs' processes.
        os.environ |= {**server.environment, "PREFECT_CLIENT_MAX_RETRIES": "20"}
        code = asyncio.run(_kill(options, directory, kie))
        from prefect.logging.handlers import APILogWorker

        APILogWorker.drain_all(timeout=10)  # while its server is still there
        return code


async def _kill(options: argparse.Namespace, directory: Path, kie: SimulatorServer) -> int:
    from benchmarks.crash.moments import MOMENTS
    from benchmarks.crash.trials import Trial, figures_of, kill, laboratory, violations
    from prefect_kie.blocks import KieCredentials
    from prefect_kie.flows import report_costs

    unhurried = {"creates_per_10_seconds": 100_000, "polls_per_second": 100_000}
    block = KieCredentials.model_validate(
        {"api_key": "crash", "base_url": kie.url, "upload_url": kie.url, **unhurried}
    )
    await block.asave("kie", overwrite=True)
    wanted = {name: options.each if moment.install else options.random for name, moment in MOMENTS.items()}
    started = time.monotonic()
    with Progress(
        "[progress.description]{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    ) as progress:
        bar = progress.add_task("kills", total=sum(wanted.values()))

        def tell(trial: Trial) -> None:
            progress.advance(bar, trial.kills)
            for line in violations([trial]):
                progress.console.print(line, markup=False)

        async with laboratory(kie, "kie", directory, options.seed) as made:
            calm = kie.stats()["created"]
            trials = await kill(made, wanted, options.at_once, tell)
    broken = violations(trials)
    for name, number in wanted.items():
        if (kills := sum(trial.kills for trial in trials if trial.moment.name == name)) < number:
            broken.append(f"killed {name}: only {kills} of {number} times")
    if (created := kie.stats()["created"] - calm) != (counted := sum(trial.created for trial in trials)):
        broken.append(f"Kie created {created} jobs, and only {counted} of them are anybody's")
    # By the run's own records, nothing was counted twice or lost.
    total, stats = (await report_costs(credentials="kie")).total, kie.stats()
    if (total.made, total.charged) != (stats["succeeded"], stats["charged"]):
        broken.append(
            f"the cost report: {total.line} Kie: {stats['succeeded']}, {stats['charged']:g} credits"
        )
    below = machine(f"{(time.monotonic() - started) / 60:.0f} minutes")
    return report(figures_of(trials), below, broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
