"""Charts of bars: batches, costs, the server's record, and saving."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.batches import LONGEST, MOST_KIB
from benchmarks.charts.paper import BLUE, GREEN, GREY, INK, ORANGE, RED, Chart
from benchmarks.charts.read import Row, Table
from benchmarks.lag.__main__ import MOST_SECONDS
from benchmarks.saving import BIG, CURL, OURS, SMALL
from benchmarks.tables import shown

THICK = 0.62


def _lines(axes: Axes, names: Sequence[str]) -> None:
    """One bar below the other, each with its name at the left."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)


def _limit(axes: Axes, number: int, value: float, said: str) -> None:
    """What is allowed for a bar."""
    axes.plot((value, value), (number - 0.42, number + 0.42), color=RED, linewidth=2, solid_capstyle="butt")
    axes.annotate(
        said, (value, number), xytext=(5, 0), textcoords="offset points", va="center", color=RED, size=9
    )


def _batches(table: Table, figure: Figure) -> None:
    time, memory = figure.subplots(1, 2, sharey=True)
    _lines(time, [_batch(row) for row in table.rows])
    _lines(memory, [_batch(row) for row in table.rows])
    memory.tick_params(labelleft=False)
    time.set(xlabel="time, ideal = 1", xlim=(0, 1.7), xticks=(0, 0.5, 1), xticklabels=("0", "0.5", "1"))
    memory.set(xlabel="memory per video, KiB", xlim=(0, MOST_KIB * 1.5), xticks=(0, 50, 100, 150, 200))
    for number, row in enumerate(table.rows):
        if row.text("of the ideal"):
            share, limit = row.number("of the ideal"), LONGEST[row.text("way")]
            time.barh(number, share, THICK, color=BLUE)
            _inside(time, number, share / 2, f"{share:.2f}  ({row.text('time, s')} s)")
            _limit(time, number, limit, f"at most {limit}")
        else:
            time.text(0.03, number, "not at Kie's limits: no ideal", va="center", color=GREY, size=9)
        memory.barh(number, row.number("KiB each"), THICK, color=BLUE)
        _inside(memory, number, row.number("KiB each") / 2, row.text("KiB each"))
        _limit(memory, number, MOST_KIB, f"at most {MOST_KIB:g}")


def _batch(row: Row) -> str:
    return f"{row.text('videos')} videos,\n{row.text('way')}"


def _inside(axes: Axes, number: float, at: float, text: str) -> None:
    axes.text(at, number, text, ha="center", va="center", color="white", size=9, weight="bold")


COSTS = {
    "client CPU, ms per video": ("client", BLUE),
    "server CPU": ("Prefect server", ORANGE),
    "receiver CPU": ("receiver", GREEN),
}
"""What stands for what: the heads of the table, with a name and a colour each."""


def _costs(table: Table, figure: Figure) -> None:
    axes = figure.subplots()
    _lines(axes, [row.text("way") for row in table.rows])
    axes.set_xlabel("processor time, ms per video")
    parts = [{head: row.number(head) if row.text(head) else 0.0 for head in COSTS} for row in table.rows]
    widest = max(sum(one.values()) for one in parts)
    axes.set_xlim(0, widest * 1.1)
    fullest = max(range(len(parts)), key=lambda number: sum(part > 0 for part in parts[number].values()))
    for number, one in enumerate(parts):
        begin = 0.0
        for head, (name, colour) in COSTS.items():
            axes.barh(number, one[head], THICK, left=begin, color=colour)
            middle = begin + one[head] / 2
            if one[head] > widest * 0.06:
                text = table.rows[number].text(head)
                axes.text(middle, number, text, ha="center", va="center", size=9, color=_on(colour))
            if number == fullest and one[head]:
                axes.text(
                    middle,
                    number - THICK / 2,
                    name,
                    ha="center",
                    va="bottom",
                    size=9,
                    weight="bold",
                    color=INK if colour == ORANGE else colour,
                )
            begin += one[head]
        axes.annotate(
            shown(begin),
            (begin, number),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
        )


def _on(colour: str) -> str:
    return INK if colour == ORANGE else "white"


DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _lag(table: Table, figure: Figure) -> None:
    axes = figure.subplots()
    databases = [DATABASES.get(row.text("database"), row.text("database")) for row in table.rows]
    measured = [row.text("measured") for row in table.rows]
    _lines(axes, [",\n".join(names) for names in zip(databases, measured, strict=True)])
    axes.set(xlabel="from a state to the server's record of it, s", xlim=(0, MOST_SECONDS * 1.25))
    axes.set_xticks([MOST_SECONDS * part / 5 for part in range(6)])
    for number, row in enumerate(table.rows):
        middle, late, most = (row.number(head) for head in ("lag, s: median", "p95", "most"))
        axes.plot((middle, most), (number, number), color=BLUE, linewidth=2, solid_capstyle="butt")
        axes.plot(middle, number, "o", color=BLUE, markersize=8, clip_on=False)
        axes.plot(late, number, "|", color=BLUE, markersize=12, markeredgewidth=2)
        axes.plot(most, number, "o", color=BLUE, markersize=7, markerfacecolor="white")
        said = " · ".join(
            f"{name} {row.text(head)}"
            for name, head in (("median", "lag, s: median"), ("95 of 100", "p95"), ("most", "most"))
        )
        axes.text(min(middle, MOST_SECONDS * 0.4), number - 0.2, said, va="bottom", color=BLUE, size=9)
    axes.axvline(MOST_SECONDS, color=RED, linewidth=2)
    axes.annotate(
        f"less than {MOST_SECONDS:g} s\nis required",
        (MOST_SECONDS, (len(table.rows) - 1) / 2),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=RED,
        size=9,
    )


def _saving(table: Table, figure: Figure) -> None:
    kinds = list(dict.fromkeys(row.text("files") for row in table.rows))
    widest = max(row.number("of curl") for row in table.rows)
    for axes, kind in zip(figure.subplots(len(kinds), 1, sharex=True), kinds, strict=True):
        rows = table.where(files=kind)
        axes.set_title(KINDS.get(kind, kind))
        _lines(axes, [row.text("way") for row in rows])
        axes.set_xlim(0, widest * 1.27)
        axes.axvline(1, color=GREY, linewidth=1, linestyle=":", zorder=0)
        for number, row in enumerate(rows):
            share, way = row.number("of curl"), row.text("way")
            axes.barh(number, share, THICK, color=BLUE if way == OURS else GREY)
            axes.annotate(
                f"{share:.2f}  ({row.text('MB/s')} MB/s)",
                (share, number),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                size=9,
                weight="bold" if way == OURS else "normal",
            )
    axes.set_xlabel(f"speed, {CURL} = 1")


KINDS = {BIG: f"one file of {BIG}", SMALL: f"{SMALL.replace(' of ', ' files of ')}"}


CHARTS = (
    Chart(
        "batches",
        "A batch takes about the least time that Kie's limits allow, and little memory",
        "Bars of the time of each batch, compared with the ideal, and of its memory per video; all end "
        "before the marks of what is allowed.",
        _batches,
        1.0,
        0.8,
    ),
    Chart(
        "costs",
        "What one video costs client and server in processor time",
        "Stacked bars of processor time per video, of client, Prefect server and receiver: least for a bare "
        "script, more for a simple flow, most for this project, where the server's is the larger part.",
        _costs,
        0.9,
        0.53,
    ),
    Chart(
        "lag",
        "How late the server's record of the runs is",
        "For each database the median, the 95th of 100 and the most of the seconds until a state is "
        "recorded, all before the line of what is required.",
        _lag,
        0.9,
        0.63,
    ),
    Chart(
        "saving",
        "How fast files come to the disk, beside curl",
        "Bars of speed relative to curl, for one large file and for many small ones: curl, httpx in the "
        "event loop, and this project.",
        _saving,
        3.6,
    ),
)
