"""Kie's rate limits: a sliding window per key; what is too much is rejected, not queued."""

from __future__ import annotations

from collections import defaultdict, deque


class SlidingWindow:
    """Counts what was let through in the last seconds, per key. Rejected calls do not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._passed: defaultdict[str, deque[float]] = defaultdict(deque)

    def allow(self, key: str, *, now: float, limit: int | None) -> bool:
        """Let a call through, or not.

        Args:
            key: Whose calls are counted together.
            now: The present time in seconds.
            limit: Calls allowed within the window; None means any number.
        """
        passed = self._passed[key]
        while passed and passed[0] <= now - self._seconds:
            passed.popleft()
        if limit is not None and len(passed) >= limit:
            return False
        passed.append(now)
        return True
