"""Submitting a job exactly once: record, one paid call, record."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, NoReturn

import anyio.to_thread
from prefect import get_run_logger
from prefect.context import TaskRunContext
from prefect.runtime import flow_run

from prefect_kie.api import JobHandle, JobRequest, KieClient, KieError, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.tasks.records import SubmissionRecord, SubmissionRecords, one_at_a_time, submission_key

CANCEL_GRACE = 20.0
"""Seconds a cancelled run waits for the answer to a call that is already out."""

RECORD_TRIES = 3


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
    if job_key is not None and not job_key.strip():
        raise ValueError("job_key must not be empty; leave it out to use the flow run's id")
    kie = await load_credentials(credentials)
    key = submission_key(job_key or await _run_base(), request, take)
    records = SubmissionRecords.of_this_run()
    async with one_at_a_time(key), kie.get_client() as client:
        found = await records.read(key)
        if found is None or found.state == "rejected":
            mine = _new_record(key, request)
            if await records.claim(mine, instead_of=found):
                return await _despite_cancelling(_post(client, request, records, mine))
            found = await records.read(key)
    return _known_handle(found, key)


async def _post(
    client: KieClient, request: JobRequest, records: SubmissionRecords, record: SubmissionRecord
) -> JobHandle:
    logger = get_run_logger()
    try:
        handle = await client.create_job(request)
    except SubmissionInDoubt as doubt:
        _in_doubt(doubt, record)
    except KieError as refusal:
        await _keep(records, record.became("rejected", reason=refusal.message))
        raise
    # The log first: a second trace of the id, should the record's write fail.
    logger.info("%s submitted as job %s (submission %s)", request.model_name, handle.task_id, record.key)
    await _keep(records, record.became("submitted", task_id=handle.task_id))
    return handle.model_copy(update={"submission": record.key})


async def _keep(records: SubmissionRecords, record: SubmissionRecord) -> None:
    """Write the outcome; a storage that fails now must not lose a job that is known here."""
    trouble: Exception | None = None
    for _ in range(RECORD_TRIES):
        try:
            await records.write(record)
        except Exception as error:
            trouble = error
        else:
            return
    get_run_logger().error(
        "The outcome of submission %s could not be recorded (%r). This run goes on; if it is run again, it "
        "will report this submission as in doubt. Job: %s.",
        record.key,
        trouble,
        record.task_id or "none, Kie refused it",
    )


def _known_handle(record: SubmissionRecord | None, key: str) -> JobHandle:
    """The handle of a job that was submitted before, or the doubt about it."""
    if record is not None and record.task_id is not None:
        get_run_logger().info(
            "%s was submitted before as job %s and is not paid again; another video of the same request "
            "takes another `take` (submission %s)",
            record.model,
            record.task_id,
            key,
        )
        return JobHandle(
            task_id=record.task_id, model=record.model, submission=key, submitted_at=record.written_at
        )
    written = f" on {record.written_at:%Y-%m-%d at %H:%M:%S} UTC" if record else ""
    doubt = SubmissionInDoubt(
        f"submission {key} was sent before{written} and its outcome was never learned; it is not sent again"
    )
    doubt.submission = key
    raise doubt


def _in_doubt(doubt: SubmissionInDoubt, record: SubmissionRecord) -> NoReturn:
    doubt.message = f"it is not known whether submission {record.key} was created: {doubt.message}"
    doubt.submission = record.key
    raise doubt


def _new_record(key: str, request: JobRequest) -> SubmissionRecord:
    return SubmissionRecord(
        key=key,
        model=request.model_name,
        input=request.input_fields(),
        flow_run_id=flow_run.get_id(),
    )


async def _run_base() -> str:
    """The id of the run that a submission belongs to.

    The outermost flow run's: when a parent run is run again, Prefect gives its failed subflows new ids.
    """
    if flow_run.get_id() is not None:
        # In a thread with this context, since Prefect's look-up of a subflow's parents blocks.
        return str(await anyio.to_thread.run_sync(flow_run.get_root_flow_run_id))
    task_run = TaskRunContext.get()
    if task_run is None:
        raise RuntimeError("a model task runs as a Prefect task: call it, not its function")
    return str(task_run.task_run.id)


async def _despite_cancelling(post: Coroutine[Any, Any, JobHandle]) -> JobHandle:
    """Let a paid call finish and be recorded although its run is being cancelled."""
    call = asyncio.ensure_future(post)
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(asyncio.shield(call), CANCEL_GRACE)
        raise
