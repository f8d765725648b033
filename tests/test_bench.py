"""The pure parts of `make bench`: what is computed, and that a seed gives the same figures again."""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.waiting.schedules import (
    SIGMAS,
    Cost,
    Wait,
    every,
    fixed_product,
    jobs,
    least_product,
    polling,
    waits,
)
from benchmarks.waiting.table import CALLBACKS, HEADS, POLLING, Measured, markdown, rows, show, violations


@pytest.mark.parametrize(("sigma", "ratio"), [(0.5, 0.73), (0.2, 0.36)])
def test_the_least_of_any_schedule_against_a_fixed_interval(sigma: float, ratio: float) -> None:
    assert least_product(sigma) / fixed_product(sigma) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_fixed_interval_is_late_by_half_of_it(sigma: float) -> None:
    cost = Cost.of(waits(every(0.5), jobs(sigma, 500, seed=1)))
    assert cost.mean == pytest.approx(0.25, rel=0.1)
    assert cost.p95 <= cost.p99 <= 0.5
    assert cost.product == pytest.approx(fixed_product(sigma), rel=0.15)


@pytest.mark.parametrize("progress", [False, True])
def test_a_seed_gives_the_same_waits_again(progress: bool) -> None:
    def made(seed: int) -> list[Wait]:
        return waits(polling(0.5, seed, progress=progress), jobs(0.5, 100, seed))

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_the_table_and_what_is_required() -> None:
    cost = Cost(mean=1.0, median=1.0, p95=0.6, p99=1.0, looks=3.0)
    measured = [Measured(0.5, POLLING, 10, cost), Measured(0.5, CALLBACKS, 10, cost, real=True)]
    assert [found.partition(":")[0] for found in violations(measured)] == [f"{CALLBACKS}, sigma 0.5"] * 2
    lines = rows(measured, scale=0.1)
    assert all(len(line) == len(HEADS) for line in lines)
    assert markdown(lines).count("\n") == len(lines) + 2
    show(Console(quiet=True), lines)
