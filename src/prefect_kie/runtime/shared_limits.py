"""Reserving slots of a limit that several processes share, as a Prefect server counts them.

Prefect lets `slot_decay_per_second x seconds` slots of a limit go again, counted in whole slots since the
limit was changed last; what is left of a slot is lost at each change. **A refusal is a change too** and
gives nothing for it, so blind retries of many keep a limit from ever coming free. Hence here: look first
(which changes nothing), wait exactly until there are enough, and take several at once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

LEAST_WAIT = 0.02
LEAST_SPREAD = 0.02
MOST_SPREAD = 1.0
"""Seconds over which processes that wait for the same slot spread their next look; a refusal doubles it."""

YIELDING = 1.5
"""Where others wait too, a process that had its lot leaves the next one to them: it looks later by so many
times what an answer takes. Who asks at the same moment is refused, and that costs all of them."""

PATIENT_LOTS = 8
"""For a whole lot a process waits as long as so many lots need: several others may be before it."""


@dataclass(frozen=True)
class LimitState:
    """A limit as its server tells it.

    Attributes:
        slots: How many there are.
        used: How many are taken now, by the server's clock.
        per_second: How many of them come free in a second.
        age: Seconds since it was changed last; a clock that differs from the server's costs some pace.
    """

    slots: int
    used: int
    per_second: float
    age: float = 0.0

    def free_in(self, wanted: int) -> float:
        """Seconds until so many slots are free, 0 for now."""
        missing = self.used + wanted - self.slots
        if missing <= 0:
            return 0.0
        begun = max(0.0, self.age) * self.per_second % 1.0  # so much of the next slot has decayed
        return max(LEAST_WAIT, (missing - begun) / self.per_second)


class LimitServer(Protocol):
    """Who counts."""

    async def look(self) -> LimitState | None:
        """The limit now; None: there is nothing to wait for."""
        ...

    async def take(self, slots: int) -> bool:
        """Take so many slots, or none."""
        ...


class SharedLimit:
    """One limit, for all of this process that waits for it. Asked by one waiter at a time (`Pace`).

    Args:
        apart: Seconds between two lots at least: those who come meanwhile share the next one.
        clock: Gives seconds.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        *,
        apart: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._apart = apart
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._spread = LEAST_SPREAD
        self._others = False
        self._answer = 0.0
        self._chance = random.Random()  # noqa: S311 - jitter, not a secret

    async def reserve(self, server: LimitServer, waiting: Callable[[], int]) -> int:
        """Take slots for all who wait, as many as the limit has at most; wait until they are free.

        Args:
            server: Who counts.
            waiting: How many wait at the moment.

        Returns:
            How many slots were taken, at least one; where there is no limit, one for each who waits.
        """
        begun = self._clock()
        await self._pause(self._next - begun)
        yields, waits = self._others, 0
        while (state := await server.look()) is not None:
            wanted, spread = min(waiting(), state.slots), self._spread
            # Others who take single slots as they come free would keep a whole lot from ever being so; and
            # who has waited for so long does not let others go first.
            if self._clock() - begun > PATIENT_LOTS * wanted / state.per_second:
                wanted, spread = max(1, min(wanted, state.slots - state.used)), LEAST_SPREAD
            if wait := state.free_in(wanted):
                self._others = self._others or waits > 0  # somebody else took what it had waited for
                later = YIELDING * self._answer if yields and not waits else 0.0
                await self._pause(wait + later + self._chance.uniform(0, spread))
                waits += 1
                continue
            asked = self._clock()
            taken = await server.take(wanted)
            self._answer = min(MOST_SPREAD, self._clock() - asked)
            if taken:
                if yields and waits == 1:
                    self._others = False  # nobody took what was left to them
                self._spread = max(LEAST_SPREAD, self._spread / 2)
                self._next = self._clock() + self._apart
                return wanted
            self._others = True
            self._spread = min(MOST_SPREAD, self._spread * 2)
        return waiting()

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)
