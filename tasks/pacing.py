"""Submissions take turns at the Prefect server, so that a whole fleet stays below Kie's limit.

Kie takes 20 new jobs in 10 seconds from one key and refuses the next ones. That is safe (nothing was
created, the task is retried), but a hundred runs at once would spend their retries on refusals.
"""

from __future__ import annotations

from logging import Logger, LoggerAdapter

from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError, rate_limit
from prefect.exceptions import MissingContextError
from prefect.logging import get_logger, get_run_logger

CREATE_LIMIT = "kie-create"
"""Name of the global concurrency limit that paces submissions; `prefect-kie setup` makes it."""


async def wait_for_turn() -> None:
    """Wait until one more job may be submitted, as the concurrency limit `kie-create` says.

    To be called before the submission's record is written: a run that is killed while it waits leaves
    no doubt behind. Without such a limit (or with it switched off) nothing is waited for. Nor is it
    where the limit cannot be asked for: pacing is a courtesy, Kie itself refuses what comes too fast,
    unpaid, and that is retried.
    """
    try:
        # Strict, since otherwise Prefect logs a warning for each call where the limit is missing.
        await rate_limit(CREATE_LIMIT, strict=True)
    except ConcurrencySlotAcquisitionError as error:
        if error.__cause__ is None:  # that is how Prefect tells a missing limit from trouble
            return
        _logger().warning(
            "No turn could be taken from the concurrency limit %r (%s); the submission goes on without. "
            "`prefect-kie setup` says whether the limit is in order.",
            CREATE_LIMIT,
            _reason(error),
        )


def _reason(error: ConcurrencySlotAcquisitionError) -> str:
    """What Prefect says, and where it says nothing, what it stumbled over."""
    text = str(error).partition(": ")[2]
    return text or f"{type(error.__cause__).__name__}: {error.__cause__}"


def _logger() -> Logger | LoggerAdapter[Logger]:
    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger(__name__)
