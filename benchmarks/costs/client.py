"""The process whose cost is measured: it makes videos in one of the ways, and says what that took.

`python -m benchmarks.costs.client WAY URL COUNT DIRECTORY`, with Prefect configured. It warms up (a process
pays for imports and caches once, not for each video), says so, waits for a line, makes the videos, and
prints what the work took.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from benchmarks.costs.others import Saved, make, many

WARM = 3
JOB_SECONDS = 30.0

BARE, PLAIN, POLLING, CALLBACKS = "bare", "plain-flow", "polling", "callbacks"
"""The ways; those of this project are also the names of their credentials' blocks."""

Work = Callable[[int, Path], Coroutine[Any, Any, list[Saved]]]


def bare(url: str) -> Work:
    """A script without any orchestration."""
    return lambda count, directory: many(url, count, directory, make)


def plain_flow(url: str) -> Work:
    """A flow whose task does all, and sleeps between its looks."""
    from prefect import flow, task

    @flow(name="plain-flow")
    async def plain(count: int, directory: Path) -> list[Saved]:
        # The client cannot be a task's parameter: Prefect would try to hash it.
        async def making(http: Any, prompt: str, directory: Path) -> Saved:
            @task(name="make-video")
            async def make_video(prompt: str) -> Saved:
                return await make(http, prompt, directory)

            return await make_video(prompt)

        return await many(url, count, directory, making)

    return plain


def this_project(block: str) -> Work:
    """`generate_video` with so many variations."""
    from prefect_kie.api import PollPolicy, Sora2TextToVideo
    from prefect_kie.flows import generate_video

    async def made(count: int, directory: Path) -> list[Saved]:
        result = await generate_video(
            Sora2TextToVideo(prompt="a claymation conductor"),
            block,
            count=count,
            directory=directory,
            poll=PollPolicy(usual_seconds=JOB_SECONDS),
        )
        return [
            (outcome.video.task_id, outcome.video.saved_at.timestamp())
            for outcome in result.videos
            if outcome.video is not None
        ]

    return made


def main(way: str, url: str, count: int, directory: Path) -> None:
    """Warm up, wait for the word, work."""
    directory.mkdir(parents=True, exist_ok=True)
    work = bare(url) if way == BARE else plain_flow(url) if way == PLAIN else this_project(way)
    asyncio.run(work(WARM, directory))
    _drain()
    print("ready", flush=True)
    sys.stdin.readline()
    cpu, begun = _cpu(), time.monotonic()
    saved = asyncio.run(work(count, directory))
    _drain()  # what it still has to tell the server is part of the work
    print(
        json.dumps({"cpu": _cpu() - cpu, "seconds": time.monotonic() - begun, "saved": saved}),
        flush=True,
    )


def _drain() -> None:
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker

        EventsWorker.drain_all(timeout=30)
        APILogWorker.drain_all(timeout=30)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
