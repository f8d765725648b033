"""Submitting at Kie's limit: how fast, and whether the limit is ever exceeded, by the simulated Kie's clock.

    python -m benchmarks.creating [--write]

A simulated Kie with Kie's limit (20 creates in any 10 seconds), a Prefect server on SQLite, and processes
that submit as fast as they may: first one alone, without limits on the Prefect server; then `prefect-kie
setup`, and two that begin together.

Required: at most 20 creates in any 10 seconds, no call refused, and at least 1.9 creates a second alone
(after the first 20) and 1.6 together (from the first to the last).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.processes import Child, Kie, environment_of, ready, simulated_kie
from benchmarks.report import Figures, command, machine, report
from prefect_kie.cli.local_server import local_server

LIMIT, WINDOW_SECONDS = 20, 10.0
MIN_ALONE, MIN_TOGETHER = 1.9, 1.6
HEADS = ("", "created", "fullest 10 s", "creates a second", "refused (429)")


def fullest_window(created: list[float]) -> int:
    """How many jobs were created in the fullest window of 10 seconds."""
    first, most = 0, 0
    for last, moment in enumerate(created):
        while moment - created[first] >= WINDOW_SECONDS:
            first += 1
        most = max(most, last - first + 1)
    return most


def measure(
    name: str, processes: int, jobs: int, kie: Kie, environment: Mapping[str, str], figures: Figures
) -> list[str]:
    """Let some processes submit jobs together, add their row, and return the requirements not met."""
    kie.reset()
    submit_words = ["benchmarks.creating", "--child", str(jobs // processes), kie.url]
    children = [Child([*submit_words, f"boat {number}"], environment) for number in range(processes)]
    for child in children:
        child.wait_until_ready()
    for child in children:
        child.go()
    for child in children:
        child.result()
    stats = kie.stats()
    created = sorted(stats["creates_times"])
    free = LIMIT if processes == 1 else 1  # one process alone sends its first 20 at once
    rate, least = (len(created) - free) / (created[-1] - created[0]), MIN_ALONE if free > 1 else MIN_TOGETHER
    most, refused = fullest_window(created), stats["throttled"]
    figures.add(name, len(created), most, rate, refused)
    broken: list[str] = []
    if len(created) != jobs:
        broken.append(f"{name}: {len(created)} of {jobs} jobs were created")
    if most > LIMIT:
        broken.append(f"{name}: {most} creates in {WINDOW_SECONDS:g} s, more than {LIMIT}")
    if refused:
        broken.append(f"{name}: {refused} calls were refused")
    if rate < least:
        broken.append(f"{name}: {rate:.2f} creates a second, less than {least}")
    return broken


def submit(jobs: int, url: str, name: str) -> None:
    """Submit jobs in one flow run of this process."""
    from prefect import flow
    from pydantic import SecretStr

    from prefect_kie.blocks import KieCredentials
    from prefect_kie.models import Sora2TextToVideoStable
    from prefect_kie.tasks import sora_2_text_to_video_stable

    credentials = KieCredentials(api_key=SecretStr("simulated"), base_url=url, upload_url=url)

    @flow(name="submit")
    async def submissions() -> None:
        requests = [Sora2TextToVideoStable(prompt=f"{name}.{one}") for one in range(jobs)]
        await asyncio.gather(*(sora_2_text_to_video_stable(request, credentials) for request in requests))

    ready()
    asyncio.run(submissions())
    print(json.dumps(jobs))


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("creating", __doc__)
    parser.add_argument("--alone", type=int, default=100, help="jobs of the one process (0: none)")
    parser.add_argument("--together", type=int, default=200, help="jobs of the others")
    parser.add_argument("--processes", type=int, default=2, help="how many others")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        jobs, url, name = options.child
        submit(int(jobs), url, name)
        return 0

    home = Path(tempfile.mkdtemp(prefix="kie-creating-"))
    print(f"Logs in {home}", flush=True)
    figures, broken = Figures("creating", HEADS), list[str]()
    settings = {"credits": 1_000_000, "video_height": 36, "video_fps": 2}
    with (
        simulated_kie(home / "kie.log", **settings) as kie,
        local_server(home / "prefect", ui=False) as server,
    ):
        environment = environment_of(server)
        if options.alone:
            name = "one process, its own rate limiter alone"
            broken += measure(name, 1, options.alone, kie, environment, figures)
            time.sleep(WINDOW_SECONDS)
        setup = [sys.executable, "-m", "prefect_kie.cli", "setup"]
        key = {"KIE_API_KEY": "simulated"}
        subprocess.run(setup, env={**environment, **key}, check=True, stdout=subprocess.DEVNULL)
        name = f"{options.processes} processes, limits of `prefect-kie setup`"
        broken += measure(name, options.processes, options.together, kie, environment, figures)
    return report(figures, machine(), broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
