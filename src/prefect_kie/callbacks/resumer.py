"""Resumes suspended runs after their jobs' callbacks, in the background of the receiver.

What it misses, the flow `resume-waiting` finds on its schedule.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_logger

DELAYS = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Seconds from a callback, or from the start, to each attempt: a callback may come before its run is
suspended, or before Kie's own record shows the end."""

Resume = Callable[[Collection[str] | None], Awaitable[Sequence[FlowRun]]]
"""Resumes the suspended runs that wait for one of these jobs, or (None) any; returns those it resumed."""

logger = get_logger("prefect_kie.callbacks.resumer")


class Resumer:
    """Collects the jobs that Kie called back about, and resumes their runs; for one event loop.

    Args:
        resume: What resumes the runs.
        delays: Seconds from a callback, or from the start, to each attempt.
        pause: Seconds between two attempts, so that callbacks that come together are followed up together.
    """

    def __init__(self, resume: Resume, *, delays: Sequence[float] = DELAYS, pause: float = 1.0) -> None:
        self._resume, self._delays, self._pause = resume, delays, pause
        self._due: set[str] = set()
        self._is_due = asyncio.Event()

    def follow_up(self, task_id: str) -> None:
        """Look for the job's run now, and a few times more. Returns at once."""
        for delay in self._delays:
            asyncio.get_running_loop().call_later(delay, self._add, task_id)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Work until the end of the block."""
        # Side by side: many runs that are looked for at the start do not hold up those called back about.
        tasks = [asyncio.create_task(work) for work in (self._catch_up(), self._work())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, task_id: str) -> None:
        self._due.add(task_id)
        self._is_due.set()

    async def _work(self) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            jobs, self._due = self._due, set()
            await self._attempt(jobs)
            await asyncio.sleep(self._pause)

    async def _catch_up(self) -> None:
        """Look, until that succeeds once, for what ended while no receiver ran."""
        for before, delay in zip((0.0, *self._delays), self._delays, strict=False):
            await asyncio.sleep(delay - before)
            if await self._attempt(None):
                return

    async def _attempt(self, jobs: Collection[str] | None) -> bool:
        try:
            for run in await self._resume(jobs):
                logger.info("Resumed the run %s, whose jobs have ended", run.name)
        except Exception as error:
            logger.warning("Suspended runs cannot be resumed for now (%s)", type(error).__name__)
            return False
        return True
