"""One simulated Kie, whole: its settings, faults, jobs, files, limits and callbacks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from prefect_kie.simulator.callbacks import Callbacks
from prefect_kie.simulator.faults import Faults
from prefect_kie.simulator.files import Files
from prefect_kie.simulator.limits import SlidingWindow
from prefect_kie.simulator.service import Clock, Service
from prefect_kie.simulator.settings import SimulatorSettings


class Simulator:
    """What the routes work on, and what a test in the same process may look at and change.

    Attributes:
        settings: The present settings.
        faults: The ordered faults.
        service: Jobs, credits, handles and their counters.
        files: Uploads and results.
        file_requests: Every request of a file since the start or the last reset.
    """

    def __init__(self, settings: SimulatorSettings, *, clock: Clock = time.time) -> None:
        self.clock = clock
        self.faults = Faults()
        self.files = Files()
        self._stopping = asyncio.Event()
        self._initial = settings
        self._begin(settings)

    def _begin(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.service = Service(settings, self.faults)
        self.creates = SlidingWindow(10)
        self.polls = SlidingWindow(1)
        self.file_requests: list[dict[str, Any]] = []
        self.callbacks = Callbacks(lambda: self.settings, self.faults, clock=self.clock, pause=self.pause)

    def stats(self) -> dict[str, Any]:
        """Return every counter and every job, as `GET /_sim/stats` does."""
        sent = self.callbacks.counts
        return {
            **self.service.report(self.clock()),
            "callbacks_sent": sent["sent"],
            "callbacks_delivered": sent["delivered"],
            "callbacks_dropped": sent["dropped"],
            "callbacks_refused": sent["refused"],
            "file_requests": len(self.file_requests),
        }

    def change(self, changes: Mapping[str, Any]) -> SimulatorSettings:
        """Replace single settings; `credits` sets the present balance.

        Raises:
            pydantic.ValidationError: A setting is unknown, or its value is not allowed.
        """
        self.settings = SimulatorSettings.model_validate({**self.settings.model_dump(), **changes})
        self.service.settings = self.settings
        if "credits" in changes:
            self.service.grant(self.settings.credits, self.clock())
        return self.settings

    async def reset(self) -> None:
        """Go back to the start: no jobs, uploads, faults or counts, and the first settings."""
        await self.callbacks.stop()
        self.faults.clear()
        self.files.forget()
        self._begin(self._initial)

    async def pause(self, seconds: float) -> bool:
        """Wait so many seconds, but not beyond `stop`; True means that it was stopped."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def stop(self) -> None:
        """End every pause and every rendering. Must be called in the running event loop."""
        self._stopping.set()
        self.files.stop()

    async def close(self) -> None:
        """Cancel the callbacks that were not sent, and remove the files."""
        self.stop()
        await self.callbacks.stop()
        self.files.close()
