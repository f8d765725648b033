"""The events of jobs and batches, for people and automations; docs/notifications.md has a table of all.

A name says what it is about and what happened: `kie.job.saved` has the resource `kie.job.<task id>`. Each has
labels for automations; Prefect relates it to the task run, the flow run, its deployment and its tags.

Each run that waits for a job reports its end once, since an automation may wait for that run. A wait that
ends before the job does (a deadline, a cancelled run) reports nothing: the job goes on.

What needs a person (a run asks, stops for money, or left a submission in doubt) has the label `kie.occasion`,
by which `prefect-kie setup --notify` tells each of them once.
"""

from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, Literal, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.events import Event, emit_event
from prefect.events.worker import EventsWorker
from prefect.logging import get_logger
from prefect.runtime import flow_run, task_run

from prefect_kie import api
from prefect_kie.api import Job, JobHandle, KieError
from prefect_kie.errors import BudgetExceeded
from prefect_kie.keys import is_submission_key
from prefect_kie.media.kinds import PICTURE_SUFFIXES, SOUND_SUFFIXES, VIDEO_SUFFIXES
from prefect_kie.media.saved import SavedFile, SavedResult
from prefect_kie.run_page.markdown import cell, plain
from prefect_kie.runtime.best_effort import best_effort

JOB_SUBMITTED = "kie.job.submitted"
JOB_SUCCEEDED = "kie.job.succeeded"
JOB_FAILED = "kie.job.failed"
JOB_SAVED = "kie.job.saved"
JOB_CALLBACK = "kie.job.callback"  # a reason to poll a job, and no proof of anything else
BATCH_FINISHED = "kie.batch.finished"
JOB = "kie.job."  # how the ID of a job's resource begins; its task ID follows

ATTEMPT = "kie.attempt"
OCCASION = "kie.occasion"
"""A label: the same however often one thing is reported, as by a run that is run again after a crash."""
LENGTH = "length"
"""In a success's payload: how long a result was asked for, which tells most of how long its job takes."""
MAX_REMEMBERED = 10_000
MAX_LISTED = 10
PROGRESS_SECONDS = 15.0  # a job's progress is reported and shown from this age on, and not more often
LIMIT_SECONDS = 5.0  # a server that takes longer is not asked how often the run has ended
KINDS = {"video": VIDEO_SUFFIXES, "image": PICTURE_SUFFIXES, "audio": SOUND_SUFFIXES}

_reported: dict[tuple[str | None, str], None] = {}
"""What runs of this process have reported, to report it once. Not by the event's ID: a server on SQLite that
gets one ID twice may refuse all events that come with it."""


def emit_submitted(task_id: str, *, model: str, key: str, attempt: str, title: str) -> None:
    """Report a created job, which makes `title`; `key` and `attempt` name its submission."""
    emit(event_of_job(JOB_SUBMITTED, task_id, model, {ATTEMPT: attempt}, {"prompt": plain(title)}, key))


async def events_are_sent() -> None:
    """Wait for a moment until all that was reported has left this process."""
    with suppress(Exception):
        await cast("Awaitable[object]", EventsWorker.drain_all(timeout=2.0, at_exit=False))


def emit_succeeded(job: Job, handle: JobHandle) -> None:
    """Report that a job has succeeded, once a run."""
    if first_time(job.task_id):
        labels = {} if job.credits is None else {"kie.credits": f"{job.credits:g}"}
        payload = {
            "prompt": plain(job.prompt),
            "credits": job.credits,
            "seconds": job.seconds,
            LENGTH: length_of(job.request_body.get("input") or {}),
            "urls": [plain(url, 2000) for url in job.urls[:MAX_LISTED]],
        }
        emit(event_of_job(JOB_SUCCEEDED, job.task_id, job.model, labels, payload, handle.submission))


def emit_saved(job: Job, saved: "SavedResult") -> None:
    """Report where the files of a job are, once a run, whether or not an earlier one had saved them."""
    if first_time(f"saved {job.task_id}"):
        files = [
            {"path": plain(file.path, 2000), "kind": _kind(file), "bytes": file.size, "role": file.role}
            for file in saved.files[:MAX_LISTED]
        ]
        payload = {"prompt": plain(job.prompt), **files[0], "files": files}
        labels = {"kie.kind": _kind(saved.files[0])}
        emit(event_of_job(JOB_SAVED, job.task_id, job.model, labels, payload))


def emit_failed(error: KieError, handle: JobHandle, job: Job | None) -> None:
    """Report that a job has failed, once a run; `job` is what the last poll brought."""
    if first_time(handle.task_id):
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
        emit(event_of_job(JOB_FAILED, handle.task_id, model, labels, payload, handle.submission))


async def emit_batch_finished(
    name: str, counts: Mapping[str, int], results: str, message: str, **credits: float | None
) -> None:
    """Report that a run of a batch has made what it could; `counts` are its rows by what became of them."""
    rows, resource = sum(counts.values()), plain(name)
    complete = "yes" if counts.get("saved", 0) == rows else "no"
    about = {"batch": resource, "rows": rows, "counts": dict(counts), "results": plain(results, 2000)}
    payload = {**about, **credits, "message": plain(message)}
    labels = {"kie.complete": complete, OCCASION: await occasion("batch")}
    emit(event_of(BATCH_FINISHED, f"kie.batch.{resource}", resource, labels, payload))


async def occasion(what: str) -> str:
    """The name of what happens in this run: the same when it is run again after a crash, and another one
    after any other end, as when a person retries it.
    """
    run_id, ends = flow_run.get_id(), 0

    async def ended() -> int:
        async with get_client() as client:
            states = await client.read_flow_run_states(UUID(run_id))
        return sum(state.is_final() and not state.is_crashed() for state in states)

    with suppress(Exception):
        ends = await best_effort(ended, LIMIT_SECONDS) if run_id else 0
    return f"{run_id or task_run.get_id()}.{what}.{ends}"


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
    percent = "" if progress is None else f"{progress:g}"
    hints = {"kie.kind": kind, "kie.state": plain(state or ""), "kie.progress": percent}
    known = {name: hint for name, hint in hints.items() if hint}
    by = submission if submission and is_submission_key(submission) else None
    return Event(**event_of_job(JOB_CALLBACK, task_id, None, known, {}, by))


def first_time(what: str) -> bool:
    """Whether this run has not reported this yet, as far as this process knows."""
    end = (flow_run.get_id() or task_run.get_id(), what)
    if end in _reported:
        return False
    _reported[end] = None
    if len(_reported) > MAX_REMEMBERED:
        del _reported[next(iter(_reported))]
    return True


def emit(event: Mapping[str, Any]) -> None:
    """Send an event in the background."""
    try:
        emit_event(**event)
    except Exception as error:  # no job fails for want of an event
        get_logger("prefect_kie").debug("%s was not sent: %r", event["event"], error)


def _kind(file: "SavedFile") -> str:
    if file.role in ("text", "data"):
        return file.role
    return next((kind for kind, suffixes in KINDS.items() if file.name.endswith(suffixes)), "file")


def event_of_job(
    name: str,
    task_id: str,
    model: str | None,
    labels: Mapping[str, str],
    payload: Mapping[str, Any],
    submission: str | None = None,
) -> dict[str, Any]:
    """An event about a job, with its model where that is known."""
    labels = {"kie.model": plain(model), **labels} if model else labels
    payload = {"task_id": task_id, **({"model": plain(model)} if model else {}), **payload}
    return event_of(name, f"{JOB}{task_id}", f"{model or 'job'} {task_id}", labels, payload, submission)


def event_of(
    name: str,
    resource: str,
    title: str,
    labels: Mapping[str, str],
    payload: Mapping[str, Any],
    submission: str | None = None,
) -> dict[str, Any]:
    """An event about a resource; related to a submission, by its key."""
    by = {"prefect.resource.id": f"kie.submission.{submission}", "prefect.resource.role": "kie-submission"}
    return {
        "event": name,
        "resource": {"prefect.resource.id": resource, "prefect.resource.name": plain(title), **labels},
        "related": [by] if submission else [],
        "payload": dict(payload),
    }


ASKED = "kie.flow-run.asked"
ANSWERED = "kie.flow-run.answered"
BUDGET_REACHED = "kie.flow-run.budget-reached"
ACCOUNT_REFUSED = "kie.flow-run.account-refused"
IN_DOUBT = "kie.submission.in-doubt"

REFUSALS: dict[type[KieError], str] = {
    api.InsufficientCredits: "no-credits",
    api.AuthenticationFailed: "key",
    api.UsageLimitReached: "usage-limit",
}
"""Refusals that meet every job of an account, and the labels that tell them apart."""

MESSAGE_LENGTH = 1000


async def emit_asked(question: str, asks: str, *, until: str) -> None:
    """Report that this run waits for a person's answer; a question is `kie-<kind>-…`."""
    name = flow_run.get_name()
    message = f"{name} waits for your answer: {asks} Open the run and choose Resume; it ends at {until} UTC."
    payload = {"question": asks, "until": until, "message": cell(message, MESSAGE_LENGTH)}
    await _emit_of_run(ASKED, question, {"kie.question": question.split("-")[1]}, payload)


async def emit_answered(question: str, asks: str, answer: Mapping[str, Any]) -> None:
    """Report a person's answer, field by field."""
    said = {name: plain(value) for name, value in answer.items()}
    payload = {"question": asks, "answer": said}
    await _emit_of_run(ANSWERED, question, {"kie.question": question.split("-")[1]}, payload)


async def emit_refusals(error: KieError) -> None:
    """Report what an error says of money or the key, once a run; a `RunIncomplete` says it of each job."""
    errors: tuple[KieError, ...] = getattr(error, "errors", ())
    for one in (error, *errors):
        reason = next((reason for kind, reason in REFUSALS.items() if isinstance(one, kind)), None)
        if isinstance(one, BudgetExceeded):
            name, reason = BUDGET_REACHED, one.budget
            labels, payload = {"kie.budget": reason}, {"left": one.left}
        elif reason is not None:
            name, labels, payload = ACCOUNT_REFUSED, {"kie.reason": reason}, {}
        else:
            continue
        await _emit_of_run(name, reason, labels, {**payload, "message": _message(one)}, once=True)


def emit_in_doubt(doubt: api.SubmissionInDoubt, *, model: str, key: str, attempt: str, title: str) -> None:
    """Report, once a run, that nobody knows what became of a submission; another attempt is another doubt."""
    if first_time(f"in doubt {attempt}"):
        labels = {"kie.model": plain(model), ATTEMPT: attempt, OCCASION: attempt}
        payload = {
            "model": plain(model),
            "prompt": plain(title),
            "submission": key,
            "task_id": doubt.task_id,
            "next_step": plain(doubt.next_step, MESSAGE_LENGTH),
            "message": _message(doubt),
        }
        emit(event_of(IN_DOUBT, f"kie.submission.{key}", f"{model} {key}", labels, payload))


async def _emit_of_run(
    name: str, what: str, labels: dict[str, str], payload: dict[str, Any], *, once: bool = False
) -> None:
    try:
        labels = {**labels, OCCASION: await occasion(what)}
        if once and not first_time(f"{name} {labels[OCCASION]}"):
            return
        run = flow_run.get_id()
        resource = f"prefect.flow-run.{run}" if run else f"prefect.task-run.{task_run.get_id()}"
        title = flow_run.get_name() or task_run.get_name() or ""
        emit(event_of(name, resource, title, labels, payload))
    except Exception as error:  # the server may be away, by whom Prefect knows a run's name
        get_logger("prefect_kie").debug("%s was not sent: %r", name, error)


def _message(error: KieError) -> str:
    return cell(f"{error.message.rstrip('.')}. {error.next_step}", MESSAGE_LENGTH)
