"""Second traces of a submission, beside its record: how far it came, and what Kie answered.

The record lives in result storage, which may be far away, slow, or gone just then. So each attempt also
leaves a trace on this machine's own disk, which survives its process: `begun` (nothing has been sent yet),
then `sent` (the call may be out), then `answered`. And a created job is told to the Prefect server as the
event `kie.job.submitted`. Either settles a submission whose record never learned its outcome.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from prefect.settings import get_current_settings
from pydantic import BaseModel, ConfigDict

from prefect_kie.tasks.event_search import events_of, job_of
from prefect_kie.tasks.events import ATTEMPT, JOB_SUBMITTED
from prefect_kie.tasks.files import part_beside, sync_directory, write_whole
from prefect_kie.tasks.records import SubmissionRecord

FOLDER = "kie-attempts"
STALE_SECONDS = 30 * 24 * 3600.0


STAGES = ("begun", "sent", "void", "answered")


class Trace(BaseModel):
    """What is proven of one attempt of a submission.

    Attributes:
        attempt: The attempt, as its record names it.
        sent: Whether the paid call may have begun.
        task_id: Kie's id of the created job.
        refusal: Why Kie surely created nothing.
    """

    model_config = ConfigDict(frozen=True)

    attempt: str
    sent: bool = True
    task_id: str | None = None
    refusal: str | None = None


def begin(record: SubmissionRecord) -> bool:
    """Note, before the record is written, that nothing was sent yet.

    Returns:
        Whether there is such a note; then the call may begin only after `sending` says so.
    """
    with suppress(OSError):
        _sweep(_path(record, "begun").parent)
        write_whole(_path(record, "begun"), record.attempt.encode(), replace=True)
    return _path(record, "begun").exists()


def sending(record: SubmissionRecord) -> bool:
    """Note that the paid call begins now: one step, which only one of two processes can make.

    Returns:
        False where another process has declared the attempt void meanwhile: nothing may be sent.

    Raises:
        OSError: when the disk does not take it: nothing may be sent.
    """
    try:
        _path(record, "begun").rename(_path(record, "sent"))
    except FileNotFoundError:
        return False
    sync_directory(_path(record, "sent").parent)  # after a loss of power it must not say "begun" again
    return True


def leave(record: SubmissionRecord, *, task_id: str | None = None, refusal: str | None = None) -> None:
    """Note what Kie answered, before anything else is done with it.

    Neither awaited nor flushed to the device: between the answer and this trace there is next to nothing
    at which a process could be killed, and what a process has written survives its end. A disk that does
    not take it is passed over: the record comes next.
    """
    trace = Trace(attempt=record.attempt, task_id=task_id, refusal=refusal[:1000] if refusal else None)
    with suppress(OSError):
        target = _path(record, "answered")
        part = part_beside(target.parent, target.name)
        part.write_bytes(trace.model_dump_json(exclude_none=True).encode())
        part.replace(target)


def forget(record: SubmissionRecord) -> None:
    """Remove the traces on disk, once the record knows the outcome."""
    for stage in STAGES:
        with suppress(OSError):
            _path(record, stage).unlink(missing_ok=True)


async def proof(record: SubmissionRecord) -> Trace | None:
    """What this machine's disk or the Prefect server proves of this very attempt.

    An attempt that was begun and not sent is declared void by this, so that it cannot be sent any more.
    """
    answered = _answered(record)
    if answered is not None:
        return answered
    if _is_void(record):
        return Trace(attempt=record.attempt, sent=False)
    return await _on_the_server(record)


def _answered(record: SubmissionRecord) -> Trace | None:
    try:
        trace = Trace.model_validate_json(_path(record, "answered").read_bytes())
    except (OSError, ValueError):  # none, or one that was cut off
        return None
    known = trace.attempt == record.attempt and (trace.task_id is not None or trace.refusal is not None)
    return trace if known else None


def _sweep(folder: Path) -> None:
    """Remove what processes left that were killed before their record, long ago."""
    for trace in folder.glob("*.begun"):
        with suppress(FileNotFoundError):  # another process may be at it
            if time.time() - trace.stat().st_mtime > STALE_SECONDS:
                trace.unlink()


def _is_void(record: SubmissionRecord) -> bool:
    """Whether this attempt is surely never sent: whoever sends it must take the same file away first."""
    try:
        _path(record, "begun").rename(_path(record, "void"))
        sync_directory(_path(record, "void").parent)
    except OSError:
        return _path(record, "void").exists()
    return True


async def _on_the_server(record: SubmissionRecord) -> Trace | None:
    for event in await events_of(record, JOB_SUBMITTED):
        if job_of(event) and event.resource.get(ATTEMPT) == record.attempt:
            return Trace(attempt=record.attempt, task_id=job_of(event))
    return None


def _path(record: SubmissionRecord, stage: str) -> Path:
    name = hashlib.sha256(f"{record.key} {record.attempt}".encode()).hexdigest()[:32]
    return get_current_settings().home / FOLDER / f"{name}.{stage}"
