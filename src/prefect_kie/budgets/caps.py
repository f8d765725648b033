"""Caps: what a run, and all runs of one day, may pay at most, and what to do when that is reached."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal

from prefect_kie.api import BudgetExceeded
from prefect_kie.blocks import KieCredentials
from prefect_kie.budgets.ledger import Sums, exact


@dataclass(frozen=True)
class Budget:
    """One cap.

    Attributes:
        cap: How much may be paid, credits.
        folder: Where in the ledger it is counted.
        name: What it is, for people.
        next_step: What to do when it is used up.
    """

    cap: Decimal
    folder: str
    name: str
    next_step: str

    def refusal(self, sums: Sums, jobs: int) -> BudgetExceeded | None:
        """The error for jobs that would pass it; None where they fit.

        Args:
            sums: What its folder comes to.
            jobs: How many are planned.
        """
        if sums.all <= self.cap:
            return None
        what = "this job" if jobs == 1 else f"{jobs} jobs to submit"
        left = max(self.cap - sums.taken, Decimal(0))
        error = BudgetExceeded(
            f"{what} would cost {_shown(sums.planned)} credits, and {self.name} has {_shown(left)} left of "
            f"{_shown(self.cap)}: {_shown(sums.spent)} are spent, {_shown(sums.reserved)} reserved for jobs "
            "that have not ended",
            next_step=self.next_step,
        )
        error.left = float(left)
        return error


def budgets_of(
    kie: KieCredentials, base: str, max_credits: float | None, now: datetime
) -> tuple[Budget, ...]:
    """The caps that hold for a submission.

    Args:
        kie: The key's block, with the cap of the day.
        base: Whose submission it is.
        max_credits: The run's cap.
        now: The time, which tells the day.

    Raises:
        ValueError: when `max_credits` is no cap.
    """
    found: list[Budget] = []
    again = f"Run its flow run again, or another run with job_key={base!r}; either goes on from there"
    if max_credits is not None:
        if not max_credits >= 0:
            raise ValueError(f"max_credits must be 0 or more; got {max_credits}")
        found.append(
            Budget(
                cap=exact(max_credits),
                folder=f"run-{_digest(base)}",
                name="the run's budget (max_credits)",
                next_step=(
                    f"Run it again with a higher max_credits, as another run with job_key={base!r}; it goes "
                    "on from there, and pays nothing again."
                ),
            )
        )
    if kie.max_credits_per_day is not None:
        name = kie._block_document_name  # pyright: ignore[reportPrivateUsage]
        block = f"the Kie Credentials block {name!r}" if name else "the credentials"
        # A block's name holds no underscore.
        account = name or f"key_{_digest(kie.api_key.get_secret_value())}"
        day = now.astimezone(timezone.utc).date().isoformat()
        found.append(
            Budget(
                cap=exact(kie.max_credits_per_day),
                folder=f"day-{account}-{day}",
                name=f"the budget of {day}, UTC (max_credits_per_day of {block})",
                next_step=(
                    f"{again}. There is a new budget at midnight UTC, and a higher max_credits_per_day in "
                    f"{block} holds at once."
                ),
            )
        )
    return tuple(found)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shown(credits: Decimal) -> str:
    return f"{credits.normalize():,f}"
