"""Second traces of a submission, beside its record: how far it came, and what Kie answered.

The record lives in result storage, which may be far away, slow, or gone just then. So each attempt also
leaves a trace on this machine's own disk, which survives its process: that nothing has been sent yet,
then that the call is out, then the answer. And a created job is told to the Prefect server as the event
`kie.job.submitted`. Either settles a submission whose record never learned its outcome.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.events.filters import (
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventRelatedFilter,
)
from prefect.settings import get_current_settings
from pydantic import BaseModel, ConfigDict

from prefect_kie.tasks.events import ATTEMPT, JOB_SUBMITTED
from prefect_kie.tasks.files import write_whole
from prefect_kie.tasks.records import SubmissionRecord

FOLDER = "kie-attempts"


class Trace(BaseModel):
    """How far one attempt of a submission came.

    Attributes:
        attempt: The attempt, as its record names it.
        sent: Whether the paid call may have begun.
        task_id: Kie's id of the created job, once answered.
        refusal: Why Kie surely created nothing, once answered.
    """

    model_config = ConfigDict(frozen=True)

    attempt: str
    sent: bool
    task_id: str | None = None
    refusal: str | None = None

    @property
    def created_nothing(self) -> bool:
        """Whether it is certain that this attempt made no job."""
        return not self.sent or self.refusal is not None


def begin(record: SubmissionRecord) -> None:
    """Note, before the record is written, that nothing was sent; a disk that refuses is passed over."""
    with suppress(OSError):
        write_whole(_path(record), _content(Trace(attempt=record.attempt, sent=False)), replace=True)


def sending(record: SubmissionRecord) -> None:
    """Note that the paid call begins now.

    Raises:
        OSError: when the disk still says that nothing was sent and cannot be told better.
    """
    if _path(record).exists():
        # Flushed to the device: after a loss of power this must not read "not sent".
        write_whole(_path(record), _content(Trace(attempt=record.attempt, sent=True)), replace=True)


def leave(record: SubmissionRecord, *, task_id: str | None = None, refusal: str | None = None) -> None:
    """Note what Kie answered, before anything else is done with it.

    Neither awaited nor flushed to the device: between the answer and this trace there is next to nothing
    at which a process could be killed, and what a process has written survives its end. A disk that does
    not take it is passed over: the record comes next.
    """
    trace = Trace(
        attempt=record.attempt, sent=True, task_id=task_id, refusal=refusal[:1000] if refusal else None
    )
    with suppress(OSError):
        part = _path(record).with_suffix(".part")
        part.write_bytes(_content(trace))
        part.replace(_path(record))


def forget(record: SubmissionRecord) -> None:
    """Remove the trace on disk, once the record knows the outcome."""
    with suppress(OSError):
        _path(record).unlink(missing_ok=True)


async def find(record: SubmissionRecord) -> Trace | None:
    """What this machine's disk or the Prefect server knows of this very attempt."""
    here = _on_disk(record)
    if here is not None and (here.task_id is not None or here.created_nothing):
        return here
    return await _on_the_server(record)


def _on_disk(record: SubmissionRecord) -> Trace | None:
    try:
        trace = Trace.model_validate_json(_path(record).read_bytes())
    except (OSError, ValueError):  # none, or one that was cut off
        return None
    return trace if trace.attempt == record.attempt else None


async def _on_the_server(record: SubmissionRecord) -> Trace | None:
    clocks = timedelta(days=1)  # of machines that disagree
    wanted = EventFilter(
        occurred=EventOccurredFilter.model_validate(
            {"since": record.written_at - clocks, "until": datetime.now(timezone.utc) + clocks}
        ),
        event=EventNameFilter(name=[JOB_SUBMITTED]),
        related=EventRelatedFilter(id=[f"kie.submission.{record.key}"]),
    )
    try:
        async with get_client() as client:
            found = await client.read_events(wanted, limit=50)  # its own default is more than a server gives
    except Exception as error:  # one source of proof less; the doubt stays
        get_run_logger().warning(
            "The Prefect server could not be asked whether submission %s was answered (%s)",
            record.key,
            type(error).__name__,
        )
        return None
    for event in found.events:
        job = event.resource.id.removeprefix("kie.job.")
        if job and event.resource.get(ATTEMPT) == record.attempt:
            return Trace(attempt=record.attempt, sent=True, task_id=job)
    return None


def _content(trace: Trace) -> bytes:
    return trace.model_dump_json(exclude_none=True).encode()


def _path(record: SubmissionRecord) -> Path:
    name = hashlib.sha256(f"{record.key} {record.attempt}".encode()).hexdigest()[:32]
    return get_current_settings().home / FOLDER / f"{name}.json"
