"""Resuming the runs that are suspended until their jobs have ended, when these ring.

A ring may come before its run is suspended, or before Kie's own record shows the end; so each is followed up
for a while. What rang while no receiver ran, or one that was killed before it came to it, is looked for once
at the start. What is missed all the same, the flow `resume-waiting` finds on its schedule.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection

from prefect_kie.callbacks.receiver.log import logger
from prefect_kie.callbacks.receiver.reading import Ring
from prefect_kie.flows.resuming import resume_finished

AFTER_SECONDS = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""When, after its ring, a job's run is looked for; and after the start all runs, until that succeeds once."""
PAUSE_SECONDS = 1.0
"""Between two passes: rings that come together are followed up together."""
MAX_FOLLOWED = 10_000


class Resumer:
    """Takes rings at once, and follows them up in the background; to be used in one event loop."""

    def __init__(self) -> None:
        self._rung: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._new = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._failing = False

    def __call__(self, ring: Ring) -> None:
        """Take a ring; one that is not about a job's end is none to follow up."""
        if ring.kind != "done":
            return
        self._rung[ring.task_id] = (time.monotonic(), 0)
        while len(self._rung) > MAX_FOLLOWED:
            self._rung.popitem(last=False)
        self._new.set()

    def __len__(self) -> int:
        return len(self._rung)

    def start(self) -> None:
        """Begin to follow up."""
        if all(task.done() for task in self._tasks):
            # Side by side: many runs that are looked for at the start do not hold up those that ring.
            self._tasks = [asyncio.create_task(self._catch_up()), asyncio.create_task(self._follow())]

    async def stop(self) -> None:
        """End at once; what is not followed up is left to the schedule."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    async def _catch_up(self) -> None:
        begun = time.monotonic()
        for after in AFTER_SECONDS:
            await asyncio.sleep(begun + after - time.monotonic())
            if await self._resume(None):
                return

    async def _follow(self) -> None:
        while True:
            if not self._rung:
                self._new.clear()
                await self._new.wait()
            due = self._due(time.monotonic())
            if due:
                await self._resume(due)
            await asyncio.sleep(PAUSE_SECONDS)

    def _due(self, now: float) -> list[str]:
        """The jobs whose next pass has come; those after their last one are dropped."""
        due: list[str] = []
        for task_id, (rung_at, passes) in list(self._rung.items()):
            if now < rung_at + AFTER_SECONDS[passes]:
                continue
            due.append(task_id)
            if passes + 1 < len(AFTER_SECONDS):
                self._rung[task_id] = (rung_at, passes + 1)
            else:
                del self._rung[task_id]
        return due

    async def _resume(self, jobs: Collection[str] | None) -> bool:
        """Resume the runs that wait for one of these jobs, or all; tell whether that could be done."""
        try:
            for run in await resume_finished(jobs):
                logger.info("Resumed the run %s, whose jobs have ended", run.name)
        except Exception as error:
            if not self._failing:
                logger.warning(
                    "Suspended runs cannot be resumed for now (%s); the deployment resume-waiting can do it "
                    "later",
                    type(error).__name__,
                )
            self._failing = True
        else:
            self._failing = False
        return not self._failing
