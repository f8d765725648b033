"""Budgets: what a run, and all runs of one day, may pay, held before each submission.

A job is reserved at its price (the user's own table, `kie_prices`) before its submission's record is
written, and settled with what Kie charged when it is seen to have ended. A refusal frees what was reserved;
an unknown outcome keeps it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from prefect_kie.api import BudgetExceeded, InvalidRequest, JobHandle, JobRequest
from prefect_kie.blocks import PRICES, KieCredentials, load_credentials, load_prices
from prefect_kie.tasks.caps import Budget, budgets_of
from prefect_kie.tasks.in_progress import one_at_a_time
from prefect_kie.tasks.ledger import Ledger, exact, reservation
from prefect_kie.tasks.logs import run_logger, shown_error
from prefect_kie.tasks.records import SubmissionRecord
from prefect_kie.tasks.runs import run_base, storage_of_this_run
from prefect_kie.tasks.storage import Storage

TRIES = 5
"""So often it is tried: two who reserve the last credits at the same moment both step back at first."""
PAUSE_SECONDS = (0.02, 1.0)
"""Shortest and longest unit of the pause between two tries; in between, as long as the try took."""
SETTLE_SECONDS = 30.0


class Gate:
    """What stands before each submission of a run; wide open where there is no budget.

    Args:
        storage: The run's result storage.
        kie: The key's block.
        base: Whose submissions they are.
        max_credits: The run's cap, credits; None: none.
    """

    def __init__(
        self, storage: Storage, kie: KieCredentials, base: str, max_credits: float | None = None
    ) -> None:
        self._ledger = Ledger(storage)
        self._kie, self._base, self._max_credits = kie, base, max_credits
        self.is_open = not self._budgets()

    async def check(self, planned: Mapping[str, JobRequest]) -> None:
        """Make sure that jobs fit into the budgets as they are now, without reserving anything.

        Args:
            planned: The jobs that are not submitted yet, by their submissions' keys.

        Raises:
            BudgetExceeded: when they do not fit.
            InvalidRequest: when the price table has no price for one of them.
            SubmissionNotRecorded: when the result storage cannot keep a budget.
        """
        if self.is_open or not planned:
            return
        prices = await _prices(planned)
        for tries_left in reversed(range(TRIES)):
            begun = time.monotonic()
            refusal = await _refusal(self._ledger, self._budgets(), prices)
            if refusal is None:
                return
            if not tries_left or refusal.lasts:
                raise refusal.error
            await _pause(begun)

    async def reserve(self, record: SubmissionRecord, request: JobRequest) -> SubmissionRecord:
        """Reserve what a submission will cost.

        Args:
            record: The record of this attempt, before it is written.
            request: What it asks for.

        Returns:
            The record, with its reservations.

        Raises:
            BudgetExceeded: when it does not fit.
            InvalidRequest: when the price table has no price for it.
            SubmissionNotRecorded: when the result storage cannot keep a budget.
        """
        if self.is_open:
            return record
        price = (await _prices({record.key: request}))[record.key]
        reserved = await reserve(self._ledger, self._budgets(), record.key, record.attempt, price)
        now = datetime.now(timezone.utc)  # the time this took is none of its call's
        return record.model_copy(update={"reserved": reserved, "written_at": now})

    async def left(self) -> BudgetLeft:
        """What is left of each budget.

        Raises:
            SubmissionNotRecorded: when the result storage cannot keep a budget.
        """
        left: dict[str, float] = {}
        for budget in self._budgets():
            sums = await self._ledger.sums(budget.folder)
            left[budget.folder.partition("-")[0]] = float(max(budget.cap - sums.taken, Decimal(0)))
        return BudgetLeft(**left)

    def _budgets(self) -> tuple[Budget, ...]:
        return budgets_of(self._kie, self._base, self._max_credits, _now())


class BudgetLeft(BaseModel):
    """What may still be paid, beside what is reserved.

    Attributes:
        run: Of the run's budget, credits; None: it has none.
        day: Of today's budget of the credentials, credits; None: there is none.
    """

    model_config = ConfigDict(frozen=True)

    run: float | None = None
    day: float | None = None

    @property
    def credits(self) -> float | None:
        """The smaller of the two; None where there is no budget."""
        return min((left for left in (self.run, self.day) if left is not None), default=None)


async def budget_left(
    credentials: KieCredentials | str, *, job_key: str | None = None, max_credits: float | None = None
) -> BudgetLeft:
    """What may still be paid in this run, and today.

    Args:
        credentials: The key's block, or its name.
        job_key: Whose jobs they are; None: the run's.
        max_credits: The run's cap, credits; None: none.

    Raises:
        SubmissionNotRecorded: when the run's result storage cannot keep a budget.
        KieError: when there are no such credentials.
    """
    gate = await _gate(credentials, job_key, max_credits)
    return await gate.left()


async def check_budget(
    planned: Mapping[str, JobRequest],
    credentials: KieCredentials | str,
    *,
    job_key: str | None = None,
    max_credits: float | None = None,
) -> BudgetLeft:
    """Make sure, before the first of many jobs is submitted, that all of them fit into the budgets.

    Args:
        planned: The jobs that are not submitted yet (no record, or a rejected one), by their submissions'
            keys.
        credentials: The key's block, or its name.
        job_key: Whose jobs they are; None: the run's.
        max_credits: The run's cap, credits; None: none.

    Returns:
        What is left before them.

    Raises:
        BudgetExceeded: when they do not fit; says what is left.
        InvalidRequest: when the price table has no price for one of them.
        SubmissionNotRecorded: when the run's result storage cannot keep a budget.
        KieError: when there are no such credentials, or the prices cannot be read.
    """
    gate = await _gate(credentials, job_key, max_credits)
    await gate.check(planned)
    return await gate.left()


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
            await turns.enter_async_context(one_at_a_time(f"budget {ledger.address(budget.folder)}"))
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


async def settle(handle: JobHandle, credits: float | None) -> None:
    """Write down in the budgets what a job has cost; trouble there is only told, and it stays reserved.

    Args:
        handle: The job.
        credits: What Kie charged; 0 for a job that failed; None: not known, it stays reserved at its price.
    """
    if not handle.reserved or credits is None:
        return
    try:
        if await asyncio.wait_for(_settled(handle, credits), SETTLE_SECONDS):
            return
        reason = "its reservation is not in this run's result storage"
    except Exception as error:
        reason = shown_error(error)
    run_logger().warning(
        "What job %s has cost (%g credits) could not be written into its budget: %s. It stays reserved there "
        "at its price.",
        handle.task_id,
        credits,
        reason,
    )


async def _settled(handle: JobHandle, credits: float) -> bool:
    ledger = Ledger(await storage_of_this_run())
    return all([await ledger.settle(path, credits) for path in handle.reserved])


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


async def _prices(planned: Mapping[str, JobRequest]) -> dict[str, Decimal]:
    table = await load_prices()
    found = {key: table.credits_for(request) for key, request in planned.items()}
    if unpriced := sorted({planned[key].model_name for key, price in found.items() if price is None}):
        raise InvalidRequest(
            f"there is a budget, and the Prefect variable {PRICES!r} has no price for {', '.join(unpriced)} "
            "as asked for; nothing was submitted",
            next_step=(
                f"Add it in the UI (Variables, {PRICES}), with your price in credits, for example "
                f'{{"{unpriced[0]}": 30}}; then run again.'
            ),
        )
    return {key: exact(price) for key, price in found.items() if price is not None}


async def _gate(credentials: KieCredentials | str, job_key: str | None, max_credits: float | None) -> Gate:
    kie = await load_credentials(credentials)
    return Gate(await storage_of_this_run(), kie, await run_base(job_key), max_credits)


def _now() -> datetime:
    return datetime.now(timezone.utc)
