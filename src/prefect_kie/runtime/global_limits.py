"""Rate limits that all processes share: global concurrency limits of the Prefect server.

Prefect gives a slot of such a limit back after `1 / slot_decay_per_second`, counted from the limit's last
change. **A refusal counts as a change too**, so the blind retries of many (as of Prefect's own `rate_limit`)
keep a limit from ever coming free. Hence each process asks for one slot at a time, and reads first, which
changes nothing.

A limit that is missing or switched off, or a server that does not answer, holds nobody up: each process keeps
to Kie's limits by its own limiter, and what is too much for Kie all the same it refuses, unpaid.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from datetime import datetime, timezone

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from prefect_kie.runtime.logs import run_logger, shown_error
from prefect_kie.runtime.loop import per_process

CREATE_LIMIT = "kie-create"
POLL_LIMIT = "kie-poll"
"""Names of the limits; `prefect-kie setup` makes them."""

ANSWER_SECONDS = 30.0
MAX_WAIT_SECONDS = 300.0
"""How long an answer, and a free slot, is waited for."""

ASK_AGAIN_SECONDS = 30.0
"""How long to go on without a limit that is missing or misconfigured, or whose server does not answer."""

MISSING = "missing"
"""What is in `reported` once it was said that limits are missing."""

LOCKED = 423
"""How the server says that there is no free slot."""

MIN_WAIT_SECONDS = 0.02
MAX_JITTER_SECONDS = 0.05


async def acquire_slot(name: str) -> None:
    """Wait for a slot of a limit, or go on without one; on the background loop only.

    Args:
        name: The limit's name.
    """
    if (url := PREFECT_API_URL.value()) is not None:  # else a server of this process's own
        await _limit(str(url), name).acquire()


@per_process
def _limit(url: str, name: str) -> _GlobalLimit:
    del url  # of another server it is another limit
    return _GlobalLimit(name)


@per_process
def reported() -> set[str]:
    """What this process has warned of: that limits are missing, and limits by their names."""
    return set()


class _Missing(Exception):
    """There is no such limit."""


class _Unusable(Exception):
    """The limit's numbers limit nothing."""


class _GlobalLimit:
    """One limit of one server."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._asking = asyncio.Lock()
        self._ask_from = 0.0
        self._client: PrefectClient | None = None

    async def acquire(self) -> None:
        async with self._asking:
            if time.monotonic() < self._ask_from:
                return
            try:
                async with asyncio.timeout(MAX_WAIT_SECONDS):
                    await self._acquire()
            except Exception as error:
                self._ask_from = time.monotonic() + ASK_AGAIN_SECONDS
                await self._drop_client()
                self._report(error)
            else:
                reported().discard(self._name)

    async def _acquire(self) -> None:
        while True:
            limit = await self._read()
            if not limit.active or (limit.active_slots < limit.limit and await self._take()):
                return
            # Of the slot that comes free next a part has decayed already; a clock that differs from the
            # server's costs some pace. Those who wait for the same slot come a little apart.
            age = (datetime.now(timezone.utc) - (limit.updated or datetime.now(timezone.utc))).total_seconds()
            decayed = max(0.0, age) * limit.slot_decay_per_second % 1.0
            wait = max(MIN_WAIT_SECONDS, (1.0 - decayed) / limit.slot_decay_per_second)
            await asyncio.sleep(wait + random.uniform(0, MAX_JITTER_SECONDS))  # noqa: S311 - no secret

    async def _read(self) -> GlobalConcurrencyLimitResponse:
        if self._client is None:
            self._client = await get_client().__aenter__()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                limit = await self._client.read_global_concurrency_limit_by_name(self._name)
        except ObjectNotFound:
            raise _Missing from None
        if limit.active and (limit.limit < 1 or limit.slot_decay_per_second <= 0):
            raise _Unusable(
                f"limit {limit.limit}, slot decay {limit.slot_decay_per_second:g}: both have to be above 0"
            )
        return limit

    async def _take(self) -> bool:
        assert self._client is not None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._client.increment_concurrency_slots([self._name], 1, "rate_limit")
        except httpx.HTTPStatusError as error:
            if error.response.status_code == LOCKED:
                return False  # somebody was quicker
            raise
        return True

    async def _drop_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                await client.__aexit__(None, None, None)

    def _report(self, problem: Exception) -> None:
        """Warn once: of missing limits altogether, of any other problem until it has passed."""
        about = MISSING if isinstance(problem, _Missing) else self._name
        if about in reported():
            return
        reported().add(about)
        if about == MISSING:
            run_logger().warning(
                "The Prefect server has no concurrency limit %r: this process keeps to Kie's limits by "
                "itself, but several at once may exceed them and be refused (unpaid). To share the limits, "
                "run: prefect-kie setup",
                self._name,
            )
            return
        run_logger().warning(
            "The concurrency limit %r is not used (%s). This process keeps to Kie's limits by itself; "
            "several together may exceed them. `prefect-kie setup` says whether the limit is in order.",
            self._name,
            problem if isinstance(problem, _Unusable) else shown_error(problem),
        )
