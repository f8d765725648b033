"""Reading what submissions came to and cost, from their records and cost notes alone.

A job whose end no run has seen is polled once, and noted.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Any

from prefect_kie.api import JobFailed, JobRequest, KieError
from prefect_kie.blocks import PriceTable
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.models import MarketModel, parse_request
from prefect_kie.runtime.clients import poll_job
from prefect_kie.submissions.budgets import logged
from prefect_kie.submissions.cost_report import CostGrouping, CostReport, CostStatus, SubmissionCost
from prefect_kie.submissions.costs import NOTHING_MADE, CostNote, end_of
from prefect_kie.submissions.reconcile import Reconciler
from prefect_kie.submissions.store import SubmissionRecord, some_at_once, storage_errors


class CostReader:
    def __init__(self, submissions: Reconciler, prices: PriceTable) -> None:
        self.submissions, self.prices = submissions, prices
        self._unknown, self._unreadable = Counter[str](), list[str]()

    async def report(
        self, by: CostGrouping, *, since: date | None, until: date | None, scope: str | None
    ) -> CostReport:
        """What was submitted from the day `since` to the day `until` (UTC), grouped; of one scope or of all.

        Pays nothing. What is known by now of a submission in doubt or a job that nobody waits for is noted.
        Raises SubmissionNotRecorded when the result storage cannot be listed.
        """

        def wanted(record: SubmissionRecord) -> bool:
            day = record.written_at.astimezone(timezone.utc).date()
            inside = (since is None or since <= day) and (until is None or day <= until)
            return inside and scope in (None, record.scope)

        records = await self._records()
        # Read after the records: of an attempt that is refused meanwhile at least its note is seen.
        notes, found = await self._notes()
        ended = {attempt: note for attempt, note in notes.items() if note.outcome not in NOTHING_MADE}
        going = notes.keys() - ended.keys()  # where there is a job all the same, evidence of it was stronger
        gone: dict[str, list[CostNote]] = {}
        for note in notes.values():
            if note.record is not None and note.outcome != "void":
                gone.setdefault(note.record.key, []).append(note)

        async def cost(record: SubmissionRecord) -> SubmissionCost:
            status, charged, noted_at = await self._end(record, ended.get(record.attempt))
            held = status in ("in doubt", "running") or (status == "made" and charged is None)
            return self._cost(
                record,
                status,
                gone,
                task_id=record.task_id if record.state == "submitted" else None,
                reserved=(record.credits or 0.0) if held else 0.0,
                charged=charged,
                noted_at=noted_at,
                found_again=found[record.attempt],
            )

        records = [record for record in records if record.state == "submitted" or record.attempt not in going]
        costs = await some_at_once(cost, filter(wanted, records))
        known = {record.key for record in records}
        for key, ends in gone.items():
            last = max(ends, key=lambda note: note.noted_at)
            if key not in known and last.record is not None and wanted(last.record):
                status: CostStatus = "refused" if last.outcome == "refused" else "released"
                costs.append(self._cost(last.record, status, gone, charged=0.0, noted_at=last.noted_at))
        return CostReport.of(by, costs, self._unknown, self._unreadable)

    async def _records(self) -> list[SubmissionRecord]:
        """All records; what is in doubt is settled where there is evidence by now."""
        known: list[SubmissionRecord] = []
        for record in await self.submissions.records.all():
            if isinstance(record, SubmissionNotRecorded):
                self._unreadable.append(record.message)
                continue
            if record.state == "submitting" and not self.submissions.is_being_submitted(record):
                try:
                    record = await self.submissions.resolve(record.key)
                except KieError as error:  # settled or begun anew just now, or the storage fails
                    self.submissions.log.info("Submission %s is not settled: %s", record.key, error.message)
            known.append(record)
        return [record for record in known if record.state != "released"]

    async def _notes(self) -> tuple[dict[str, CostNote], Counter[str]]:
        notes = self.submissions.budgets.notes
        with storage_errors("the result storage cannot be listed"):
            attempts, found = await notes.listed()

        async def read(attempt: str) -> CostNote | None:
            try:
                return await notes.read(attempt)
            except Exception:
                self._unreadable.append(notes.address(attempt))
                return None

        read_notes = await some_at_once(read, attempts)
        return {name: note for name, note in zip(attempts, read_notes, strict=True) if note}, found

    async def _end(
        self, record: SubmissionRecord, note: CostNote | None
    ) -> tuple[CostStatus, float | None, datetime | None]:
        """How a submission stands, what Kie charged, and when that was noted."""
        if note is not None:
            return "made" if note.outcome == "succeeded" else "failed", note.credits, note.noted_at
        if record.state == "submitting":
            return "running" if self.submissions.is_being_submitted(record) else "in doubt", None, None
        try:
            job = await poll_job(self.submissions.kie, record.task_id or "")
        except JobFailed:  # said without the job's record, so it is asked again next time
            return "failed", 0.0, None
        except KieError as error:
            self._unknown[error.message.replace(record.task_id or "", "the job")] += 1
            return "running", None, None
        if (end := end_of(job)) is None:
            return "running", None, None
        budgets = self.submissions.budgets
        await logged(budgets.settle(record, *end), record.key, budgets.log)
        return "made" if end[0] == "succeeded" else "failed", end[1], self.submissions.clock.now()

    def _cost(
        self, record: SubmissionRecord, status: CostStatus, gone: Mapping[str, list[CostNote]], **known: Any
    ) -> SubmissionCost:
        request: JobRequest
        try:
            request = parse_request({"model": record.model, "input": record.input})
        except ValueError:  # of a version that knew the model differently
            request = MarketModel(model=record.model, input=record.input)
        return SubmissionCost(
            **record.model_dump(include={"scope", "model", "second_try", "flow_run_id", "tags"}),
            submission=record.key,
            prompt=record.title,
            status=status,
            submitted_at=record.written_at,
            refusals=sum(note.outcome == "refused" for note in gone.get(record.key, ())),
            estimated=self.prices.credits_for(request),
            **known,
        )
