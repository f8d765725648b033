"""What submissions need of a run: its records, its budgets, its log and its Prefect server's events."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext, TaskRunContext
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventRelatedFilter
from prefect.events.schemas.events import Event, ReceivedEvent
from prefect.filesystems import WritableFileSystem
from prefect.runtime import flow_run

from prefect_kie.api import Job, JobHandle, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials, load_prices
from prefect_kie.callbacks.webhook import Verifier
from prefect_kie.run_page import events
from prefect_kie.runtime.global_limits import ServerCreditLimit
from prefect_kie.runtime.logs import run_logger
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.storage.run_storage import scope_storage
from prefect_kie.submissions.budgets import CREDITS_LIMIT, Budgets, logged
from prefect_kie.submissions.costs import end_of
from prefect_kie.submissions.reconcile import Clock
from prefect_kie.submissions.service import SubmissionService
from prefect_kie.submissions.store import SubmissionRecord, SubmissionRecords

NAMES = {"model", "key", "attempt", "title"}  # by which events tell of a submission
MAX_EVENTS = 50  # so many a server gives at once


async def run_records() -> SubmissionRecords:
    """The records of all runs here, in Prefect's default result storage."""
    return SubmissionRecords(await scope_storage())


async def run_budgets(records: SubmissionRecords | None = None) -> Budgets:
    """The budgets of this run and of all runs."""
    records = records or await run_records()
    return Budgets(records, ServerCreditLimit(CREDITS_LIMIT), load_prices, run_logger())


async def run_submissions(kie: KieCredentials, place: WritableFileSystem | None = None) -> SubmissionService:
    """What submits this run's jobs, and settles submissions in doubt; recorded in a storage of their own."""
    records = SubmissionRecords(storage_for(place)) if place else await run_records()
    context, task = FlowRunContext.get(), TaskRunContext.get()
    flow, task_run = context.flow_run if context else None, task.task_run if task else None
    # Prefect does not raise a flow run's count when it goes on after a pause; a task by itself is run once.
    run = f"{flow.id}-{flow.run_count}" if flow else str(task_run.id) if task_run else None
    return SubmissionService(
        records=records,
        kie=kie,
        events=ServerEvents(Verifier.of(kie.callbacks)),
        budgets=await run_budgets(records),
        log=run_logger(),
        clock=Clock(),
        flow_run_id=flow_run.get_id(),
        run=run,
        tags=tuple(sorted({tag for one in (flow, task_run) if one is not None for tag in one.tags})),
    )


async def settle(handle: JobHandle, job: Job) -> None:
    """Note what a job that has ended cost, for budgets and the cost report; failures are only logged. Where
    Kie does not say it, the report asks once more.
    """
    key, end = handle.submission, end_of(job)
    if key is None or end is None or end[1] is None:
        return

    async def settled() -> None:
        budgets = await run_budgets()
        record = await budgets.records.read(key)
        if record is not None and record.task_id == handle.task_id:
            await budgets.settle(record, *end)

    await logged(settled(), key, run_logger())


@dataclass(frozen=True)
class ServerEvents:
    """Events of submissions on the Prefect server: evidence beside the records."""

    verifier: Verifier

    def emit_submitted(self, record: SubmissionRecord) -> None:
        events.emit_submitted(record.task_id or "", **record.model_dump(include=NAMES))

    def emit_in_doubt(self, record: SubmissionRecord, doubt: SubmissionInDoubt) -> None:
        events.emit_in_doubt(doubt, **record.model_dump(include=NAMES))

    async def sent(self) -> None:
        await events.events_are_sent()

    async def submitted_jobs(self, record: SubmissionRecord) -> list[str]:
        found = await self._find(events.JOB_SUBMITTED, record)
        return [_job(event) for event in found if event.resource.get(events.ATTEMPT) == record.attempt]

    async def called_back_jobs(self, record: SubmissionRecord) -> list[str]:
        found = await self._find(events.JOB_CALLBACK, record)
        trust = self.verifier.trust
        return [_job(event) for event in found if trust(event, event.received.timestamp()) == "genuine"]

    async def _find(self, name: str, record: SubmissionRecord) -> list[ReceivedEvent]:
        clocks = timedelta(days=1)  # of machines that disagree
        occurred = {"since": record.written_at - clocks, "until": datetime.now(timezone.utc) + clocks}
        wanted = EventFilter(
            occurred=EventOccurredFilter.model_validate(occurred),
            event=EventNameFilter(name=[name]),
            related=EventRelatedFilter(id=[f"kie.submission.{record.key}"]),
        )
        try:
            async with get_client() as client:
                # The client's own default is more than a server gives.
                return list((await client.read_events(wanted, limit=MAX_EVENTS)).events)
        except Exception as error:  # one source of evidence less; the doubt stays
            run_logger().warning(
                f"The Prefect server could not be asked for the events {name} of submission {record.key} "
                f"({type(error).__name__})"
            )
            return []


def _job(event: Event) -> str:
    return event.resource.id.removeprefix(events.JOB)
