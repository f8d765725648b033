"""When the next call may go out: decisions without a clock of their own; time comes in, in seconds."""

from __future__ import annotations

import heapq
import math

CREATES_PER_10_SECONDS = 20
"""What Kie takes from one account; what is more is refused, not queued."""
LOOKS_PER_SECOND = 9
"""Of all jobs together. Kie takes 10 of each job; an older page said 10 of a key, and this is below both."""

LEAST_SHARE = 1 / 16
SHARE_PER_SECOND = 1 / 60
"""A refusal halves the pace; from half it is back in 30 s, from the least in a minute."""


class Window:
    """Lets so many calls through that whoever answers them never counts more in any window of its clock.

    A call counts from its permission until `seconds` after its *answer*, so nothing need be known of how
    long it was on its way. Of more than `calls` requests one is always permitted after another of them no
    longer counts: it was sent a whole window after that one was answered, hence after it had arrived.

    Args:
        calls: How many the other side takes in a window.
        seconds: How long its window is.
    """

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls = calls
        self.seconds = seconds
        self._out = 0
        self._cooling: list[float] = []  # a heap: when each answered call stops counting

    def free(self, now: float) -> int:
        """How many calls may begin now."""
        while self._cooling and self._cooling[0] <= now:
            heapq.heappop(self._cooling)
        return max(0, self.calls - self._out - len(self._cooling))

    def opens_in(self, now: float) -> float | None:
        """Seconds until a call may begin, 0 for now; None where first an answer has to come."""
        if self.free(now):
            return 0.0
        ends_first = self._out + len(self._cooling) - self.calls + 1
        if ends_first > len(self._cooling):
            return None
        return heapq.nsmallest(ends_first, self._cooling)[-1] - now

    def begin(self) -> None:
        """Note that a call may go out."""
        self._out += 1

    def end(self, now: float, *, sent: bool = True) -> None:
        """Note that its answer is in, or that none will come.

        Args:
            now: The present time.
            sent: Whether it may have left this machine; what has not, no longer counts.
        """
        self._out -= 1
        if sent:
            heapq.heappush(self._cooling, now + self.seconds)


class Slowdown:
    """How much of the usual pace is left after refusals: halved by a burst of them, then slowly back."""

    def __init__(self) -> None:
        self._low = 1.0
        self._since = -math.inf
        self._slow = False

    def share(self, now: float) -> float:
        """The part of the usual pace that is right now; 1 is all of it."""
        if not self._slow:
            return 1.0
        return min(1.0, self._low + (now - self._since) * SHARE_PER_SECOND)

    def refused(self, begun: float, now: float) -> bool:
        """Note a refusal.

        Args:
            begun: When the refused call was permitted.
            now: The present time.

        Returns:
            Whether that ends the usual pace. A call that was on its way when the pace fell last belongs to
            the same burst, and changes nothing.
        """
        if begun <= self._since:
            return False
        usual = not self._slow
        self._low = max(LEAST_SHARE, self.share(now) / 2)
        self._since, self._slow = now, True
        return usual

    def gap(self, usual: float, last: float, now: float) -> float:
        """Seconds for which no call may begin, so that the pace is kept.

        Args:
            usual: Seconds between two calls at the usual pace.
            last: When the last call was permitted.
            now: The present time.
        """
        share = self.share(now)
        return 0.0 if share >= 1 else max(0.0, max(last, self._since) + usual / share - now)

    def over(self, now: float) -> bool:
        """Whether the pace has come back since this was asked last."""
        if not self._slow or self.share(now) < 1:
            return False
        self._slow = False
        return True
