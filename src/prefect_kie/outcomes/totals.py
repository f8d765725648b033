"""What the end of a run says: what it has made and cost, in all, and how to go on with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from prefect.context import FlowRunContext


class Made(Protocol):
    """A video's outcome, or a character."""

    @property
    def credits(self) -> float | None:
        """What it cost, where that is known."""
        ...

    @property
    def row(self) -> dict[str, str]:
        """Its row of a table."""
        ...


def total_credits(made: Iterable[Made | None]) -> float:
    """What videos and characters cost together, credits, as far as Kie tells it."""
    return sum(one.credits or 0.0 for one in made if one is not None)


def table(made: Sequence[Made]) -> list[dict[str, str]]:
    """The rows of the table artifact; the last one is the total."""
    rows = [one.row for one in made]
    columns = max(rows, key=len)
    total = {"status": "total", "prompt": _counts(made), "credits": f"{total_credits(made):g}"}
    return [{name: row.get(name, "") for name in columns} for row in (*rows, total)]


def told(made: Sequence[Made]) -> str:
    """The final message of a run: `3 videos, 1 character, 95 credits`."""
    return f"{_counts(made)}, {total_credits(made):g} credits"


def how_to_go_on(job_key: str) -> str:
    """How to run what is missing without paying again for the rest."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    retry = "choose Retry in the UI, or " if run is not None and run.deployment_id is not None else ""
    return (
        f"To go on without paying again, {retry}start a new run with job_key={job_key!r}: what is there is "
        "found again, and only what was not submitted, or whose input has changed, is paid. A failed job "
        "stays failed until its input changes, or second_tries allow another."
    )


def _counts(made: Sequence[Made]) -> str:
    statuses = [one.row["status"] for one in made]
    videos, characters = statuses.count("saved"), statuses.count("made")
    of_all = "" if videos + characters == len(made) else f" of {len(made) - characters:,}"
    counts = [f"{videos:,}{of_all} video{'' if videos == 1 and not of_all else 's'}"]
    return ", ".join([*counts, *(["1 character"] if characters else [])])
