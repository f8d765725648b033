"""Second traces of what Kie answered, beside the submission record.

The record lives in result storage, which may be far away, slow, or gone just then. So an answer is first
put on this machine's own disk, at once, where it survives the process; and a created job is told to the
Prefect server as the event `kie.job.submitted`. Either settles a submission whose record never learned
its outcome.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.filters import (
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventRelatedFilter,
)
from prefect.settings import get_current_settings
from pydantic import BaseModel, ConfigDict

from prefect_kie.tasks.records import SubmissionRecord

JOB_SUBMITTED = "kie.job.submitted"
"""The event of a created job: resource `kie.job.<task id>`, related to its submission and its runs."""

ATTEMPT = "kie.attempt"
FOLDER = "kie-answers"


class Answer(BaseModel):
    """What Kie answered to one attempt of a submission.

    Attributes:
        attempt: The attempt, as its record names it.
        task_id: Kie's id of the created job; None where Kie surely created nothing.
        refusal: Why not.
    """

    model_config = ConfigDict(frozen=True)

    attempt: str
    task_id: str | None = None
    refusal: str | None = None


def leave(record: SubmissionRecord, *, task_id: str | None = None, refusal: str | None = None) -> None:
    """Put an answer on this machine's disk, before anything else is done with it.

    Neither awaited nor flushed to the device: between the answer and this trace there is next to nothing
    at which a process could be killed, and what a process has written survives its end. A disk that does
    not take it is passed over: the record comes next.
    """
    answer = Answer(attempt=record.attempt, task_id=task_id, refusal=refusal and refusal[:1000])
    with suppress(OSError):
        _path(record.key).parent.mkdir(parents=True, exist_ok=True)
        _path(record.key).write_text(answer.model_dump_json(), encoding="utf-8")


def forget(record: SubmissionRecord) -> None:
    """Remove the trace on disk, once the record knows the outcome."""
    with suppress(OSError):
        _path(record.key).unlink(missing_ok=True)


def announce(record: SubmissionRecord, task_id: str) -> None:
    """Tell the Prefect server of a created job: `kie.job.submitted`, for people and automations.

    Prefect sends it in the background and relates it to the flow run, its deployment and its tags.
    """
    emit_event(
        JOB_SUBMITTED,
        resource={
            "prefect.resource.id": f"kie.job.{task_id}",
            "prefect.resource.name": f"{record.model} {task_id}",
            "kie.model": record.model,
            ATTEMPT: record.attempt,
        },
        related=[
            {
                "prefect.resource.id": f"kie.submission.{record.key}",
                "prefect.resource.role": "kie-submission",
            }
        ],
    )


async def find(record: SubmissionRecord) -> Answer | None:
    """The answer to this very attempt, if this machine's disk or the Prefect server knows it."""
    return _on_disk(record) or await _on_the_server(record)


def _on_disk(record: SubmissionRecord) -> Answer | None:
    try:
        answer = Answer.model_validate_json(_path(record.key).read_bytes())
    except (OSError, ValueError):  # none, or one that was cut off
        return None
    return answer if answer.attempt == record.attempt else None


async def _on_the_server(record: SubmissionRecord) -> Answer | None:
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
            return Answer(attempt=record.attempt, task_id=job)
    return None


def _path(key: str) -> Path:
    return get_current_settings().home / FOLDER / f"{key}.json"
