"""What the receiver keeps between two requests; all of it is bounded, whatever comes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from prefect_kie.callbacks.receiver.reading import Ring

MAX_SEEN = 50_000
"""Rings remembered; Kie creates at most two jobs a second for an account, each rings a few times."""


class Seen:
    """The genuine rings of late, so that one that comes again rings once.

    What is signed is the job and the time, so a ring is recognised by these and its kind.

    Args:
        window_seconds: How far a signature's time may be from now.
        most: How many are remembered; the oldest is forgotten first. It could then ring again, which only
            makes somebody look at the job.
    """

    def __init__(self, window_seconds: float, most: int = MAX_SEEN) -> None:
        # A time may be as far ahead as it may be behind, and is accepted until it is that far behind.
        self._keep_seconds = 2 * window_seconds
        self._most = most
        self._until: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def first(self, ring: Ring, timestamp: str, now: float) -> bool:
        """Whether a ring is new; it is remembered.

        Args:
            ring: A genuine ring.
            timestamp: The time that is signed with it.
            now: The time, unix seconds.
        """
        while self._until:
            oldest = next(iter(self._until))
            if self._until[oldest] >= now and len(self._until) < self._most:
                break
            del self._until[oldest]
        key = _key(ring, timestamp)
        if key in self._until:
            return False
        self._until[key] = now + self._keep_seconds
        return True

    def forget(self, ring: Ring, timestamp: str) -> None:
        """Let a ring come again: it could not be handed on."""
        self._until.pop(_key(ring, timestamp), None)


class Rate:
    """How often something may be done.

    Args:
        per_second: How often in the long run.
        burst: How often at once.
        clock: The time, seconds.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def take(self) -> bool:
        """Whether it may be done now; counted as done."""
        now = self._clock()
        passed, self._at = max(0.0, now - self._at), now  # a clock may be set back
        self._left = min(float(self._burst), self._left + passed * self._per_second)
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _key(ring: Ring, timestamp: str) -> tuple[str, str, str]:
    return ring.task_id, timestamp, ring.kind
