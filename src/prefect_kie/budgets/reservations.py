"""Reserving credits: never more than there are, however many reserve at the same moment."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal

from prefect_kie.api import BudgetExceeded
from prefect_kie.budgets.caps import Budget
from prefect_kie.budgets.ledger import Ledger, reservation
from prefect_kie.runtime.logs import run_logger, shown_error
from prefect_kie.runtime.single_flight import single_flight
from prefect_kie.storage.base import Storage

TRIES = 5
"""So often it is tried: two who reserve the last credits at the same moment both step back at first."""
PAUSE_SECONDS = (0.02, 1.0)
"""Shortest and longest unit of the pause between two tries; in between, as long as the try took."""


async def fit(ledger: Ledger, budgets: Sequence[Budget], prices: Mapping[str, Decimal]) -> None:
    """Make sure that jobs fit into each budget as it is now, without reserving anything.

    Args:
        ledger: Where the budgets are counted.
        budgets: The budgets.
        prices: What the jobs would cost, by their submissions' keys.

    Raises:
        BudgetExceeded: when they do not fit.
        SubmissionNotRecorded: when the ledger cannot be listed.
    """
    for tries_left in reversed(range(TRIES)):
        begun = time.monotonic()
        refusal = await _refusal(ledger, budgets, prices)
        if refusal is None:
            return
        if not tries_left or refusal.lasts:
            raise refusal.error
        await _pause(begun)


async def reserve(
    ledger: Ledger, budgets: Sequence[Budget], submission: str, attempt: str, price: Decimal
) -> tuple[str, ...]:
    """Reserve a job's price in each budget, or in none.

    However many reserve at the same moment, in how many processes, no budget is exceeded: each writes its
    reservation first, and counts afterwards.

    Returns:
        The reservations' paths.

    Raises:
        BudgetExceeded: when it does not fit.
        SubmissionNotRecorded: when the ledger cannot be written or listed.
    """
    prices = {submission: price}
    for tries_left in reversed(range(TRIES)):
        begun = time.monotonic()
        # Looked first when it did not fit before: those who write hinder each other.
        refusal = await _refusal(ledger, budgets, prices) if tries_left < TRIES - 1 else None
        if refusal is None:
            reserved = await _reserved(ledger, budgets, submission, attempt, price)
            if isinstance(reserved, tuple):
                return reserved
            refusal = reserved
        if not tries_left or refusal.lasts:
            raise refusal.error
        await _pause(begun)
    raise AssertionError("unreachable")


async def _reserved(
    ledger: Ledger, budgets: Sequence[Budget], submission: str, attempt: str, price: Decimal
) -> tuple[str, ...] | _Refusal:
    """One try to reserve: written first, counted afterwards, taken back where it does not fit."""
    paths = tuple(reservation(budget.folder, submission, attempt, price) for budget in budgets)
    # Those of one process take turns: a hundred at once would all see too much, and all step back.
    async with AsyncExitStack() as turns:
        for budget in budgets:
            await turns.enter_async_context(single_flight(f"budget {ledger.address(budget.folder)}"))
        try:
            for path in paths:
                await ledger.write(path)
            refusal = await _refusal(ledger, budgets, {submission: price})
        except BaseException:
            await freed(ledger.storage, paths)
            raise
        if refusal is None:
            return paths
        await freed(ledger.storage, paths)
        return refusal


async def freed(storage: Storage, reserved: Sequence[str]) -> None:
    """Take back reservations for what surely was not created; trouble there is only told."""
    try:
        await Ledger(storage).free(reserved)
    except Exception as error:
        run_logger().warning(
            "The reservation %s could not be taken back (%s); it stays counted. Delete the file to free it.",
            " and ".join(reserved),
            shown_error(error),
        )


@dataclass(frozen=True)
class _Refusal:
    """That jobs do not fit, and whether that lasts, or may be the doing of others who step back as well."""

    error: BudgetExceeded
    lasts: bool


async def _refusal(
    ledger: Ledger, budgets: Sequence[Budget], prices: Mapping[str, Decimal]
) -> _Refusal | None:
    for budget in budgets:
        sums = await ledger.sums(budget.folder, prices)
        if error := budget.refusal(sums, len(prices)):
            return _Refusal(error, lasts=sums.spent + sums.planned > budget.cap)
    return None


async def _pause(begun: float) -> None:
    shortest, longest = PAUSE_SECONDS
    unit = min(max(time.monotonic() - begun, shortest), longest)
    await asyncio.sleep(unit * random.uniform(1, 5))  # noqa: S311 - so that racers part, not a secret
