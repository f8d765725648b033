"""Calls to Kie take turns: in this process always, among all processes where the Prefect server has limits.

Kie takes 20 new jobs in 10 seconds from one account and 10 looks a second at one job, and refuses what is
more. That is safe (nothing was created, the task is retried), but a hundred runs at once would spend their
retries on refusals.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from prefect_kie.api import Job, KieClient
from prefect_kie.api.rate_limiter import Permit, Turn
from prefect_kie.blocks import KieCredentials
from prefect_kie.runtime.best_effort import in_time
from prefect_kie.runtime.logs import run_logger, shown_error
from prefect_kie.runtime.shared_limits import LimitState, SharedLimit

CREATE_LIMIT = "kie-create"
LOOK_LIMIT = "kie-look"
"""Names of the global concurrency limits that all processes share; `prefect-kie setup` makes them."""

LOOKS_APART_SECONDS = 0.5
"""A process asks for looks twice a second at most, for all that came meanwhile."""

ASK_AGAIN_SECONDS = 60.0
"""So long a limit that is missing or paces nothing is not asked again."""

ANSWER_SECONDS = 30.0
PATIENT_SECONDS = 60.0
RETRY_SECONDS = 2.0
AWAY_SECONDS = 15.0
"""A busy server takes its time, and going on without it is worse than waiting: an answer may take so long;
failed ones are asked for again for so long, with such a pause; then the server is left alone for so long."""

LOCKED = 423
"""How the server says that there are not enough slots."""


@dataclass
class _Shared:
    """What this process knows of one limit of one server."""

    limit: SharedLimit
    found: bool = False
    ask_from: float = 0.0
    trouble: str | None = None


_known: dict[tuple[str, str], _Shared] = {}
_told_missing: list[str] = []
"""Not empty once this process has said that limits are missing: one warning is enough."""


async def turn_to_create(kie: KieCredentials) -> Turn:
    """Wait until one more job may be submitted.

    To be called before the submission's record is written: a run that is killed while it waits leaves no
    doubt behind. Where the Prefect server cannot be asked, this process keeps to Kie's limit by itself:
    what is too much for Kie all the same it refuses, unpaid, and that is retried.

    Args:
        kie: Whose job it is.

    Returns:
        Leave for one `create_job`; to be ended where it is not used after all.
    """
    return await kie.pace.creates.turn(_permit(CREATE_LIMIT, apart=0.0), run_logger())


async def look_at(client: KieClient, task_id: str) -> Job:
    """`client.get_job` when it is its turn.

    Args:
        client: Of the job's key.
        task_id: The job.

    Raises:
        KieError: as `get_job` does.
    """
    turn = await client.pace.looks.turn(_permit(LOOK_LIMIT, apart=LOOKS_APART_SECONDS), run_logger())
    return await client.get_job(task_id, turn=turn)


def _permit(name: str, *, apart: float) -> Permit | None:
    """Who is to be asked for leave, beside this process; None where nobody can be."""
    url = PREFECT_API_URL.value()
    if url is None:  # a server of this process's own
        return None
    shared = _known.setdefault((str(url), name), _Shared(SharedLimit(apart=apart)))
    if time.monotonic() < shared.ask_from:
        return None

    async def permit(waiting: Callable[[], int]) -> int:
        return await _reserve(shared, name, waiting)

    return permit


async def _reserve(shared: _Shared, name: str, waiting: Callable[[], int]) -> int:
    """Slots of the limit for those who wait; where it cannot be asked, leave for them all."""
    end, trouble = time.monotonic() + PATIENT_SECONDS, shared.trouble
    while (now := time.monotonic()) >= shared.ask_from:
        try:
            async with get_client() as client:
                server = _PrefectLimit(client, name)
                got = await shared.limit.reserve(server, waiting)
        except (TimeoutError, httpx.HTTPError) as error:
            if _may_pass(error, shared) and now < end:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            trouble = f"the Prefect server did not answer as it should: {shown_error(error)}"
            shared.ask_from = time.monotonic() + AWAY_SECONDS
        else:
            shared.found = server.paces
            if server.paces:
                shared.trouble = None
                return got
            if server.missing:
                _tell_missing(name)
            trouble = server.trouble
            shared.ask_from = time.monotonic() + ASK_AGAIN_SECONDS
        if trouble and trouble != shared.trouble:
            run_logger().warning(
                "The concurrency limit %r does not pace (%s). This process keeps to Kie's limits by itself; "
                "several together may exceed them. `prefect-kie setup` says whether the limit is in order.",
                name,
                trouble,
            )
        shared.trouble = trouble
    return waiting()


def _may_pass(error: Exception, shared: _Shared) -> bool:
    """Whether the server is only busy, or away for a moment."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR.value
    return shared.found or not isinstance(error, httpx.ConnectError)


def _tell_missing(name: str) -> None:
    if _told_missing:
        return
    _told_missing.append(name)
    run_logger().warning(
        "The Prefect server has no concurrency limit %r: this process keeps to Kie's limits by itself, but "
        "several at once may exceed them and be refused (unpaid). To have them take turns, run: "
        "prefect-kie setup",
        name,
    )


class _PrefectLimit:
    """A limit of the Prefect server.

    Attributes:
        paces: Whether it is there, switched on and in order, as far as is known.
        missing: Whether it is not there.
        trouble: What is wrong with it.
    """

    def __init__(self, client: PrefectClient, name: str) -> None:
        self._client = client
        self._name = name
        self.paces = True
        self.missing = False
        self.trouble: str | None = None

    async def look(self) -> LimitState | None:
        asking = self._client.read_global_concurrency_limit_by_name(self._name)
        try:
            found = await in_time(asking, ANSWER_SECONDS)
        except ObjectNotFound:
            self.paces, self.missing = False, True
            return None
        if not found.active:
            self.paces = False
            return None
        if found.limit < 1 or found.slot_decay_per_second <= 0:
            self.paces = False
            self.trouble = (
                f"limit {found.limit}, slot decay {found.slot_decay_per_second:g}: both have to be above 0"
            )
            return None
        changed = found.updated or datetime.now(timezone.utc)
        return LimitState(
            slots=found.limit,
            used=found.active_slots,
            per_second=found.slot_decay_per_second,
            age=(datetime.now(timezone.utc) - changed).total_seconds(),
        )

    async def take(self, slots: int) -> bool:
        asking = self._client.increment_concurrency_slots([self._name], slots, "rate_limit")
        try:
            await in_time(asking, ANSWER_SECONDS)
        except httpx.HTTPStatusError as error:
            if error.response.status_code == LOCKED:
                return False
            raise
        return True
