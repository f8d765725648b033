"""From a request to a saved video or a character: the steps that flows share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prefect.filesystems import WritableFileSystem
from prefect.runtime import flow_run

from prefect_kie.api import (
    CharacterResult,
    ContentRejected,
    InvalidRequest,
    JobHandle,
    JobRequest,
    KieError,
    PollPolicy,
    Slice,
    Sora2CharactersPro,
    UnexpectedResponse,
    VideoRequest,
)
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.flows._attempts import Attempts, may_fall_back, may_repeat
from prefect_kie.flows._before_paying import check_addresses
from prefect_kie.flows._options import (
    DEFAULT_APPROVAL,
    DEFAULT_OUTPUT,
    DEFAULT_RETRY,
    DEFAULT_SCOPE,
    DEFAULT_WAITING,
    Approval,
    Output,
    Retry,
    Scope,
    Waiting,
)
from prefect_kie.flows._suspension import suspended_until_done
from prefect_kie.human_input.approval import approve, not_submitted
from prefect_kie.human_input.questions import check_can_ask
from prefect_kie.keys import submission_key
from prefect_kie.outcomes.results import ACCOUNT_REFUSALS, Character, VideoOutcome, Wanted
from prefect_kie.run_page.artifacts import show_character
from prefect_kie.run_page.waiting_message import told_waiting
from prefect_kie.runtime.logs import run_logger
from prefect_kie.storage.destination import check_destination, check_writable, load_storage
from prefect_kie.storage.run_storage import submission_scope
from prefect_kie.submissions.budgets import Budget
from prefect_kie.submissions.store import SubmissionRecord, SubmissionRecords
from prefect_kie.tasks import SavedResult, save_result, sora_2_characters_pro, task_for, wait_for_job
from prefect_kie.tasks.models import shortened

OnSubmitted = Callable[[int, JobHandle, int], Awaitable[None]]
"""Called with a video's place among its siblings, its job and the number of the attempt, from 1."""
OnEnded = Callable[[int, VideoOutcome], Awaitable[None]]


class _Account:
    """One account pays for all jobs of a run: a refusal that would meet each of them is met once.

    One submission goes ahead, and the others follow once it is taken. They are as many at once as Kie takes
    in a moment, so that a refusal meets few.
    """

    def __init__(self, at_once: int) -> None:
        self._refusal: KieError | None = None
        self._ahead, self._is_served = asyncio.Lock(), False
        self._gate = asyncio.Semaphore(at_once)

    async def submit(self, submit: Callable[[], Awaitable[JobHandle | Exception]]) -> JobHandle | Exception:
        """The submission's outcome, or the refusal that keeps it from being tried."""
        async with self._gate, AsyncExitStack() as stack:
            if not self._is_served:
                await stack.enter_async_context(self._ahead)
            if self._is_served:
                await stack.aclose()  # the others follow side by side
            if (refusal := self._refusal) is not None:
                return type(refusal)(
                    refusal.message,
                    code=refusal.code,
                    billed="no",
                    next_step=refusal.next_step,
                    remedy=refusal.remedy,
                )
            outcome = await submit()
            if isinstance(outcome, ACCOUNT_REFUSALS):
                self._refusal = self._refusal or outcome
            # What Kie refuses for its own input says nothing of the account.
            self._is_served |= not isinstance(outcome, InvalidRequest | ContentRejected)
            return outcome


@dataclass
class _Video:
    """A video on its way: its place among its siblings, the attempts at it, and how far it is."""

    place: int
    wanted: Wanted
    attempts: Attempts
    submitted: JobHandle | Exception | None = None
    made: SavedResult | Exception | None = None
    credits: float | None = None

    @property
    def outcome(self) -> VideoOutcome:
        now = Wanted(self.attempts.request, self.wanted.take)
        task_id = self.submitted.task_id if isinstance(self.submitted, JobHandle) else None
        made = self.made or RuntimeError("it has not ended")
        return VideoOutcome.of(now, made, task_id, self.attempts.made, self.credits)


@dataclass(frozen=True)
class JobRunner:
    """What all jobs of one run share.

    Attributes:
        credentials: The loaded key's block.
        job_key: Whose jobs they are: the caller's key, or the outermost run's id.
        poll: How patiently to wait.
        suspends: Whether the run is suspended while its jobs run.
        directory: Where to save; None: the default directory, or the storage.
        storage: Instead of a directory: a storage block.
        approval: What may be paid.
        attempts: How many submissions each request has.
    """

    credentials: KieCredentials
    job_key: str
    poll: PollPolicy
    suspends: bool
    directory: Path | None
    storage: WritableFileSystem | None
    approval: Approval
    attempts: int

    @classmethod
    async def prepare(
        cls,
        credentials: KieCredentials | str,
        output: Output = DEFAULT_OUTPUT,
        approval: Approval = DEFAULT_APPROVAL,
        waiting: Waiting = DEFAULT_WAITING,
        scope: Scope = DEFAULT_SCOPE,
        *,
        attempts: int = 1,
        asks: bool = False,
    ) -> JobRunner:
        """Load what is only named, so that a wrong name is an error before anything is paid.

        Raises:
            KieError: when there are no such credentials or no such storage, or it cannot ask a person and
                would have to (`asks`, or by `approval`).
        """
        if asks or approval.ask_above is not None:
            await check_can_ask()
        check_destination(output.directory, output.storage)
        kie, block = await load_credentials(credentials), await load_storage(output.storage)
        try:
            key = await submission_scope(scope.job_key)
        except ValueError as error:
            raise InvalidRequest(str(error), next_step="Give one, or leave it out, and run again.") from None
        suspends = waiting.mode == "suspend"
        return cls(kie, key, waiting.poll, suspends, output.directory, block, approval, attempts)

    async def check(
        self, jobs: Sequence[Wanted], further: Sequence[JobRequest] = (), *, saves: bool = True
    ) -> dict[str, Wanted]:
        """Make sure, before anything is paid, that Kie can fetch the inputs, results can be saved, and the
        budgets have room. Where all was submitted before, nothing is checked: what is paid for is fetched.

        Args:
            jobs: What is wanted.
            further: Requests whose input is not settled yet, such as a character's.
            saves: Whether to write to the destination, for a moment.

        Returns:
            The jobs that are not submitted yet, by their submissions' keys.

        Raises:
            KieError: when something is wrong; nothing was submitted.
        """
        left = await not_submitted(jobs, self.job_key, self.credentials)
        if left or further:
            for request in [*(one for job in jobs for one in job.requests), *further]:
                check_addresses(request)
            if saves:
                await check_writable(self.directory, self.storage)
        if left:  # else the run was begun before, and nobody knows here how much of it is left
            planned = {key: job.request for key, job in left.items()}
            planned |= {f"further {number}": request for number, request in enumerate(further)}
            budget = Budget(await SubmissionRecords.of_this_run(), self.job_key, self.approval.max_credits)
            await budget.check(planned)
        return left

    async def approve(
        self, jobs: Sequence[Wanted], left: dict[str, Wanted], further: Sequence[JobRequest] = ()
    ) -> None:
        """Ask a person, where what is left to submit costs so much; see `human_input.approval.approve`."""
        unsettled = [Wanted(request) for request in further]
        await approve(
            [*jobs, *unsettled],
            [*left.values(), *unsettled],
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

        Args:
            jobs: What is wanted.
            new: The places of those that are not submitted yet; None: looked up.
            max_concurrency: How many may be on their way at the same time; None: all. Suspended, all are.
            on_submitted: Called when a job is on its way, submitted now or before.
            on_ended: Called when a video has come to something.
        """
        made = await self._make(jobs, new, max_concurrency or max(1, len(jobs)), on_submitted, on_ended)
        return tuple(video.outcome for video in made)

    async def video(self, job: Wanted) -> SavedResult:
        """Make one video.

        Raises:
            Exception: why there is none, as it was raised.
        """
        (video,) = await self._make([job], [0], 1, None, None)
        if not isinstance(video.made, SavedResult):
            raise video.made or RuntimeError("it has not ended")
        return video.made

    async def _make(
        self,
        jobs: Sequence[Wanted],
        new: Collection[int] | None,
        at_once: int,
        on_submitted: OnSubmitted | None,
        on_ended: OnEnded | None,
    ) -> list[_Video]:
        videos = [_Video(n, job, Attempts(job.requests, self.attempts)) for n, job in enumerate(jobs)]
        if new is None:
            left = await not_submitted(jobs, self.job_key, self.credentials) if len(jobs) > 1 else {}
            new = [
                n for n, job in enumerate(jobs) if len(jobs) == 1 or self._key(job.request, job.take) in left
            ]
        gate, unpaid = asyncio.Semaphore(at_once), set(new)
        account = _Account(self.credentials.creates_per_10_seconds)

        async def submit(video: _Video) -> None:
            submission = partial(self._submitted, video)
            # What was submitted before is only found again, whatever the account is worth now.
            is_new = video.place in unpaid or video.attempts.made > 1
            video.submitted = await (account.submit(submission) if is_new else submission())
            if on_submitted is not None and isinstance(video.submitted, JobHandle):
                await on_submitted(video.place, video.submitted, video.attempts.made)

        async def until_submitted(video: _Video) -> None:
            async with gate:
                await submit(video)

        async def until_ended(video: _Video) -> None:
            async with gate:
                if not self.suspends:
                    await submit(video)
                while await self._goes_on(video, made := await self._saved(video)):
                    if self.suspends:
                        return
                    await submit(video)
                video.made = made
            if on_ended is not None:
                await on_ended(video.place, video.outcome)

        def message() -> str:
            return f"Waits for Kie: {sum(v.made is None for v in videos):,} of {len(videos):,} jobs"

        while left_over := [video for video in videos if video.made is None]:
            if self.suspends:
                await asyncio.gather(*map(until_submitted, left_over))
                await self._suspend(*(video.submitted for video in left_over))
            async with told_waiting(message):
                await asyncio.gather(*map(until_ended, left_over))
        return videos

    def _key(self, request: JobRequest, take: int, repetition: int = 0) -> str:
        return submission_key(self.credentials, self.job_key, request, take, repetition)

    async def _submitted(self, video: _Video) -> JobHandle | Exception:
        request = video.attempts.request
        try:
            return await task_for(request)(
                request,
                self.credentials,
                take=video.wanted.take,
                job_key=self.job_key,
                second_try=video.attempts.repetition,
                max_credits=self.approval.max_credits,
            )
        except Exception as error:
            return error

    async def _saved(self, video: _Video) -> SavedResult | Exception:
        if not isinstance(video.submitted, JobHandle):
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
        if not isinstance(made, KieError):  # a mistake of ours or of the machine: its place matters
            run_logger().error("%s: unexpected error", attempts.request.model_name, exc_info=made)
            return False
        mine, before = True, False
        if may_fall_back(made) and isinstance(video.submitted, JobHandle) and video.submitted.submission:
            record = await self._record(video.submitted.submission)
            mine = record is None or record.flow_run_id in (None, flow_run.get_id())
        if may_repeat(made):
            key = self._key(attempts.request, video.wanted.take, attempts.repetition + 1)
            before = await self._record(key) is not None
        if not attempts.advance(made, of_this_run=mine, made_before=before):
            return False
        # Without the error's next step: what a person would do next is done here.
        text = "%s. Job: %s, not charged. Attempt %d, with %s, follows."
        job = made.task_id or "none"
        run_logger().warning(text, made.message, job, attempts.made, attempts.request.model_name)
        return True

    async def _record(self, key: str) -> SubmissionRecord | None:
        try:
            return await (await SubmissionRecords.of_this_run()).read(key)
        except KieError:  # nor can anything be submitted then
            return None

    async def _suspend(self, *submitted: JobHandle | Exception | None) -> None:
        handles = [handle for handle in submitted if isinstance(handle, JobHandle)]
        await suspended_until_done(handles, self.credentials, self.poll)

    async def character(self, request: Sora2CharactersPro, *, video: Path | str | None = None) -> Character:
        """Submit and wait for a character.

        Args:
            request: What to make.
            video: The original's file, where it is on this machine, for pictures of the slice.

        Raises:
            KieError: when there is none in the end.
        """
        budget = self.approval.max_credits
        handle = await sora_2_characters_pro(
            request, self.credentials, job_key=self.job_key, max_credits=budget
        )
        if self.suspends:
            await self._suspend(handle)
        async with told_waiting(lambda: "Waits for Kie: the character"):
            job = await wait_for_job(handle, self.credentials, poll=self.poll)
        if not isinstance(job.result, CharacterResult):
            raise UnexpectedResponse(
                "Kie reports the character as made but names none",
                task_id=job.task_id,
                billed="yes",
                next_step="Run collect_job with this task id later; if it stays, ask Kie's support.",
            )
        await show_character(job, request=request, video=video)
        return Character(
            character_id=job.result.character_id,
            handle=job.result.character_user_name,
            origin_task_id=request.origin_task_id,
            slice=Slice.parse(request.timestamps),
            task_id=job.task_id,
            credits=job.credits,
        )


async def make(
    request: VideoRequest,
    credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
    *,
    take: int = 1,
    max_credits: float | None = None,
    output: Output = DEFAULT_OUTPUT,
    retry: Retry = DEFAULT_RETRY,
    waiting: Waiting = DEFAULT_WAITING,
    scope: Scope = DEFAULT_SCOPE,
) -> SavedResult:
    """Make one result and save it; raises where there is none, so that you gather results in your own way.

    Args:
        request: What to make, with which model.
        credentials: The Kie Credentials block, or its name.
        take: 1, 2, 3 … for deliberate variations of one request; each is a job of its own, and paid.
        max_credits: What all jobs of the scope may cost together, credits.
        output: Where to save.
        retry: When a job that failed without a charge is submitted again.
        waiting: How to wait for the job.
        scope: What makes the job the same in another run; by default the outermost flow run.

    Returns:
        The saved files.

    Raises:
        InvalidRequest: outside of a flow, when `scope` names no `job_key`; nothing was submitted.
        KieError: when there is no result in the end; says what was charged and what to run next.

    Example:
        ```python
        @flow
        async def two_cats():
            cats = [Sora2TextToVideo(prompt=f"a {color} cat") for color in ("red", "blue")]
            return await asyncio.gather(*(make(cat) for cat in cats), return_exceptions=True)
        ```
    """
    if scope.job_key is None and flow_run.get_id() is None:
        raise InvalidRequest(
            "outside of a flow nothing says which job this is; nothing was submitted",
            next_step='Give scope=Scope(job_key="a name of your own"), or call make in a flow.',
        )
    approval = Approval(max_credits=max_credits)
    runner = await JobRunner.prepare(credentials, output, approval, waiting, scope, attempts=retry.attempts)
    wanted = Wanted(request, take, retry.fallbacks)
    await runner.check([wanted])
    return await runner.video(wanted)


def run_name() -> str:
    """The name of a flow run by what it makes: `generate-video: a claymation conductor…`."""
    parameters = flow_run.get_parameters()
    request = parameters.get("request") or parameters.get("original")
    name = flow_run.get_flow_name()
    return f"{name}: {shortened(request.title)}" if isinstance(request, JobRequest) else str(name)
