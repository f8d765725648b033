"""Submitting a job exactly once: claim, send token, the one paid call, record; what is in doubt, reconciled.

It knows no Prefect: storage, scope, clock, log and events are handed in, by `prefect_kie.tasks` from the run.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from prefect_kie.api import JobHandle, JobRequest, KieClient, KieError, SubmissionInDoubt
from prefect_kie.callbacks.waiter import callback_waiter
from prefect_kie.errors import SubmissionNotRecorded, shown_error
from prefect_kie.keys import submission_key
from prefect_kie.runtime.best_effort import detach_after
from prefect_kie.runtime.clients import create_slot
from prefect_kie.runtime.loop import Cancellation, run_on_loop, run_uncancellable, single_flight
from prefect_kie.submissions import send_tokens, store
from prefect_kie.submissions.reconcile import Reconciler, in_doubt
from prefect_kie.submissions.store import ClaimLost, SubmissionRecord

POLL_SECONDS = 0.5
UNSENT_SECONDS = 5.0
"""So long another process may take between its record and its call before it is taken for gone; taken so
wrongly, it sends nothing and finds the job of whoever took over."""
CLAIM_TRIES = 5
CALL_SECONDS = store.OUTCOME_SECONDS - 10.0
"""When a call has to have its answer: afterwards others take its process for gone."""
FOUND_SECONDS = 5.0
KEEP_PAUSES = (0.1, 0.5, 2.0, 5.0, 0.0)
"""Seconds after each try to record an outcome: a storage that stumbles must not leave a doubt."""


@dataclass(frozen=True)
class SubmissionService(Reconciler):
    """Submits jobs, each exactly once; all it needs is handed in."""

    flow_run_id: str | None = None
    run: str | None = None
    """Which run of which flow run this is."""
    tags: tuple[str, ...] = ()
    call_seconds: float = CALL_SECONDS

    async def submit(
        self, request: JobRequest, scope: str, *, take: int, second_try: int, max_credits: float | None
    ) -> JobHandle:
        """Submit a job once, however often this is called; returns the same job's handle each time.

        Its parameters are a model task's; `max_credits` is for all submissions of the scope together.

        Raises:
            SubmissionInDoubt: when it is not known whether the job was created, now or in an earlier try.
            SubmissionNotRecorded: when the record cannot be kept; nothing was sent.
            BudgetExceeded: when a budget does not allow it; nothing was sent.
            KieError: another one when Kie refuses; nothing was created.
        """
        if take < 1:
            raise ValueError(f"take counts from 1; got {take}")
        if second_try < 0:
            raise ValueError(f"second_try counts from 0, the first try; got {second_try}")
        wanted = SubmissionRecord(
            key=submission_key(self.kie, scope, request, take, second_try),
            scope=scope,
            model=request.model_name,
            input=request.input_fields(),
            title=request.title,
            callback_requested=self.kie.callbacks is not None,
            second_try=second_try,
            flow_run_id=self.flow_run_id,
            run=self.run,
            tags=self.tags,
        )
        if await self.records.read(wanted.key) is None:
            # What is refused waits for no slot.
            await self.budgets.check(scope, max_credits, {wanted.key: request})
            if wanted.callback_requested:
                await run_on_loop(callback_waiter(self.kie.callbacks).ensure_subscribed)
        cancellation = Cancellation()
        try:
            work = partial(self._submit_once, wanted, request, max_credits, cancellation)
            return await run_uncancellable(work, cancellation)
        except asyncio.CancelledError:
            if cancellation.committed:
                self.log.warning(
                    f"Stopped while submission {wanted.key} of {wanted.model} is out. It comes to its end "
                    "all the same, and its job, if Kie creates one, is recorded, goes on and is charged if "
                    "it succeeds: the next line that names this submission says which. To go on with it, "
                    f"{wanted.run_again}."
                )
            raise

    async def _submit_once(
        self,
        wanted: SubmissionRecord,
        request: JobRequest,
        max_credits: float | None,
        cancellation: Cancellation,
    ) -> JobHandle:
        async with single_flight(wanted.key):
            for _ in range(CLAIM_TRIES):
                found = await self._once_known(wanted.key, cancellation)
                if found is not None and found.state == "submitting":
                    found = await self.settled_by_evidence(found)
                    if found.state == "released":
                        continue
                if found is not None:
                    handle = self._handle(found)
                    await self._note_found(found)
                    return handle
                cancellation.begin_waiting()
                async with create_slot(self.kie) as client:
                    cancellation.end_waiting()
                    held = await self.budgets.reserve(wanted, request, max_credits)
                    attempt = held.became("submitting", self.clock.now())  # only now its call's time begins
                    try:
                        cancellation.try_commit()
                        too_late = await self._claim(attempt)
                    except BaseException:
                        await self.budgets.refund(attempt)
                        raise
                    if too_late is not None:
                        try:
                            return await self._send(client, request, attempt, too_late)
                        except KieError as error:
                            if cancellation.cancelled:  # nobody else will report it
                                self.log.error("Submission %s: %s", attempt.key, error)
                            raise
                    await self.budgets.refund(attempt)
        raise SubmissionNotRecorded(
            f"others took submission {wanted.key} each time this run was about to make it, and then let it "
            "go; this run sent nothing",
            next_step="Run it again.",
        )

    async def _once_known(self, key: str, cancellation: Cancellation) -> SubmissionRecord | None:
        """The record, once no other process can be about to learn its outcome."""
        reported = False
        end = self.clock.monotonic() + store.OUTCOME_SECONDS  # other machines' clocks may say otherwise
        while True:
            found, now = await self.records.read(key), self.clock.now()
            seconds = found.in_flight_seconds(now) if found is not None else 0.0
            if found is None or not seconds or self.clock.monotonic() > end:
                return found
            if found.age(now) > UNSENT_SECONDS:
                with suppress(Exception):  # as long as it is not known, it may be sent
                    if not await self.records.token(found).is_sent():
                        return found
            if cancellation.cancelled:
                raise asyncio.CancelledError
            if not reported:
                self.log.info(
                    f"Process {found.process} on {found.host} is submitting this very job ({key}); its "
                    f"answer is waited for, {seconds:.0f} s at most"
                )
                reported = True
            await self.clock.sleep(POLL_SECONDS)

    def _handle(self, record: SubmissionRecord) -> JobHandle:
        """The handle of a job that was submitted before, or the doubt about it."""
        if record.state == "submitted" and record.task_id is not None:
            self.log.info(
                f"{record.model} was submitted before as job {record.task_id} and is not paid again; another "
                f"video of the same request takes another `take` (submission {record.key})"
            )
            return JobHandle(
                task_id=record.task_id,
                model=record.model,
                submission=record.key,
                submitted_at=record.written_at,
                callback_requested=record.callback_requested,
            )
        elsewhere = "" if record.host == socket.gethostname() else f" on {record.host}"
        doubt = in_doubt(
            f"submission {record.key} of {record.model} was begun on "
            f"{record.written_at:%Y-%m-%d at %H:%M:%S} UTC{elsewhere} and its outcome was "
            "never learned; it is not sent again",
            record,
            task_id=record.task_id,
        )
        self.events.emit_in_doubt(record, doubt)
        raise doubt

    async def _note_found(self, record: SubmissionRecord) -> None:
        """Note that it is not paid again, for the cost report; a failure harms nobody."""
        if self.run is None or self.run == record.run:
            return
        try:
            await detach_after(self.budgets.notes.found_again(record, self.run), FOUND_SECONDS)
        except Exception as error:
            self.log.debug("Submission %s: not noted as found again: %s", record.key, shown_error(error))

    async def _claim(self, attempt: SubmissionRecord) -> Callable[[], bool] | None:
        """None where somebody else has the submission; else what says when it is too late to send."""
        began, wall = self.clock.monotonic(), self.clock.now()

        def too_late() -> bool:
            """By two clocks: one of them may be set, or stand still."""
            passed = max(self.clock.monotonic() - began, (self.clock.now() - wall).total_seconds())
            return passed > send_tokens.SEND_SECONDS

        if not await self.records.claim(attempt):
            return None
        token = self.records.token(attempt)
        with store.storage_errors("the result storage cannot be written"):
            try:
                return too_late if await token.send() else None
            except Exception:
                with suppress(Exception):  # what stays is a doubt that is none: a person can release it
                    await self.records.release(attempt)
                    await token.drop()
                raise

    async def _send(
        self, client: KieClient, request: JobRequest, attempt: SubmissionRecord, too_late: Callable[[], bool]
    ) -> JobHandle:
        """Make the one paid call, and record and report what came of it."""
        callbacks, key = self.kie.callbacks, attempt.key
        progress = callbacks.progress_url(key) if callbacks and request.reports_progress else None
        call = client.create_job(
            request,
            callback_url=callbacks.done_url(key) if callbacks else None,
            progress_callback_url=progress,
            has_slot=True,
            too_late=too_late,
        )
        try:
            handle = await asyncio.wait_for(call, self.call_seconds)
        except (SubmissionInDoubt, TimeoutError) as error:
            answer = error if isinstance(error, SubmissionInDoubt) else None
            task_id = answer.task_id if answer else None
            if task_id is not None:  # an error that names a task: worth knowing at the next try
                named = attempt.model_copy(update={"task_id": task_id})
                await self._keep(self.records.write, named)
            reason = answer.message if answer else f"no full answer after {self.call_seconds:.0f} s"
            doubt = in_doubt(
                f"it is not known whether submission {key} was created: {reason}",
                attempt,
                task_id=task_id,
                code=answer.code if answer else None,
            )
            self.events.emit_in_doubt(attempt, doubt)
            raise doubt from None
        except KieError as error:
            # Noted before the record goes: a process that dies in between leaves the note as evidence.
            await self.budgets.refund(attempt, "void" if error.retryable else "refused")
            if await self._keep(self.records.release, attempt):
                with suppress(Exception):  # left behind it harms nobody
                    await self.records.token(attempt).drop()
            raise
        submitted = attempt.became("submitted", self.clock.now(), task_id=handle.task_id)
        self.events.emit_submitted(submitted)
        if not await self._keep(self.records.write, submitted):
            await self.events.sent()
        self.log.info("%s submitted as job %s (submission %s)", attempt.model, handle.task_id, key)
        return handle.model_copy(update={"submission": key, "callback_requested": attempt.callback_requested})

    async def _keep(
        self, write: Callable[[SubmissionRecord], Coroutine[Any, Any, None]], record: SubmissionRecord
    ) -> bool:
        """Record an outcome, and return whether it is: a failing storage must not lose a job known here."""
        last: Exception | None = None
        for pause in KEEP_PAUSES:
            try:
                await write(record)
                return True
            except ClaimLost as error:
                self.log.error(
                    f"Submission {record.key} became job {record.task_id or '(not known)'}, but {error}. "
                    "Both go on, and are charged if they succeed: fetch this one with collect_job."
                )
                return True
            except Exception as error:
                last = error
            await self.clock.sleep(pause)
        self.log.error(
            f"The outcome of submission {record.key} could not be recorded in result storage "
            f"({shown_error(last) if last else ''}). This run goes on; run again, it learns the outcome from "
            f"the event kie.job.submitted. Job: {record.task_id or 'none that is known'}."
        )
        return False
