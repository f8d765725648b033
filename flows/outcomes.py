"""What flows return, and how they fail: every outcome is told, those of the siblings included."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, cast

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Failed
from pydantic import BaseModel, ConfigDict

from prefect_kie.api import (
    CharacterResult,
    ContentRejected,
    JobRequest,
    KieError,
    RunIncomplete,
    Slice,
    SubmissionInDoubt,
)
from prefect_kie.api.errors import Billed
from prefect_kie.tasks import SavedResult
from prefect_kie.tasks.markup import cell, web_address

ResultT = TypeVar("ResultT")

VideoStatus = Literal["saved", "failed", "rejected", "in doubt"]


class VideoOutcome(BaseModel):
    """What became of one wanted video.

    Attributes:
        model: The model's name at Kie.
        prompt: Its prompt, or what stands for it.
        take: Which variation of its request it is, from 1.
        status: `saved`, `failed`, `rejected` (by moderation), or `in doubt` (not known whether Kie created
            it).
        tries: How many submissions there were for it; the last one's model and error are told.
        task_id: Kie's id of the job, where it got one.
        video: The saved files.
        error: What happened, whether it was charged, and what to run next.
        billed: Whether Kie charged for it.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    prompt: str
    take: int = 1
    status: VideoStatus
    tries: int = 1
    task_id: str | None = None
    video: SavedResult | None = None
    error: str | None = None
    billed: Billed

    @classmethod
    def of_saved(cls, request: JobRequest, take: int, video: SavedResult, tries: int = 1) -> VideoOutcome:
        """The outcome of a video that is there."""
        return cls(
            model=request.model_name,
            prompt=request.title,
            take=take,
            status="saved",
            tries=tries,
            task_id=video.task_id,
            video=video,
            billed="yes",
        )

    @classmethod
    def of_error(
        cls, request: JobRequest, take: int, error: Exception, task_id: str | None, tries: int = 1
    ) -> VideoOutcome:
        """The outcome of a video that is missing."""
        known = error if isinstance(error, KieError) else None
        return cls(
            model=request.model_name,
            prompt=request.title,
            take=take,
            status=_status(error),
            tries=tries,
            task_id=known.task_id or task_id if known else task_id,
            error=str(known) if known else f"{type(error).__name__}: {error}",
            billed=known.billed if known else "unknown",
        )

    @property
    def line(self) -> str:
        """One line that tells it all."""
        take = f" (take {self.take})" if self.take != 1 else ""
        told = self.video.path if self.video else self.error
        return f"{self.status}: {self.model}{take} {self.prompt[:60]!r}: {told}"

    @property
    def row(self) -> dict[str, str]:
        """The same as a row of a table."""
        video = self.video
        return {
            "status": self.status,
            "prompt": cell(self.prompt),
            "length (s)": f"{video.seconds:g}" if video and video.seconds is not None else "",
            "credits": f"{video.credits:g}" if video and video.credits is not None else "",
            "link (14 days)": cell(web_address(video.files[0].url or "") or "", 2000) if video else "",
            "model": cell(self.model),
            "take": str(self.take),
            "saved as": cell(video.path, 1000) if video else "",
            "task id": cell(self.task_id or ""),
            "error": cell(self.error or "", 500),
        }


def _status(error: Exception) -> VideoStatus:
    if isinstance(error, SubmissionInDoubt):
        return "in doubt"
    return "rejected" if isinstance(error, ContentRejected) else "failed"


class GeneratedVideos(BaseModel):
    """The outcomes of a run of `generate_video`, one per wanted video, in order."""

    model_config = ConfigDict(frozen=True)

    videos: tuple[VideoOutcome, ...]


class Character(BaseModel):
    """A character made from a slice of a video.

    Attributes:
        character_id: Its id at Kie.
        handle: What to write in a prompt, as `@handle`; None where Kie gave none.
        origin_task_id: The job of the video it was made from.
        slice: Which part of it.
        task_id: The job that made it.
    """

    model_config = ConfigDict(frozen=True)

    character_id: str
    handle: str | None
    origin_task_id: str
    slice: Slice
    task_id: str

    @classmethod
    def of_result(cls, result: CharacterResult, origin_task_id: str, part: Slice, task_id: str) -> Character:
        """The character that a finished job made."""
        return cls(
            character_id=result.character_id,
            handle=result.character_user_name,
            origin_task_id=origin_task_id,
            slice=part,
            task_id=task_id,
        )


class SeriesResult(BaseModel):
    """What a run of `character_series` made.

    Attributes:
        original: The first video.
        character: The character made from its slice; None where it came to none.
        episodes: One outcome per prompt, in order.
    """

    model_config = ConfigDict(frozen=True)

    original: VideoOutcome
    character: Character | None = None
    episodes: tuple[VideoOutcome, ...] = ()


class CollectedJob(BaseModel):
    """What `collect_job` brought back.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie.
        video: What was saved, of whatever kind: a video, pictures, sound, a text, data.
        character: The character, where the job made one.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    model: str
    video: SavedResult | None = None
    character: CharacterResult | None = None


def complete_or_failed(
    result: ResultT, outcomes: tuple[VideoOutcome, ...], task: str, job_key: str
) -> ResultT:
    """The result, if every video is saved; else the failed state that names each.

    Args:
        result: What the flow returns.
        outcomes: Its videos.
        task: What they are, for the summary: `videos`, `episodes`.
        job_key: Whose jobs they are, with which another run goes on with them.
    """
    missing = [outcome for outcome in outcomes if outcome.status != "saved"]
    if not missing:
        return result
    head = f"{len(missing)} of {len(outcomes)} {task} failed:"
    lines = [head, *(f"- {outcome.line}" for outcome in outcomes)]
    if any(outcome.status == "saved" for outcome in outcomes):
        lines.append(
            "A new run would make, and pay for, those saved ones again; with "
            f"job_key={job_key!r} it makes only those whose input has changed."
        )
    error = RunIncomplete("\n".join(lines))
    error.result = result
    charges = {outcome.billed for outcome in outcomes}
    error.billed = "unknown" if "unknown" in charges else "yes" if "yes" in charges else "no"
    return failed(error, type(result))


def failed(error: KieError, instead_of: type[ResultT]) -> ResultT:
    """The state of a flow run that fails with this error.

    Raising it does the same, but with Prefect's traceback of our own code above it in the log. Where the
    flow has retries it is raised all the same: Prefect counts a returned state as no failure to retry.

    Args:
        error: Why it fails; the flow's caller gets it raised.
        instead_of: What the flow returns otherwise, for the type checker.
    """
    del instead_of
    context = FlowRunContext.get()
    if context is not None and context.flow is not None and context.flow.retries:
        raise error
    state: State[Any] = Failed(message=str(error), data=error)
    return cast("ResultT", state)
