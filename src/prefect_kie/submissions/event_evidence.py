"""What the Prefect server was told about a submission: a witness beside its record."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventRelatedFilter
from prefect.events.schemas.events import Event

from prefect_kie.submissions.store import SubmissionRecord

MOST = 50
"""So many events a server gives at once."""


async def events_of(record: SubmissionRecord, name: str) -> list[Event]:
    """The events of one kind that are related to a submission; none where the server cannot be asked.

    Args:
        record: The submission.
        name: The events' name.
    """
    clocks = timedelta(days=1)  # of machines that disagree
    wanted = EventFilter(
        occurred=EventOccurredFilter.model_validate(
            {"since": record.written_at - clocks, "until": datetime.now(timezone.utc) + clocks}
        ),
        event=EventNameFilter(name=[name]),
        related=EventRelatedFilter(id=[f"kie.submission.{record.key}"]),
    )
    try:
        async with get_client() as client:
            # The client's own default is more than a server gives.
            return list((await client.read_events(wanted, limit=MOST)).events)
    except Exception as error:  # one source of proof less; the doubt stays
        get_run_logger().warning(
            "The Prefect server could not be asked for the events %s of submission %s (%s)",
            name,
            record.key,
            type(error).__name__,
        )
        return []


def job_of(event: Event) -> str:
    """Kie's id of the job that an event is about."""
    return event.resource.id.removeprefix("kie.job.")
