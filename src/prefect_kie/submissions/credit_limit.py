"""The budget of all runs: a global concurrency limit without decay, whose slots are credits."""

from __future__ import annotations

import math
import time

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from prefect_kie._compat import without_client_retries
from prefect_kie.api import ServiceUnavailable
from prefect_kie.blocks.server import server_named
from prefect_kie.runtime.logs import shown_error

CREDITS_LIMIT = "kie-credits"

ASK_AGAIN_SECONDS = 60.0
"""How long a limit that does not exist, or is switched off, is not asked for again."""

REFUSED = (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.LOCKED)
"""How the server says that the slots do not fit: into the limit at all, or beside those that are taken."""

BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
"""How it says that it has done nothing now (its database is locked)."""

GIVE_BACK_TRIES = 5

_ask_from: dict[str | None, float] = {}
"""When to ask for the limit again, by the server that has none."""


def slots_for(credits: float) -> int:
    """How many slots so many credits occupy."""
    return max(0, math.ceil(credits - 1e-6))  # sums of fractions may seem too much


async def find_limit() -> GlobalConcurrencyLimitResponse | None:
    """The limit as it is now; None where there is none, which holds for a minute.

    Raises:
        ServiceUnavailable: when the Prefect server cannot be asked.
    """
    url = PREFECT_API_URL.value()
    if time.monotonic() < _ask_from.get(url, 0.0):
        return None
    found = None
    try:
        async with get_client() as client:
            found = await client.read_global_concurrency_limit_by_name(CREDITS_LIMIT)
    except ObjectNotFound:
        pass
    except httpx.HTTPError as error:
        raise _not_asked(error) from None
    if found is None or not found.active:
        _ask_from[url] = time.monotonic() + ASK_AGAIN_SECONDS
        return None
    return found


async def occupy(slots: int) -> int | None:
    """Occupy slots, all or none: the server decides for all who race.

    Returns:
        How many were occupied, 0 where the limit has just been deleted; None when they do not fit.

    Raises:
        ServiceUnavailable: when the Prefect server cannot be asked. Where its answer was lost they may be
            occupied all the same: too much is kept then, never too little.
    """
    if slots <= 0:
        return 0
    try:
        async with get_client() as client:
            answer = await client.increment_concurrency_slots([CREDITS_LIMIT], slots, "concurrency")
    except httpx.HTTPStatusError as error:
        if error.response.status_code in REFUSED:
            return None
        raise _not_asked(error) from None
    except httpx.HTTPError as error:
        raise _not_asked(error) from None
    return slots if answer.json() else 0


async def settle_slots(occupied: int, credits: float) -> None:
    """Make of the slots that a job occupies as many as it cost; call it once for each job.

    Where it cost more than it occupies, as much of the difference is occupied as the limit still has.

    Raises:
        Exception: whatever Prefect's client raises.
    """
    surplus = occupied - slots_for(credits)
    if surplus < 0 and (limit := await find_limit()) is not None:
        await occupy(min(-surplus, limit.limit - limit.active_slots))
    if surplus <= 0:
        return
    # Prefect's client would repeat a call whose answer was lost too, and free others' slots with it.
    with without_client_retries():
        for tries_left in reversed(range(GIVE_BACK_TRIES)):
            try:
                async with get_client() as client:
                    await client.release_concurrency_slots([CREDITS_LIMIT], surplus, 1.0)
                return
            except httpx.HTTPStatusError as error:  # the client has paused after it
                if error.response.status_code not in BUSY or not tries_left:
                    raise


def _not_asked(error: httpx.HTTPError) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"{server_named()} could not be asked what is left of the budget {CREDITS_LIMIT!r} "
        f"({shown_error(error)}); nothing was submitted",
        next_step="Run it again when the Prefect server answers.",
    )
