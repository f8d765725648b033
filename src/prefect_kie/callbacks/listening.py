"""Listening for a job's callback, as long as that is better than looking."""

from __future__ import annotations

import random
import time

from prefect.context import TaskRunContext

from prefect_kie.api import JobHandle, PollPolicy, next_look
from prefect_kie.api.catalog import request_class
from prefect_kie.callbacks.waiter import doorbell
from prefect_kie.run_page.progress import show_progress

SELDOM = (1.5, 0.5)
"""Callbacks may be lost: a look after so many usual durations, and again after each further share of one."""


async def listened(handle: JobHandle, poll: PollPolicy, age: float | None) -> bool:
    """Wait until Kie calls back about a job, or until it is time to look at it all the same.

    Args:
        handle: The job.
        poll: How patiently to wait.
        age: How old it is, seconds, where that is known.

    Returns:
        Whether it has called back.
    """
    since = handle.submitted_at
    if _is_first_run() and (since is None or not doorbell().has_listened_since(since)):
        await doorbell().ready()
        return False  # it may have called while nobody listened
    usual = poll.usual_seconds or request_class(handle.model).usual_seconds
    age, begun = age or 0.0, time.monotonic()
    often = next_look(poll, age=age, usual=usual, chance=random.random()) or 0.0  # noqa: S311 - jitter
    seldom = min(max(SELDOM[0] * usual - age, SELDOM[1] * usual), max(often, poll.deadline_seconds - age))
    while True:
        passed = time.monotonic() - begun
        ring = await doorbell().heard(handle.task_id, often=often - passed, seldom=seldom - passed)
        if ring is None or ring.done:
            return ring is not None
        await show_progress(handle, None, age=age + time.monotonic() - begun, usual=usual, told=ring.progress)


def _is_first_run() -> bool:
    context = TaskRunContext.get()
    return context is None or context.task_run.run_count <= 1
