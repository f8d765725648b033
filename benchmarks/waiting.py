"""How soon an ended job is known, and how many polls that takes.

    python -m benchmarks.waiting [--jobs N] [--tasks N] [--scale N] [--seed N] [--write]

First the polling schedule alone, in virtual time, beside fixed intervals and beside the least that any
schedule can reach. Then `wait_for_job` in a flow run, on a Prefect server on SQLite, with a simulated Kie and
`prefect-kie callbacks` in processes of their own.

Required: by polling, mean delay times polls is at most 1.15 times the least of any schedule, and a quarter of
a fixed interval's where jobs report progress. With callbacks, 95 of 100 ended jobs are known within 0.5 s, at
two polls per job or fewer.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.processes import PATIENT, SIGNING_KEY, callback_receiver, environment_of
from benchmarks.report import Figures, command, machine, report
from prefect_kie.api import PollPolicy, next_poll
from prefect_kie.cli.local_server import local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.simulator.jobs import Job

USUAL = 180.0
"""Seconds: the median of the durations."""
SIGMAS = (0.5, 0.2)
"""The spreads of their logarithms: most jobs take from half of the median to twice, or are much alike."""
NOISE = 10.0
"""How many percentage points a reported progress is wrong, at most."""
INTERVALS = {0.5: "every 0.5 s (replicate)", 6.0: "every 6 s (runwayml)", 10.0: "every 10 s (prefect-dbt)"}
SUBMIT_SECONDS = 0.5
"""Between two submissions: Kie takes 20 jobs in 10 seconds."""

POLLING, PROGRESS, CALLBACKS = "polling", "polling, progress reported", "callbacks"
MAX_OF_LEAST, MAX_OF_FIXED = 1.15, 0.25
MAX_P95_SECONDS, MAX_POLLS = 0.5, 2.0
HEADS = (
    "", "sigma", "way", "jobs", "delay, s", "median", "p95", "polls", "delay × polls", "of the least",
    "of a fixed interval",
)  # fmt: skip

Gap = Callable[[float, Job], float]
"""Seconds from a poll of a job of some age to the next poll; the first one follows age 0."""


@dataclass(frozen=True)
class Wait:
    """One wait: seconds from the job's end until it was known, and the polls that took."""

    delay: float
    polls: int


@dataclass(frozen=True)
class Cost:
    """Many waits: seconds of delay, and polls per job."""

    mean: float
    median: float
    p95: float
    polls: float

    @classmethod
    def of(cls, waits: Iterable[Wait]) -> Cost:
        """What these waits cost."""
        known = list(waits)
        delays = sorted(wait.delay for wait in known)
        p95 = delays[math.ceil(0.95 * len(delays)) - 1]
        return cls(fmean(delays), median(delays), p95, fmean(wait.polls for wait in known))

    @property
    def product(self) -> float:
        """Mean delay times polls: it stays the same however often a schedule of the same shape polls."""
        return self.mean * self.polls


def jobs(sigma: float, count: int, seed: int) -> list[Job]:
    """Jobs as the simulated Kie makes them: the same seed gives the same durations."""
    chance = random.Random(seed)
    durations = (USUAL * chance.lognormvariate(0, sigma) for _ in range(count))
    return [
        Job("", "", {}, created_at=0, visible_at=0, duration=one, price=0, result={}) for one in durations
    ]


def waits(gap: Gap, jobs: Iterable[Job]) -> list[Wait]:
    """Poll each job until it has ended, in virtual time."""
    made: list[Wait] = []
    for job in jobs:
        age, polls = 0.0, 0
        while age < job.duration:
            age += gap(age, job)
            polls += 1
        made.append(Wait(age - job.duration, polls))
    return made


def reported(job: Job, age: float) -> float:
    """A job's progress as Kie reports it: an estimate, the same at two polls of the same point."""
    exact = job.progress(age)
    return min(99.0, max(0.0, exact + random.Random(int(exact)).uniform(-NOISE, NOISE)))


def polling(sigma: float, seed: int, *, progress: bool = False) -> Gap:
    """This project's schedule, for jobs that report their progress or do not."""
    policy = PollPolicy(spread=sigma, deadline_seconds=1e9)  # a job that is given up has no delay
    chance = random.Random(seed)

    def gap(age: float, job: Job) -> float:
        told = reported(job, age) if progress else None
        seconds = next_poll(policy, age=age, usual=USUAL, progress=told, chance=chance.random())
        assert seconds is not None
        return seconds

    return gap


def least_product(sigma: float) -> float:
    """The least mean delay times polls of any schedule that knows only a job's age.

    With n(t) polls a second at age t, a job that ends then is known 1 / 2n(t) later, and n(t) is spent on
    each job that is not over yet. By Cauchy and Schwarz the product is at least half the square of the
    integral of sqrt(f S), where f is the durations' density and S the share of jobs that last longer.
    """
    step, total = 0.001, 0.0
    for number in range(-10_000, 10_000):
        z = (number + 0.5) * step
        age = USUAL * math.exp(sigma * z)
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (sigma * age)
        total += math.sqrt(density * math.erfc(z / math.sqrt(2)) / 2) * sigma * age * step
    return total**2 / 2


def fixed_product(sigma: float) -> float:
    """The product of any fixed interval: half of it late, and one poll in each, so half the mean duration."""
    return USUAL * math.exp(sigma**2 / 2) / 2


def real_waits(
    receiver: str, sigma: float, *, callbacks: bool, scale: float, count: int, seed: int
) -> list[Wait]:
    """Submit jobs in one flow run, as fast as Kie takes them, and wait for them with `wait_for_job`.

    Args:
        receiver: The URL of `callback_receiver`.
        sigma: The spread of the jobs' durations.
        callbacks: Whether Kie calls back.
        scale: How much shorter the jobs are, and the schedule's seconds with them.
        count: How many jobs.
        seed: Of their durations.
    """
    # Only now: Prefect reads its settings when it is imported.
    from prefect import flow
    from prefect.logging.handlers import APILogWorker
    from pydantic import SecretStr

    from prefect_kie.blocks import KieCallbacks, KieCredentials
    from prefect_kie.models import Sora2TextToVideo
    from prefect_kie.tasks import sora_2_text_to_video, wait_for_job

    usual = PollPolicy()
    scaled = ("deadline_seconds", "min_gap_seconds", "max_gap_seconds", "seconds_per_poll")
    poll = PollPolicy(
        usual_seconds=USUAL * scale, spread=sigma, **{name: getattr(usual, name) * scale for name in scaled}
    )
    settings = SimulatorSettings(
        duration_seconds=USUAL * scale,
        duration_sigma=sigma,
        seed=seed,
        report_progress=False,
        signing_key=SIGNING_KEY,
        credits=1_000_000,
        create_per_10s=None,
        polls_per_second=None,
    )

    async def one(number: int) -> tuple[str, float]:
        await asyncio.sleep(number * SUBMIT_SECONDS)
        handle = await sora_2_text_to_video(Sora2TextToVideo(prompt=f"number {number}"), "bench-waiting")
        waiting: Any = wait_for_job(handle, "bench-waiting", poll=poll, return_state=True)
        state = await waiting
        await state.aresult()
        return handle.task_id, state.timestamp.timestamp()

    @flow(name="wait-for-many")
    async def many() -> list[tuple[str, float]]:
        return await asyncio.gather(*(one(number) for number in range(count)))

    with SimulatorServer(settings) as kie:
        KieCredentials(
            api_key=SecretStr("bench"),
            base_url=kie.url,
            upload_url=kie.url,
            callbacks=KieCallbacks(base_url=receiver, signing_key=SecretStr(SIGNING_KEY))
            if callbacks
            else None,
            creates_per_10_seconds=100_000,
            polls_per_second=100_000,
        ).save("bench-waiting", overwrite=True)
        known = asyncio.run(many())
        seen = {job["task_id"]: job for job in kie.stats()["jobs"]}
    APILogWorker.drain_all(timeout=10)  # while its server is still there
    return [Wait(at - seen[task_id]["finishes_at"], seen[task_id]["polls"]) for task_id, at in known]


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("waiting", __doc__)
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of each schedule alone")
    parser.add_argument("--tasks", type=int, default=40, help="jobs through real tasks (0: none)")
    parser.add_argument("--scale", type=float, default=0.1, help="how much shorter those jobs are")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures, broken = Figures("waiting", HEADS, words=3), list[str]()
    for sigma in SIGMAS:
        _schedules(sigma, options, figures, broken)
    if options.tasks:
        with tempfile.TemporaryDirectory(prefix="prefect-kie-waiting-") as home:
            _real_tasks(Path(home), options, figures, broken)
    return report(figures, machine(), broken, options.write)


def _schedules(sigma: float, options: argparse.Namespace, figures: Figures, broken: list[str]) -> None:
    made, least, fixed = jobs(sigma, options.jobs, options.seed), least_product(sigma), fixed_product(sigma)
    figures.add("schedule alone", sigma, "the least of any", *("",) * 5, least, 1.0, least / fixed)
    gaps = {POLLING: polling(sigma, options.seed), PROGRESS: polling(sigma, options.seed, progress=True)}
    gaps |= {name: lambda age, job, seconds=seconds: seconds for seconds, name in INTERVALS.items()}
    for way, gap in gaps.items():
        cost = Cost.of(waits(gap, made))
        ratios = cost.product / least, cost.product / fixed
        cells = (cost.mean, cost.median, cost.p95, cost.polls, cost.product, *ratios)
        figures.add("schedule alone", sigma, way, len(made), *cells)
        if way == POLLING and ratios[0] > MAX_OF_LEAST:
            broken.append(
                f"{way}, sigma {sigma:g}: {ratios[0]:.2f} times the least, more than {MAX_OF_LEAST:g}"
            )
        if way == PROGRESS and ratios[1] > MAX_OF_FIXED:
            broken.append(
                f"{way}, sigma {sigma:g}: {ratios[1]:.2f} of a fixed interval's, more than {MAX_OF_FIXED:g}"
            )


def _real_tasks(home: Path, options: argparse.Namespace, figures: Figures, broken: list[str]) -> None:
    with local_server(home / "prefect", ui=False, settings=PATIENT) as server:
        os.environ |= environment_of(server)
        with callback_receiver(environment_of(server), home / "receiver.log") as (receiver, _):
            for sigma in SIGMAS:
                for way in (CALLBACKS, POLLING):
                    given = {"scale": options.scale, "count": options.tasks, "seed": options.seed}
                    cost = Cost.of(real_waits(receiver, sigma, callbacks=way == CALLBACKS, **given))
                    cells = (options.tasks, cost.mean, cost.median, cost.p95, cost.polls, "", "", "")
                    figures.add(f"real tasks, {options.scale:g} of the time", sigma, way, *cells)
                    name = f"{way}, sigma {sigma:g}"
                    if way == CALLBACKS and cost.p95 > MAX_P95_SECONDS:
                        broken.append(
                            f"{name}: p95 of the delay is {cost.p95:.2f} s, more than {MAX_P95_SECONDS:g}"
                        )
                    if way == CALLBACKS and cost.polls > MAX_POLLS:
                        broken.append(f"{name}: {cost.polls:.2f} polls per job, more than {MAX_POLLS:g}")


if __name__ == "__main__":
    sys.exit(main())
