"""What a video costs in processor time, of the client's process and of the Prefect server's.

Usage: python -m benchmarks.costs [--videos N] [--rounds N] [--seed N] [--way NAME ...] [--write]

Each way makes the same videos on the same simulated Kie (jobs of about 30 s, the same durations in each
round and way), in a process of its own, one way after the other in each round. The table has the medians
of the rounds; Linux only (/proc).
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from rich.console import Console

from benchmarks.apart import (
    ROOT,
    Kie,
    cpu_seconds,
    plain_environment,
    running,
    simulated_kie,
    wait_until_it_answers,
)
from benchmarks.command import command, ended
from benchmarks.costs.client import BARE, CALLBACKS, JOB_SECONDS, PLAIN, POLLING
from benchmarks.tables import Figures, machine
from prefect_kie.cli.local_server import LocalServer, free_port, local_server

WAYS: Mapping[str, str] = {
    BARE: "bare asyncio and httpx",
    PLAIN: "a flow whose task sleeps",
    POLLING: "this project, polling",
    CALLBACKS: "this project, callbacks",
}
SIGMA = 0.2
IDLE_SECONDS = 15.0
QUIET_SECONDS = 4.0
QUIET_CORES = 0.1
"""A server that uses less than so much more than idle has nothing left to do."""

HEADS = (
    "way", "client CPU, ms per video", "of the flow", "server CPU", "of the flow", "receiver CPU",
    "looks per video", "delay, s",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What one video cost in one round: milliseconds of processor time, looks, seconds until it was saved."""

    client: float
    server: float
    receiver: float
    looks: float
    delay: float

    @classmethod
    def typical(cls, costs: list[Cost]) -> Cost:
        """The medians of several rounds."""
        return cls(*(median(getattr(cost, name) for cost in costs) for name in cls.__dataclass_fields__))


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when it could be measured; nothing is required of the figures.
    """
    parser = command("costs", "What a video costs.")
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--way", action="append", choices=tuple(WAYS), help="only this one (several times)")
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="a further one of the server"
    )
    options = parser.parse_args()

    settings = dict(setting.split("=", 1) for setting in options.setting)
    console, started = Console(width=180), time.monotonic()
    costs: dict[str, list[Cost]] = {way: [] for way in options.way or WAYS}
    with tempfile.TemporaryDirectory(prefix="prefect-kie-costs-") as home, ExitStack() as stack:
        laboratory = stack.enter_context(_laboratory(Path(home), options.seed, settings))
        for number in range(options.rounds):
            for way, measured in costs.items():
                with console.status(f"round {number + 1}: {WAYS[way]}"):
                    measured.append(laboratory.trial(way, options.videos))
                console.print(f"round {number + 1}, {WAYS[way]}: {measured[-1]}", highlight=False)
        idle = laboratory.idle
    figures = Figures("costs", HEADS)
    typical = {way: Cost.typical(measured) for way, measured in costs.items()}
    flow = typical.get(PLAIN)
    for way, cost in typical.items():
        client, server = (cost.client / flow.client, cost.server / flow.server) if flow else ("", "")
        apart = (0, "") if way == BARE else (cost.server, server)
        receiver = cost.receiver if way == CALLBACKS else ""
        figures.add(WAYS[way], cost.client, client, *apart, receiver, cost.looks, cost.delay)
    figures.show(console)
    took = f"{(time.monotonic() - started) / 60:.0f} minutes"
    said = machine(
        f"{options.rounds} rounds of {options.videos} videos, {took}",
        f"the idle server's {1000 * idle:.0f} ms a second taken off",
        *options.setting,
    )
    return ended(console, said, None, figures.write, options.write)


class Laboratory:
    """What all trials share.

    Attributes:
        idle: What the server uses when nothing happens, cores.
    """

    def __init__(self, home: Path, server: LocalServer, kie: Kie, receiver: int) -> None:
        self._home, self._server, self._kie, self._receiver = home, server, kie, receiver
        self._trials = 0
        self._wait_until_quiet(most=QUIET_CORES)
        before, begun = cpu_seconds(server.process_id), time.monotonic()
        time.sleep(IDLE_SECONDS)
        self.idle = (cpu_seconds(server.process_id) - before) / (time.monotonic() - begun)

    def trial(self, way: str, videos: int) -> Cost:
        """Make videos in one way.

        Raises:
            RuntimeError: when its process ends before it has told its costs, or a video is missing.
        """
        self._trials += 1
        directory = self._home / f"{self._trials}-{way}"
        self._kie.reset()
        self._kie.change(duration_seconds=1.0, duration_sigma=0.0)  # for the warm-up alone
        with subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.costs.client",
                way,
                self._kie.url,
                str(videos),
                str(directory),
            ],
            env=environment(self._server),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{WAYS[way]}: its process did not warm up")
            self._kie.reset()
            self._wait_until_quiet()
            begun = time.monotonic()
            server, receiver = cpu_seconds(self._server.process_id), cpu_seconds(self._receiver)
            process.stdin.write("go\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline() or "null")
        if told is None or len(told["saved"]) != videos:
            raise RuntimeError(f"{WAYS[way]}: not all {videos} videos were saved")
        self._wait_until_quiet()
        used = cpu_seconds(self._server.process_id) - server - self.idle * (time.monotonic() - begun)
        stats = self._kie.stats()
        ends = {job["task_id"]: job["finishes_at"] for job in stats["jobs"]}
        return Cost(
            client=1000 * told["cpu"] / videos,
            server=1000 * used / videos,
            receiver=1000 * (cpu_seconds(self._receiver) - receiver) / videos,
            looks=stats["looks"] / videos,
            delay=fmean(at - ends[task_id] for task_id, at in told["saved"]),
        )

    def _wait_until_quiet(self, most: float | None = None) -> None:
        """Wait until the server has done all that it was told to: some of it, it does later."""
        limit = self.idle + QUIET_CORES if most is None else most
        end = time.monotonic() + 60
        while time.monotonic() < end:
            before, begun = cpu_seconds(self._server.process_id), time.monotonic()
            time.sleep(QUIET_SECONDS)
            if cpu_seconds(self._server.process_id) - before < limit * (time.monotonic() - begun):
                return


def environment(server: LocalServer) -> dict[str, str]:
    """That of all processes beside the server."""
    quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}
    return {**plain_environment(), **server.environment, **quiet}


@contextmanager
def _laboratory(home: Path, seed: int, settings: Mapping[str, str]) -> Generator[Laboratory, None, None]:
    signing_key, port = secrets.token_hex(), free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        server = stack.enter_context(local_server(home / "prefect", ui=False, settings=settings))
        kie = stack.enter_context(
            simulated_kie(
                home / "kie.log",
                duration_seconds=JOB_SECONDS,
                duration_sigma=SIGMA,
                seed=seed,
                credits=1e9,
                signing_key=signing_key,
                video_height=90,
            )
        )
        subprocess.run(
            [sys.executable, "-c", _SAVE_BLOCKS, kie.url, url, signing_key],
            env=environment(server),
            cwd=ROOT,
            check=True,
        )
        log = home / "receiver.log"
        words = ["-m", "prefect_kie.cli", "callbacks", "--port", str(port), "--block", CALLBACKS]
        process = stack.enter_context(running(words, environment(server), log))
        wait_until_it_answers(f"{url}/health", process, log)
        yield Laboratory(home, server, kie, process.pid)


_SAVE_BLOCKS = f"""
import sys
from prefect_kie.blocks import KieCallbacks, KieCredentials
kie, receiver, signing_key = sys.argv[1:]
callbacks = KieCallbacks(base_url=receiver, signing_key=signing_key)
callbacks.save({CALLBACKS!r})
for name, called in (({POLLING!r}, None), ({CALLBACKS!r}, callbacks)):
    KieCredentials(api_key="bench", base_url=kie, upload_url=kie, callbacks=called).save(name)
"""

if __name__ == "__main__":
    sys.exit(main())
