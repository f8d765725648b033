"""The table of waits: one line for each way to wait, for each spread, alone and through real tasks."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.waiting.schedules import Cost, fixed_product, least_product

HEADS = (
    "",
    "sigma",
    "way",
    "jobs",
    "delay, s",
    "median",
    "p95",
    "p99",
    "looks",
    "delay × looks",
    "of the least",
    "of fixed",
)
WORDS = 3
"""So many columns are words, and stand at the left."""

MOST_OF_LEAST = 1.15
MOST_OF_FIXED = 0.25
MOST_DELAY = 0.5
MOST_LOOKS = 2.0

POLLING = "this project, polling"
PROGRESS = "this project, progress told"
CALLBACKS = "this project, callbacks"


@dataclass(frozen=True)
class Measured:
    """What one way to wait cost.

    Attributes:
        sigma: The spread of the durations.
        way: How it was waited.
        jobs: For how many jobs.
        cost: What that cost.
        real: Whether real tasks waited; else it is the schedule alone.
    """

    sigma: float
    way: str
    jobs: int
    cost: Cost
    real: bool = False


def rows(measured: list[Measured], scale: float) -> list[tuple[str, ...]]:
    """The table's lines; before the schedules of each spread, the least that any can reach."""
    lines: list[tuple[str, ...]] = []
    for number, one in enumerate(measured):
        before = measured[number - 1] if number else None
        if not one.real and (before is None or before.sigma != one.sigma):
            lines.append(_least_row(one.sigma))
        lines.append(_row(one, scale))
    return lines


def _least_row(sigma: float) -> tuple[str, ...]:
    least, fixed = least_product(sigma), fixed_product(sigma)
    blank = ("",) * 6
    return (
        "schedule alone",
        f"{sigma:g}",
        "the least of any schedule",
        *blank,
        f"{least:.0f}",
        "1.00",
        f"{least / fixed:.2f}",
    )


def _row(one: Measured, scale: float) -> tuple[str, ...]:
    cost = one.cost
    delays = (f"{delay:.2f}" for delay in (cost.mean, cost.median, cost.p95, cost.p99))
    products: tuple[str, ...] = ("", "", "")
    if not one.real:
        least, fixed = cost.product / least_product(one.sigma), cost.product / fixed_product(one.sigma)
        products = (f"{cost.product:.0f}", f"{least:.2f}", f"{fixed:.2f}")
    part = f"real tasks, {scale:g} of the time" if one.real else "schedule alone"
    return (part, f"{one.sigma:g}", one.way, str(one.jobs), *delays, f"{cost.looks:.2f}", *products)


def violations(measured: list[Measured]) -> list[str]:
    """What is required and not so."""
    found: list[str] = []
    for one in measured:
        name, cost = f"{one.way}, sigma {one.sigma:g}", one.cost
        if one.real:
            if one.way == CALLBACKS and cost.p95 > MOST_DELAY:
                found.append(f"{name}: p95 of the delay is {cost.p95:.2f} s, more than {MOST_DELAY:g}")
            if one.way == CALLBACKS and cost.looks > MOST_LOOKS:
                found.append(f"{name}: {cost.looks:.2f} looks per job, more than {MOST_LOOKS:g}")
        elif one.way == POLLING and (least := cost.product / least_product(one.sigma)) > MOST_OF_LEAST:
            found.append(f"{name}: {least:.2f} times the least, more than {MOST_OF_LEAST:g}")
        elif one.way == PROGRESS and (fixed := cost.product / fixed_product(one.sigma)) > MOST_OF_FIXED:
            found.append(f"{name}: {fixed:.2f} of a fixed interval's product, more than {MOST_OF_FIXED:g}")
    return found


def show(console: Console, lines: list[tuple[str, ...]]) -> None:
    """Print it for a person at a terminal."""
    table = Table(box=box.SIMPLE_HEAD)
    for number, head in enumerate(HEADS):
        table.add_column(head, justify="left" if number < WORDS else "right", no_wrap=True)
    before = lines[0][:2]
    for line in lines:
        if line[:2] != before:
            table.add_section()
        before = line[:2]
        table.add_row(*line)
    console.print(table)


def markdown(lines: list[tuple[str, ...]]) -> str:
    """The same for a document."""
    head = [f"| {' | '.join(HEADS)} |", f"|{'---|' * WORDS}{'---:|' * (len(HEADS) - WORDS)}"]
    return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in lines)]) + "\n"
