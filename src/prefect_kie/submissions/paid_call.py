"""The one paid call of a submission: made with an end in time, and what came of it told and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from prefect import get_run_logger

from prefect_kie.api import JobHandle, JobRequest, KieClient, KieError, SubmissionInDoubt
from prefect_kie.blocks import KieCallbacks
from prefect_kie.run_page.events import JOB_SUBMITTED, emit_submitted, events_are_sent
from prefect_kie.runtime.logs import shown_error
from prefect_kie.runtime.loop import Cancellation
from prefect_kie.submissions.budgets import refund
from prefect_kie.submissions.reconcile import in_doubt
from prefect_kie.submissions.store import OUTCOME_SECONDS, ClaimLost, SubmissionRecord, SubmissionRecords

CALL_SECONDS = OUTCOME_SECONDS - 10.0
KEEP_PAUSES = (0.1, 0.5, 2.0, 5.0)
"""Seconds between the tries to record an outcome: a storage that stumbles must not leave a doubt."""


def paid_call(
    client: KieClient,
    request: JobRequest,
    callbacks: KieCallbacks | None,
    key: str,
    too_late: Callable[[], bool],
) -> Coroutine[Any, Any, JobHandle]:
    """The one paid call, for whoever holds a slot; not begun yet. Callbacks name its submission."""
    return client.create_job(
        request,
        callback_url=callbacks.done_url(key) if callbacks else None,
        progress_callback_url=callbacks.progress_url(key) if callbacks and request.reports_progress else None,
        has_slot=True,
        too_late=too_late,
    )


async def send_and_record(
    call: Coroutine[Any, Any, JobHandle],
    records: SubmissionRecords,
    record: SubmissionRecord,
    cancellation: Cancellation,
) -> JobHandle:
    """Make the call, record what came of it, and tell it, even where whoever asked for it has gone.

    Args:
        call: The call, not begun yet.
        records: Where its outcome is kept.
        record: The submission, recorded as one that is about to be sent.
        cancellation: Whether somebody still waits for it.

    Returns:
        The job's handle.

    Raises:
        SubmissionInDoubt: when it is not known whether the job was created.
        KieError: another one when Kie refuses; nothing was created, and the submission may be made again.
    """
    try:
        return await _post(call, records, record)
    except KieError as error:
        if cancellation.cancelled:  # nobody else will tell
            get_run_logger().error("Submission %s: %s", record.key, error)
        raise


async def _post(
    call: Coroutine[Any, Any, JobHandle], records: SubmissionRecords, record: SubmissionRecord
) -> JobHandle:
    try:
        handle = await _answered(call)
    except SubmissionInDoubt as doubt:
        if doubt.task_id is not None:  # an error that names a task: worth knowing at the next try
            named = record.model_copy(update={"task_id": doubt.task_id})
            await _keep(lambda: records.write(named), named)
        raise in_doubt(
            f"it is not known whether submission {record.key} was created: {doubt.message}",
            record,
            task_id=doubt.task_id,
            code=doubt.code,
        ) from None
    except KieError:
        if await _keep(lambda: records.release(record), record):
            with suppress(Exception):  # left behind it harms nobody
                await records.token(record).drop()
        await refund(records, record)
        raise
    emit_submitted(
        handle.task_id, model=record.model, key=record.key, attempt=record.attempt, title=record.title
    )
    submitted = record.became("submitted", task_id=handle.task_id)
    if not await _keep(lambda: records.write(submitted), submitted):
        await events_are_sent()
    get_run_logger().info("%s submitted as job %s (submission %s)", record.model, handle.task_id, record.key)
    return handle.model_copy(
        update={"submission": record.key, "callback_requested": record.callback_requested}
    )


async def _answered(call: Coroutine[Any, Any, JobHandle]) -> JobHandle:
    """The one paid call, with an end in time: afterwards others take its process for gone."""
    try:
        return await asyncio.wait_for(call, CALL_SECONDS)
    except TimeoutError:
        raise SubmissionInDoubt(f"createTask had not answered in full after {CALL_SECONDS:.0f} s") from None


async def _keep(write: Callable[[], Coroutine[Any, Any, None]], record: SubmissionRecord) -> bool:
    """Record an outcome; a storage that fails now must not lose a job that is known here.

    Returns:
        Whether it was recorded.
    """
    trouble: Exception | None = None
    for pause in (*KEEP_PAUSES, 0.0):
        try:
            await write()
        except ClaimLost as error:
            get_run_logger().error(
                "Submission %s became job %s, but %s. Both go on, and are charged if they succeed: fetch "
                "this one with collect_job.",
                record.key,
                record.task_id or "(not known)",
                error,
            )
            return True
        except Exception as error:
            trouble = error
        else:
            return True
        await asyncio.sleep(pause)
    get_run_logger().error(
        "The outcome of submission %s could not be recorded in result storage (%s). This run goes on; run "
        "again, it learns the outcome from the event %s. Job: %s.",
        record.key,
        shown_error(trouble) if trouble else "",
        JOB_SUBMITTED,
        record.task_id or "none that is known",
    )
    return False
