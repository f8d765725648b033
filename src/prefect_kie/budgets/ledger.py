"""The ledger of budgets: what jobs have cost and may still cost, in result storage beside the submissions.

One folder per budget (a run's, or a day of one credentials block), and in it one small file for each attempt
to submit, `reserved`, and a second one when its job has ended, `spent`. A file's name says all that counts,
so that one listing gives the sum. What has a second file is not taken away: a listing that takes a moment
could else meet neither the one nor the other, and find less than there is.

A reservation is written first and the folder listed afterwards, so of two who reserve at the same moment at
least one sees both.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from prefect_kie.api import SubmissionNotRecorded
from prefect_kie.runtime.logs import shown_error
from prefect_kie.storage.base import Storage

FOLDER = "kie-budget"

_NAME = re.compile(
    r"(?P<submission>kie-\w+)\.(?P<attempt>\w+)\.(?P<state>reserved|spent)-(?P<credits>\d[\d.E+-]*)\.json"
)


@dataclass(frozen=True)
class Entry:
    """One file of the ledger, by its name.

    Attributes:
        submission: Key of the submission.
        attempt: Which attempt to submit it.
        state: `reserved` before the call; `spent` once its job has ended.
        credits: What the job costs by the price table; when spent, what Kie charged.
    """

    submission: str
    attempt: str
    state: Literal["reserved", "spent"]
    credits: Decimal

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.submission}.{self.attempt}.{self.state}-{self.credits}.json"

    @classmethod
    @lru_cache(maxsize=50_000)  # each is read again for every submission
    def of_name(cls, name: str) -> Entry | None:
        """What a file's name says; None for what is no entry."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        try:
            credits = Decimal(found["credits"])
        except InvalidOperation:
            return None
        state: Literal["reserved", "spent"] = "spent" if found["state"] == "spent" else "reserved"
        return cls(found["submission"], found["attempt"], state, credits)


@dataclass(frozen=True)
class Sums:
    """What a folder of the ledger comes to, in credits.

    Attributes:
        spent: What ended jobs have cost.
        reserved: What other jobs, submitted or about to be, may still cost.
        planned: What the planned ones would cost.
    """

    spent: Decimal
    reserved: Decimal
    planned: Decimal

    @classmethod
    def of(cls, names: Iterable[str], planned: Mapping[str, Decimal] | None = None) -> Sums:
        """Add up.

        Attempts at one submission can make one job only, so their reservations count once, and not at all
        beside what it has cost.

        Args:
            names: The folder's files.
            planned: By the submissions' keys, what is about to be submitted, and would cost so much each.
                Their own reservations, also those an interrupted run has left, are no others'.
        """
        spent: dict[str, dict[str, Decimal]] = defaultdict(dict)
        reserved: dict[str, Decimal] = {}
        for entry in filter(None, map(Entry.of_name, names)):
            if entry.state == "spent":
                paid = spent[entry.submission]
                paid[entry.attempt] = max(entry.credits, paid.get(entry.attempt, entry.credits))
            else:
                reserved[entry.submission] = max(entry.credits, reserved.get(entry.submission, entry.credits))
        return cls(
            spent=sum((credits for paid in spent.values() for credits in paid.values()), Decimal(0)),
            reserved=sum(
                (
                    credits
                    for submission, credits in reserved.items()
                    if submission not in spent and submission not in (planned or {})
                ),
                Decimal(0),
            ),
            planned=sum((planned or {}).values(), Decimal(0)),
        )

    @property
    def taken(self) -> Decimal:
        """What the planned jobs cannot have."""
        return self.spent + self.reserved

    @property
    def all(self) -> Decimal:
        """What it would come to with the planned jobs."""
        return self.taken + self.planned


class Ledger:
    """The ledger in one result storage.

    Args:
        storage: Where it is kept.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    async def sums(self, folder: str, planned: Mapping[str, Decimal] | None = None) -> Sums:
        """What a folder comes to now; see `Sums.of`.

        Raises:
            SubmissionNotRecorded: when it cannot be listed.
        """
        try:
            names = await self.storage.names(f"{FOLDER}/{folder}")
        except Exception as error:
            raise SubmissionNotRecorded(
                f"what is left of the budget is not known, since {self.address(folder)} cannot be listed "
                f"({shown_error(error)}); nothing was sent"
            ) from None  # its cause may quote a password
        return Sums.of(names or (), planned)

    async def write(self, reservation: str) -> None:
        """Write a reservation.

        Args:
            reservation: Its path, see `reservation`.

        Raises:
            SubmissionNotRecorded: when it cannot be written.
        """
        try:
            await self.storage.write(reservation, _content(reservation))
        except Exception as error:
            raise SubmissionNotRecorded(
                f"the reservation {self.storage.address(reservation)} cannot be written "
                f"({shown_error(error)}); nothing was sent"
            ) from None  # its cause may quote a password

    async def free(self, reserved: Sequence[str]) -> None:
        """Take reservations back.

        Raises:
            Exception: whatever the storage raises.
        """
        for path in reserved:
            await self.storage.delete(path)

    async def settle(self, path: str, credits: float) -> bool:
        """Write down what a job has cost, once and for all; the same again changes nothing.

        Args:
            path: Its reservation.
            credits: What Kie charged; 0 for a job that failed.

        Returns:
            False where there is no such reservation in this storage.

        Raises:
            Exception: whatever the storage raises.
        """
        folder, _, name = path.rpartition("/")
        entry = Entry.of_name(name)
        if entry is None or await self.storage.read(path) is None:
            return False
        spent = f"{folder}/{Entry(entry.submission, entry.attempt, 'spent', exact(max(credits, 0.0))).name}"
        await self.storage.write(spent, _content(spent))
        return True

    def address(self, folder: str) -> str:
        """Where a folder is, for people."""
        return self.storage.address(f"{FOLDER}/{folder}")


def reservation(folder: str, submission: str, attempt: str, credits: Decimal) -> str:
    """The path of a reservation.

    Args:
        folder: The budget's folder.
        submission: Key of the submission.
        attempt: Which attempt to submit it.
        credits: What its job costs, by the price table.
    """
    return f"{FOLDER}/{folder}/{Entry(submission, attempt, 'reserved', credits).name}"


def exact(credits: float) -> Decimal:
    """Credits as they are written, so that three times 0.1 is 0.3.

    Raises:
        ValueError: when they are no finite number.
    """
    if not math.isfinite(credits):
        raise ValueError(f"credits must be a finite number; got {credits}")
    return Decimal(repr(float(credits)).removesuffix(".0"))


def _content(path: str) -> bytes:
    """When it was written, for people; what counts is in the name."""
    told = {"of": path.rpartition("/")[2], "written_at": datetime.now(timezone.utc).isoformat()}
    return json.dumps(told, indent=1).encode()
