"""Budgets: what one run may pay (`max_credits`), and what all runs may (the limit `kie-credits`).

A job is reserved at its price, by the user's own table, before its submission is recorded. What Kie does not
charge is given back; a job whose outcome is unknown keeps what it holds.
"""

import hashlib
import math
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from logging import Logger, LoggerAdapter
from typing import Any

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.blocks import PRICES, PriceTable
from prefect_kie.errors import BudgetExceeded, shown_error
from prefect_kie.runtime.best_effort import detach_after
from prefect_kie.runtime.global_limits import ServerCreditLimit
from prefect_kie.runtime.loop import per_process, run_on_loop, single_flight
from prefect_kie.submissions.costs import AttemptOutcome, CostNotes
from prefect_kie.submissions.store import SubmissionRecord, SubmissionRecords, storage_errors

Log = Logger | LoggerAdapter[Logger]

FOLDER = "kie-budgets"
"""One folder per scope: an empty file for each submission under a budget. What it cost is its cost note's."""
CREDITS_LIMIT = "kie-credits"
SETTLE_SECONDS = 30.0


@per_process
def _counted() -> dict[tuple[str, str], dict[str, float]]:
    """What submissions count for, by key, in each scope of each storage, as far as this process knows."""
    return {}


@dataclass(frozen=True)
class Budgets:
    records: SubmissionRecords
    limit: ServerCreditLimit
    load_prices: Callable[[], Awaitable[PriceTable]]
    log: Log

    async def check(self, scope: str, max_credits: float | None, planned: Mapping[str, JobRequest]) -> None:
        """Make sure that jobs fit as the budgets are now, without reserving anything."""
        if max_credits is not None and not 0 <= max_credits < math.inf:
            raise ValueError(f"max_credits must be 0 or more, and finite; got {max_credits}")
        limit = await self.limit.find()
        if not planned or (limit is None and max_credits is None):
            return
        prices = await self._prices(planned)
        _check_run(scope, max_credits, await self._counts(scope), prices)
        if limit is not None and sum(map(slots_for, prices.values())) > limit[0] - limit[1]:
            raise _limit_exceeded(scope, prices, *limit)

    async def reserve(
        self, record: SubmissionRecord, request: JobRequest, max_credits: float | None
    ) -> SubmissionRecord:
        """The record of a new attempt, its price reserved in each budget or in none; as `check`.

        On the background loop only, so that what is counted is what is reserved.
        """
        attempt = record.model_copy(update={"attempt": uuid.uuid4().hex})
        limit, scope = await self.limit.find(), record.scope
        if limit is None and max_credits is None:
            return attempt
        prices, counts = await self._prices({record.key: request}), await self._counts(scope)
        _check_run(scope, max_credits, counts, prices)
        counts |= prices
        try:
            with self._kept(scope):  # so that a later process counts it too, once it has a record
                await self.records.storage.write(f"{_folder(scope)}/{record.key}.json", b"{}")
            slots = await self.limit.occupy(slots_for(prices[record.key])) if limit else 0
            if limit and slots is None:
                raise _limit_exceeded(scope, prices, *(await self.limit.find() or limit))
        except BaseException:
            counts.pop(record.key, None)
            raise
        return attempt.model_copy(update={"credits": prices[record.key], "slots": slots})

    @property
    def notes(self) -> CostNotes:
        return CostNotes(self.records.storage)

    async def refund(self, attempt: SubmissionRecord, outcome: AttemptOutcome = "void") -> None:
        """Give back what an attempt holds of which Kie surely created nothing; failures are only logged."""
        await logged(self.settle(attempt, outcome, 0.0), attempt.key, self.log)

    async def settle(self, record: SubmissionRecord, outcome: AttemptOutcome, credits: float | None) -> None:
        """Note what an attempt came to and cost, credits (None: not known, and it counts at its price).

        Whoever creates the note settles its slots: nobody does it twice.
        """
        if record.credits is None and outcome == "void":
            return
        if record.credits is not None and credits is not None:
            _counted().get(self._whose(record.scope), {})[record.key] = credits
        if await self.notes.create(record, outcome, credits) and record.slots and credits is not None:
            await self.limit.settle(record.slots, slots_for(credits))

    async def _counts(self, scope: str) -> dict[str, float]:
        """What the scope's submissions count for; what was submitted before this process is read once."""
        whose, counted = self._whose(scope), _counted()

        async def read() -> None:
            async with single_flight(f"budget {whose}"):
                if whose in counted:
                    return
                with self._kept(scope):
                    names = await self.records.storage.names(_folder(scope))
                keys = [name.removesuffix(".json") for name in names if name.startswith("kie-")]
                found = await self.records.read_many(keys)
                counted[whose] = {each.key: await self._cost(each) for each in found if each}

        await run_on_loop(read)
        return counted[whose]

    async def _cost(self, record: SubmissionRecord) -> float:
        with suppress(Exception):  # without a note, or with one that cannot be read, it counts at its price
            note = await self.notes.read(record.attempt)
            if note is not None and note.credits is not None:
                return note.credits
        return record.credits or 0.0

    def _whose(self, scope: str) -> tuple[str, str]:
        return self.records.storage.address(FOLDER), scope

    def _kept(self, scope: str) -> AbstractContextManager[None]:
        place = self.records.storage.address(_folder(scope))
        return storage_errors(f"the run's budget cannot be kept at {place}")

    async def _prices(self, planned: Mapping[str, JobRequest]) -> dict[str, float]:
        table = await self.load_prices()
        prices = {key: table.credits_for(request) for key, request in planned.items()}
        if unpriced := sorted({planned[key].model_name for key, price in prices.items() if price is None}):
            raise InvalidRequest(
                f"there is a budget, and the Prefect variable {PRICES!r} has no price for "
                f"{', '.join(unpriced)} as asked for; nothing was submitted",
                next_step=f"Add it in the UI (Variables, {PRICES}), with your price in credits, for example "
                f'{{"{unpriced[0]}": 30}}; then run again.',
            )
        return {key: price for key, price in prices.items() if price is not None}


async def logged(settling: Coroutine[Any, Any, None], key: str, log: Log) -> None:
    """Settle, within a time limit; a failure is only logged."""
    try:
        await detach_after(settling, SETTLE_SECONDS)
    except Exception as error:
        log.warning(
            f"What submission {key} cost could not be noted; the cost report asks Kie. If there was a "
            f"budget, it may count there at its price still, and keep its slots of {CREDITS_LIMIT!r} until "
            f"that is reset: {shown_error(error)}"
        )


def slots_for(credits: float) -> int:
    """How many slots so many credits occupy."""
    return max(0, math.ceil(credits - 1e-6))  # sums of fractions may seem too much


def _check_run(scope: str, cap: float | None, counts: dict[str, float], prices: dict[str, float]) -> None:
    spent = math.fsum(credits for key, credits in counts.copy().items() if key not in prices)
    if cap is not None and not spent + math.fsum(prices.values()) <= cap + 1e-6:  # sums of fractions
        raise _exceeded(
            prices,
            "max_credits",
            "the run's budget (max_credits)",
            cap,
            spent,
            f"Run it again with a higher max_credits, as another run with job_key={scope!r}; it "
            "goes on from there, and pays nothing again.",
        )


def _limit_exceeded(scope: str, prices: dict[str, float], limit: int, used: int) -> BudgetExceeded:
    return _exceeded(
        prices,
        CREDITS_LIMIT,
        f"the budget of all runs (the concurrency limit {CREDITS_LIMIT!r})",
        limit,
        used,
        f"Raise it (prefect gcl update {CREDITS_LIMIT} --limit N) or reset it (--active-slots 0), then "
        f"run its flow run again, or one with job_key={scope!r}: either goes on from there.",
    )


def _exceeded(
    prices: Mapping[str, float], budget: str, name: str, cap: float, spent: float, next_step: str
) -> BudgetExceeded:
    what = "this job" if len(prices) == 1 else f"{len(prices)} jobs to submit"
    left = max(0.0, cap - spent)
    error = BudgetExceeded(
        f"{what} would cost {math.fsum(prices.values()):,.12g} credits, and {name} has {left:,.12g} left of "
        f"{cap:,.12g}; nothing was submitted",
        next_step=next_step,
    )
    error.left, error.budget = left, budget
    return error


def _folder(scope: str) -> str:
    return f"{FOLDER}/{hashlib.sha256(scope.encode()).hexdigest()[:32]}"
