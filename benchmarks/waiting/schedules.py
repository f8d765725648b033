"""Schedules of looks alone, exactly: job after job in virtual time, without a server and without a clock."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean, median

from prefect_kie.api import PollPolicy, next_look
from prefect_kie.simulator.jobs import Job

USUAL = 180.0
"""Seconds: the median of the durations."""
SIGMAS = (0.5, 0.2)
"""The spreads of their logarithms: most jobs take from half of the median to twice, or are rather alike."""
NOISE = 10.0
"""By how many points of 100 a told progress is wrong, at most."""

Gap = Callable[[float, Job], float]
"""Seconds from a look at a job of some age to the next look; the first one follows age 0."""


@dataclass(frozen=True)
class Wait:
    """What one wait cost: seconds from the job's end to its being known, and the looks that took."""

    delay: float
    looks: int


@dataclass(frozen=True)
class Cost:
    """What the waits for many jobs cost: seconds of delay, and looks."""

    mean: float
    median: float
    p95: float
    p99: float
    looks: float

    @classmethod
    def of(cls, waits: Iterable[Wait]) -> Cost:
        """The cost of these waits."""
        known = list(waits)
        delays = sorted(wait.delay for wait in known)
        return cls(
            mean=fmean(delays),
            median=median(delays),
            p95=delays[math.ceil(0.95 * len(delays)) - 1],
            p99=delays[math.ceil(0.99 * len(delays)) - 1],
            looks=fmean(wait.looks for wait in known),
        )

    @property
    def product(self) -> float:
        """Mean delay times looks: what a schedule of the same shape costs, however often it looks."""
        return self.mean * self.looks


def jobs(sigma: float, count: int, seed: int) -> list[Job]:
    """Jobs as the simulated Kie makes them: a seed gives the same durations here and there."""
    chance = random.Random(seed)
    return [_job(f"{number}", USUAL * chance.lognormvariate(0, sigma)) for number in range(count)]


def _job(task_id: str, duration: float) -> Job:
    return Job(task_id, "", {}, "", created_at=0, visible_at=0, duration=duration, price=0, result={})


def waits(gap: Gap, jobs: Iterable[Job]) -> list[Wait]:
    """Look at each job until it has ended."""
    made: list[Wait] = []
    for job in jobs:
        age, looks = 0.0, 0
        while age < job.duration:
            age += gap(age, job)
            looks += 1
        made.append(Wait(age - job.duration, looks))
    return made


def every(seconds: float) -> Gap:
    """A fixed interval."""
    return lambda age, job: seconds


def polling(sigma: float, seed: int, *, progress: bool = False) -> Gap:
    """This project's schedule, for jobs that tell their progress or do not."""
    # No deadline: a job that is given up has no delay.
    policy = PollPolicy(spread=sigma, deadline_seconds=1e9)
    chance = random.Random(seed)

    def gap(age: float, job: Job) -> float:
        told = job.progress(age, noise=NOISE) if progress else None
        seconds = next_look(policy, age=age, usual=USUAL, progress=told, chance=chance.random())
        assert seconds is not None
        return seconds

    return gap


def least_product(sigma: float) -> float:
    """The least mean delay times looks that a schedule can reach where nothing is known but the job's age.

    With n(t) looks a second at age t, a job that ends then is known 1 / 2n(t) later, and n(t) is spent on
    each job that is not over yet. By Cauchy and Schwarz the product is at least half the square of the
    integral of sqrt(f S), with f the durations' density and S the share of jobs that last longer. Looks are
    taken for a density here, so a schedule of very few looks may come out a little below.
    """
    step, total = 0.001, 0.0
    for number in range(-10_000, 10_000):
        z = (number + 0.5) * step
        age = USUAL * math.exp(sigma * z)
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (sigma * age)
        total += math.sqrt(density * math.erfc(z / math.sqrt(2)) / 2) * sigma * age * step
    return total**2 / 2


def fixed_product(sigma: float) -> float:
    """The same product of any fixed interval: half of it late, and one look in each, E[T] / 2."""
    return USUAL * math.exp(sigma**2 / 2) / 2
