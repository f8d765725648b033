"""From a request to a saved video or a character: the steps that flows share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import get_run_logger
from prefect.filesystems import WritableFileSystem
from prefect.runtime import flow_run

from prefect_kie.api import (
    CharacterResult,
    InvalidRequest,
    JobHandle,
    JobRequest,
    KieError,
    PollPolicy,
    Slice,
    Sora2CharactersPro,
    UnexpectedResponse,
)
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.flows.outcomes import Character, VideoOutcome
from prefect_kie.flows.suspending import Wait, suspended_until_done
from prefect_kie.tasks import save_video, sora_2_characters_pro, task_for, wait_for_job
from prefect_kie.tasks.destination import check_destination, load_storage
from prefect_kie.tasks.models import shortened
from prefect_kie.tasks.runs import run_base
from prefect_kie.tasks.showing import show_character

DEFAULT_POLL = PollPolicy()


@dataclass(frozen=True)
class Production:
    """What all jobs of one run share.

    Attributes:
        credentials: The loaded key's block.
        job_key: Whose jobs they are: the caller's key, or the outermost run's id.
        poll: How patiently to wait.
        directory: Where to save; None: the default directory, or the storage.
        storage: Instead of a directory: a storage block.
        wait: Whether the run is suspended while its jobs run.
    """

    credentials: KieCredentials
    job_key: str
    poll: PollPolicy
    directory: Path | None = None
    storage: WritableFileSystem | None = None
    wait: Wait = "look"

    @classmethod
    async def prepare(
        cls,
        credentials: KieCredentials | str,
        job_key: str | None,
        poll: PollPolicy,
        directory: Path | None = None,
        storage: WritableFileSystem | str | None = None,
        wait: Wait = "look",
    ) -> Production:
        """Load what is only named, so that a wrong name is told before anything is paid.

        Raises:
            KieError: when there are no such credentials or no such storage.
        """
        check_destination(directory, storage)
        kie, block = await load_credentials(credentials), await load_storage(storage)
        try:
            base = await run_base(job_key)
        except ValueError as error:
            raise InvalidRequest(str(error), next_step="Give one, or leave it out, and run again.") from None
        return cls(kie, base, poll, directory, block, wait)

    async def videos(self, jobs: Sequence[tuple[JobRequest, int]]) -> tuple[VideoOutcome, ...]:
        """Make videos side by side; whatever happens to one becomes its outcome, never its siblings'.

        Args:
            jobs: The requests with their takes.
        """
        if self.wait == "look":
            return tuple(await asyncio.gather(*(self._video(*job) for job in jobs)))
        submitted = await asyncio.gather(*(self._submitted(*job) for job in jobs))
        await self._suspended(*submitted)
        return tuple(
            await asyncio.gather(
                *(self._saved(*job, found) for job, found in zip(jobs, submitted, strict=True))
            )
        )

    async def _video(self, request: JobRequest, take: int) -> VideoOutcome:
        return await self._saved(request, take, await self._submitted(request, take))

    async def _submitted(self, request: JobRequest, take: int) -> JobHandle | VideoOutcome:
        try:
            return await task_for(request)(request, self.credentials, take=take, job_key=self.job_key)
        except Exception as error:
            return _failed(request, take, error, None)

    async def _saved(
        self, request: JobRequest, take: int, submitted: JobHandle | VideoOutcome
    ) -> VideoOutcome:
        if isinstance(submitted, VideoOutcome):
            return submitted
        try:
            job = await wait_for_job(submitted, self.credentials, poll=self.poll)
            video = await save_video(job, self.credentials, directory=self.directory, storage=self.storage)
        except Exception as error:
            return _failed(request, take, error, submitted.task_id)
        return VideoOutcome.of_saved(request, take, video)

    async def _suspended(self, *submitted: JobHandle | VideoOutcome) -> None:
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
        handle = await sora_2_characters_pro(request, self.credentials, job_key=self.job_key)
        await self._suspended(handle)
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
            job.result, request.origin_task_id, Slice.parse(request.timestamps), job.task_id
        )


def _failed(request: JobRequest, take: int, error: Exception, task_id: str | None) -> VideoOutcome:
    if not isinstance(error, KieError):  # a mistake of ours or of the machine: its place matters
        get_run_logger().error("%s: unexpected error", request.model_name, exc_info=error)
    return VideoOutcome.of_error(request, take, error, task_id)


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
