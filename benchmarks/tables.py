"""What the smaller benchmarks share: a table for a terminal and for a document, and the machine in words."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table


class Figures:
    """A table of figures.

    Args:
        name: Of its marks in a document: `<!-- name: begin -->` and `<!-- name: end -->`.
        heads: The columns' heads.
        words: So many columns are words, and stand at the left.
    """

    def __init__(self, name: str, heads: Sequence[str], words: int = 1) -> None:
        self._name = name
        self._heads = tuple(heads)
        self._words = words
        self._lines: list[tuple[str, ...]] = []

    def add(self, *cells: object) -> None:
        """One line more; a number is shown with as many digits as say something."""
        self._lines.append(tuple(shown(cell) for cell in cells))

    def show(self, console: Console) -> None:
        """Print it for a person at a terminal."""
        table = Table(box=box.SIMPLE_HEAD)
        for number, head in enumerate(self._heads):
            table.add_column(head, justify="left" if number < self._words else "right")
        for line in self._lines:
            table.add_row(*line)
        console.print(table)

    def markdown(self) -> str:
        """The same for a document."""
        rule = f"|{'---|' * self._words}{'---:|' * (len(self._heads) - self._words)}"
        head = [f"| {' | '.join(self._heads)} |", rule]
        return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in self._lines)]) + "\n"

    def write(self, document: Path, below: str) -> None:
        """Put it between its marks in a document, with a sentence below it.

        Raises:
            ValueError: when the document has no such marks.
        """
        write_between(self._name, self.markdown(), document, below)


def write_between(name: str, table: str, document: Path, below: str) -> None:
    """Put a table between the marks of its name in a document, with a sentence below it.

    Raises:
        ValueError: when the document has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, found, rest = document.read_text().partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{document} has no {begin} and {end}")
    document.write_text(f"{head}{begin}\n\n{table}\n{below}\n\n{end}{tail}")


def shown(cell: object) -> str:
    """A cell's text: numbers with three digits, or all of what stands before the point."""
    if isinstance(cell, float):
        digits = 0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2
        return f"{cell:.{digits}f}"
    return str(cell)


def machine(*more: str) -> str:
    """On what was measured, as a sentence: cores, Python, Prefect, the load of the last minute, and more."""
    parts = (
        f"{os.cpu_count()} cores",
        f"Python {platform.python_version()}",
        f"Prefect {version('prefect')}",
        *more,
        f"load average {os.getloadavg()[0]:.1f}",
    )
    return f"{', '.join(parts)}."
