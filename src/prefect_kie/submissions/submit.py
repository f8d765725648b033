"""Submitting a job exactly once: record, one paid call, record."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from prefect import get_run_logger
from prefect.runtime import flow_run

from prefect_kie.api import JobHandle, JobRequest
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.callbacks.waiter import callback_waiter
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.keys import submission_key
from prefect_kie.runtime.clients import create_slot
from prefect_kie.runtime.logs import shown_error
from prefect_kie.runtime.loop import Cancellation, run_on_loop, run_uncancellable
from prefect_kie.runtime.single_flight import single_flight
from prefect_kie.storage.run_storage import submission_scope
from prefect_kie.submissions.budgets import Budget, refund
from prefect_kie.submissions.paid_call import paid_call, send_and_record
from prefect_kie.submissions.reconcile import in_doubt, settled_by_evidence
from prefect_kie.submissions.send_tokens import Departure
from prefect_kie.submissions.store import OUTCOME_SECONDS, SubmissionRecord, SubmissionRecords

POLL_SECONDS = 0.5
UNSENT_SECONDS = 5.0
"""So long another process may take between its record and its call before it is taken for gone; taken so
wrongly, it sends nothing and finds the job of whoever took over."""
CLAIM_TRIES = 5


async def submit(
    request: JobRequest,
    credentials: KieCredentials | str,
    *,
    take: int,
    job_key: str | None,
    second_try: int = 0,
    max_credits: float | None = None,
) -> JobHandle:
    """Submit a job once, however often this is called: what every model task does.

    Args:
        request: What to make.
        credentials: The key's block, or its name.
        take: 1, 2, 3 … for deliberate variations of one request.
        job_key: Whose job it is; None: the run's (the outermost flow run's, if there is one).
        second_try: 1, 2 … for a new job after one that failed, uncharged.
        max_credits: What all submissions of this job_key may pay together, credits; None: no cap.

    Returns:
        The job's handle: of the job submitted now, or of the one submitted before.

    Raises:
        SubmissionInDoubt: when it is not known whether the job was created, now or in an earlier try.
        SubmissionNotRecorded: when the record cannot be kept; nothing was sent.
        BudgetExceeded: when a budget does not allow it; nothing was sent.
        KieError: another one when Kie refuses; nothing was created.
    """
    if take < 1:
        raise ValueError(f"take counts from 1; got {take}")
    if second_try < 0:
        raise ValueError(f"second_try counts from 0, the first try; got {second_try}")
    scope = await submission_scope(job_key)
    kie = await load_credentials(credentials)
    record = SubmissionRecord(
        key=submission_key(kie, scope, request, take, second_try),
        scope=scope,
        model=request.model_name,
        input=request.input_fields(),
        callback_requested=kie.callbacks is not None,
        flow_run_id=flow_run.get_id(),
    )
    records = await SubmissionRecords.of_this_run()
    budget = Budget(records, scope, max_credits)
    if await records.read(record.key) is None:
        await budget.check({record.key: request})  # what is refused waits for no slot
        if record.callback_requested:
            await run_on_loop(callback_waiter().ensure_subscribed)
    cancellation = Cancellation()
    try:
        work = partial(_submit_once, record, request, kie, records, budget, cancellation)
        return await run_uncancellable(work, cancellation)
    except asyncio.CancelledError:
        if cancellation.committed:
            get_run_logger().warning(
                "Stopped while submission %s of %s is out. It comes to its end all the same, and its job, if "
                "Kie creates one, is recorded, goes on and is charged if it succeeds: the next line that "
                "names this submission says which. To go on with it, %s.",
                record.key,
                record.model,
                record.run_again,
            )
        raise


async def _submit_once(
    mine: SubmissionRecord,
    request: JobRequest,
    kie: KieCredentials,
    records: SubmissionRecords,
    budget: Budget,
    cancellation: Cancellation,
) -> JobHandle:
    """Submit, or find what was submitted before."""
    async with single_flight(mine.key):
        for _ in range(CLAIM_TRIES):
            found = await _once_known(records, mine.key, cancellation)
            if found is not None and found.state == "submitting":
                found = await settled_by_evidence(records, found, kie)
                if found.state == "released":
                    continue
            if found is not None:
                return _known_handle(found)
            cancellation.begin_waiting()
            async with create_slot(kie) as client:
                cancellation.try_commit()
                attempt = await budget.reserve(mine.new_attempt(), request)
                too_late = await _begun(records, attempt)
                if too_late is not None:
                    call = paid_call(client, request, kie.callbacks, attempt.key, too_late)
                    return await send_and_record(call, records, attempt, cancellation)
    raise SubmissionNotRecorded(
        f"others took submission {mine.key} each time this run was about to make it, and then let it go; "
        "this run sent nothing",
        next_step="Run it again.",
    )


async def _begun(records: SubmissionRecords, mine: SubmissionRecord) -> Callable[[], bool] | None:
    """Tell, where this attempt is the one that makes the call, when it is too late to begin it; else None.

    Where it is not, its reservation is free again.
    """
    departure = Departure()
    try:
        if await _claimed(records, mine):
            return departure.is_over
    except BaseException:
        await refund(records, mine)
        raise
    await refund(records, mine)
    return None


async def _claimed(records: SubmissionRecords, mine: SubmissionRecord) -> bool:
    """Whether this attempt holds the submission, and the call may begin."""
    if not await records.claim(mine):
        return False
    token = records.token(mine)
    try:
        return await token.send()
    except Exception as error:
        with suppress(Exception):  # what stays is a doubt that is none: a person can release it
            await records.release(mine)
            await token.drop()
        raise SubmissionNotRecorded(
            f"the result storage cannot be written ({shown_error(error)}); nothing was sent"
        ) from None  # its cause may quote a password


async def _once_known(
    records: SubmissionRecords, key: str, cancellation: Cancellation
) -> SubmissionRecord | None:
    """The record, once no other process can be about to learn its outcome."""
    told = False
    end = time.monotonic() + OUTCOME_SECONDS  # other machines' clocks may say otherwise
    while True:
        found = await records.read(key)
        if found is None or not found.in_flight_seconds or time.monotonic() > end:
            return found
        if found.age > UNSENT_SECONDS and not await _is_sent(records, found):
            return found
        if cancellation.cancelled:
            raise asyncio.CancelledError
        if not told:
            get_run_logger().info(
                "Process %s on %s is submitting this very job (%s); its answer is waited for, %.0f s at most",
                found.process,
                found.host,
                key,
                found.in_flight_seconds,
            )
            told = True
        await asyncio.sleep(POLL_SECONDS)


async def _is_sent(records: SubmissionRecords, record: SubmissionRecord) -> bool:
    try:
        return await records.token(record).is_sent()
    except Exception:
        return True  # as long as it is not known


def _known_handle(record: SubmissionRecord) -> JobHandle:
    """The handle of a job that was submitted before, or the doubt about it."""
    if record.state == "submitted" and record.task_id is not None:
        get_run_logger().info(
            "%s was submitted before as job %s and is not paid again; another video of the same request "
            "takes another `take` (submission %s)",
            record.model,
            record.task_id,
            record.key,
        )
        return JobHandle(
            task_id=record.task_id,
            model=record.model,
            submission=record.key,
            submitted_at=record.written_at,
            callback_requested=record.callback_requested,
        )
    raise in_doubt(
        f"submission {record.key} of {record.model} was begun on {record.written_at:%Y-%m-%d at %H:%M:%S} "
        f"UTC{_elsewhere(record)} and its outcome was never learned; it is not sent again",
        record,
        task_id=record.task_id,
    )


def _elsewhere(record: SubmissionRecord) -> str:
    return "" if record.host == socket.gethostname() else f" on {record.host}"
