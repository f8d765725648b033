"""The comparison: all clients wait at the same time, each in a process of its own.

Usage: python -m benchmarks.peers [--jobs N] [--sigma S] [--scale N] [--seed N] [--write]

The exit code is 0 when every job of every client came back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from benchmarks.command import command, ended
from benchmarks.tables import Figures, machine
from benchmarks.waiting.schedules import Cost, Wait, jobs
from benchmarks.waiting.tasks import SUBMIT_SECONDS
from prefect_kie.cli.local_server import free_port

SDKS = {
    "replicate": "`async_run`: held for 60 s, then every 0.5 s",
    "fal-client": "`subscribe`: every 0.1 s",
    "runwayml": "`wait_for_task_output`: every 4.5 to 7.5 s",
}
OURS = {"polling": "`wait_for_job`, polling", "callbacks": "`wait_for_job`, called back"}
HEADS = ("client", "its call", "jobs", "delay, s", "median", "p95", "looks per job", "delay × looks")


def main() -> int:
    """Compare.

    Returns:
        The exit code.
    """
    parser = command("peers", "Waits of other clients.")
    parser.add_argument("--jobs", type=int, default=20, help="jobs of each client, all at the same time")
    parser.add_argument("--sigma", type=float, default=0.5, help="the spread of their durations' logarithms")
    parser.add_argument("--scale", type=float, default=1.0, help="how much shorter than 180 s they are")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    started, console = time.monotonic(), Console(width=160)
    durations = [job.duration * options.scale for job in jobs(options.sigma, options.jobs, options.seed)]
    with tempfile.TemporaryDirectory(prefix="prefect-kie-peers-") as name:
        with console.status("installing the other clients"):
            python, versions = installed(Path(name))
        longest = max(durations) + options.jobs * SUBMIT_SECONDS
        with console.status(f"waiting; the longest job ends in {longest:.0f} s"):
            waits = _waits(python, durations, options)

    figures = Figures("peers", HEADS, words=2)
    for client, made in waits.items():
        ours = client in OURS
        cost = Cost.of(made)
        figures.add(
            f"prefect-kie {version('prefect-kie')}" if ours else f"{client} {versions[client]}",
            OURS[client] if ours else SDKS[client],
            len(made),
            cost.mean,
            cost.median,
            cost.p95,
            cost.looks,
            cost.product,
        )
    figures.show(console)
    below = machine(
        f"durations log-normal around {180 * options.scale:g} s with sigma {options.sigma:g}",
        f"{(time.monotonic() - started) / 60:.0f} minutes",
    )
    broken = [
        f"{client}: {len(made)} of {options.jobs} jobs came back"
        for client, made in waits.items()
        if len(made) != options.jobs
    ]
    return ended(console, below, broken, figures.write, options.write)


def installed(directory: Path) -> tuple[Path, dict[str, str]]:
    """An environment with the newest of the other clients that this Python takes.

    Returns:
        Its Python, and the clients' versions.
    """
    venv.create(directory / "venv", with_pip=True)
    python = directory / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", *SDKS], check=True, capture_output=True)
    listed = subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True, text=True)
    found: list[dict[str, str]] = json.loads(listed.stdout)
    versions = {one["name"].lower().replace("_", "-"): one["version"] for one in found}
    return python, {client: versions[client] for client in SDKS}


def _waits(python: Path, durations: list[float], options: argparse.Namespace) -> dict[str, list[Wait]]:
    numbers = [str(one) for one in (options.sigma, options.scale, options.jobs, options.seed)]
    given = [str(SUBMIT_SECONDS), *map(str, durations)]
    script = str(Path(__file__).with_name("sdks.py"))
    with ExitStack() as stack:
        url = stack.enter_context(_stub())
        commands = {client: [str(python), script, client, url, *given] for client in SDKS}
        commands |= {way: [sys.executable, "-m", "benchmarks.peers.ours", way, *numbers] for way in OURS}
        running = {
            name: stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            for name, command in commands.items()
        }
        said = {name: process.communicate()[0] for name, process in running.items()}
        stats: dict[str, dict[str, Any]] = httpx.get(f"{url}/stats", trust_env=False).json()
    waits = {way: [Wait(*one) for one in json.loads(said[way] or "[]")] for way in OURS}
    for client in SDKS:
        returned = [(stats[Path(file).stem], at) for file, at in json.loads(said[client] or "[]")]
        waits[client] = [Wait(at - job["ended"], job["looks"]) for job, at in returned]
    return waits


@contextmanager
def _stub() -> Generator[str, None, None]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.peers.stub", str(port)])
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/stats", trust_env=False)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
