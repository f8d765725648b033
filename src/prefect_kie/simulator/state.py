"""One simulated Kie, whole: its settings, faults, jobs, files, limits and callbacks."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from prefect_kie.simulator.callbacks import Callbacks
from prefect_kie.simulator.faults import Faults
from prefect_kie.simulator.files import Files
from prefect_kie.simulator.service import Service
from prefect_kie.simulator.settings import SimulatorSettings


class SlidingWindow:
    """Counts, per key, what was let through in the last seconds. Rejected calls do not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._passed: defaultdict[str, deque[float]] = defaultdict(deque)

    def allow(self, key: str, *, now: float, limit: int | None) -> bool:
        """Let a call through, or not; a limit of None lets any number through."""
        passed = self._passed[key]
        while passed and passed[0] <= now - self._seconds:
            passed.popleft()
        if limit is not None and len(passed) >= limit:
            return False
        passed.append(now)
        return True


class Simulator:
    """What the routes work on, and what a test in the same process may look at and change.

    Attributes:
        clock: Gives epoch seconds.
        settings: The present settings.
        faults: The ordered faults.
        service: Jobs, credits, handles and their counters.
        files: Uploads and results.
        file_requests: Every request of a file since the start or the last reset.
    """

    def __init__(self, settings: SimulatorSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.faults = Faults()
        self.files = Files()
        self._stopping = asyncio.Event()
        self._initial = settings
        self._begin()

    def _begin(self) -> None:
        self.settings = self._initial
        self.service = Service(self.settings, self.faults)
        self.creates, self.polls = SlidingWindow(10), SlidingWindow(1)
        self.file_requests: list[dict[str, Any]] = []
        self.callbacks = Callbacks(
            lambda: self.settings, self.faults, clock=lambda: self.clock(), pause=self.pause
        )

    def stats(self) -> dict[str, Any]:
        """Return every counter and every job, as `GET /_sim/stats` does."""
        sent = {f"callbacks_{name}": count for name, count in self.callbacks.counts.items()}
        return {**self.service.report(self.clock()), **sent, "file_requests": len(self.file_requests)}

    def change(self, changes: Mapping[str, Any]) -> None:
        """Replace single settings; `credits` sets the present balance.

        Raises:
            pydantic.ValidationError: A setting is unknown, or its value is not allowed.
        """
        self.settings = SimulatorSettings.model_validate({**self.settings.model_dump(), **changes})
        self.service.settings = self.settings
        if "credits" in changes:
            self.service.grant(self.settings.credits, self.clock())

    def reset(self) -> None:
        """Go back to the start: no jobs, uploads, faults or counts, and the first settings."""
        self.callbacks.stop()
        self.faults.clear()
        self.files.forget()
        self._begin()

    async def pause(self, seconds: float) -> bool:
        """Wait so many seconds, but not beyond `stop`; True means that it was stopped."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def stop(self) -> None:
        """End every pause, rendering and callback. Must be called in the running event loop."""
        self._stopping.set()
        self.files.stop()
        self.callbacks.stop()
