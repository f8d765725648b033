"""Submissions in doubt: how they are told, and what settles them.

A submission is in doubt when its send token says that its call may have gone out, and its record never
learned the outcome. What settles it is a proof (the event of the created job; a job that an unclear answer or
a callback named, polled) or a person's word.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from prefect import get_run_logger

from prefect_kie.api import InvalidRequest, Job, JobNotFound, KieError, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.run_page.events import ATTEMPT, JOB_CALLBACK, JOB_SUBMITTED, emit_submitted
from prefect_kie.runtime.clients import poll_job
from prefect_kie.runtime.logs import shown_error
from prefect_kie.submissions.budgets import refund
from prefect_kie.submissions.event_evidence import events_of, job_of
from prefect_kie.submissions.store import OUTCOME_SECONDS, SubmissionRecord, SubmissionRecords

OTHER_SECONDS = 300.0
"""How far from its submission a job may seem to have been made; both ages are told by one clock each."""


def in_doubt(
    message: str, record: SubmissionRecord, *, task_id: str | None = None, code: int | str | None = None
) -> SubmissionInDoubt:
    """The error that tells of a doubt and leads to `resolve_submission`."""
    doubt = SubmissionInDoubt(
        message,
        task_id=task_id,
        code=code,
        next_step=(
            "Look in Kie's logs page (kie.ai/logs). If the job is there, run resolve_submission with "
            f"submission={record.key!r} and its task_id; if it is not, with release=True, which lets it be "
            f"paid for anew. Then {record.run_again}."
        ),
    )
    doubt.submission = record.key
    return doubt


async def settled_by_evidence(
    records: SubmissionRecords, record: SubmissionRecord, kie: KieCredentials
) -> SubmissionRecord:
    """What became of a submission in doubt, where there is proof of it now.

    Args:
        records: Where the record is kept.
        record: The record, in state `submitting`, whose process can no longer learn the outcome.
        kie: For polling a job that is only supposed to be this submission's.

    Returns:
        The record, brought up to date: `submitted` where there is a job, `released` where Kie is proven to
        have created none; as it was where nothing is proven.

    Raises:
        SubmissionNotRecorded: when the storage cannot be asked, or what is proven cannot be written.
    """
    try:
        unsent = await records.token(record).void()
    except Exception as error:
        raise SubmissionNotRecorded(
            f"the result storage cannot tell whether submission {record.key} was sent before "
            f"({shown_error(error)}); nothing was sent now",
            retryable=True,
        ) from None  # its cause may quote a password
    if unsent:
        get_run_logger().info("Submission %s was begun, and its process never sent it", record.key)
        return await release(records, record)
    for event in await events_of(record, JOB_SUBMITTED):
        if job_of(event) and event.resource.get(ATTEMPT) == record.attempt:
            get_run_logger().info(
                "Submission %s was answered with job %s, although its record does not know; now it does",
                record.key,
                job_of(event),
            )
            return await bind(records, record, job_of(event))
    called_back = [job_of(event) for event in await events_of(record, JOB_CALLBACK)]
    # Named by an unclear answer, or by Kie's callbacks to this submission's own address.
    for task_id in dict.fromkeys([*filter(None, [record.task_id]), *called_back]):
        try:
            await check_is_its_job(records, record, task_id, kie)
        except KieError as error:
            get_run_logger().info("Job %s proves nothing: %s", task_id, error.message)
            continue
        get_run_logger().info("Job %s exists and is what submission %s asked for", task_id, record.key)
        return await bind(records, record, task_id)
    return record


async def bind(records: SubmissionRecords, record: SubmissionRecord, task_id: str) -> SubmissionRecord:
    """Write down that a submission became this job, for ever, and tell the Prefect server.

    Raises:
        SubmissionNotRecorded: when it cannot be written; the doubt stays.
    """
    bound = record.became("submitted", task_id=task_id)
    with _recorded(record):
        await records.write(bound)
    emit_submitted(task_id, model=bound.model, key=bound.key, attempt=bound.attempt, title=bound.title)
    return bound


async def release(records: SubmissionRecords, record: SubmissionRecord) -> SubmissionRecord:
    """Write down that Kie created nothing, so that the submission may be made again.

    Raises:
        SubmissionNotRecorded: when it cannot be written; the doubt stays.
    """
    with _recorded(record):
        await records.release(record)
    await refund(records, record)
    return record.became("released")


@contextmanager
def _recorded(record: SubmissionRecord) -> Generator[None, None, None]:
    try:
        yield
    except Exception as error:
        raise SubmissionNotRecorded(
            f"what became of submission {record.key} is known now but cannot be recorded "
            f"({shown_error(error)}); nothing was sent",
            retryable=True,
        ) from None  # its cause may quote a password


async def check_is_its_job(
    records: SubmissionRecords, record: SubmissionRecord, task_id: str, kie: KieCredentials
) -> Job:
    """Make sure, by a poll, that a job is what a submission asked for, and is no other submission's.

    Returns:
        The job.

    Raises:
        InvalidRequest: when it is another model's, was asked with other input, is of another time, or is
            another submission's already.
        JobNotFound: when Kie knows no such job (or not yet).
        KieError: another one when Kie cannot be asked.
    """
    await _check_is_nobody_elses(records, record, task_id)
    try:
        job = await poll_job(kie, task_id)
    except JobNotFound as error:
        error.next_step = (
            "Check the id in Kie's logs page (kie.ai/logs); a job younger than two minutes may not show yet. "
            "Nothing was changed."
        )
        raise
    differences = _differences(record, job)
    if differences:
        raise InvalidRequest(
            f"job {task_id} is not what submission {record.key} asked for: {'; '.join(differences)}",
            next_step=(
                "Look in Kie's logs page (kie.ai/logs) for the right job. Nothing was changed. To fetch this "
                f"one all the same, run collect_job with {task_id!r}."
            ),
        )
    return job


async def _check_is_nobody_elses(records: SubmissionRecords, record: SubmissionRecord, task_id: str) -> None:
    """Two takes of one request ask for the same: a job can be only one of them."""
    async for other in records.all():
        if not isinstance(other, SubmissionRecord) or other.state != "submitted":
            continue
        if other.task_id == task_id and other.key != record.key:
            raise InvalidRequest(
                f"job {task_id} is submission {other.key} already, so it cannot be {record.key} as well",
                task_id=task_id,
                next_step="Look for another job in Kie's logs page (kie.ai/logs); nothing was changed.",
            )


def _differences(record: SubmissionRecord, job: Job) -> list[str]:
    if not job.request_body:
        return ["Kie's record of it does not tell what was asked for"]
    found: list[str] = []
    if job.model != record.model:
        found.append(f"its model is {job.model}, not {record.model}")
    asked: dict[str, Any] = job.request_body.get("input") or {}
    for name, value in record.input.items():
        if name not in asked or not _same(asked[name], value):
            found.append(f"its {name} is {_shown(asked.get(name))}, not {_shown(value)}")
    if job.age is not None and job.age > record.age + OTHER_SECONDS:
        found.append(f"it is {job.age - record.age:,.0f} s older than the submission")
    if job.age is not None and job.age < record.age - OUTCOME_SECONDS - OTHER_SECONDS:
        found.append(f"it was made {record.age - job.age:,.0f} s after the submission")
    return found


def _same(echoed: Any, sent: Any) -> bool:
    # Kie echoes input as it was sent; booleans and numbers may come back as text.
    return bool(echoed == sent) or _plain(echoed) == _plain(sent)


def _plain(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _shown(value: Any) -> str:
    text = _plain(value)
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
