"""How far a job is, on the run page: a progress artifact per wait, by the key `kie-progress-<task id>`.

Each look is a new call of the task's function in the same process, so the artifact's id and what it shows
are remembered here by the task run: one small request where something has changed, none where nothing
has. A run of its own, and so each run again, begins an artifact of its own; the key finds the latest.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import get_client
from prefect.context import TaskRunContext
from prefect.logging import get_logger

from prefect_kie.api import Job, JobHandle
from prefect_kie.media.naming import artifact_key
from prefect_kie.run_page.markdown import code, escaped, plain
from prefect_kie.runtime.best_effort import best_effort

HIGHEST_GUESS = 95
"""Elapsed time tells no end."""
HIGHEST_TOLD = 99
"""Kie's own percentage, as long as there is no result."""

LIMIT_SECONDS = 2.0
"""A server that takes longer is left alone."""
PAUSE_SECONDS = 30.0
"""For so long nothing is tried again after that."""
MAX_REMEMBERED = 10_000


@dataclass(frozen=True)
class Shown:
    """What an artifact shows.

    Attributes:
        artifact_id: The artifact; None where somebody has deleted it.
        percent: How far the job is.
        description: Which job it is.
    """

    artifact_id: UUID | None
    percent: int
    description: str


_shown: OrderedDict[UUID, Shown] = OrderedDict()
_quiet_until = 0.0


def percent_done(progress: float | None, age: float, usual: float) -> int:
    """How far an unfinished job is, percent.

    Args:
        progress: Kie's percentage; None, or 0 for models that never tell it.
        age: How old the job is, seconds.
        usual: How long such a job usually takes, seconds.

    Returns:
        Kie's percentage where it tells one, else elapsed against usual time.
    """
    if progress:
        return min(HIGHEST_TOLD, int(progress))
    return max(0, min(HIGHEST_GUESS, int(100 * age / usual) if usual > 0 else 0))


async def show_progress(
    handle: JobHandle, job: Job | None, *, age: float, usual: float, told: float | None = None
) -> None:
    """Show how far a job is; never backwards, never to the job's harm.

    Args:
        handle: The job.
        job: The same as it was last polled; None where Kie does not know it yet.
        age: How old it is, seconds.
        usual: How long such a job usually takes, seconds.
        told: Its progress as a callback has it, percent; without one, the job's own.
    """
    progress = told if told is not None else job.progress if job else None
    await _show(handle, job, percent_done(progress, age, usual), "")


async def show_end(handle: JobHandle, job: Job | None, failure: str | None = None) -> None:
    """Show that a job has ended: 100 percent, or where it stood when it failed.

    Args:
        handle: The job.
        job: The same as it was last polled, where it was.
        failure: Why it failed; None for a success.
    """
    if failure is None:
        await _show(handle, job, 100, "", last=True)
    else:
        await _show(handle, job, 0, f" **Failed:** {escaped(failure, 200)}", last=True)


def description(handle: JobHandle, job: Job | None) -> str:
    """Which job it is, as Markdown: model, prompt and task id."""
    prompt = escaped(job.prompt, 200) if job else ""
    model = plain(job.model if job else handle.model)
    return f"{code(model)} {f'“{prompt}”, ' if prompt else ''}job {code(handle.task_id)}"


async def _show(handle: JobHandle, job: Job | None, percent: int, note: str, *, last: bool = False) -> None:
    global _quiet_until
    context = TaskRunContext.get()
    if context is None:
        return
    run, text = context.task_run.id, description(handle, job) + note
    before = _shown.pop(run, None) if last else _shown.get(run)
    if before is not None:
        percent = max(percent, before.percent)
        text = before.description if job is None and not note else text  # it may know the prompt
        if before == Shown(before.artifact_id, percent, text) and before.artifact_id is not None:
            return
    if not last and time.monotonic() < _quiet_until:
        return

    async def put() -> None:
        artifact = before.artifact_id if before is not None else None
        made = await _put(context, handle, artifact, percent, text)
        if not last:  # here, so that one that comes late is not made twice
            _remember(run, Shown(made, percent, text))

    try:
        await best_effort(put, LIMIT_SECONDS)
    except Exception as error:
        _quiet_until = time.monotonic() + PAUSE_SECONDS
        if before is not None and isinstance(error, HTTPStatusError) and error.response.status_code == 404:
            _shown[run] = Shown(None, percent, text)
        get_logger("prefect_kie").debug("Progress of job %s is not shown: %r", handle.task_id, error)


def _remember(run: UUID, shown: Shown) -> None:
    _shown[run] = shown
    while len(_shown) > MAX_REMEMBERED:
        _shown.popitem(last=False)


async def _put(
    context: TaskRunContext, handle: JobHandle, artifact: UUID | None, percent: int, text: str
) -> UUID:
    if artifact is not None:
        await _changed(artifact, percent, text)
        return artifact
    run = context.task_run
    return await _created(artifact_key("progress", handle.task_id), percent, text, run.id, run.flow_run_id)


async def _created(key: str, percent: int, text: str, run: UUID, flow_run_id: UUID | None) -> UUID:
    # As the client's create_artifact and update_artifact, which also send an event each: two for every
    # poll of every job, and nothing waits for them.
    fields = {"type": "progress", "key": key, "description": text, "data": percent, "task_run_id": str(run)}
    if flow_run_id is not None:
        fields["flow_run_id"] = str(flow_run_id)
    async with get_client() as client:
        answer = await client.request("POST", "/artifacts/", json=fields)
    return UUID(answer.json()["id"])


async def _changed(artifact_id: UUID, percent: int, text: str) -> None:
    async with get_client() as client:
        await client.request(
            "PATCH",
            "/artifacts/{id}",
            path_params={"id": artifact_id},
            json={"data": percent, "description": text},
        )
