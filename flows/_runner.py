"""From a request to a saved video or a character: the steps that flows share."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prefect.filesystems import WritableFileSystem
from prefect.runtime import flow_run

from prefect_kie import api
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.characters.keeping import with_characters
from prefect_kie.flows._attempts import Attempts, may_fall_back, may_repeat
from prefect_kie.flows._before_paying import check_addresses
from prefect_kie.flows._options import Approval, Output, Scope, Waiting
from prefect_kie.flows.resuming import suspend_until_done
from prefect_kie.human_input.approval import approve
from prefect_kie.human_input.questions import check_can_ask
from prefect_kie.keys import submission_key
from prefect_kie.models import Slice, Sora2CharactersPro
from prefect_kie.outcomes.results import ACCOUNT_REFUSALS, Character, VideoOutcome, Wanted
from prefect_kie.run_context import run_budgets, run_records
from prefect_kie.run_page.artifacts import show_character, waiting_reported
from prefect_kie.runtime.logs import run_logger
from prefect_kie.storage.run_storage import check_writable, load_storage, submission_scope
from prefect_kie.submissions.store import SubmissionRecord, some_at_once, storage_errors
from prefect_kie.tasks import SavedResult, save_result, sora_2_characters_pro, task_for, wait_for_job

REFUSED = "kie-refused/{}.json"
"""Of which submissions a fallback was made, since their model was not served."""

Submitted = api.JobHandle | Exception
OnSubmitted = Callable[[int, api.JobHandle, int], Awaitable[None]]
"""Called with a video's place among its siblings, its job and the number of the attempt, from 1."""
OnEnded = Callable[[int, VideoOutcome], Awaitable[None]]


class _Account:
    """One account pays for all jobs of a run: a refusal that would meet each of them is met once, since one
    submission goes ahead, or by few: the others follow as many at once as Kie takes in a moment.
    """

    def __init__(self, at_once: int) -> None:
        self._refusal: api.KieError | None = None
        self._ahead, self._is_served = asyncio.Lock(), False
        self._gate = asyncio.Semaphore(at_once)

    async def submit(self, submit: Callable[[], Awaitable[Submitted]]) -> Submitted:
        """The submission's outcome, or the refusal that keeps it from being tried."""
        async with self._gate:
            if not self._is_served:
                async with self._ahead:
                    if not self._is_served:
                        return await self._tried(submit)
            return await self._tried(submit)

    async def _tried(self, submit: Callable[[], Awaitable[Submitted]]) -> Submitted:
        if self._refusal is not None:
            return self._refusal
        outcome = await submit()
        if isinstance(outcome, ACCOUNT_REFUSALS):
            self._refusal = outcome
        # What Kie refuses for its own input says nothing of the account.
        self._is_served |= not isinstance(outcome, api.InvalidRequest | api.ContentRejected)
        return outcome


@dataclass
class _Video:
    """A video on its way: its place among its siblings, the attempts at it, and how far it is."""

    place: int
    take: int
    attempts: Attempts
    submitted: Submitted | None = None
    outcome: VideoOutcome | None = None
    credits: float | None = None


@dataclass(frozen=True)
class JobRunner:
    """What all jobs of one run share."""

    credentials: KieCredentials
    job_key: str  # the caller's, or the outermost run's id
    poll: api.PollPolicy
    suspends: bool
    directory: Path | None  # the default directory, or the storage
    storage: WritableFileSystem | None
    approval: Approval
    attempts: int

    @classmethod
    async def prepare(
        cls,
        credentials: KieCredentials | str,
        output: Output = Output(),
        approval: Approval = Approval(),
        waiting: Waiting = Waiting(),
        scope: Scope = Scope(),
        *,
        attempts: int = 1,
        asks: bool = False,
    ) -> "JobRunner":
        """Load what is only named, so that a wrong name is an error before anything is paid; so is a run that
        cannot ask a person and would have to (`asks`, or by `approval`).
        """
        if asks or approval.ask_above is not None:
            await check_can_ask()
        block = await load_storage(output.storage, output.directory)
        kie = await load_credentials(credentials)
        try:
            key = await submission_scope(scope.job_key)
        except ValueError as error:
            step = "Give one, or leave it out, and run again."
            raise api.InvalidRequest(str(error), next_step=step) from None
        suspends = waiting.mode == "suspend"
        return cls(kie, key, waiting.poll, suspends, output.directory, block, approval, attempts)

    async def cast(self, jobs: Sequence[Wanted]) -> list[Wanted]:
        """The jobs with the characters that their prompts name, before anything is paid; see
        `with_characters`.
        """
        cast: dict[int, api.JobRequest] = {}
        for request in (one for job in jobs for one in job.requests):
            if id(request) not in cast:
                cast[id(request)] = await with_characters(request, self.credentials, self.job_key)
        return [
            Wanted(cast[id(job.request)], job.take, tuple(cast[id(one)] for one in job.requests[1:]))
            for job in jobs
        ]

    async def check(
        self, jobs: Sequence[Wanted], further: Sequence[api.JobRequest] = (), *, saves: bool = True
    ) -> list[int]:
        """The places of the jobs that are not submitted yet. Before anything is paid, make sure that Kie can
        fetch the inputs (also `further` requests, not settled yet), results can be saved, and budgets have
        room. Where all was submitted before, nothing is checked: what is paid for is fetched.
        """
        new = await self._not_submitted(jobs)
        if new or further:
            for request in [*(one for job in jobs for one in job.requests), *further]:
                check_addresses(request)
            if saves:
                await check_writable(self.directory, self.storage)
        if new:  # else the run was begun before, and nobody knows here how much of it is left
            planned = {self._key(jobs[n].request, jobs[n].take): jobs[n].request for n in new}
            planned |= {f"further {number}": request for number, request in enumerate(further)}
            await (await run_budgets()).check(self.job_key, self.approval.max_credits, planned)
        return new

    async def approve(
        self,
        jobs: Sequence[Wanted],
        new: Collection[int],
        further: Sequence[api.JobRequest] = (),
        *,
        settled: Sequence[Wanted] | None = None,
    ) -> None:
        """Ask a person, where what is left to submit costs so much; see `human_input.approval.approve`.

        Of `further` requests all is left, or of what became of them (`settled`) what is not submitted yet.
        """
        unsettled = [Wanted(request) for request in further]
        left = unsettled if settled is None else [settled[n] for n in await self._not_submitted(settled)]
        await approve(
            [*jobs, *unsettled],
            [*(jobs[n] for n in new), *left],
            over=self.approval.ask_above,
            kie=self.credentials,
            job_key=self.job_key,
            hours=self.approval.answer_hours,
        )

    async def videos(
        self,
        jobs: Sequence[Wanted],
        *,
        new: Collection[int] | None = None,
        max_concurrency: int | None = None,
        on_submitted: OnSubmitted | None = None,
        on_ended: OnEnded | None = None,
    ) -> tuple[VideoOutcome, ...]:
        """Make videos side by side; whatever happens to one becomes its outcome, never its siblings'.

        `new` are the places of those that are not submitted yet; None: looked up. At most `max_concurrency`
        are on their way at the same time; in a run that suspends, all are.
        """
        videos: list[_Video] = []
        begin = await some_at_once(self._begins_with, jobs)
        for n, (job, first) in enumerate(zip(jobs, begin, strict=True)):
            every = job.requests
            attempts = Attempts([*every[first:], *every[:first]], self.attempts, postponed=first)
            videos.append(_Video(n, job.take, attempts))
        unpaid = set(await self._not_submitted(jobs) if new is None else new)
        gate = asyncio.Semaphore(max_concurrency or max(1, len(jobs)))
        account = _Account(self.credentials.creates_per_10_seconds)

        async def submit(video: _Video) -> None:
            submission = partial(self._submitted, video)
            # What was submitted before is only found again, whatever the account is worth now.
            is_new = video.place in unpaid or video.attempts.made > 1
            video.submitted = await (account.submit(submission) if is_new else submission())
            if on_submitted is not None and isinstance(video.submitted, api.JobHandle):
                await on_submitted(video.place, video.submitted, video.attempts.made)

        async def until_ended(video: _Video) -> None:
            async with gate:
                if not self.suspends:
                    await submit(video)
                while await self._goes_on(video, made := await self._saved(video)):
                    if self.suspends:
                        return
                    await submit(video)
            handle, attempts = video.submitted, video.attempts
            task_id = handle.task_id if isinstance(handle, api.JobHandle) else None
            wanted = Wanted(attempts.request, video.take)
            video.outcome = VideoOutcome.of(wanted, made, task_id, attempts.made, video.credits)
            if on_ended is not None:
                await on_ended(video.place, video.outcome)

        def message() -> str:
            open_ = sum(video.outcome is None for video in videos)
            return f"Waits for Kie: {open_:,} of {len(videos):,} jobs"

        while unfinished := [video for video in videos if video.outcome is None]:
            if self.suspends:
                await asyncio.gather(*map(submit, unfinished))
                handles = [one.submitted for one in unfinished if isinstance(one.submitted, api.JobHandle)]
                await suspend_until_done(handles, self.credentials, self.poll)
            async with waiting_reported(message):
                await asyncio.gather(*map(until_ended, unfinished))
        return tuple(video.outcome for video in videos if video.outcome is not None)

    def _key(self, request: api.JobRequest, take: int, repetition: int = 0) -> str:
        return submission_key(self.credentials, self.job_key, request, take, repetition)

    async def _begins_with(self, job: Wanted) -> int:
        """Which of its requests a job begins with: a fallback, where an earlier run made it since those
        before it were refused. A refusal leaves no record, and by now they may be served, and paid.
        """
        if not job.fallbacks:
            return 0
        storage = (await run_records()).storage
        for n, request in enumerate(job.requests):
            key = self._key(request, job.take)
            if await self._record(key) is not None:
                return n
            with storage_errors("it cannot be read what was made instead"):
                if await storage.read(REFUSED.format(key)) is None:
                    break
        return 0

    async def _not_submitted(self, jobs: Sequence[Wanted]) -> list[int]:
        first = await some_at_once(self._begins_with, jobs)
        keys = [self._key(job.requests[n], job.take) for n, job in zip(first, jobs, strict=True)]
        found = await (await run_records()).read_many(keys)
        return [n for n, record in enumerate(found) if record is None or record.state != "submitted"]

    async def _submitted(self, video: _Video) -> Submitted:
        request = video.attempts.request
        try:
            return await task_for(request)(
                request,
                self.credentials,
                take=video.take,
                job_key=self.job_key,
                second_try=video.attempts.repetition,
                max_credits=self.approval.max_credits,
            )
        except Exception as error:
            return error

    async def _saved(self, video: _Video) -> SavedResult | Exception:
        if not isinstance(video.submitted, api.JobHandle):
            return video.submitted or RuntimeError("it was not submitted")
        try:
            job = await wait_for_job(video.submitted, self.credentials, poll=self.poll)
            video.credits = job.credits
            return await save_result(job, self.credentials, directory=self.directory, storage=self.storage)
        except Exception as error:
            return error

    async def _goes_on(self, video: _Video, made: SavedResult | Exception) -> bool:
        """Whether another attempt follows; if so, it is the current one."""
        if isinstance(made, SavedResult):
            return False
        attempts = video.attempts
        if not isinstance(made, api.KieError):  # a mistake of ours or of the machine: its place matters
            run_logger().error("%s: unexpected error", attempts.request.model_name, exc_info=made)
            return False
        mine, before, instead = True, False, 0
        if may_fall_back(made) and isinstance(video.submitted, api.JobHandle) and video.submitted.submission:
            record = await self._record(video.submitted.submission)
            mine = record is None or record.flow_run_id in (None, flow_run.get_id())
        if may_repeat(made):
            following = self._key(attempts.request, video.take, attempts.repetition + 1)
            before = await self._record(following) is not None
            for n, fallback in enumerate(() if mine else attempts.fallbacks, start=1):
                if not instead and await self._record(self._key(fallback, video.take)) is not None:
                    instead = n
        refused = self._key(attempts.request, video.take)
        if not attempts.advance(made, of_this_run=mine, made_before=before, made_instead=instead):
            return False
        if not isinstance(made, api.JobFailed):
            with suppress(Exception):  # without it, the request is asked for again by the next run
                await (await run_records()).storage.create(REFUSED.format(refused), b"{}")
        # Without the error's next step: what a person would do next is done here.
        run_logger().warning(
            f"{made.message.rstrip('.')}. Job: {made.task_id or 'none'}, not charged. "
            f"Attempt {attempts.made}, with {attempts.request.model_name}, follows."
        )
        return True

    async def _record(self, key: str) -> SubmissionRecord | None:
        with suppress(api.KieError):  # nor can anything be submitted then
            return await (await run_records()).read(key)
        return None

    async def character(self, request: Sora2CharactersPro, *, video: Path | str | None = None) -> Character:
        """Submit and wait for a character; `video` is the original's file, for pictures of the slice."""
        cap = self.approval.max_credits
        handle = await sora_2_characters_pro(request, self.credentials, job_key=self.job_key, max_credits=cap)
        if self.suspends:
            await suspend_until_done([handle], self.credentials, self.poll)
        async with waiting_reported(lambda: "Waits for Kie: the character"):
            job = await wait_for_job(handle, self.credentials, poll=self.poll)
        if not isinstance(job.result, api.CharacterResult):
            raise api.UnexpectedResponse(
                "Kie reports the character as made but names none",
                task_id=job.task_id,
                billed="yes",
                next_step="Run collect_job with this task id later; if it stays, ask Kie's support.",
            )
        await show_character(job, request=request, video=video)
        return Character(
            character_id=job.result.character_id,
            handle=job.result.character_user_name,
            origin=request.origin_task_id,
            slice=Slice.parse(request.timestamps),
            task_id=job.task_id,
            credits=job.credits,
        )
