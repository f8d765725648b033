"""Rate limits and the budget that all processes share: global concurrency limits of the Prefect server.

Prefect gives a slot of such a limit back after `1 / slot_decay_per_second`, counted from the limit's last
change. **A refusal would count as a change too**, and keep a limit from ever coming free; up to 3.9.1 only a
rollback hides that (docs/upstream). Nor does it say how many others wait. Hence each process asks for one
slot at a time, and reads first.

A limit that is missing or switched off, or a server that does not answer, holds nobody up: each process keeps
to Kie's limits by itself, and Kie refuses, unpaid, what is too much. The budget is a limit without decay.
"""

import asyncio
import random
import time
from contextlib import suppress
from datetime import datetime, timezone

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from prefect_kie._compat import without_client_retries
from prefect_kie.blocks.server import asked
from prefect_kie.errors import shown_error
from prefect_kie.runtime.logs import run_logger
from prefect_kie.runtime.loop import per_process
from prefect_kie.settings import KieSettings

CREATE_LIMIT = "kie-create"
POLL_LIMIT = "kie-poll"  # names of the limits; `prefect-kie setup` makes them

ASK_AGAIN_SECONDS = 30.0
"""How long to go on without a limit that is missing or misconfigured, or whose server does not answer."""
MISSING = "it does not exist"
MIN_WAIT_SECONDS, MAX_JITTER_SECONDS = 0.02, 0.05
LOCKED = 423  # how the server says that there is no free slot


async def acquire_slot(name: str) -> None:
    """Wait for a slot of a limit, or go on without one; on the background loop only."""
    if (url := PREFECT_API_URL.value()) is not None:  # else a server of this process's own
        await _limit(str(url), name).acquire()


@per_process
def _limit(url: str, name: str) -> "_GlobalLimit":
    del url  # of another server it is another limit
    return _GlobalLimit(name)


@per_process
def reported() -> set[str]:
    """Why limits are not used, as far as this process has warned of it: once of each reason."""
    return set()


class _Unusable(Exception):
    """Why a limit is not used."""


class _GlobalLimit:
    def __init__(self, name: str) -> None:
        self._name, self._timeout = name, KieSettings().limit_timeout_seconds
        self._asking = asyncio.Lock()
        self._ask_from = 0.0
        self._client: PrefectClient | None = None

    async def acquire(self) -> None:
        async with self._asking:
            if time.monotonic() < self._ask_from:
                return
            try:
                async with asyncio.timeout(self._timeout):
                    if self._client is None:
                        self._client = await get_client().__aenter__()
                    while wait := await self._take(self._client):  # noqa: ASYNC110 - the event is the server's
                        await asyncio.sleep(wait)
            except Exception as error:
                self._ask_from = time.monotonic() + ASK_AGAIN_SECONDS
                await self.close()
                reason = str(error) if isinstance(error, _Unusable) else shown_error(error)
                if reason not in reported():
                    reported().add(reason)
                    run_logger().warning(
                        f"The Prefect server's concurrency limit {self._name!r} is not used: {reason}. This "
                        "process keeps to Kie's limits by itself, but several at once may exceed them and be "
                        "refused (unpaid). To have them share the limits, run: prefect-kie setup"
                    )

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                await client.__aexit__(None, None, None)

    async def _take(self, client: PrefectClient) -> float:
        """Take a slot where one is free; else seconds until one may be."""
        try:
            limit = await client.read_global_concurrency_limit_by_name(self._name)
        except ObjectNotFound:
            raise _Unusable(MISSING) from None
        if not limit.active:
            return 0.0
        slots, decay = limit.limit, limit.slot_decay_per_second
        if slots < 1 or decay <= 0:
            raise _Unusable(f"limit {slots}, slot decay {decay:g}: both have to be above 0")
        if limit.active_slots < slots:
            try:
                await client.increment_concurrency_slots([self._name], 1, "rate_limit")
            except httpx.HTTPStatusError as error:
                if error.response.status_code != LOCKED:  # else somebody was quicker
                    raise
            else:
                return 0.0
        # Of the slot that comes free next a part has decayed already; a clock that differs from the server's
        # costs some speed. Processes that wait for the same slot come a little apart.
        now = datetime.now(timezone.utc)
        decayed = max(0.0, (now - (limit.updated or now)).total_seconds()) * decay % 1.0
        jitter = random.uniform(0, MAX_JITTER_SECONDS)  # noqa: S311 - no secret
        return max(MIN_WAIT_SECONDS, (1.0 - decayed) / decay) + jitter


LOOK_AGAIN_SECONDS = 60.0  # how long a limit that does not exist, or is switched off, is not asked for again
REFUSED = (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.LOCKED)
"""How the server says that the slots do not fit: into the limit at all, or beside those that are taken."""
BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
"""How it says that it has done nothing now (its database is locked)."""
GIVE_BACK_TRIES = 5


@per_process
def ask_from() -> dict[str | None, float]:
    """When to ask for the limit again, by the server that has none."""
    return {}


class ServerCreditLimit:
    """A limit, one slot a credit, as the server keeps it; `ServiceUnavailable` where it cannot be asked."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = f"what is left of the budget {name!r}; nothing was submitted"

    async def find(self) -> tuple[int, int] | None:
        """How many credits it has and how many of them are used; None where there is none (for a minute)."""
        url = PREFECT_API_URL.value()
        if time.monotonic() < ask_from().get(url, 0.0):
            return None
        try:
            with asked(self._left):
                async with get_client() as client:
                    found = await client.read_global_concurrency_limit_by_name(self._name)
        except ObjectNotFound:
            found = None
        if found is None or not found.active:
            ask_from()[url] = time.monotonic() + LOOK_AGAIN_SECONDS
            return None
        return found.limit, found.active_slots

    async def occupy(self, slots: int) -> int | None:
        """Occupy slots, all or none: the server decides for all who race. None when they do not fit.

        Where its answer was lost they may be occupied all the same: too much is kept then, never too little.
        """
        if slots <= 0:
            return 0
        with asked(self._left):
            try:
                async with get_client() as client:
                    answer = await client.increment_concurrency_slots([self._name], slots, "concurrency")
            except httpx.HTTPStatusError as error:
                if error.response.status_code in REFUSED:
                    return None
                raise
        return slots if answer.json() else 0

    async def settle(self, occupied: int, slots: int) -> None:
        """Make of the slots that a job occupies as many as it cost, if there are; call it once a job."""
        if slots > occupied and (found := await self.find()) is not None:
            await self.occupy(min(slots - occupied, found[0] - found[1]))
        if slots >= occupied:
            return
        # Prefect's client would repeat a call whose answer was lost too, and free others' slots with it.
        with without_client_retries():
            for tries_left in reversed(range(GIVE_BACK_TRIES)):
                try:
                    async with get_client() as client:
                        await client.release_concurrency_slots([self._name], occupied - slots, 1.0)
                    return
                except httpx.HTTPStatusError as error:  # the client has paused after it
                    if error.response.status_code not in BUSY or not tries_left:
                        raise
