"""What all benchmarks share as commands: `--write`, a table, and the requirements that are not met."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
MAX_SHOWN = 20


class Figures:
    """A table of figures.

    Args:
        name: Of its marks in a document, `<!-- name: begin -->` and `<!-- name: end -->`.
        heads: The heads of the columns.
        words: How many columns hold words and are aligned to the left.
    """

    def __init__(self, name: str, heads: Sequence[str], words: int = 1) -> None:
        self._name = name
        self._heads = tuple(heads)
        self._words = words
        self._rows: list[tuple[str, ...]] = []

    def add(self, *cells: object) -> None:
        """Add a row; numbers are rounded to the digits that mean something."""
        if len(cells) != len(self._heads):
            raise ValueError(f"{len(cells)} cells for {len(self._heads)} columns")
        self._rows.append(tuple(_text(cell) for cell in cells))

    def show(self) -> None:
        """Print the table for a person at a terminal."""
        table = Table(box=box.SIMPLE_HEAD)
        for number, head in enumerate(self._heads):
            table.add_column(head, justify="left" if number < self._words else "right")
        for row in self._rows:
            table.add_row(*row)
        Console(width=170).print(table)

    def markdown(self) -> str:
        """The same table for a document."""
        rule = f"|{'---|' * self._words}{'---:|' * (len(self._heads) - self._words)}"
        lines = [f"| {' | '.join(self._heads)} |", rule, *(f"| {' | '.join(row)} |" for row in self._rows)]
        return "\n".join(lines) + "\n"

    def write(self, document: Path, below: str) -> None:
        """Put the table between its marks in a document, with a sentence below it.

        Raises:
            ValueError: when the document has no such marks.
        """
        begin, end = f"<!-- {self._name}: begin -->", f"<!-- {self._name}: end -->"
        head, found, rest = document.read_text().partition(begin)
        _, ended, tail = rest.partition(end)
        if not found or not ended:
            raise ValueError(f"{document} has no {begin} and {end}")
        document.write_text(f"{head}{begin}\n\n{self.markdown()}\n{below}\n\n{end}{tail}")


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.{0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2}f}"
    return str(cell)


def command(
    name: str, description: str | None, document: str = "docs/benchmarks.md"
) -> argparse.ArgumentParser:
    """The parser of a benchmark, with `--write`.

    Args:
        name: The benchmark's module.
        description: Its docstring.
        document: Where its table stands.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    put = f"put the table into {document}"
    parser.add_argument("--write", action="store_const", const=ROOT / document, help=put)
    return parser


def report(figures: Figures, below: str, broken: Sequence[str], document: Path | None) -> int:
    """Print the table and the requirements not met; write the table where all are met.

    Args:
        figures: The table.
        below: A sentence below it: counts, the machine.
        broken: Each requirement that is not met, as a sentence.
        document: Where the table goes; None: nowhere.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    figures.show()
    print(below, f"{len(broken)} requirements not met", *broken[:MAX_SHOWN], sep="\n", flush=True)
    if document is not None and not broken:
        figures.write(document, below)
    return 1 if broken else 0


def machine(*more: str) -> str:
    """The machine as a sentence: cores, Python, Prefect, anything else, the load of the last minute."""
    parts = (
        f"{os.cpu_count()} cores",
        f"Python {platform.python_version()}",
        f"Prefect {version('prefect')}",
        *more,
        f"load average {os.getloadavg()[0]:.1f}",
    )
    return f"{', '.join(parts)}."
