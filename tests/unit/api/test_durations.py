"""How long jobs take, learned from those that have ended: near the best after ten, not far before."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from benchmarks.waiting import Cost, Wait, least_product
from prefect_kie.api import PollPolicy, next_poll
from prefect_kie.api.polling import Duration, learned

MIX = {
    "a picture": (24.0, 0.35, 40.0),
    "a short video": (95.0, 0.4, 180.0),
    "a long one": (400.0, 0.5, 240.0),
}
"""Of three models: the true median of their durations, the spread, and the guess for their kind."""


def of_the_least(true: Duration, believed: Duration, seed: int) -> float:
    """Delay times polls under what is believed, by the least of any schedule that knows the truth."""
    policy, chance, made = PollPolicy(deadline_seconds=1e9), random.Random(seed), []
    for _ in range(300):
        ends = true.seconds * chance.lognormvariate(0, true.spread)
        age, polls = 0.0, 0
        while age < ends:
            gap = next_poll(
                policy, age=age, usual=believed.seconds, spread=believed.spread, chance=chance.random()
            )
            assert gap is not None
            age, polls = age + gap, polls + 1
        made.append(Wait(age - ends, polls))
    return Cost.of(made).product / (least_product(true.spread) * true.seconds / 180.0)


@pytest.mark.parametrize(("jobs", "most"), [(0, 2.0), (10, 1.2)])
def test_a_mix_of_models_is_polled_near_the_best(jobs: int, most: float) -> None:
    ratios: list[float] = []
    for median, spread, guess in MIX.values():
        for seed in range(5):
            chance = random.Random(seed)
            ended = [median * chance.lognormvariate(0, spread) for _ in range(jobs)]
            ratios.append(of_the_least(Duration(median, spread), learned(ended, guess), seed + 50))
    assert fmean(ratios) <= most


def test_one_job_that_hung_does_not_matter() -> None:
    alike = [60.0, 62, 58, 61, 59, 60, 63, 57, 60]
    assert learned([*alike, 4000.0], 60.0).seconds == pytest.approx(60.0, rel=0.03)
    assert learned([*alike, 4000.0], 60.0).spread < 0.2


def test_nothing_known_is_the_guess_and_zero_is_no_duration() -> None:
    assert learned([], 90.0) == learned([0.0, -1.0], 90.0) == Duration(90.0, 0.7)
    assert 30 < learned([30.0], 90.0).seconds < 60


def test_a_policy_with_a_time_of_its_own_keeps_its_spread() -> None:
    policy = PollPolicy(usual_seconds=100.0, spread=0.1)
    assert next_poll(policy, age=1, usual=7, spread=2.0) == next_poll(policy, age=1, usual=100)
