"""From a request to a saved video or a character: the steps that flows share."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

from prefect import get_run_logger
from prefect.filesystems import WritableFileSystem
from prefect.runtime import flow_run
from pydantic import Field

from prefect_kie.api import (
    CharacterResult,
    InvalidRequest,
    JobHandle,
    JobRequest,
    KieError,
    PollPolicy,
    UnexpectedResponse,
)
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.flows._account import Account
from prefect_kie.flows._suspension import Wait, suspended_until_done
from prefect_kie.human_input.approval import not_submitted
from prefect_kie.keys import submission_key
from prefect_kie.models import Slice, Sora2CharactersPro
from prefect_kie.outcomes.results import Character, VideoOutcome
from prefect_kie.retry_policy import (
    NO_SECOND_TRIES,
    SecondTries,
    Tries,
    may_be_made_again,
    may_go_to_another_model,
)
from prefect_kie.run_context import run_records
from prefect_kie.run_page.artifacts import show_character
from prefect_kie.run_page.waiting_message import told_waiting
from prefect_kie.storage.destination import load_storage
from prefect_kie.storage.run_storage import submission_scope
from prefect_kie.tasks import SavedResult, save_result, sora_2_characters_pro, task_for, wait_for_job
from prefect_kie.tasks.models import shortened

DEFAULT_POLL = PollPolicy()

MaxCredits = Annotated[float, Field(ge=0)] | None
"""What all jobs of a run may cost together, credits; None: no cap."""


class Teller(Protocol):
    """Who is told how videos get on, each by its place among them."""

    async def submitted(self, place: int, job: JobHandle, tries: int) -> None:
        """A job is on its way, submitted now or before, at this try (from 1)."""
        ...

    async def ended(self, place: int, outcome: VideoOutcome) -> None:
        """A video has come to something."""
        ...


@dataclass
class _Wanted:
    """A video on its way: its place among its siblings, the tries at it, and how far it is."""

    place: int
    tries: Tries
    take: int
    submitted: JobHandle | Exception = field(default_factory=lambda: RuntimeError("not submitted yet"))
    outcome: VideoOutcome | None = None
    credits: float | None = None


@dataclass(frozen=True)
class JobRunner:
    """What all jobs of one run share.

    Attributes:
        credentials: The loaded key's block.
        job_key: Whose jobs they are: the caller's key, or the outermost run's id.
        poll: How patiently to wait.
        directory: Where to save; None: the default directory, or the storage.
        storage: Instead of a directory: a storage block.
        wait: Whether the run is suspended while its jobs run.
        second_tries: When a failed job is made again.
        max_credits: What all its jobs may cost together; None: no cap.
    """

    credentials: KieCredentials
    job_key: str
    poll: PollPolicy
    directory: Path | None = None
    storage: WritableFileSystem | None = None
    wait: Wait = "poll"
    second_tries: SecondTries = NO_SECOND_TRIES
    max_credits: float | None = None

    @classmethod
    async def prepare(
        cls,
        credentials: KieCredentials | str,
        job_key: str | None,
        poll: PollPolicy,
        directory: Path | None = None,
        storage: WritableFileSystem | str | None = None,
        wait: Wait = "poll",
        second_tries: SecondTries = NO_SECOND_TRIES,
        max_credits: float | None = None,
    ) -> JobRunner:
        """Load what is only named, so that a wrong name is told before anything is paid.

        Raises:
            KieError: when there are no such credentials or no such storage.
        """
        block = await load_storage(storage, directory)
        kie = await load_credentials(credentials)
        try:
            scope = await submission_scope(job_key)
        except ValueError as error:
            raise InvalidRequest(str(error), next_step="Give one, or leave it out, and run again.") from None
        return cls(kie, scope, poll, directory, block, wait, second_tries, max_credits)

    async def videos(
        self,
        jobs: Sequence[tuple[JobRequest, int]],
        *,
        new: Collection[int] | None = None,
        max_concurrency: int | None = None,
        teller: Teller | None = None,
    ) -> tuple[VideoOutcome, ...]:
        """Make videos side by side; whatever happens to one becomes its outcome, never its siblings'.

        Args:
            jobs: The requests with their takes.
            new: The places of those that are not submitted yet; None: looked up.
            max_concurrency: How many may be on their way at the same time; None: all. Suspended, all are.
            teller: Is told how each gets on, by its place in `jobs`.
        """
        videos = [
            _Wanted(place, Tries(self._models(request), self.second_tries.times), take)
            for place, (request, take) in enumerate(jobs)
        ]
        gate = asyncio.Semaphore(max_concurrency or max(1, len(videos)))
        account, unpaid = (
            Account(self.credentials.creates_per_10_seconds),
            set(await self._new(jobs) if new is None else new),
        )

        async def submit(video: _Wanted) -> None:
            submission = partial(self._submitted, video)
            # What was submitted before is only found again, whatever the account is worth now.
            is_new = video.place in unpaid or video.tries.made > 1
            video.submitted = await (account.submit(submission) if is_new else submission())
            if teller is not None and isinstance(video.submitted, JobHandle):
                await teller.submitted(video.place, video.submitted, video.tries.made)

        async def until_submitted(video: _Wanted) -> None:
            async with gate:
                await submit(video)

        async def until_ended(video: _Wanted) -> bool:
            async with gate:
                if self.wait == "poll":
                    await submit(video)
                while not await self._ended(video, await self._saved(video)):
                    if self.wait == "suspend":
                        return False
                    await submit(video)
            if teller is not None and video.outcome is not None:
                await teller.ended(video.place, video.outcome)
            return True

        def message() -> str:
            open_ = sum(video.outcome is None for video in videos)
            return f"Waits for Kie: {open_:,} of {len(videos):,} jobs"

        left: list[_Wanted] = videos
        while left:
            if self.wait == "suspend":
                await asyncio.gather(*map(until_submitted, left))
                await self._suspended(*(video.submitted for video in left))
            async with told_waiting(message):
                ended = await asyncio.gather(*map(until_ended, left))
            left = [video for video, is_so in zip(left, ended, strict=True) if not is_so]
        return tuple(video.outcome for video in videos if video.outcome is not None)

    async def _new(self, jobs: Sequence[tuple[JobRequest, int]]) -> list[int]:
        if len(jobs) == 1:
            return [0]
        left = await not_submitted(jobs, self.job_key, self.credentials)
        return [
            place
            for place, job in enumerate(jobs)
            if submission_key(self.credentials, self.job_key, *job) in left
        ]

    def _models(self, request: JobRequest) -> list[JobRequest]:
        try:
            return self.second_tries.requests(request)
        except InvalidRequest as error:  # a flow has checked what it knew: what is paid by now goes on
            get_run_logger().warning("There will be no second model: %s", error.message)
            return [request]

    async def _submitted(self, video: _Wanted) -> JobHandle | Exception:
        tries = video.tries
        try:
            return await task_for(tries.request)(
                tries.request,
                self.credentials,
                take=video.take,
                job_key=self.job_key,
                second_try=tries.second_try,
                max_credits=self.max_credits,
            )
        except Exception as error:
            return error

    async def _saved(self, video: _Wanted) -> SavedResult | Exception:
        if not isinstance(video.submitted, JobHandle):
            return video.submitted
        try:
            job = await wait_for_job(video.submitted, self.credentials, poll=self.poll)
            video.credits = job.credits
            return await save_result(job, self.credentials, directory=self.directory, storage=self.storage)
        except Exception as error:
            return error

    async def _ended(self, video: _Wanted, made: SavedResult | Exception) -> bool:
        """Whether this was the last try; else the next one is prepared."""
        tries, request, handle = video.tries, video.tries.request, video.submitted
        if isinstance(made, SavedResult):
            video.outcome = VideoOutcome.of_saved(request, video.take, made, tries.made)
            return True
        task_id = handle.task_id if isinstance(handle, JobHandle) else None
        if isinstance(made, KieError):
            mine = await self._of_this_run(handle) if may_go_to_another_model(made) else True
            before = await self._next_was_made(video) if may_be_made_again(made) else False
            if tries.goes_on(made, of_this_run=mine, made_before=before):
                # Without the error's next step: what a person would do next is done here.
                get_run_logger().warning(
                    "%s. Job: %s, not charged. Try %d, with %s, follows.",
                    made.message,
                    made.task_id or "none",
                    tries.made,
                    tries.request.model_name,
                )
                return False
        else:  # a mistake of ours or of the machine: its place matters
            get_run_logger().error("%s: unexpected error", request.model_name, exc_info=made)
        video.outcome = VideoOutcome.of_error(request, video.take, made, task_id, tries.made, video.credits)
        return True

    async def _next_was_made(self, video: _Wanted) -> bool:
        """Whether the next try at the same model has its record already, of an earlier run."""
        tries = video.tries
        key = submission_key(self.credentials, self.job_key, tries.request, video.take, tries.second_try + 1)
        try:
            record = await (await run_records()).read(key)
        except KieError:  # nor can anything be submitted then
            return False
        return record is not None

    async def _of_this_run(self, handle: JobHandle | Exception) -> bool:
        """Whether this run submitted the job; where that is not known it is taken for so."""
        if not isinstance(handle, JobHandle) or handle.submission is None:
            return True
        try:
            record = await (await run_records()).read(handle.submission)
        except KieError:
            return True
        return record is None or record.flow_run_id in (None, flow_run.get_id())

    async def _suspended(self, *submitted: JobHandle | Exception) -> None:
        if self.wait == "suspend":
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
        handle = await sora_2_characters_pro(
            request, self.credentials, job_key=self.job_key, max_credits=self.max_credits
        )
        await self._suspended(handle)
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
        return Character.of_result(
            job.result, request.origin_task_id, Slice.parse(request.timestamps), job.task_id, job.credits
        )


def check_slice(part: Slice, seconds: float | None, origin_task_id: str) -> None:
    """Make sure that a slice lies inside its video, before anything is paid for it.

    Raises:
        InvalidRequest: when it does not.
    """
    if seconds is None:
        return
    try:
        part.check_within(seconds)
    except ValueError as error:
        raise InvalidRequest(
            str(error),
            next_step=(
                f"Run create_character with origin_task_id {origin_task_id!r} and another slice; the video "
                "is not paid again, and nothing was submitted for the character."
            ),
        ) from None


def run_name() -> str:
    """The name of a flow run by what it makes: `generate-video: a claymation conductor…`."""
    parameters = flow_run.get_parameters()
    request = parameters.get("request") or parameters.get("original")
    name = flow_run.get_flow_name()
    return f"{name}: {shortened(request.title)}" if isinstance(request, JobRequest) else str(name)
