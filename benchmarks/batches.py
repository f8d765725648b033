"""Big batches: how long 200 videos take at Kie's limits, and what 1,000 on their way at once need (Linux).

    python -m benchmarks.batches [--write]

A Prefect server on SQLite, `prefect-kie callbacks`, and a simulated Kie are processes of their own, and so
is each `generate_batch`. Jobs take 30 s. No limit is made on the Prefect server: the local limiter alone
keeps to Kie's 20 submissions in 10 seconds. Where 1,000 are on their way at once, the limits are lifted,
and jobs take so long that the first ends after the last was submitted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.apart import Kie, plain_environment, running, simulated_kie, wait_until_it_answers
from benchmarks.command import command, ended
from benchmarks.tables import Figures, machine
from prefect_kie.cli.local_server import free_port, local_server

SIGNING_KEY = "whsec-of-a-benchmark"
JOB_SECONDS = 30.0
CREATES_PER_SECOND = 2.0
MANY_SECONDS = 420.0
"""How long a job takes where all are to be on their way at once."""
WARM_UP = 5
"""Videos that are made before: what is loaded once is no video's."""

LONGEST = {"callbacks": 1.05, "polling": 1.15}
MOST_KIB = 200.0


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
        """Seconds that the limits allow at the best, as the issue reckons: N / 2 a second, and the job."""
        return self.rows / CREATES_PER_SECOND + self.job_seconds


@dataclass(frozen=True)
class Outcome:
    """What a batch took and did.

    Attributes:
        seconds: From its beginning to its end.
        saved: How many videos were saved.
        created: How many jobs Kie counts.
        charged: How many videos Kie charged.
        most: The most that were on their way at once.
        kib: Memory at its highest above the start, KiB per video.
        looks: Looks per job.
        refused: Calls that Kie refused as too many.
    """

    seconds: float
    saved: int
    created: int
    charged: int
    most: int
    kib: float
    looks: float
    refused: int


def violations(trial: Trial, outcome: Outcome) -> list[str]:
    """What is required of a batch and was not so."""
    broken: list[str] = []
    if not outcome.saved == outcome.created == outcome.charged == trial.rows:
        broken.append(
            f"{trial.rows} rows, {outcome.created} created, {outcome.charged} charged, {outcome.saved} saved"
        )
    if outcome.refused:
        broken.append(f"{outcome.refused} calls were refused")
    if trial.limits and outcome.seconds > LONGEST[trial.way] * trial.ideal:
        broken.append(
            f"{trial.way}: {outcome.seconds:.1f} s is more than {LONGEST[trial.way]} of {trial.ideal:.0f} s"
        )
    if not trial.limits:
        if outcome.most < trial.rows:
            broken.append(f"only {outcome.most} were on their way at once")
        if outcome.kib > MOST_KIB:
            broken.append(f"{outcome.kib:.0f} KiB per video")
    return broken


def measure(trial: Trial, home: Path, environment: dict[str, str], receiver: str) -> Outcome:
    """Make one batch."""
    lifted: dict[str, Any] = {} if trial.limits else {"create_per_10s": None, "looks_per_second": None}
    small = {"video_height": 36, "video_fps": 2, "report_progress": False}
    paid = {"credits": 1_000_000, "signing_key": SIGNING_KEY}
    with simulated_kie(
        home / "kie.log", duration_seconds=trial.job_seconds, **paid, **small, **lifted
    ) as kie:
        words = ["-m", "benchmarks.batches", "--child", trial.way, str(trial.rows), str(trial.job_seconds)]
        words += [kie.url, receiver if trial.way == "callbacks" else "-", str(int(not trial.limits))]
        done = subprocess.run(
            [sys.executable, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        child = json.loads(done.stdout.splitlines()[-1])
        stats = kie.stats()
    jobs = [job for job in stats["jobs"] if job["input"]["prompt"].startswith("number")]
    begun, ended = [job["created_at"] for job in jobs], [job["finishes_at"] for job in jobs]
    price = child["price"]
    return Outcome(
        seconds=child["seconds"],
        saved=child["saved"],
        created=len(jobs),
        charged=round(stats["charged"] / price) - WARM_UP,
        most=max(sum(one <= moment < end for one, end in zip(begun, ended, strict=True)) for moment in begun),
        kib=child["kib"] / trial.rows,
        looks=sum(job["looks"] for job in jobs) / len(jobs),
        refused=stats["throttled"],
    )


def child(way: str, rows: int, seconds: float, kie: str, receiver: str, lifted: bool) -> None:
    """Make a batch in this process, and print what it took as a line of JSON."""
    import asyncio
    import gc

    from pydantic import SecretStr

    from prefect_kie.api import PollPolicy
    from prefect_kie.blocks import KieCallbacks, KieCredentials
    from prefect_kie.flows import generate_batch

    credentials = KieCredentials(
        api_key=SecretStr("simulated"),
        base_url=kie,
        upload_url=kie,
        callbacks=KieCallbacks(base_url=receiver, signing_key=SecretStr(SIGNING_KEY))
        if way == "callbacks"
        else None,
        **({"creates_per_10_seconds": 100_000, "polls_per_second": 100_000} if lifted else {}),
    )
    poll = PollPolicy(usual_seconds=seconds, spread=0.2)
    directory = Path(tempfile.mkdtemp(prefix="videos-", dir=os.environ["PREFECT_HOME"]))

    async def batch(name: str, count: int) -> int:
        manifest = [
            {"model": "sora-2-text-to-video", "prompt": f"{name} {number}"} for number in range(count)
        ]
        made = await generate_batch(
            manifest,
            credentials,
            directory=directory,
            job_key=f"{name} of {directory.name}",  # each trial has a Kie of its own, which knows no other's
            poll=poll,
            at_once=max(100, count),
        )
        return made.counts.get("saved", 0)

    async def both() -> dict[str, float]:
        simulated = Kie(kie)
        simulated.change(duration_seconds=1)
        await batch("warm-up", WARM_UP)
        simulated.change(duration_seconds=seconds)
        await asyncio.sleep(12)  # Kie's window of the warm-up is over
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the highest memory counts from now
        before, begun = _memory("VmRSS"), time.monotonic()
        saved = await batch("number", rows)
        return {
            "seconds": time.monotonic() - begun,
            "saved": saved,
            "kib": _memory("VmHWM") - before,
            "price": 30,
        }

    print(json.dumps(asyncio.run(both())))


def _memory(what: str) -> int:
    """This process's memory, KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


HEADS = (
    "way",
    "videos",
    "time, s",
    "of the ideal",
    "at once",
    "looks each",
    "KiB each",
    "created",
    "charged",
    "saved",
)


def main() -> int:
    """Measure, and say whether it is good.

    Returns:
        The exit code: 0 when all that is required is so.
    """
    parser = command("batches", "Big batches.")
    parser.add_argument("--child", nargs=6, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=200, help="videos at Kie's limits")
    parser.add_argument("--many", type=int, default=1000, help="videos on their way at once")
    parser.add_argument("--many-seconds", type=float, default=MANY_SECONDS)
    parser.add_argument("--only", choices=("callbacks", "polling", "many"))
    options = parser.parse_args()
    if options.child:
        way, rows, seconds, kie, receiver, lifted = options.child
        child(way, int(rows), float(seconds), kie, receiver, bool(int(lifted)))
        return 0

    trials = {
        "callbacks": Trial("callbacks", options.rows, JOB_SECONDS),
        "polling": Trial("polling", options.rows, JOB_SECONDS),
        "many": Trial("callbacks", options.many, options.many_seconds, limits=False),
    }
    console, started = Console(width=140), time.monotonic()
    measured: list[tuple[Trial, Outcome]] = []
    home = Path(tempfile.mkdtemp(prefix="kie-batches-"))
    patient = {"PREFECT_SERVER_DATABASE_TIMEOUT": "60", "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60"}
    with local_server(home / "prefect", ui=False, settings=patient) as server:
        quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}
        environment = {**plain_environment(), **server.environment, **quiet}
        receiver = f"http://127.0.0.1:{(port := free_port())}"
        block = (
            "from prefect_kie.blocks import KieCallbacks; "
            f"KieCallbacks(base_url={receiver!r}, signing_key={SIGNING_KEY!r}).save('bench')"
        )
        subprocess.run([sys.executable, "-c", block], env=environment, check=True)
        words = ["-m", "prefect_kie.cli", "callbacks", "--port", str(port), "--block", "bench"]
        log = home / "receiver.log"
        with running(words, environment, log, stop_seconds=60) as process:
            wait_until_it_answers(f"{receiver}/health", process, log)
            for name, trial in trials.items():
                if options.only in (None, name):
                    with console.status(f"{trial.rows} videos, {trial.way}"):
                        measured.append((trial, measure(trial, home, environment, receiver)))
    figures = Figures("batches", HEADS)
    for trial, made in measured:
        figures.add(
            trial.way if trial.limits else f"{trial.way}, limits lifted",
            trial.rows,
            made.seconds,
            f"{made.seconds / trial.ideal:.2f}" if trial.limits else "",
            made.most,
            made.looks,
            made.kib,
            made.created,
            made.charged,
            made.saved,
        )
    figures.show(console)
    console.print(f"Logs and videos: {home}")
    said = machine(f"{(time.monotonic() - started) / 60:.0f} minutes")
    broken = [sentence for one in measured for sentence in violations(*one)]
    return ended(console, said, broken, figures.write, options.write)


if __name__ == "__main__":
    sys.exit(main())
