"""Submissions take turns at the Prefect server, so that a whole fleet stays below Kie's limit.

Kie takes 20 new jobs in 10 seconds from one key and refuses the next ones. That is safe (nothing was
created, the task is retried), but a hundred runs at once would spend their retries on refusals.
"""

from __future__ import annotations

import time

import httpx
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError, rate_limit
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from prefect_kie.tasks.logs import run_logger

CREATE_LIMIT = "kie-create"
"""Name of the global concurrency limit that paces submissions; `prefect-kie setup` makes it."""

ASK_AGAIN_SECONDS = 60.0

_seen: dict[str, tuple[bool, float]] = {}
"""Per server: whether it had the limit, and when it was asked."""


async def wait_for_turn() -> None:
    """Wait until one more job may be submitted, as the concurrency limit `kie-create` says.

    To be called before the submission's record is written: a run that is killed while it waits leaves
    no doubt behind. Without such a limit (or with it switched off) nothing is waited for. Nor is it
    where the limit cannot be asked for: pacing is a courtesy, Kie itself refuses what comes too fast,
    unpaid, and that is retried.
    """
    try:
        if not await _has_limit():
            return
        # Strict, since otherwise Prefect logs a warning for each call where the limit is missing.
        await rate_limit(CREATE_LIMIT, strict=True)
    except (ConcurrencySlotAcquisitionError, httpx.HTTPError) as error:
        if isinstance(error, ConcurrencySlotAcquisitionError) and error.__cause__ is None:
            return  # that is how Prefect tells that the limit is missing: removed just now
        run_logger().warning(
            "No turn could be taken from the concurrency limit %r (%s); the submission goes on without. "
            "`prefect-kie setup` says whether the limit is in order.",
            CREATE_LIMIT,
            _reason(error),
        )


async def _has_limit() -> bool:
    """Whether the server has the limit; asked once a minute.

    Taking a slot of a limit that is missing costs the server a write transaction each time, for which it
    waits seconds when it is busy.
    """
    server = str(PREFECT_API_URL.value())
    has, asked = _seen.get(server, (False, -ASK_AGAIN_SECONDS))
    if time.monotonic() - asked < ASK_AGAIN_SECONDS:
        return has
    async with get_client() as client:
        try:
            await client.read_global_concurrency_limit_by_name(CREATE_LIMIT)
            has = True
        except ObjectNotFound:
            has = False
    _seen[server] = has, time.monotonic()
    return has


def _reason(error: Exception) -> str:
    """What Prefect says, and where it says nothing, what it stumbled over."""
    text = str(error).partition(": ")[2] if isinstance(error, ConcurrencySlotAcquisitionError) else ""
    cause = error.__cause__ or error
    return text or f"{type(cause).__name__}: {cause}"
