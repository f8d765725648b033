"""When to look again: never too soon, never past the deadline, closer where an end is likely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from prefect_kie.api import PollPolicy, next_poll

USUAL = 180.0


def looks(
    policy: PollPolicy, *, usual: float = USUAL, age: float = 0.0, chances: Iterable[float] = (0.5,)
) -> Iterator[float]:
    """The ages at which a job that never ends is looked at, the first look included."""
    yield age
    for chance in cycle(chances):
        gap = next_poll(policy, age=age, usual=usual, chance=chance)
        if gap is None:
            return
        age += gap
        yield age


def gap_at(age: float, policy: PollPolicy | None = None, *, usual: float = USUAL, **at: float) -> float:
    gap = next_poll(policy or PollPolicy(), age=age, usual=usual, **at)
    assert gap is not None
    return gap


# What it is for


def test_a_young_job_is_left_alone_and_one_at_its_usual_age_is_watched() -> None:
    at_start, early, usual = gap_at(0), gap_at(80), gap_at(USUAL)
    assert 60 < at_start <= PollPolicy().max_gap_seconds
    assert at_start > early > usual
    assert usual < 15


def test_few_looks_fall_into_the_first_third_of_the_usual_time() -> None:
    ages = list(looks(PollPolicy()))
    first, around = (sum(low < age <= low + 60 for age in ages) for low in (0, USUAL - 30))
    assert first <= 2
    assert around > 2 * first


@pytest.mark.parametrize("usual", [30.0, 60.0, 180.0, 300.0])
def test_a_job_that_ends_as_usual_costs_few_looks_and_little_delay(usual: float) -> None:
    ages = list(looks(PollPolicy(), usual=usual))
    assert sum(age < usual for age in ages) <= 20
    assert min(age for age in ages if age >= usual) - usual <= 15


def test_a_quick_model_is_watched_sooner_than_a_slow_one() -> None:
    assert gap_at(30, usual=30) < gap_at(30, usual=180) <= gap_at(30, usual=300)


def test_the_policys_own_usual_time_goes_before_the_models() -> None:
    assert gap_at(60, PollPolicy(usual_seconds=60), usual=600) == gap_at(60, usual=60)


def test_cheaper_looks_are_taken_more_often() -> None:
    assert gap_at(USUAL, PollPolicy(seconds_per_poll=0.1)) < gap_at(USUAL, PollPolicy(seconds_per_poll=2))


@pytest.mark.parametrize(
    ("age", "progress", "soonest", "latest"),
    # A job whose progress begins with it ends later than one that has waited in a queue; 10 % more or less.
    [(100, 50, 51.5, 150), (100, 80, 9.3, 42.9), (100, 99, 0, 12.4), (300, 95, 0, 52.9)],
)
def test_progress_tells_the_span_in_which_the_job_ends(
    age: float, progress: float, soonest: float, latest: float
) -> None:
    gap = soonest + (latest - soonest) ** 0.5  # where a look is worth half a second: sqrt(2 * 0.5 * span)
    assert gap_at(age, progress=progress) == pytest.approx(gap, abs=0.1)


def test_an_early_progress_is_trusted_little() -> None:
    assert gap_at(30, progress=1) == PollPolicy().max_gap_seconds
    assert gap_at(10, progress=5) < gap_at(10, progress=1)


def test_progress_near_its_end_shortens_the_gap() -> None:
    assert gap_at(100, progress=95) < gap_at(100)


@pytest.mark.parametrize("progress", [0.0, 100.0, -5.0, 130.0])
def test_progress_that_tells_nothing_is_left_aside(progress: float) -> None:
    assert gap_at(100, progress=progress) == gap_at(100)


def test_progress_of_a_job_of_no_age_is_left_aside() -> None:
    assert gap_at(0, progress=50) == gap_at(0)


def test_a_job_far_beyond_its_usual_time_is_watched_less_and_less() -> None:
    for_ever = PollPolicy(deadline_seconds=float("inf"), jitter=0)
    gaps = [gap_at(age, for_ever, usual=10) for age in (30, 100, 300, 1000, 3000, 10_000)]
    assert gaps == sorted(gaps)
    assert gaps[0] < 5 < gaps[-1] <= for_ever.max_gap_seconds


@pytest.mark.parametrize("age", [-1.0, -3600.0])
def test_a_clock_that_was_set_back_delays_no_look_beyond_the_longest_gap(age: float) -> None:
    assert gap_at(age) <= PollPolicy().max_gap_seconds
    assert next_poll(PollPolicy(deadline_seconds=1), age=-0.5, usual=USUAL) is None


# The deadline

STEADY = PollPolicy(
    deadline_seconds=100, min_gap_seconds=5, max_gap_seconds=10, seconds_per_poll=1000, jitter=0
)


@pytest.mark.parametrize(
    ("age", "gap"),
    [(0, 10), (80, 10), (85, 10), (85.5, 14.5), (89, 11), (95, 5), (95.5, None), (100, None), (900, None)],
)
def test_the_last_look_is_at_the_deadline(age: float, gap: float | None) -> None:
    assert next_poll(STEADY, age=age, usual=USUAL) == gap


def test_every_job_gets_a_look_at_its_deadline() -> None:
    assert list(looks(STEADY))[-2:] == [90, 100]
    assert list(looks(PollPolicy()))[-1] == pytest.approx(1800)


def test_a_policy_without_a_deadline_goes_on() -> None:
    assert gap_at(1e9, PollPolicy(deadline_seconds=float("inf"))) == 120


# Jitter


def test_jitter_varies_the_gap_by_its_share() -> None:
    policy = PollPolicy(jitter=0.2)
    middle = gap_at(USUAL, policy, chance=0.5)
    assert gap_at(USUAL, policy, chance=0.0) == pytest.approx(0.8 * middle)
    assert gap_at(USUAL, policy, chance=1.0) == pytest.approx(1.2 * middle)


def test_without_jitter_chance_changes_nothing() -> None:
    policy = PollPolicy(jitter=0)
    assert gap_at(USUAL, policy, chance=0.0) == gap_at(USUAL, policy, chance=1.0)


# Properties


@st.composite
def policies(draw: st.DrawFn) -> PollPolicy:
    low = draw(st.floats(0.05, 20))
    return PollPolicy(
        deadline_seconds=draw(st.floats(0.01, 200)) * low,
        min_gap_seconds=low,
        max_gap_seconds=draw(st.floats(low, 60)),
        usual_seconds=draw(st.none() | st.floats(0.01, 1000)),
        seconds_per_poll=draw(st.floats(0.01, 100)),
        jitter=draw(st.floats(0, 0.5)),
    )


ages = st.floats(0, 1e7)
chances = st.floats(0, 1)
durations = st.floats(0.01, 1e5)
progresses = st.none() | st.floats(-10, 110)


@settings(max_examples=80, deadline=None)
@given(policy=policies(), age=ages, usual=durations, progress=progresses, chance=chances)
def test_a_gap_is_never_too_short_nor_too_long_unless_it_ends_at_the_deadline(
    policy: PollPolicy, age: float, usual: float, progress: float | None, chance: float
) -> None:
    gap = next_poll(policy, age=age, usual=usual, progress=progress, chance=chance)
    left = policy.deadline_seconds - age
    if gap is None:
        assert left < policy.min_gap_seconds
    else:
        assert policy.min_gap_seconds <= gap <= left
        assert gap == left or gap <= policy.max_gap_seconds
        assert gap <= policy.max_gap_seconds + policy.min_gap_seconds


@settings(max_examples=60, deadline=None)
@given(policy=policies(), age=ages, usual=durations, chances=st.lists(chances, min_size=1, max_size=5))
def test_looks_end_and_the_last_one_is_at_the_deadline(
    policy: PollPolicy, age: float, usual: float, chances: list[float]
) -> None:
    seen = list(looks(policy, usual=usual, age=age, chances=chances))
    assert len(seen) <= policy.deadline_seconds / policy.min_gap_seconds + 2
    rounding = 1e-6 * max(1.0, policy.deadline_seconds)
    assert seen == [age] or seen[-1] == pytest.approx(policy.deadline_seconds)
    assert policy.deadline_seconds - seen[-1] < policy.min_gap_seconds
    assert all(later - sooner >= policy.min_gap_seconds - rounding for sooner, later in pairwise(seen))


@settings(max_examples=60, deadline=None)
@given(age=ages, usual=durations, jitter=st.floats(0, 0.5), chance=chances)
def test_jitter_stays_within_its_bounds(age: float, usual: float, jitter: float, chance: float) -> None:
    steady, shaken = (
        gap_at(
            age,
            PollPolicy(deadline_seconds=1e9, jitter=share, min_gap_seconds=0.05),
            usual=usual,
            chance=chance,
        )
        for share in (0, jitter)
    )
    assert max(0.05, steady * (1 - jitter)) <= shaken * (1 + 1e-9)
    assert shaken <= min(120, steady * (1 + jitter)) * (1 + 1e-9)


# The policy itself


@pytest.mark.parametrize(
    "fields",
    [
        {"deadline_seconds": 0},
        {"deadline_seconds": float("nan")},
        {"min_gap_seconds": 0},
        {"max_gap_seconds": 0.01},
        {"usual_seconds": 0},
        {"seconds_per_poll": 0},
        {"jitter": 0.6},
        {"jitter": -0.1},
        {"timeout": 60},
    ],
    ids=repr,
)
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PollPolicy(**fields)
