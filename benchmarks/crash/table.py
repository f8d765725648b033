"""The table of kills: one row per moment, and their sum."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks.crash.moments import MOMENTS
from benchmarks.crash.trials import Trial

HEADS = (
    "killed",
    "kills",
    "videos wanted",
    "created per video, at most",
    "created",
    "charged",
    "saved, checksum fits",
    "in doubt, settled by a person",
    "lost",
)


def rows(trials: list[Trial]) -> list[tuple[str, ...]]:
    """The table's lines."""
    lines = [_row(name, [one for one in trials if one.moment.name == name]) for name in MOMENTS]
    return [*lines, _row("all", trials)]


def _row(name: str, trials: list[Trial]) -> tuple[str, ...]:
    numbers = (
        sum(trial.kills for trial in trials),
        len(trials),
        max((trial.created for trial in trials), default=0),
        sum(trial.created for trial in trials),
        sum(trial.charged for trial in trials),
        sum(trial.saved for trial in trials),
        sum(trial.in_doubt for trial in trials),
        sum(not trial.saved for trial in trials),
    )
    return (name, *(str(number) for number in numbers))


def show(console: Console, lines: list[tuple[str, ...]]) -> None:
    """Print it for a person at a terminal."""
    table = Table(*HEADS)
    for line in lines[:-1]:
        table.add_row(*line)
    table.add_section()
    table.add_row(*lines[-1], style="bold")
    console.print(table)


def markdown(lines: list[tuple[str, ...]]) -> str:
    """The same for a document."""
    head = [f"| {' | '.join(HEADS)} |", f"|---|{'---:|' * (len(HEADS) - 1)}"]
    return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in lines)]) + "\n"
