"""What is wrong with a manifest: each mistake with its row and column, all of them at once."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from prefect_kie.api import InvalidRequest
from prefect_kie.run_page.markdown import plain

MOST_LISTED = 50
"""So many lines of mistakes are in the error's text."""
MOST_KEPT = 1000
"""So many mistakes are kept with the error, which Prefect stores."""
_PLACES_OF_ONE = 5


class Mistake(BaseModel):
    """One mistake of a manifest.

    Attributes:
        row: Which video's row, counted from 1; None where it is not one row's.
        line: The line of the file where it (or its row) begins, counted from 1; None where there is none.
        column: The column's name; None where it is not one column's.
        message: What is wrong, what came and what is allowed.
    """

    model_config = ConfigDict(frozen=True)

    row: int | None = None
    line: int | None = None
    column: str | None = None
    message: str

    @field_validator("column", "message", mode="before")
    @classmethod
    def _one_line(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else plain(value, 60 if info.field_name == "column" else 400)

    @property
    def place(self) -> str:
        """Where it is: `3 (line 5)`, `line 1`, or nothing."""
        if self.row is None:
            return "" if self.line is None else f"line {self.line}"
        return f"{self.row}" if self.line is None else f"{self.row} (line {self.line})"

    def __str__(self) -> str:
        return _line([self])


class ManifestMistakes(InvalidRequest):
    """A manifest that cannot be made as it is; nothing was submitted.

    Args:
        mistakes: All of them, in order.
        manifest: The manifest's name, for people.

    Attributes:
        mistakes: The first 1,000 of them.
        count: How many there are in all.
    """

    default_next_step = "Correct the manifest and run again; nothing was submitted."

    def __init__(self, mistakes: Sequence[Mistake], manifest: str = "the manifest", **options: Any) -> None:
        self.mistakes = tuple(mistakes[:MOST_KEPT])
        self.count = len(mistakes)
        lines = [f"- {line}" for line in _lines(mistakes)]
        if len(lines) > MOST_LISTED:
            lines[MOST_LISTED:] = [f"and {len(lines) - MOST_LISTED:,} more"]
        head = f"{plain(manifest)} has {self.count:,} mistake{'s' if self.count > 1 else ''}:"
        super().__init__("\n".join([head, *lines]), **options)

    def __str__(self) -> str:
        return f"{self.message}\nCharged: {self.billed}. Next: {self.next_step}"


def _lines(mistakes: Iterable[Mistake]) -> list[str]:
    # A column whose name is mistyped is wrong in each row alike: one line for all of them.
    alike: dict[tuple[bool, str | None, str], list[Mistake]] = {}
    for one in mistakes:
        alike.setdefault((one.row is None, one.column, one.message), []).append(one)
    return [_line(ones) for ones in alike.values()]


def _line(alike: Sequence[Mistake]) -> str:
    first = alike[0]
    places = ", ".join(one.place for one in alike[:_PLACES_OF_ONE])
    if len(alike) > _PLACES_OF_ONE:
        places += f" and {len(alike) - _PLACES_OF_ONE:,} more"
    if first.row is not None:
        places = f"{'rows' if len(alike) > 1 else 'row'} {places}"
    column = None if first.column is None else f"column {first.column}"
    where = ", ".join(part for part in (places, column) if part)
    return f"{where}: {first.message}" if where else first.message


def came(value: object) -> str:
    """What came, as one short line."""
    if isinstance(value, str):
        return plain(repr(value[:61]), 60)
    try:
        return plain(reprlib.repr(value), 60)  # it may be deep, and have megabytes
    except ValueError:  # a number of thousands of digits
        return f"one {type(value).__name__}"


@lru_cache(maxsize=1000)
def nearest(name: str, names: Sequence[str], cutoff: float = 0.6) -> str:
    """The sentence's end `; did you mean 'prompt'?`, or nothing where no name is near.

    Args:
        name: What came.
        names: What is allowed; hashable.
        cutoff: How alike they must be, 0 to 1.
    """
    found = get_close_matches(name.lower(), names, 1, cutoff) if len(name) <= 60 else []
    return f"; did you mean {found[0]!r}?" if found else ""
