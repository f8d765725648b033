"""From a request to a saved video or a character: the steps that flows share."""

from __future__ import annotations

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
    """

    credentials: KieCredentials
    job_key: str
    poll: PollPolicy
    directory: Path | None = None
    storage: WritableFileSystem | None = None

    @classmethod
    async def prepare(
        cls,
        credentials: KieCredentials | str,
        job_key: str | None,
        poll: PollPolicy,
        directory: Path | None = None,
        storage: WritableFileSystem | str | None = None,
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
        return cls(kie, base, poll, directory, block)

    async def video(self, request: JobRequest, take: int = 1) -> VideoOutcome:
        """Submit, wait and save; whatever happens becomes this video's outcome, never its siblings'."""
        handle: JobHandle | None = None
        try:
            handle = await task_for(request)(request, self.credentials, take=take, job_key=self.job_key)
            job = await wait_for_job(handle, self.credentials, poll=self.poll)
            video = await save_video(job, self.credentials, directory=self.directory, storage=self.storage)
        except Exception as error:
            if not isinstance(error, KieError):  # a mistake of ours or of the machine: its place matters
                get_run_logger().exception("%s: unexpected error", request.model_name)
            return VideoOutcome.of_error(request, take, error, handle.task_id if handle else None)
        return VideoOutcome.of_saved(request, take, video)

    async def character(self, request: Sora2CharactersPro, *, video: Path | str | None = None) -> Character:
        """Submit and wait for a character.

        Args:
            request: What to make.
            video: The original's file, where it is on this machine, for pictures of the slice.

        Raises:
            KieError: when there is none in the end.
        """
        handle = await sora_2_characters_pro(request, self.credentials, job_key=self.job_key)
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
