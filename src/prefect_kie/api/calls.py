"""How many calls to Kie's API go out at a time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prefect_kie.api.errors import RateLimited

CREATES_PER_10_SECONDS = 20  # what Kie takes from one account; what is more is refused, not queued

POLLS_PER_SECOND = 9
"""Of all jobs together. Kie takes 10 of each job; an older page said 10 of a key, and this is below both."""

REFUSED_SECONDS = 60.0
"""How long a slot stays taken after a refusal: somebody else uses the key, so fewer calls go out."""


class RateLimiter:
    """Slots for calls, first come, first served; of one event loop.

    A call has a slot from before it is sent until `seconds` after its *answer*, so nothing need be known of
    how long it was on its way: of `calls` + 1 calls two had the same slot, and came there `seconds` apart.
    """

    def __init__(self, calls: int, seconds: float, refused_seconds: float = REFUSED_SECONDS) -> None:
        self._slots = asyncio.Semaphore(calls)
        self._seconds, self._refused_seconds = seconds, refused_seconds

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None, None]:
        """Wait for a slot, for one call to be made within."""
        await self._slots.acquire()
        hold = self._seconds
        try:
            yield
        except RateLimited:
            hold = self._refused_seconds
            raise
        finally:
            asyncio.get_running_loop().call_later(hold, self._slots.release)
