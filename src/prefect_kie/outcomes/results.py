"""What flows return: one outcome for each video that was wanted, whatever became of it."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from prefect_kie.api import (
    AuthenticationFailed,
    CharacterResult,
    ContentRejected,
    InsufficientCredits,
    JobRequest,
    KieError,
    SubmissionInDoubt,
    UsageLimitReached,
)
from prefect_kie.api.errors import Billed
from prefect_kie.models import Slice
from prefect_kie.outcomes.failure import Failure
from prefect_kie.outcomes.totals import total_credits
from prefect_kie.run_page.markdown import cell, web_address
from prefect_kie.tasks import SavedResult

ResultT = TypeVar("ResultT")

VideoStatus = Literal["saved", "failed", "rejected", "in doubt", "not submitted"]

ACCOUNT_REFUSALS = (InsufficientCredits, AuthenticationFailed, UsageLimitReached)
"""Refusals that meet every job of the account: after one of them nothing more is submitted."""


class VideoOutcome(BaseModel):
    """What became of one wanted video.

    Attributes:
        model: The model's name at Kie.
        prompt: Its prompt, or what stands for it.
        take: Which variation of its request it is, from 1.
        status: `saved`, `failed`, `rejected` (by moderation), `in doubt` (not known whether Kie created it),
            or `not submitted` (the account was refused before its turn came).
        tries: How many submissions there were for it; the last one's model and error are told.
        task_id: Kie's id of the job, where it got one.
        video: The saved files.
        error: What happened, whether it was charged, and what to run next.
        failure: The same as data; `exception` makes the exception of it.
        billed: Whether Kie charged for it.
        credits: What Kie charged, credits; None where it is not known, 0 where nothing was charged.
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
    failure: Failure | None = None
    billed: Billed
    credits: float | None = None

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
            credits=video.credits,
        )

    @classmethod
    def of_error(
        cls,
        request: JobRequest,
        take: int,
        error: Exception,
        task_id: str | None,
        tries: int = 1,
        credits: float | None = None,
    ) -> VideoOutcome:
        """The outcome of a video that is missing."""
        failure = Failure.of(error, task_id)
        return cls(
            model=request.model_name,
            prompt=request.title,
            take=take,
            status=_status(error),
            tries=tries,
            task_id=failure.task_id,
            error=error.line if isinstance(error, KieError) else f"{type(error).__name__}: {error}",
            failure=failure,
            billed=failure.billed,
            credits=0.0 if failure.billed == "no" else credits,
        )

    @property
    def exception(self) -> KieError | None:
        """The exception because of which the video is missing; None where it is saved.

        Example:
            ```python
            for outcome in made.videos:
                if isinstance(outcome.exception, ContentRejected):
                    print(outcome.prompt)
            ```
        """
        return self.failure.exception if self.failure else None

    def raise_for_failure(self) -> None:
        """Raise the exception because of which the video is missing; nothing where it is saved.

        Raises:
            KieError: that exception.
        """
        if self.failure is not None:
            raise self.failure.exception

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
            "credits": f"{self.credits:g}" if self.credits is not None else "",
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
    if isinstance(error, ACCOUNT_REFUSALS) and error.task_id is None:
        return "not submitted"
    return "rejected" if isinstance(error, ContentRejected) else "failed"


class GeneratedVideos(BaseModel):
    """The outcomes of a run of `generate_video`, one per wanted video, in order.

    Example:
        ```python
        made = await generate_video(request)
        print(made.path, made.credits)
        ```
    """

    model_config = ConfigDict(frozen=True)

    videos: tuple[VideoOutcome, ...]

    @property
    def video(self) -> SavedResult:
        """The first saved video; what it raises, the flow itself has raised before.

        Raises:
            KieError: why there is none.
        """
        for outcome in self.videos:
            if outcome.video is not None:
                return outcome.video
        self.videos[0].raise_for_failure()
        raise AssertionError("a video is saved or has failed")

    @property
    def path(self) -> str:
        """Where the first saved video is: an absolute path, or the storage's address of it."""
        return self.video.path

    @property
    def paths(self) -> list[str]:
        """Where each saved video is, in order."""
        return [outcome.video.path for outcome in self.videos if outcome.video is not None]

    @property
    def credits(self) -> float:
        """What they cost together, credits, as far as Kie tells it."""
        return total_credits(self.videos)


class Character(BaseModel):
    """A character made from a slice of a video.

    Attributes:
        character_id: Its id at Kie.
        handle: What to write in a prompt, as `@handle`; None where Kie gave none.
        origin_task_id: The job of the video it was made from.
        slice: Which part of it.
        task_id: The job that made it.
        credits: What Kie charged for it, credits; None where it does not tell.
    """

    model_config = ConfigDict(frozen=True)

    character_id: str
    handle: str | None
    origin_task_id: str
    slice: Slice
    task_id: str
    credits: float | None = None

    @classmethod
    def of_result(
        cls,
        result: CharacterResult,
        origin_task_id: str,
        part: Slice,
        task_id: str,
        credits: float | None = None,
    ) -> Character:
        """The character that a finished job made."""
        return cls(
            character_id=result.character_id,
            handle=result.character_user_name,
            origin_task_id=origin_task_id,
            slice=part,
            task_id=task_id,
            credits=credits,
        )

    @property
    def row(self) -> dict[str, str]:
        """A row of a table of videos."""
        return {
            "status": "made",
            "prompt": cell(f"the character @{self.handle or self.character_id}"),
            "credits": f"{self.credits:g}" if self.credits is not None else "",
            "task id": cell(self.task_id),
        }


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

    @property
    def credits(self) -> float:
        """What all of it cost together, credits, the character included, as far as Kie tells it."""
        return total_credits([self.original, self.character, *self.episodes])


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
