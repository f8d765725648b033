"""How long a model's jobs usually take, and when to poll one again, by its age, state, progress and model.

A poll costs one request and a little work; a late one costs the person's time. With `h(t)` the chance per
second that the job ends at age `t`, the best distance between polls is proportional to `1 / sqrt(h(t))`: few
early, closer ones when an end is likely. Jobs of one model take about log-normal times around its usual one.
A job that reports progress tells about when it will end: no polls before that span, and even ones in it.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Annotated, NamedTuple

from pydantic import Field

from prefect_kie.api.forms import Form

PROGRESS_ERROR = 0.1  # by how much of the whole a reported progress is taken to be wrong
STARTED_AT = 0.15
"""Up to which share of a job's time its progress may not have begun: it waits in a queue before."""


class PollPolicy(Form):
    """How patiently a job is waited for; each field says below what it means."""

    deadline_seconds: Annotated[float, Field(gt=0)] = 1800.0
    """Give up waiting when the job is this old, in seconds; the job itself goes on at Kie."""
    min_gap_seconds: Annotated[float, Field(ge=0.05)] = 2.0
    """Never poll again sooner than this, in seconds."""
    max_gap_seconds: Annotated[float, Field(ge=0.05)] = 120.0
    """Never poll again later than this, in seconds."""
    usual_seconds: Annotated[float, Field(gt=0)] | None = None
    """How long such a job usually takes, in seconds; empty takes the model's own number."""
    spread: Annotated[float, Field(ge=0.05, le=2)] = 0.5
    """How much jobs differ from that: 0.5 if most take from half of it to twice, less if they are alike."""
    seconds_per_poll: Annotated[float, Field(gt=0)] = 0.5
    """How many seconds of delay one poll is worth; smaller polls more often."""
    jitter: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Share of the gap by which it varies, so that many jobs do not poll at once."""
    late_result_seconds: Annotated[float, Field(ge=0)] = 60.0
    """For how long a success that tells of no result yet is polled again, in seconds."""


def next_poll(
    policy: PollPolicy,
    *,
    age: float,
    usual: float,
    spread: float | None = None,
    progress: float | None = None,
    chance: float = 0.5,
) -> float | None:
    """Seconds until the next poll of a job that has not ended.

    Args:
        policy: How patiently to wait.
        age: The job's age at this poll, seconds.
        usual: How long a job of this model usually takes, seconds.
        spread: How much jobs differ from that; None, or if the policy has a usual time: as the policy says.
        progress: 0 to 100, where the job reports it.
        chance: A random number from 0 to 1, for the jitter.

    Returns:
        At least `min_gap_seconds`, never past the deadline, which gets its own poll; None after the last one.
    """
    left = policy.deadline_seconds - age
    if left < policy.min_gap_seconds:
        return None
    if progress is not None and 0 < progress < 100 and age > 0:
        gap = _gap_by_progress(age, progress / 100, policy)
    else:
        if spread is None or policy.usual_seconds is not None:
            spread = policy.spread
        gap = _gap_by_hazard(age, policy.usual_seconds or usual, spread, policy)
    gap = min(policy.max_gap_seconds, gap * (1 + policy.jitter * (2 * chance - 1)))
    gap = max(policy.min_gap_seconds, gap)
    # A poll shortly before the deadline would leave no room for the last one: go straight there.
    return left if gap > left - policy.min_gap_seconds else gap


def _gap_by_hazard(age: float, usual: float, spread: float, policy: PollPolicy) -> float:
    """The gap in which the best density of polls, sqrt(h / 2c), adds up to one poll."""
    step = max(min(usual, policy.max_gap_seconds) / 50, policy.max_gap_seconds / 2000)
    polls, gap = 0.0, 0.0
    while polls < 1 and gap < policy.max_gap_seconds:
        gap += step
        polls += step * math.sqrt(_hazard(age + gap, usual, spread) / (2 * policy.seconds_per_poll))
    return gap


def _gap_by_progress(age: float, done: float, policy: PollPolicy) -> float:
    """The gap until the job may end, and then one of the best size for an end that is anywhere in a span."""
    most, least = min(1.0, done + PROGRESS_ERROR), max(PROGRESS_ERROR / 5, done - PROGRESS_ERROR)
    soonest = age * (1 - STARTED_AT) * (1 - most) / (STARTED_AT + (1 - STARTED_AT) * most)
    latest = age * (1 - least) / least
    return soonest + math.sqrt(2 * policy.seconds_per_poll * (latest - soonest))


def _hazard(age: float, usual: float, spread: float) -> float:
    """The chance per second that a job of this age ends now, durations being log-normal."""
    if age <= 0:
        return 1e-9
    z = math.log(age / usual) / spread
    survival = math.erfc(z / math.sqrt(2)) / 2
    if survival < 1e-12:
        return z / (spread * age)  # the tail's own limit, where the quotient below loses its digits
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (spread * age)
    return max(density / survival, 1e-9)


UNKNOWN_SPREAD = 0.7  # how much jobs may differ from a guess: most take from half of it to twice
USUAL_SPREAD = 0.3
"""How much jobs of one model differ from each other as far as nobody knows; counts as one job."""
PRIOR_JOBS = 0.3  # so many jobs the guess counts for


class Duration(NamedTuple):
    """A log-normal distribution of durations: its median, seconds, and its logarithms' standard deviation."""

    seconds: float
    spread: float


def learned(seconds: Sequence[float], guess: float) -> Duration:
    """How long the next job takes, by medians of others' seconds; `guess` is for where nothing is known."""
    logs = [math.log(one) for one in seconds if one > 0]
    if not logs:
        return Duration(guess, UNKNOWN_SPREAD)
    count, middle = len(logs), median(logs)
    deviation = 1.4826 * median(abs(one - middle) for one in logs)  # of a normal distribution
    variance = (count * deviation**2 + USUAL_SPREAD**2) / (count + 1)
    variance *= 1 + math.pi / 2 / count  # nor is the median exactly known
    center = (count * middle + PRIOR_JOBS * math.log(guess)) / (count + PRIOR_JOBS)
    return Duration(math.exp(center), min(2.0, max(0.05, math.sqrt(variance))))
