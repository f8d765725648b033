"""Budgets: what one run may pay (`max_credits`), and what all runs may (the limit `kie-credits`).

A job is reserved at its price, by the user's own table, before its submission is recorded. What Kie does not
charge is given back; a job whose outcome is unknown keeps what it holds.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any

from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse

from prefect_kie.api import InvalidRequest, JobHandle, JobRequest
from prefect_kie.blocks import PRICES, load_prices
from prefect_kie.errors import BudgetExceeded, SubmissionNotRecorded
from prefect_kie.runtime.best_effort import detach_after
from prefect_kie.runtime.logs import run_logger, shown_error
from prefect_kie.runtime.loop import per_process, run_on_loop
from prefect_kie.runtime.single_flight import single_flight
from prefect_kie.submissions.credit_limit import (
    CREDITS_LIMIT,
    find_limit,
    occupy,
    settle_slots,
    slots_for,
)
from prefect_kie.submissions.store import SubmissionRecord, SubmissionRecords

FOLDER = "kie-budgets"
"""One folder per scope: a file for each submission under a budget, and one for what each attempt cost."""

SETTLE_SECONDS = 30.0


@per_process
def _counted() -> dict[tuple[str, str], dict[str, float]]:
    """What submissions count for, by key, in each scope of each storage, as far as this process knows."""
    return {}


class Budget:
    """The budgets of a scope's submissions.

    Args:
        records: Where the submissions are recorded.
        scope: Whose they are.
        max_credits: What all of them may cost together, credits; None: any sum.

    Raises:
        ValueError: when `max_credits` is no sum of credits.
    """

    def __init__(self, records: SubmissionRecords, scope: str, max_credits: float | None) -> None:
        if max_credits is not None and not 0 <= max_credits < math.inf:
            raise ValueError(f"max_credits must be 0 or more, and finite; got {max_credits}")
        self._records, self._scope, self._max_credits = records, scope, max_credits

    async def check(self, planned: Mapping[str, JobRequest]) -> None:
        """Make sure that jobs fit as the budgets are now, without reserving anything.

        Args:
            planned: The jobs that are not submitted yet, by submission.

        Raises:
            BudgetExceeded: when they do not fit.
            InvalidRequest: when the price table has no price for one of them.
            KieError: another one when the budgets cannot be read.
        """
        limit = await find_limit()
        if not planned or (limit is None and self._max_credits is None):
            return
        prices = await _prices(planned)
        self._check_run(await self._counts(), prices)
        if limit is not None and sum(map(slots_for, prices.values())) > limit.limit - limit.active_slots:
            raise self._limit_exceeded(prices, limit)

    async def reserve(self, record: SubmissionRecord, request: JobRequest) -> SubmissionRecord:
        """Reserve an attempt's price in each budget, or in none; on the background loop only.

        Args:
            record: The record of this attempt, before it is written.
            request: What it asks for.

        Returns:
            The record, with what it holds.

        Raises:
            KieError: as `check`; nothing may be sent.
        """
        limit = await find_limit()
        if limit is None and self._max_credits is None:
            return record
        prices, counts = await _prices({record.key: request}), await self._counts()
        credits = prices[record.key]
        self._check_run(counts, prices)
        counts |= prices
        try:
            with self._kept():  # so that a later process counts it too, once it has a record
                await self._records.storage.write(f"{_folder(self._scope)}/{record.key}.json", b"{}")
            slots = await occupy(slots_for(credits)) if limit else 0
            if limit and slots is None:
                raise self._limit_exceeded(prices, await find_limit() or limit)
        except BaseException:
            counts.pop(record.key, None)
            raise
        now = datetime.now(timezone.utc)  # the time this took is none of its call's
        return record.model_copy(update={"credits": credits, "slots": slots, "written_at": now})

    def _check_run(self, counts: dict[str, float], prices: dict[str, float]) -> None:
        cap = self._max_credits
        spent = math.fsum(credits for key, credits in counts.copy().items() if key not in prices)
        if cap is not None and spent + math.fsum(prices.values()) > cap + 1e-6:  # sums of fractions
            raise _exceeded(
                prices,
                "the run's budget (max_credits)",
                cap,
                spent,
                f"Run it again with a higher max_credits, as another run with job_key={self._scope!r}; it "
                "goes on from there, and pays nothing again.",
            )

    def _limit_exceeded(
        self, prices: dict[str, float], limit: GlobalConcurrencyLimitResponse
    ) -> BudgetExceeded:
        return _exceeded(
            prices,
            f"the budget of all runs (the concurrency limit {CREDITS_LIMIT!r})",
            limit.limit,
            limit.active_slots,
            f"Raise it (prefect gcl update {CREDITS_LIMIT} --limit N) or reset it (--active-slots 0), then "
            f"run its flow run again, or one with job_key={self._scope!r}: either goes on from there.",
        )

    async def _counts(self) -> dict[str, float]:
        """What the scope's submissions count for; what was submitted before this process is read once."""
        whose, counted = _whose(self._records, self._scope), _counted()

        async def read() -> None:
            async with single_flight(f"budget {whose}"):
                if whose not in counted:
                    with self._kept():
                        names = await self._records.storage.names(_folder(self._scope))
                    keys = [name.removesuffix(".json") for name in names or () if name.startswith("kie-")]
                    found = await self._records.read_many(keys)
                    counted[whose] = {each.key: await _cost(self._records, each) for each in found if each}

        await run_on_loop(read)
        return counted[whose]

    @contextmanager
    def _kept(self) -> Generator[None, None, None]:
        try:
            yield
        except Exception as error:
            raise SubmissionNotRecorded(
                f"the run's budget cannot be kept at {self._records.storage.address(_folder(self._scope))} "
                f"({shown_error(error)}); nothing was sent"
            ) from None  # its cause may quote a password


async def settle(handle: JobHandle, credits: float) -> None:
    """Count a job that has ended at what Kie charged, where there was a budget; failures are only logged.

    Args:
        handle: The job.
        credits: What Kie charged; 0 for a job that failed.
    """
    if handle.submission is not None:
        await _logged(_settle_job(handle.submission, handle.task_id, credits), handle.submission, credits)


async def refund(records: SubmissionRecords, attempt: SubmissionRecord) -> None:
    """Give back what an attempt holds of which Kie surely created nothing; failures are only logged."""
    await _logged(_settle(records, attempt, 0.0), attempt.key, 0.0)


async def _logged(settling: Coroutine[Any, Any, None], key: str, credits: float) -> None:
    try:
        await detach_after(settling, SETTLE_SECONDS)
    except Exception as error:
        run_logger().warning(
            "Submission %s cost %g credits. If there was a budget, it may count there at its price still, "
            "and keep its slots of %r until that is reset: %s",
            key,
            credits,
            CREDITS_LIMIT,
            shown_error(error),
        )


async def _settle_job(key: str, task_id: str, credits: float) -> None:
    records = await SubmissionRecords.of_this_run()
    record = await records.read(key)
    if record is not None and record.task_id == task_id:
        await _settle(records, record, credits)


async def _settle(records: SubmissionRecords, record: SubmissionRecord, credits: float) -> None:
    """Note what an attempt cost. Whoever creates the note settles its slots, so that nobody does it twice."""
    if record.credits is None:
        return
    _counted().get(_whose(records, record.scope or ""), {})[record.key] = credits
    note = json.dumps({"credits": credits, "by": uuid.uuid4().hex})
    if await records.storage.create(_note(record), note.encode()) and record.slots:
        await settle_slots(record.slots, credits)


async def _cost(records: SubmissionRecords, record: SubmissionRecord) -> float:
    """What a recorded submission counts for: what it cost, where that is known, else its price."""
    with suppress(Exception):  # without a note, or with one that cannot be read
        return float(json.loads(await records.storage.read(_note(record)) or b"")["credits"])
    return record.credits or 0.0


async def _prices(planned: Mapping[str, JobRequest]) -> dict[str, float]:
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
    return {key: price for key, price in found.items() if price is not None}


def _exceeded(
    planned: Mapping[str, float], name: str, cap: float, spent: float, next_step: str
) -> BudgetExceeded:
    what = "this job" if len(planned) == 1 else f"{len(planned)} jobs to submit"
    left = max(0.0, cap - spent)
    error = BudgetExceeded(
        f"{what} would cost {math.fsum(planned.values()):,.12g} credits, and {name} has {left:,.12g} left of "
        f"{cap:,.12g}; nothing was submitted",
        next_step=next_step,
    )
    error.left = left
    return error


def _folder(scope: str) -> str:
    return f"{FOLDER}/{hashlib.sha256(scope.encode()).hexdigest()[:32]}"


def _note(record: SubmissionRecord) -> str:
    return f"{_folder(record.scope or '')}/cost-{record.attempt}.json"


def _whose(records: SubmissionRecords, scope: str) -> tuple[str, str]:
    return records.storage.address(FOLDER), scope
