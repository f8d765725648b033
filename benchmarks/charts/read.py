"""The tables of a document, between their marks, as `benchmarks/tables.py` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        table: The table's name, for errors.
        cells: The cells' texts by the heads of their columns, but for heads that several columns have.
    """

    table: str
    cells: Mapping[str, str]

    def text(self, head: str) -> str:
        """A cell.

        Raises:
            ValueError: when the table has no such head, or several.
        """
        if head not in self.cells:
            heads = ", ".join(repr(name) for name in self.cells)
            raise ValueError(f"table {self.table!r} has no head {head!r}; those it has once are {heads}")
        return self.cells[head]

    def number(self, head: str) -> float:
        """A cell with a number.

        Raises:
            ValueError: when it holds something else, or the table has no such head.
        """
        text = self.text(head)
        try:
            return float(text)
        except ValueError:
            line = " | ".join(self.cells.values())
            raise ValueError(
                f"table {self.table!r}, head {head!r}: {text!r} is not a number (line {line!r})"
            ) from None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Of its marks.
        markdown: Its text.
        rows: Its lines, without the heads.
    """

    name: str
    markdown: str
    rows: tuple[Row, ...]

    def where(self, **cells: str) -> list[Row]:
        """The lines with these cells; a head is named as a keyword, or `first` for the first, if it has none.

        Raises:
            ValueError: when the table has no such head.
        """
        wanted = {"" if head == "first" else head: text for head, text in cells.items()}
        return [row for row in self.rows if all(row.text(head) == text for head, text in wanted.items())]

    def row(self, **cells: str) -> Row:
        """The one line with these cells.

        Raises:
            ValueError: when there is none, or there are several.
        """
        found = self.where(**cells)
        if len(found) != 1:
            wanted = ", ".join(f"{head} {text!r}" for head, text in cells.items())
            raise ValueError(f"table {self.name!r} has {len(found)} lines with {wanted}; one is needed")
        return found[0]


def table_of(document: str, name: str) -> Table | None:
    """The table between its marks in a document's text; none where it is not measured yet."""
    _, _, rest = document.partition(f"<!-- {name}: begin -->")
    inside, _, _ = rest.partition(f"<!-- {name}: end -->")
    lines = [line for line in inside.splitlines() if line.startswith("|")]
    if len(lines) < 3:
        return None
    heads = _cells(lines[0])
    rows: list[Row] = []
    for line in lines[2:]:
        cells = _cells(line)
        if len(cells) != len(heads):
            raise ValueError(f"table {name!r} has {len(heads)} heads and {len(cells)} cells in {line!r}")
        named = {head: cell for head, cell in zip(heads, cells, strict=True) if heads.count(head) == 1}
        rows.append(Row(name, named))
    return Table(name, "\n".join(lines), tuple(rows))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
