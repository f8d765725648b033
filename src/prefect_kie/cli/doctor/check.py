"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "trouble", "not there"]


@dataclass(frozen=True)
class Check:
    """What the doctor found out about one thing.

    Attributes:
        outcome: In order, in trouble, or not there (which is no trouble where it is not needed).
        what: The thing, and what there is to say about it.
        advice: What to run or to do where it is not in order.
    """

    outcome: Outcome
    what: str
    advice: str | None = None
