"""What is wrong with a manifest: each error with its row, line and column, all of them at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from prefect_kie.api import InvalidRequest
from prefect_kie.run_page.markdown import plain

MAX_LISTED = 50  # in the error's text
MAX_KEPT = 1000  # with the exception, which Prefect stores


class RowError(NamedTuple):
    """One error of a manifest: what is wrong, and where; rows and the file's lines count from 1."""

    message: str
    row: int | None = None
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        row = f"row {self.row}{line and f' ({line})'}" if self.row else line
        column = f"column {plain(self.column, 60)}" if self.column else ""
        where = ", ".join(filter(None, (row, column)))
        return f"{where}{where and ': '}{plain(self.message, 400)}"


class ManifestError(InvalidRequest):
    """A manifest that cannot be made as it is; nothing was submitted.

    Attributes:
        errors: The first 1,000 errors, in order.
        count: How many there are in all.
    """

    default_next_step = "Correct the manifest and run again; nothing was submitted."

    def __init__(self, errors: Sequence[RowError], name: str = "the manifest", **options: Any) -> None:
        self.errors, self.count = tuple(errors[:MAX_KEPT]), len(errors)
        # A column whose name is mistyped is wrong in each row alike: one line for all of them.
        alike: dict[tuple[str | None, str], list[RowError]] = {}
        for error in errors:
            alike.setdefault((error.column, error.message), []).append(error)
        listed = list(alike.values())[:MAX_LISTED]
        lines = [f"- {first}" + f" (and {len(more):,} more rows)" * bool(more) for first, *more in listed]
        if len(alike) > MAX_LISTED:
            lines.append(f"and {len(alike) - MAX_LISTED:,} more")
        head = f"{plain(name)} has {self.count:,} error{'s' if self.count > 1 else ''}:"
        super().__init__("\n".join([head, *lines]), **options)
