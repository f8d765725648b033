"""Big batches: how long 200 videos take at Kie's limits, and what 1,000 in flight at once need (Linux).

    python -m benchmarks.batches [--write]

A Prefect server on SQLite, `prefect-kie callbacks`, a simulated Kie and each `generate_batch` are processes
of their own. Jobs take 30 s. The server has no limits: only the rate limiter of the process keeps to Kie's 20
submissions in 10 seconds. For 1,000 in flight the limits are lifted, and jobs take so long that the first
ends after the last was submitted.

Required: a batch takes at most 1.05 times the ideal with callbacks, and 1.15 by polling; Kie refuses no call;
each video is created, charged and saved once; none needs more than 200 KiB of memory.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import (
    PATIENT,
    SIGNING_KEY,
    Child,
    Kie,
    callback_receiver,
    environment_of,
    simulated_kie,
)
from benchmarks.report import Figures, command, machine, report
from prefect_kie.cli.local_server import local_server

JOB_SECONDS = 30.0
CREATES_PER_SECOND = 2.0
MANY_SECONDS = 420.0
"""How long a job takes where all are to be in flight at once."""
WARM_UP = 5
"""Videos made first: what is loaded once belongs to no video."""
WINDOW_SECONDS = 12.0
"""Kie's window of the warm-up is over by then."""
PRICE = 30
MAX_OF_IDEAL = {"callbacks": 1.05, "polling": 1.15}
MAX_KIB = 200.0
HEADS = (
    "way", "videos", "time, s", "of the ideal", "in flight", "polls each", "KiB each", "created", "charged",
    "saved",
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One batch.

    Attributes:
        way: `callbacks` or `polling`.
        rows: How many videos.
        job_seconds: How long a job takes.
        limits: Whether Kie's limits hold.
    """

    way: str
    rows: int
    job_seconds: float
    limits: bool = True

    @property
    def ideal(self) -> float:
        """The seconds that the limits allow at best: two submissions a second, and the last job."""
        return self.rows / CREATES_PER_SECOND + self.job_seconds


def measure(
    trial: Trial, home: Path, environment: Mapping[str, str], receiver: str, figures: Figures
) -> list[str]:
    """Make one batch, add its row, and return the requirements not met."""
    lifted: dict[str, Any] = {} if trial.limits else {"create_per_10s": None, "polls_per_second": None}
    small = {"video_height": 36, "video_fps": 2, "report_progress": False}
    paid = {"credits": 1_000_000, "signing_key": SIGNING_KEY, "default_price": PRICE, "prices": {}}
    settings = {"duration_seconds": trial.job_seconds, **small, **paid, **lifted}
    with simulated_kie(home / "kie.log", **settings) as kie:
        callbacks = receiver if trial.way == "callbacks" else ""
        given = (trial.rows, trial.job_seconds, kie.url, callbacks, not trial.limits)
        made = Child(["benchmarks.batches", "--child", json.dumps(given)], environment).result()
        stats = kie.stats()
    jobs = [job for job in stats["jobs"] if job["input"]["prompt"].startswith("number")]
    begins, ends = [job["created_at"] for job in jobs], [job["finishes_at"] for job in jobs]
    in_flight = max(sum(one <= at < end for one, end in zip(begins, ends, strict=True)) for at in begins)
    created, charged, saved = len(jobs), round(stats["charged"] / PRICE) - WARM_UP, made["saved"]
    share, kib = made["seconds"] / trial.ideal, made["kib"] / trial.rows
    figures.add(
        trial.way if trial.limits else f"{trial.way}, limits lifted",
        trial.rows,
        made["seconds"],
        share if trial.limits else "",
        in_flight,
        sum(job["polls"] for job in jobs) / created,
        kib,
        created,
        charged,
        saved,
    )
    broken: list[str] = []
    if not saved == created == charged == trial.rows:
        broken.append(f"{trial.rows} rows, {created} created, {charged} charged, {saved} saved")
    if stats["throttled"]:
        broken.append(f"{stats['throttled']} calls were refused")
    if trial.limits and share > (most := MAX_OF_IDEAL[trial.way]):
        broken.append(f"{trial.way}: {made['seconds']:.1f} s is more than {most} of {trial.ideal:.0f} s")
    if not trial.limits and in_flight < trial.rows:
        broken.append(f"only {in_flight} were in flight at once")
    if not trial.limits and kib > MAX_KIB:
        broken.append(f"{kib:.0f} KiB per video, more than {MAX_KIB:g}")
    return broken


def child(rows: int, seconds: float, url: str, receiver: str, lifted: bool) -> None:
    """Make a batch in this process, and print its time, videos and memory."""
    from pydantic import SecretStr

    from prefect_kie.api import PollPolicy
    from prefect_kie.blocks import KieCallbacks, KieCredentials
    from prefect_kie.flows import (
        Output,
        Scope,
        Waiting,
        generate_batch,
    )

    limits = {"creates_per_10_seconds": 100_000, "polls_per_second": 100_000} if lifted else {}
    credentials = KieCredentials(
        api_key=SecretStr("simulated"),
        base_url=url,
        upload_url=url,
        callbacks=KieCallbacks(base_url=receiver, signing_key=SecretStr(SIGNING_KEY)) if receiver else None,
        **limits,
    )
    directory = Path(tempfile.mkdtemp(prefix="videos-", dir=os.environ["PREFECT_HOME"]))
    kie = Kie(url)

    async def batch(name: str, count: int) -> int:
        rows = [{"model": "sora-2-text-to-video", "prompt": f"{name} {number}"} for number in range(count)]
        made = await generate_batch(
            rows,
            credentials,
            output=Output(directory=directory),
            scope=Scope(
                job_key=f"{name} of {directory.name}"
            ),  # each trial has a Kie of its own, which knows no other's
            waiting=Waiting(poll=PollPolicy(usual_seconds=seconds, spread=0.2)),
            max_concurrency=max(100, count),
        )
        return made.counts.get("saved", 0)

    async def both() -> dict[str, float]:
        kie.change(duration_seconds=1)
        await batch("warm-up", WARM_UP)
        kie.change(duration_seconds=seconds)
        await asyncio.sleep(WINDOW_SECONDS)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the highest memory counts from now
        before, begun = _memory("VmRSS"), time.monotonic()
        saved = await batch("number", rows)
        return {"seconds": time.monotonic() - begun, "saved": saved, "kib": _memory("VmHWM") - before}

    print(json.dumps(asyncio.run(both())))


def _memory(what: str) -> int:
    """This process's memory, KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("batches", __doc__)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=200, help="videos at Kie's limits")
    parser.add_argument("--many", type=int, default=1000, help="videos in flight at once")
    parser.add_argument("--many-seconds", type=float, default=MANY_SECONDS)
    parser.add_argument("--only", choices=("callbacks", "polling", "many"))
    options = parser.parse_args()
    if options.child:
        child(*json.loads(options.child))
        return 0

    trials = {
        "callbacks": Trial("callbacks", options.rows, JOB_SECONDS),
        "polling": Trial("polling", options.rows, JOB_SECONDS),
        "many": Trial("callbacks", options.many, options.many_seconds, limits=False),
    }
    figures, broken = Figures("batches", HEADS), list[str]()
    home = Path(tempfile.mkdtemp(prefix="kie-batches-"))
    with local_server(home / "prefect", ui=False, settings=PATIENT) as server:
        environment = environment_of(server)
        with callback_receiver(environment, home / "receiver.log") as (receiver, _):
            for name, trial in trials.items():
                if options.only in (None, name):
                    print(f"{trial.rows} videos, {trial.way}; logs in {home}", flush=True)
                    broken += measure(trial, home, environment, receiver, figures)
    return report(figures, machine(), broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
