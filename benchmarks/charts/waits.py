"""Charts of how soon an ended job is known, and for how many looks."""

from __future__ import annotations

import re

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.charts.paper import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LINE,
    PALE,
    RED,
    Chart,
    Point,
    along,
    laid_out,
    logarithmic,
    scatter,
)
from benchmarks.charts.read import Table
from benchmarks.waiting.schedules import SIGMAS
from benchmarks.waiting.table import CALLBACKS, POLLING, PROGRESS

ALONE = "schedule alone"
LEAST = "the least of any schedule"
SPREADS = {0.5: "durations differ much", 0.2: "durations are rather alike"}
_LOOKS, _DELAYS = (0.3, 1000.0), (0.02, 40.0)
"""From where to where the axes go."""


def _waiting(table: Table, figure: Figure) -> None:
    both = figure.subplots(1, 2, sharey=True)
    both[0].set_ylabel("mean delay, s")
    for axes, sigma in zip(both, SIGMAS, strict=True):
        logarithmic(axes)
        axes.set(xlim=_LOOKS, ylim=_DELAYS)
        axes.set_title(f"{SPREADS[sigma]} (sigma {sigma:g})")
        axes.set_xlabel("looks per job")
    laid_out(both[0])
    for axes, sigma in zip(both, SIGMAS, strict=True):
        _schedules(axes, table, f"{sigma:g}")


def _schedules(axes: Axes, table: Table, sigma: str) -> None:
    least = table.row(first=ALONE, sigma=sigma, way=LEAST).number("delay × looks")
    curve = [least / looks for looks in _LOOKS]
    axes.plot(_LOOKS, curve, color=INK, linewidth=1)
    axes.fill_between(_LOOKS, curve, _DELAYS[0], color=PALE, alpha=0.35, linewidth=0)
    axes.text(12, 0.3, "below the least\nof any schedule", ha="center", va="center", size=9, style="italic")
    fixed = [
        Point(row.number("looks"), row.number("delay, s"), row.text("way"), GREY, bold=False)
        for row in table.where(first=ALONE, sigma=sigma)
        if row.text("way").startswith("every ")
    ]
    axes.plot([point.x for point in fixed], [point.y for point in fixed], ":", color=GREY, linewidth=1)
    # Real tasks take a tenth of the time: their delays by polling cannot stand beside the others, those of
    # callbacks are the same at any time.
    real = table.row(sigma=sigma, way=CALLBACKS)
    ours: list[Point] = []
    for name, row, colour, marker in (
        ("progress told", table.row(first=ALONE, sigma=sigma, way=PROGRESS), GREEN, "s"),
        ("polling", table.row(first=ALONE, sigma=sigma, way=POLLING), BLUE, "o"),
        ("callbacks\n(real tasks)", real, RED, "D"),
    ):
        ours.append(Point(row.number("looks"), row.number("delay, s"), name, colour, marker))
    between = min(point.x for point in fixed), max(point.x for point in fixed)
    lines = _falling(least, *_LOOKS) + _falling(fixed[0].x * fixed[0].y, *between)
    scatter(axes, [*ours, *fixed], lines)


def _falling(product: float, begin: float, end: float) -> list[tuple[float, float]]:
    """Places on the line where the product of delay and looks is the same."""
    steps = 60
    return [(x, product / x) for x in (begin * (end / begin) ** (step / steps) for step in range(steps + 1))]


def _peers(table: Table, figure: Figure) -> None:
    axes = figure.subplots()
    axes.set(xlabel="looks per job", ylabel="mean delay, s")
    logarithmic(axes)
    axes.set(xlim=(0.7, 3000), ylim=(0.03, 40))
    laid_out(axes)
    named: list[tuple[float, float]] = []
    for product, begin in ((1, 0.75), (10, 0.75), (100, 2.8)):
        (first, last) = ends = (0.7, 3000.0)
        axes.plot(ends, (product / first, product / last), color=LINE, linewidth=0.8, zorder=1)
        along(axes, begin, product / begin, f"delay × looks = {product}", GREY)
        named += [(x, 1.1 * y) for x, y in _falling(product, begin, 3.2 * begin)]
    points = [
        Point(
            row.number("looks per job"),
            row.number("delay, s"),
            f"{row.text('client')}\n{re.sub(r'`[^`]*`[:,] ', '', row.text('its call'))}",
            *((BLUE, "o", True) if row.text("client").startswith("prefect-kie") else (INK, "s", False)),
        )
        for row in table.rows
    ]
    scatter(axes, points, named, behind="white")


CHARTS = (
    Chart(
        "waiting",
        "Polling: about the least delay × looks of any schedule; less with progress told or callbacks",
        "Mean delay against looks per job, for both spreads of durations. Polling lies at the line of the "
        "least of any schedule, fixed intervals above it, told progress below it, callbacks far below it.",
        _waiting,
        4.2,
    ),
    Chart(
        "peers",
        "More looks, less delay; callbacks save both",
        "Mean delay against looks per job. Polling, this project looks least and is latest; called back, it "
        "is about as early as replicate and fal-client, which look hundreds of times.",
        _peers,
        4.4,
    ),
)
