"""The budget of all runs on the Prefect server: a concurrency limit without decay, one slot a credit."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from prefect_kie._compat import without_client_retries
from prefect_kie.api import ServiceUnavailable
from prefect_kie.blocks.server import server_named
from prefect_kie.runtime.logs import shown_error
from prefect_kie.runtime.loop import per_process

ASK_AGAIN_SECONDS = 60.0
"""How long a limit that does not exist, or is switched off, is not asked for again."""

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
    """The limit of a name, as the Prefect server keeps it; `ServiceUnavailable` where it cannot be asked."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def find(self) -> tuple[int, int] | None:
        """How many credits it has and how many of them are used; None where there is none (for a minute)."""
        url = PREFECT_API_URL.value()
        if time.monotonic() < ask_from().get(url, 0.0):
            return None
        try:
            with self._asked():
                async with get_client() as client:
                    found = await client.read_global_concurrency_limit_by_name(self._name)
        except ObjectNotFound:
            found = None
        if found is None or not found.active:
            ask_from()[url] = time.monotonic() + ASK_AGAIN_SECONDS
            return None
        return found.limit, found.active_slots

    async def occupy(self, slots: int) -> int | None:
        """Occupy slots, all or none: the server decides for all who race. None when they do not fit.

        Where its answer was lost they may be occupied all the same: too much is kept then, never too little.
        """
        if slots <= 0:
            return 0
        with self._asked():
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

    @contextmanager
    def _asked(self) -> Generator[None, None, None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise ServiceUnavailable(
                f"{server_named()} could not be asked what is left of the budget {self._name!r} "
                f"({shown_error(error)}); nothing was submitted",
                next_step="Run it again when the Prefect server answers.",
            ) from None
