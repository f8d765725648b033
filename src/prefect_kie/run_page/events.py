"""The events of jobs, for people and automations: submitted, called back about, succeeded, failed.

Each has the resource `kie.job.<task id>`, labels for automations, and is related to the job's submission;
Prefect relates it to the task run, the flow run, its deployment and its tags.

Each run that waits for a job reports its end once, since an automation may wait for that run. A wait that
ends before the job does (a deadline, a cancelled run) reports nothing: the job goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, Literal, cast

from prefect.events import Event, emit_event
from prefect.events.worker import EventsWorker
from prefect.logging import get_logger
from prefect.runtime import flow_run, task_run

from prefect_kie.api import Job, JobHandle, KieError
from prefect_kie.keys import is_submission_key
from prefect_kie.run_page.markdown import plain

JOB_SUBMITTED = "kie.job.submitted"
JOB_SUCCEEDED = "kie.job.succeeded"
JOB_FAILED = "kie.job.failed"
JOB_CALLBACK = "kie.job.callback"  # a reason to poll a job, and no proof of anything else
JOB = "kie.job."
"""How the ID of a job's resource begins; its task ID follows."""

ATTEMPT = "kie.attempt"
LENGTH = "length"
"""In a success's payload: how long a result was asked for, which tells most of how long its job takes."""
MAX_REMEMBERED = 10_000

_reported: dict[tuple[str | None, str], None] = {}
"""Ends of jobs that runs of this process have reported. Not by the event's ID: a server on SQLite that gets
one ID twice may refuse all events that come with it."""


def emit_submitted(task_id: str, *, model: str, key: str, attempt: str, title: str) -> None:
    """Report a created job, which makes `title`; `key` and `attempt` name its submission."""
    _emit(JOB_SUBMITTED, task_id, model, key, {ATTEMPT: attempt}, {"prompt": plain(title)})


async def events_are_sent() -> None:
    """Wait for a moment until all that was reported has left this process."""
    with suppress(Exception):
        await cast("Awaitable[object]", EventsWorker.drain_all(timeout=2.0, at_exit=False))


def emit_succeeded(job: Job, handle: JobHandle) -> None:
    """Report that a job has succeeded, once a run."""
    if _first_time(job.task_id):
        labels = {} if job.credits is None else {"kie.credits": f"{job.credits:g}"}
        payload = {
            "prompt": plain(job.prompt),
            "credits": job.credits,
            "seconds": job.seconds,
            LENGTH: length_of(job.request_body.get("input") or {}),
            "urls": [plain(url, 2000) for url in job.urls[:10]],
        }
        _emit(JOB_SUCCEEDED, job.task_id, job.model, handle.submission, labels, payload)


def emit_failed(error: KieError, handle: JobHandle, job: Job | None) -> None:
    """Report that a job has failed, once a run; `job` is what the last poll brought."""
    if _first_time(handle.task_id):
        code = plain("" if error.code is None else error.code)
        labels = {"kie.billed": error.billed} | ({"kie.code": code} if code else {})
        payload = {
            "prompt": plain(job.prompt) if job else "",
            "code": code or None,
            "reason": plain((job.fail_message if job else None) or error.message),
            "error": type(error).__name__,
            "billed": error.billed,
        }
        model = job.model if job else handle.model
        _emit(JOB_FAILED, handle.task_id, model, handle.submission, labels, payload)


def length_of(fields: Mapping[str, Any]) -> str:
    """How long a result an input asks for, as text; empty where it does not say."""
    return plain(fields.get("duration") or fields.get("n_frames") or "", 20)


def callback_event(
    task_id: str,
    *,
    kind: Literal["done", "progress"],
    state: str | None = None,
    progress: float | None = None,
    submission: str | None = None,
) -> Event:
    """The event that Kie called back about a job, to be sent, with hints of its state and progress (percent).

    The submission that the callback's address names is left out unless it has the shape of one's key.
    """
    hints: dict[str, str] = {"kie.kind": kind}
    if state:
        hints["kie.state"] = plain(state)
    if progress is not None:
        hints["kie.progress"] = f"{progress:g}"
    if submission and not is_submission_key(submission):
        submission = None
    return Event(**_fields(JOB_CALLBACK, task_id, None, submission, hints, {}))


def _first_time(task_id: str) -> bool:
    end = (flow_run.get_id() or task_run.get_id(), task_id)
    if end in _reported:
        return False
    _reported[end] = None
    if len(_reported) > MAX_REMEMBERED:
        del _reported[next(iter(_reported))]
    return True


def _emit(name: str, *fields: Any) -> None:
    try:
        emit_event(**_fields(name, *fields))
    except Exception as error:  # no job fails for want of an event
        get_logger("prefect_kie").debug("%s was not sent: %r", name, error)


def _fields(
    name: str,
    task_id: str,
    model: str | None,
    submission: str | None,
    labels: dict[str, str],
    payload: dict[str, Any],
) -> dict[str, Any]:
    labels = {"kie.model": plain(model), **labels} if model else labels
    payload = {"model": plain(model), **payload} if model else payload
    by = {"prefect.resource.id": f"kie.submission.{submission}", "prefect.resource.role": "kie-submission"}
    return {
        "event": name,
        "resource": {
            "prefect.resource.id": f"{JOB}{task_id}",
            "prefect.resource.name": plain(f"{model or 'job'} {task_id}"),
            **labels,
        },
        "related": [by] if submission else [],
        "payload": {"task_id": task_id, **payload},
    }
