"""Submitting a job exactly once: record, one paid call, record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from datetime import datetime, timezone
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
from prefect_kie.tasks.records import (
    SubmissionRecord,
    SubmissionRecords,
    one_at_a_time,
    submission_key,
)
from prefect_kie.tasks.runs import run_base

OUTCOME_SECONDS = 200.0
"""How long after its record another process's call may still be answered (createTask waits 180 s)."""

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
    return await _beyond_cancelling(lambda: _submit_once(key, request, kie, records))


async def _submit_once(
    key: str, request: JobRequest, kie: KieCredentials, records: SubmissionRecords
) -> JobHandle:
    async with one_at_a_time(key), kie.get_client() as client:
        for _ in range(CLAIM_TRIES):
            found = await _settled(records, key)
            if found is not None and found.state != "rejected":
                return _known_handle(found, records.address(key))
            mine = SubmissionRecord(
                key=key,
                model=request.model_name,
                input=request.input_fields(),
                flow_run_id=flow_run.get_id(),
            )
            if await records.claim(mine, instead_of=found):
                return await _post(client, request, records, mine)
    raise SubmissionNotRecorded(
        f"others took submission {key} each time this run was about to make it, and then let it go; this run "
        "sent nothing",
        next_step="Run it again.",
    )


async def _post(
    client: KieClient, request: JobRequest, records: SubmissionRecords, record: SubmissionRecord
) -> JobHandle:
    try:
        handle = await client.create_job(request)
    except SubmissionInDoubt as doubt:
        if doubt.task_id is not None:  # an error that names a task: worth knowing at the next try
            named = record.model_copy(update={"task_id": doubt.task_id})
            await _keep(lambda: records.write(named), named)
        raise _doubt(
            f"it is not known whether submission {record.key} was created: {doubt.message}",
            record,
            records.address(record.key),
            task_id=doubt.task_id,
            code=doubt.code,
        ) from None
    except KieError as refusal:
        reason = refusal.message
        await _keep(lambda: records.release(record, reason), record)
        raise
    submitted = record.became("submitted", task_id=handle.task_id)
    await _keep(lambda: records.write(submitted), submitted)
    get_run_logger().info(
        "%s submitted as job %s (submission %s)", request.model_name, handle.task_id, record.key
    )
    return handle.model_copy(update={"submission": record.key})


async def _settled(records: SubmissionRecords, key: str) -> SubmissionRecord | None:
    """The record, once no other process can be about to learn its outcome."""
    told = False
    while True:
        found = await records.read(key)
        if found is None or not found.may_still_be_sent:
            return found
        left = OUTCOME_SECONDS - (datetime.now(timezone.utc) - found.written_at).total_seconds()
        if left < 0:
            return found
        if not told:
            get_run_logger().info(
                "Process %s on %s is submitting this very job (%s); its answer is waited for, %.0f s at most",
                found.process,
                found.host,
                key,
                left,
            )
            told = True
        await asyncio.sleep(LOOK_SECONDS)


async def _keep(write: Callable[[], Coroutine[Any, Any, None]], record: SubmissionRecord) -> None:
    """Record an outcome; a storage that fails now must not lose a job that is known here."""
    trouble: Exception | None = None
    for pause in (*KEEP_PAUSES, 0.0):
        try:
            return await write()
        except Exception as error:
            trouble = error
        await asyncio.sleep(pause)
    get_run_logger().error(
        "The outcome of submission %s could not be recorded (%r). This run goes on; if it is run again, it "
        "will report this submission as in doubt. Job: %s.",
        record.key,
        trouble,
        record.task_id or "none that is known",
    )
    return None


def _known_handle(record: SubmissionRecord, address: str) -> JobHandle:
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
    raise _doubt(
        f"submission {record.key} of {record.model} was begun on {record.written_at:%Y-%m-%d at %H:%M:%S} "
        "UTC and its outcome was never learned; it is not sent again",
        record,
        address,
        task_id=record.task_id,
    )


def _doubt(message: str, record: SubmissionRecord, address: str, **known: Any) -> SubmissionInDoubt:
    doubt = SubmissionInDoubt(
        message,
        next_step=(
            "Look in Kie's logs page (kie.ai/logs). If the job is there, run collect_job with its task id. "
            f"If it is not, delete the record {address} and run this same run (or job_key) again, which "
            "submits it anew."
        ),
        **known,
    )
    doubt.submission = record.key
    return doubt


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
