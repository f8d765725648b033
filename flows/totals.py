"""What a run has made and what it has cost, in all: for its final message and the last row of its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_kie.flows.outcomes import Character, VideoOutcome


def total_credits(made: Iterable[VideoOutcome | Character | None]) -> float:
    """What videos and characters cost together, credits, as far as Kie tells it."""
    return sum(one.credits or 0.0 for one in made if one is not None)


def table(made: Sequence[VideoOutcome | Character]) -> list[dict[str, str]]:
    """The rows of the table artifact; the last one is the total."""
    rows = [one.row for one in made]
    columns = max(rows, key=len)
    total = {"status": "total", "prompt": _counts(made), "credits": f"{total_credits(made):g}"}
    return [{name: row.get(name, "") for name in columns} for row in (*rows, total)]


def told(made: Sequence[VideoOutcome | Character]) -> str:
    """The final message of a run: `3 videos, 1 character, 95 credits`."""
    return f"{_counts(made)}, {total_credits(made):g} credits"


def _counts(made: Sequence[VideoOutcome | Character]) -> str:
    statuses = [one.row["status"] for one in made]
    videos, characters = statuses.count("saved"), statuses.count("made")
    of_all = "" if videos + characters == len(made) else f" of {len(made) - characters:,}"
    counts = [f"{videos:,}{of_all} video{'' if videos == 1 and not of_all else 's'}"]
    return ", ".join([*counts, *(["1 character"] if characters else [])])
