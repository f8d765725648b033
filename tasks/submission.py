"""Submitting a job exactly once: record, one paid call, record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar
from weakref import WeakSet

from prefect import get_run_logger
from prefect.runtime import flow_run

from prefect_kie.api import (
    JobHandle,
    JobRequest,
    KieClient,
    KieError,
    SubmissionInDoubt,
    SubmissionNotRecorded,
)
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.tasks import traces
from prefect_kie.tasks.doubts import in_doubt, settled_by_proof
from prefect_kie.tasks.events import JOB_SUBMITTED, tell_submitted
from prefect_kie.tasks.pacing import wait_for_turn
from prefect_kie.tasks.records import (
    SubmissionRecord,
    SubmissionRecords,
    one_at_a_time,
    submission_key,
)
from prefect_kie.tasks.runs import run_base

LOOK_SECONDS = 0.5
CLAIM_TRIES = 5
KEEP_PAUSES = (0.1, 0.5, 2.0)
"""Seconds between the tries to record an outcome: a storage that stumbles must not leave a doubt."""

T = TypeVar("T")


async def submit(
    request: JobRequest, credentials: KieCredentials | str, *, take: int, job_key: str | None
) -> JobHandle:
    """Submit a job once, however often this is called: what every model task does.

    Args:
        request: What to make.
        credentials: The key's block, or its name.
        take: 1, 2, 3 … for deliberate variations of one request.
        job_key: Whose job it is; None: the run's (the outermost flow run's, if there is one).

    Returns:
        The job's handle: of the job submitted now, or of the one submitted before.

    Raises:
        SubmissionInDoubt: when it is not known whether the job was created, now or in an earlier try.
        SubmissionNotRecorded: when the record cannot be kept; nothing was sent.
        KieError: another one when Kie refuses; nothing was created.
    """
    if take < 1:
        raise ValueError(f"take counts from 1; got {take}")
    key = submission_key(await run_base(job_key), request, take)
    kie = await load_credentials(credentials)
    records = await SubmissionRecords.of_this_run()
    found = await records.read(key)
    if found is None or found.state == "rejected":
        await wait_for_turn()
    try:
        return await _beyond_cancelling(lambda: _submit_once(key, request, kie, records))
    except asyncio.CancelledError:
        get_run_logger().warning(
            "Stopped while submission %s of %s is out. It comes to its end all the same, and its job, if Kie "
            "creates one, is recorded, goes on and is charged if it succeeds: the next line that names this "
            "submission says which. Run this run again to go on with it.",
            key,
            request.model_name,
        )
        raise


async def _submit_once(
    key: str, request: JobRequest, kie: KieCredentials, records: SubmissionRecords
) -> JobHandle:
    async with one_at_a_time(key), kie.get_client() as client:
        for _ in range(CLAIM_TRIES):
            found = await _once_known(records, key)
            if found is not None and found.state == "submitting":
                found = await settled_by_proof(records, found, client)
                if found.state == "rejected":
                    continue  # there may be no record any more
            if found is not None and found.state != "rejected":
                return _known_handle(found)
            mine = SubmissionRecord(
                key=key,
                model=request.model_name,
                input=request.input_fields(),
                flow_run_id=flow_run.get_id(),
            )
            if await _claimed(records, mine, found):
                return await _post(client, request, records, mine)
    raise SubmissionNotRecorded(
        f"others took submission {key} each time this run was about to make it, and then let it go; this run "
        "sent nothing",
        next_step="Run it again.",
    )


async def _claimed(
    records: SubmissionRecords, mine: SubmissionRecord, found: SubmissionRecord | None
) -> bool:
    """Whether this attempt holds the submission, and the call may begin."""
    traces.begin(mine)
    if not await records.claim(mine, instead_of=found):
        traces.forget(mine)
        return False
    try:
        traces.sending(mine)
    except OSError as error:
        await records.release(mine, "this machine's disk is in trouble")
        raise SubmissionNotRecorded(
            f"this machine's disk cannot be written ({error}); nothing was sent",
            next_step="Make room in Prefect's home directory (PREFECT_HOME), then run again.",
        ) from error
    return True


async def _post(
    client: KieClient, request: JobRequest, records: SubmissionRecords, record: SubmissionRecord
) -> JobHandle:
    try:
        handle = await client.create_job(request)
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
    except KieError as refusal:
        reason = refusal.message
        traces.leave(record, refusal=reason)
        await _keep(lambda: records.release(record, reason), record)
        raise
    traces.leave(record, task_id=handle.task_id)
    tell_submitted(record, handle.task_id)
    submitted = record.became("submitted", task_id=handle.task_id)
    await _keep(lambda: records.write(submitted), submitted)
    get_run_logger().info(
        "%s submitted as job %s (submission %s)", request.model_name, handle.task_id, record.key
    )
    return handle.model_copy(update={"submission": record.key})


async def _once_known(records: SubmissionRecords, key: str) -> SubmissionRecord | None:
    """The record, once no other process can be about to learn its outcome."""
    told = False
    while True:
        found = await records.read(key)
        if found is None or not found.open_seconds:
            return found
        if not told:
            get_run_logger().info(
                "Process %s on %s is submitting this very job (%s); its answer is waited for, %.0f s at most",
                found.process,
                found.host,
                key,
                found.open_seconds,
            )
            told = True
        await asyncio.sleep(LOOK_SECONDS)


async def _keep(write: Callable[[], Coroutine[Any, Any, None]], record: SubmissionRecord) -> None:
    """Record an outcome; a storage that fails now must not lose a job that is known here."""
    trouble: Exception | None = None
    for pause in (*KEEP_PAUSES, 0.0):
        try:
            await write()
        except Exception as error:
            trouble = error
        else:
            traces.forget(record)
            return
        await asyncio.sleep(pause)
    get_run_logger().error(
        "The outcome of submission %s could not be recorded in result storage (%r). This run goes on; run "
        "again, it learns the outcome from this machine's disk or from the event %s. Job: %s.",
        record.key,
        trouble,
        JOB_SUBMITTED,
        record.task_id or "none that is known",
    )


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
        )
    raise in_doubt(
        f"submission {record.key} of {record.model} was begun on {record.written_at:%Y-%m-%d at %H:%M:%S} "
        "UTC and its outcome was never learned; it is not sent again",
        record,
        task_id=record.task_id,
    )


async def _beyond_cancelling(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do something that must come to its end although its run is cancelled or timed out.

    In a thread with an event loop of its own, which neither Prefect's time limits nor the end of the
    run's own loop can touch, and which the interpreter waits for when it exits.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # from here on, cancelling the caller does not cancel it
    context = copy_context()

    def run() -> None:
        try:
            outcome.set_result(context.run(asyncio.run, work()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="kie-submission", daemon=False)
    _threads.add(thread)
    thread.start()
    return await asyncio.wrap_future(outcome)


_threads: WeakSet[threading.Thread] = WeakSet()


def _let_them_end() -> None:
    for thread in list(_threads):
        thread.join()


# The interpreter waits for these threads anyway, but first it closes the pools they need for files and
# host names, unless somebody asked to come before; the executors of concurrent.futures ask like this.
if (register := getattr(threading, "_register_atexit", None)) is not None:
    register(_let_them_end)
