"""What orchestration costs: the processor time per video, of client, Prefect server and receiver (Linux).

    python -m benchmarks.costs [--videos N] [--rounds N] [--seed N] [--way NAME ...] [--write]

Four ways make the same videos on the same simulated Kie, in jobs of about 30 s: a bare script with asyncio
and httpx (create, poll every 5 s, download); a flow with one task that does the same, as most people would
write it; `generate_video` by polling; and `generate_video` with callbacks. Each is a process of its own that
has warmed up. The server's time includes what it does after the client has ended, without what it uses when
idle. The figures are medians of the rounds.

Required, in milliseconds per video: with callbacks at most 70 of the client and 180 of the server; by polling
less than 90 and 264.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import httpx

from benchmarks.processes import (
    SIGNING_KEY,
    Child,
    Kie,
    callback_receiver,
    cpu_seconds,
    environment_of,
    ready,
    simulated_kie,
)
from benchmarks.report import Figures, command, machine, report
from prefect_kie.cli.local_server import LocalServer, local_server

BARE, PLAIN, POLLING, CALLBACKS = "bare", "plain-flow", "polling", "callbacks"
"""The ways; those of this project are also the names of their credentials blocks."""
WAYS = {
    BARE: "bare asyncio and httpx",
    PLAIN: "a flow whose task sleeps",
    POLLING: "this project, polling",
    CALLBACKS: "this project, callbacks",
}
LIMITS = {CALLBACKS: (70.0, 180.0), POLLING: (90.0, 264.0)}
"""The most milliseconds per video: of the client, and of the server."""
JOB_SECONDS, SIGMA = 30.0, 0.2
POLL_SECONDS = 5.0
SUBMIT_SECONDS = 0.55
"""Between two submissions: Kie takes 20 jobs in 10 seconds, and some calls take longer than others."""
WARM_UP = 3
IDLE_SECONDS, QUIET_SECONDS = 15.0, 4.0
QUIET_CORES = 0.1
"""A server that uses less than this above idle has nothing left to do."""
HEADS = ("way", "client CPU, ms per video", "server CPU", "receiver CPU", "polls per video", "delay, s")
SAVE_BLOCKS = f"""
import sys
from prefect_kie.blocks import KieCallbacks, KieCredentials
kie, receiver, key = sys.argv[1:]
callbacks = KieCallbacks(base_url=receiver, signing_key=key)
for name, called in (({POLLING!r}, None), ({CALLBACKS!r}, callbacks)):
    KieCredentials(api_key="bench", base_url=kie, upload_url=kie, callbacks=called).save(name)
"""

Saved = tuple[str, float]
"""A job's task ID, and when its file was complete, epoch seconds."""
Make = Callable[[httpx.AsyncClient, str, Path], Awaitable[Saved]]
Work = Callable[[int, Path], Coroutine[Any, Any, list[Saved]]]


# What is measured


async def make(http: httpx.AsyncClient, prompt: str, directory: Path) -> Saved:
    """Create a job, poll it every 5 s until it has ended, download its file."""
    body = {"model": "sora-2-text-to-video", "input": {"prompt": prompt}}
    answer = (await http.post("/api/v1/jobs/createTask", json=body)).raise_for_status().json()
    task_id: str = answer["data"]["taskId"]
    while True:
        await asyncio.sleep(POLL_SECONDS)
        poll = await http.get("/api/v1/jobs/recordInfo", params={"taskId": task_id})
        job = poll.raise_for_status().json()["data"]
        if job["state"] == "success":
            break
        if job["state"] == "fail":
            raise RuntimeError(job["failMsg"])
    (url,) = json.loads(job["resultJson"])["resultUrls"]
    with (directory / f"{task_id}.mp4").open("wb") as file:
        async with http.stream("GET", url) as download:
            async for chunk in download.raise_for_status().aiter_bytes():
                file.write(chunk)
    return task_id, time.time()


async def many(url: str, count: int, directory: Path, making: Make) -> list[Saved]:
    """Make videos side by side, submitted as fast as Kie takes them, through one HTTP client."""

    async def one(http: httpx.AsyncClient, number: int) -> Saved:
        await asyncio.sleep(number * SUBMIT_SECONDS)
        return await making(http, "a claymation conductor", directory)

    headers = {"Authorization": "Bearer bench"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        return await asyncio.gather(*(one(http, number) for number in range(count)))


def plain_flow(url: str) -> Work:
    """A flow with one task per video, which sleeps between its polls."""
    from prefect import flow, task

    @flow(name="plain-flow")
    async def plain(count: int, directory: Path) -> list[Saved]:
        async def making(http: httpx.AsyncClient, prompt: str, directory: Path) -> Saved:
            @task(name="make-video")  # the client cannot be a parameter: Prefect would try to hash it
            async def make_video(prompt: str) -> Saved:
                return await make(http, prompt, directory)

            return await make_video(prompt)

        return await many(url, count, directory, making)

    return plain


def this_project(block: str) -> Work:
    """`generate_video` with variations."""
    from prefect_kie.api import PollPolicy
    from prefect_kie.flows import (
        Output,
        Waiting,
        generate_video,
    )
    from prefect_kie.models import Sora2TextToVideo

    async def made(count: int, directory: Path) -> list[Saved]:
        request, poll = (
            Sora2TextToVideo(prompt="a claymation conductor"),
            PollPolicy(usual_seconds=JOB_SECONDS),
        )
        result = await generate_video(
            request, block, count=count, output=Output(directory=directory), waiting=Waiting(poll=poll)
        )
        videos = [outcome.video for outcome in result.videos if outcome.video is not None]
        return [(video.task_id, video.saved_at.timestamp()) for video in videos]

    return made


def child(way: str, url: str, count: int, directory: Path) -> None:
    """Warm up in this process, wait for the word, make the videos, and print the processor time."""
    directory.mkdir(parents=True)
    bare: Work = lambda count, directory: many(url, count, directory, make)  # noqa: E731
    work = bare if way == BARE else plain_flow(url) if way == PLAIN else this_project(way)
    asyncio.run(work(WARM_UP, directory))
    _drain()
    ready()
    before = _cpu()
    saved = asyncio.run(work(count, directory))
    _drain()  # what it still has to send to the server is part of the work
    print(json.dumps({"cpu": _cpu() - before, "saved": saved}), flush=True)


def _drain() -> None:
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker

        EventsWorker.drain_all(timeout=30)
        APILogWorker.drain_all(timeout=30)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


# How it is measured


@dataclass(frozen=True)
class Cost:
    """One video in one round: milliseconds of processor time, polls, seconds until it was saved."""

    client: float
    server: float
    receiver: float
    polls: float
    delay: float

    @classmethod
    def typical(cls, costs: list[Cost]) -> Cost:
        """The medians of several rounds."""
        return cls(*(median(getattr(cost, name) for cost in costs) for name in cls.__dataclass_fields__))


class Laboratory:
    """The processes that all trials share.

    Attributes:
        idle: What the server uses when nothing happens, cores.
    """

    def __init__(self, home: Path, server: LocalServer, kie: Kie, receiver: int) -> None:
        self._home, self._server, self._kie, self._receiver = home, server, kie, receiver
        self._trials = 0
        self._wait_until_quiet(QUIET_CORES)
        before, begun = cpu_seconds(server.process_id), time.monotonic()
        time.sleep(IDLE_SECONDS)
        self.idle = (cpu_seconds(server.process_id) - before) / (time.monotonic() - begun)

    def trial(self, way: str, videos: int) -> Cost:
        """Make videos in one way.

        Raises:
            RuntimeError: when its process fails, or a video is missing.
        """
        self._trials += 1
        self._kie.reset()
        self._kie.change(duration_seconds=1.0, duration_sigma=0.0)  # for the warm-up alone
        directory = self._home / f"{self._trials}-{way}"
        words = ["benchmarks.costs", "--child", way, self._kie.url, str(videos), str(directory)]
        process = Child(words, environment_of(self._server))
        process.wait_until_ready()
        self._kie.reset()
        self._wait_until_quiet(self.idle + QUIET_CORES)
        begun = time.monotonic()
        server, receiver = cpu_seconds(self._server.process_id), cpu_seconds(self._receiver)
        process.go()
        made = process.result()
        if len(made["saved"]) != videos:
            raise RuntimeError(f"{WAYS[way]}: not all {videos} videos were saved")
        self._wait_until_quiet(self.idle + QUIET_CORES)
        used = cpu_seconds(self._server.process_id) - server - self.idle * (time.monotonic() - begun)
        stats = self._kie.stats()
        ends = {job["task_id"]: job["finishes_at"] for job in stats["jobs"]}
        return Cost(
            client=1000 * made["cpu"] / videos,
            server=1000 * used / videos,
            receiver=1000 * (cpu_seconds(self._receiver) - receiver) / videos,
            polls=stats["polls"] / videos,
            delay=fmean(at - ends[task_id] for task_id, at in made["saved"]),
        )

    def _wait_until_quiet(self, most: float) -> None:
        """Wait until the server has done all its work: some of it, it does later."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            before, begun = cpu_seconds(self._server.process_id), time.monotonic()
            time.sleep(QUIET_SECONDS)
            if cpu_seconds(self._server.process_id) - before < most * (time.monotonic() - begun):
                return


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("costs", __doc__)
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--way", action="append", choices=tuple(WAYS), help="only this one (several times)")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        way, url, count, directory = options.child
        child(way, url, int(count), Path(directory))
        return 0

    costs: dict[str, list[Cost]] = {way: [] for way in options.way or WAYS}
    with tempfile.TemporaryDirectory(prefix="prefect-kie-costs-") as name, ExitStack() as stack:
        home, jobs = Path(name), {"duration_seconds": JOB_SECONDS, "duration_sigma": SIGMA}
        given = {"seed": options.seed, "credits": 1e9, "signing_key": SIGNING_KEY, "video_height": 90}
        kie = stack.enter_context(simulated_kie(home / "kie.log", **jobs, **given))
        server = stack.enter_context(local_server(home / "prefect", ui=False))
        environment = environment_of(server)
        receiver, process = stack.enter_context(callback_receiver(environment, home / "receiver.log"))
        words = [sys.executable, "-c", SAVE_BLOCKS, kie.url, receiver, SIGNING_KEY]
        subprocess.run(words, env=environment, check=True)
        laboratory = Laboratory(home, server, kie, process.pid)
        for number in range(options.rounds):
            for way, measured in costs.items():
                measured.append(laboratory.trial(way, options.videos))
                print(f"round {number + 1}, {WAYS[way]}: {measured[-1]}", flush=True)
    figures, broken = Figures("costs", HEADS), list[str]()
    for way, cost in ((way, Cost.typical(measured)) for way, measured in costs.items()):
        server_ms, receiver_ms = 0 if way == BARE else cost.server, cost.receiver if way == CALLBACKS else ""
        figures.add(WAYS[way], cost.client, server_ms, receiver_ms, cost.polls, cost.delay)
        for name, ms, most in zip(
            ("client", "server"), (cost.client, cost.server), LIMITS.get(way, ()), strict=False
        ):
            if ms > most:
                broken.append(f"{WAYS[way]}: {ms:.1f} ms per video of the {name}, more than {most:g}")
    idle = f"the idle server's {1000 * laboratory.idle:.0f} ms a second taken off"
    below = machine(f"{options.rounds} rounds of {options.videos} videos", idle)
    return report(figures, below, broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
