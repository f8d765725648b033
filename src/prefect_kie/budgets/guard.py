"""Budgets: what a run, and all runs of one day, may pay, held before each submission.

A job is reserved at its price (the user's own table, `kie_prices`) before its submission's record is
written, and settled with what Kie charged when it is seen to have ended. A refusal frees what was reserved;
an unknown outcome keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from prefect_kie.api import InvalidRequest, JobHandle, JobRequest
from prefect_kie.blocks import PRICES, KieCredentials, load_credentials, load_prices
from prefect_kie.budgets.caps import Budget, budgets_of
from prefect_kie.budgets.ledger import Ledger, exact
from prefect_kie.budgets.reservations import fit, reserve
from prefect_kie.runtime.best_effort import detach_after
from prefect_kie.runtime.logs import run_logger, shown_error
from prefect_kie.storage.base import Storage
from prefect_kie.storage.run_storage import run_base, scope_storage
from prefect_kie.submissions.store import SubmissionRecord

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
        self._prices: dict[str, Decimal] = {}
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
        self._prices = prices = await _prices(planned)
        await fit(self._ledger, self._budgets(), prices)

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
        if record.key not in self._prices:
            self._prices = await _prices({record.key: request})
        price = self._prices[record.key]
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


async def settle(handle: JobHandle, credits: float | None) -> None:
    """Write down in the budgets what a job has cost; trouble there is only told, and it stays reserved.

    Args:
        handle: The job.
        credits: What Kie charged; 0 for a job that failed; None: not known, it stays reserved at its price.
    """
    if not handle.reserved or credits is None:
        return
    try:
        if await detach_after(_settled(handle, credits), SETTLE_SECONDS):
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
    ledger = Ledger(await scope_storage())
    return all([await ledger.settle(path, credits) for path in handle.reserved])


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
    return Gate(await scope_storage(), kie, await run_base(job_key), max_credits)


def _now() -> datetime:
    return datetime.now(timezone.utc)
