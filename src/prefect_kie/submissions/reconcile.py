"""Submissions in doubt, and what settles them.

A submission is in doubt when its send token says that its call may have gone out, and its record never
learned the outcome. What settles it is evidence (the event of the created job; a job that an unclear answer
or a callback named, polled; the note that Kie refused it) or a person's word.
"""

import asyncio
import json
import math
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Any, Protocol

from prefect_kie.api import InvalidRequest, Job, JobNotFound, KieError, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.runtime.clients import poll_job
from prefect_kie.runtime.loop import in_progress, run_on_loop, single_flight
from prefect_kie.submissions import store
from prefect_kie.submissions.budgets import Budgets, Log
from prefect_kie.submissions.costs import NOTHING_MADE, AttemptOutcome
from prefect_kie.submissions.store import SubmissionRecord, SubmissionRecords

OTHER_SECONDS = 300.0
"""How far from its submission a job may seem to have been made; each age is measured by one clock."""

RELEASE_SECONDS, RELEASE_POLL_SECONDS = 30.0, 0.5
"""For how long somebody else is left to remove an attempt that was never sent, and how often to look."""


class Clock:
    """The time: of day, which may be set; and in seconds that only grow, but may stand still in sleep."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Events(Protocol):
    """Where created jobs are reported, and looked up again."""

    def emit_submitted(self, record: SubmissionRecord) -> None:
        """Report the job that a submission became, in the background."""

    def emit_in_doubt(self, record: SubmissionRecord, doubt: SubmissionInDoubt) -> None:
        """Report, in the background, that a person has to settle a submission."""

    async def sent(self) -> None:
        """Wait for a moment until all that was reported has left this process."""

    async def submitted_jobs(self, record: SubmissionRecord) -> list[str]:
        """The jobs that this attempt at a submission was reported to have created."""
        ...

    async def called_back_jobs(self, record: SubmissionRecord) -> list[str]:
        """The jobs about which Kie called the submission's own address back."""
        ...


@dataclass(frozen=True)
class Reconciler:
    records: SubmissionRecords
    kie: KieCredentials
    events: Events
    budgets: Budgets
    log: Log
    clock: Clock

    async def list_in_doubt(self) -> list[SubmissionRecord]:
        """Every submission without an outcome; those for which there is evidence by now, settled by it."""
        found: list[SubmissionRecord] = []
        for record in await self.records.all():
            if isinstance(record, SubmissionNotRecorded):
                self.log.warning("%s", record)
            elif record.state == "submitting" and self.is_being_submitted(record):
                found.append(record)
            elif record.state == "submitting":
                with suppress(InvalidRequest):  # it was just settled, or begun anew, by its own run
                    found.append(await self.resolve(record.key))
        return found

    def is_being_submitted(self, record: SubmissionRecord) -> bool:
        """Whether a process may still learn its outcome."""
        return record.in_flight_seconds(self.clock.now()) > 0 or in_progress(record.key)

    async def resolve(
        self, key: str, *, task_id: str | None = None, release: bool = False
    ) -> SubmissionRecord:
        """Settle a submission by evidence, else by a person's word: it became this job, or may be made again.

        `InvalidRequest`: the word cannot be right, or the submission is settled already.
        """
        return await run_on_loop(partial(self._resolve_once, key, task_id, release))

    async def _resolve_once(self, key: str, task_id: str | None, release: bool) -> SubmissionRecord:
        async with single_flight(key):
            record = await self.records.read(key)
            if record is None:
                raise InvalidRequest(
                    f"there is no record of a submission {key!r} at {self.records.address(key)}",
                    next_step="Run resolve_submission without parameters to see what is in doubt here; if "
                    "the records are elsewhere, name their storage in records_storage.",
                )
            if seconds := record.in_flight_seconds(self.clock.now()):
                raise InvalidRequest(
                    f"process {record.process} on {record.host} is submitting it just now, and may still "
                    "learn the outcome",
                    next_step=f"Run this again in {seconds:.0f} s; nothing was changed.",
                )
            if record.state == "submitting":
                record = await self.settled_by_evidence(record)
            if record.state == "submitting" and task_id is not None:
                await self._check_is_its_job(record, task_id)
                return await self._bind(record, task_id)
            if record.state == "submitting" and release:
                if seconds := math.ceil(record.call_seconds(self.clock.now())):
                    raise InvalidRequest(
                        f"the call of submission {key} may still be out, so Kie may create its job yet",
                        next_step=f"Look in Kie's logs page (kie.ai/logs) and run this again in {seconds} s; "
                        "nothing was changed.",
                    )
                if not await self._is_named_job(record):
                    self.log.info("Submission %s is released by a person", key)
                    return await self._release(record, "released")
                record = await self._bind(record, record.task_id or "")
            if record.state == "submitted" and (release or task_id not in (None, record.task_id)):
                raise InvalidRequest(
                    f"submission {key} is job {record.task_id}, and stays it",
                    task_id=record.task_id,
                    next_step=f"{record.run_again.capitalize()}; or run collect_job with {record.task_id!r}.",
                )
            return record

    async def settled_by_evidence(self, record: SubmissionRecord) -> SubmissionRecord:
        """What became of a submission whose process can no longer learn it, where there is evidence now.

        The record is `submitted` then, or `released` where Kie surely created no job; else as it was.
        """
        key = record.key
        unknown = f"the result storage does not show whether submission {key} was sent before"
        with store.storage_errors(unknown, retryable=True, sent_before=""):
            token = self.records.token(record)
            is_first = await token.void()
            unsent = is_first or not await token.is_sent()
        if unsent:
            self.log.info("Submission %s was begun, and its process never sent it", key)
            if not is_first:
                await self._released_by_another(record)
            return await self._release(record, "void")
        for task_id in filter(None, await self.events.submitted_jobs(record)):
            self.log.info(
                f"Submission {key} was answered with job {task_id}, although its record does not know; now "
                "it does"
            )
            return await self._bind(record, task_id)
        # Named by an unclear answer, or by Kie's callbacks to this submission's own address.
        named = [record.task_id] if record.task_id else []
        for task_id in dict.fromkeys(named + await self.events.called_back_jobs(record)):
            try:
                await self._check_is_its_job(record, task_id)
            except KieError as error:
                self.log.info("Job %s proves nothing: %s", task_id, error.message)
                continue
            self.log.info("Job %s exists and is what submission %s asked for", task_id, key)
            return await self._bind(record, task_id)
        note = None
        with suppress(Exception):  # one source of evidence less; the doubt stays
            note = await self.budgets.notes.read(record.attempt)
        if note is not None and note.outcome in NOTHING_MADE:
            self.log.info("Submission %s made no job, although its record does not know; now it does", key)
            return await self._release(record, note.outcome)
        return record

    async def _bind(self, record: SubmissionRecord, task_id: str) -> SubmissionRecord:
        bound = record.became("submitted", self.clock.now(), task_id=task_id)
        with _recorded(bound):
            await self.records.write(bound)
        self.events.emit_submitted(bound)
        return bound

    async def _release(self, record: SubmissionRecord, outcome: AttemptOutcome) -> SubmissionRecord:
        await self.budgets.refund(record, outcome)  # noted before the record goes
        with _recorded(record):
            await self.records.release(record)
        return record.became("released", self.clock.now())

    async def _released_by_another(self, record: SubmissionRecord) -> None:
        """Give whoever declared it void the time to remove it: a storage cannot remove a record only where it
        is still this one, so the slower of two who do would remove what the quicker has claimed and paid.
        """
        end = self.clock.monotonic() + RELEASE_SECONDS
        while self.clock.monotonic() < end:
            found = await self.records.read(record.key)
            if found is None or found.attempt != record.attempt:
                return
            await self.clock.sleep(RELEASE_POLL_SECONDS)

    async def _is_named_job(self, record: SubmissionRecord) -> bool:
        """Before a release: a job that an unclear answer named must be known not to be this submission's."""
        if record.task_id is None:
            return False
        try:
            await self._check_is_its_job(record, record.task_id)
        except (InvalidRequest, JobNotFound):
            return False
        return True

    async def _check_is_its_job(self, record: SubmissionRecord, task_id: str) -> None:
        for other in await self.records.all():  # two takes of one request ask for the same
            if not isinstance(other, SubmissionRecord) or other.state != "submitted":
                continue
            if other.task_id == task_id and other.key != record.key:
                raise InvalidRequest(
                    f"job {task_id} is submission {other.key} already, so it cannot be {record.key} as well",
                    task_id=task_id,
                    next_step="Look for another job in Kie's logs page (kie.ai/logs); nothing was changed.",
                )
        try:
            job = await poll_job(self.kie, task_id)
        except JobNotFound as error:
            error.next_step = (
                "Check the id in Kie's logs page (kie.ai/logs); a job younger than two minutes may not show "
                "yet. Nothing was changed."
            )
            raise
        if differences := _differences(record, job, record.age(self.clock.now())):
            raise InvalidRequest(
                f"job {task_id} is not what submission {record.key} asked for: {'; '.join(differences)}",
                next_step="Look in Kie's logs page (kie.ai/logs) for the right job. Nothing was changed. To "
                f"fetch this one all the same, run collect_job with {task_id!r}.",
            )


def in_doubt(
    message: str, record: SubmissionRecord, *, task_id: str | None = None, code: int | str | None = None
) -> SubmissionInDoubt:
    """The error that reports a doubt and leads to `resolve_submission`."""
    doubt = SubmissionInDoubt(
        message,
        task_id=task_id,
        code=code,
        next_step="Look in Kie's logs page (kie.ai/logs). If the job is there, run resolve_submission with "
        f"submission={record.key!r} and its task_id; if it is not, with release=True, which lets it be "
        f"paid for anew. Then {record.run_again}.",
    )
    doubt.submission = record.key
    return doubt


def _recorded(record: SubmissionRecord) -> AbstractContextManager[None]:
    known = f"what became of submission {record.key} is known now but cannot be recorded"
    return store.storage_errors(known, retryable=True, sent_before=record.task_id)


def _differences(record: SubmissionRecord, job: Job, age: float) -> list[str]:
    if not job.request_body:
        return ["Kie's record of it does not tell what was asked for"]
    found: list[str] = []
    if job.model != record.model:
        found.append(f"its model is {job.model}, not {record.model}")
    asked: dict[str, Any] = job.request_body.get("input") or {}
    for name, value in record.input.items():
        # Kie echoes input as it was sent; booleans and numbers may come back as text.
        if name not in asked or (asked[name] != value and _plain(asked[name]) != _plain(value)):
            found.append(f"its {name} is {_shown(asked.get(name))}, not {_shown(value)}")
    if job.age is not None and job.age > age + OTHER_SECONDS:
        found.append(f"it is {job.age - age:,.0f} s older than the submission")
    if job.age is not None and job.age < age - store.OUTCOME_SECONDS - OTHER_SECONDS:
        found.append(f"it was made {age - job.age:,.0f} s after the submission")
    return found


def _plain(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _shown(value: Any) -> str:
    text = _plain(value)
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
