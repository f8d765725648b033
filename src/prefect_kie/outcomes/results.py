"""What flows return: one outcome for each video that was wanted, whatever became of it, and characters."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, cast

from pydantic import BaseModel

from prefect_kie import api, errors
from prefect_kie.api import KieError
from prefect_kie.api.errors import Billed
from prefect_kie.blocks import KieCharacter
from prefect_kie.models import Slice
from prefect_kie.run_page.events import REFUSALS
from prefect_kie.run_page.markdown import cell, web_address
from prefect_kie.tasks import SavedResult

VideoStatus = Literal["saved", "failed", "rejected", "in doubt", "not submitted"]

# Refusals that meet every job of the account: after one of them nothing more is submitted.
ACCOUNT_REFUSALS = tuple(REFUSALS)


class Wanted(NamedTuple):
    """A wanted result: its request, its take (from 1), and what to ask for where that fails."""

    request: api.JobRequest
    take: int = 1
    fallbacks: tuple[api.JobRequest, ...] = ()

    @property
    def requests(self) -> tuple[api.JobRequest, ...]:
        """The request and its fallbacks, each once."""
        every = (self.request, *self.fallbacks)
        return tuple(request for n, request in enumerate(every) if request not in every[:n])


class Failure(BaseModel, frozen=True):
    """An exception as data: persisted with a result, and an exception of its own class again."""

    type: str  # its class, in `prefect_kie.api` or `prefect_kie.errors`; any other exception's name
    message: str
    details: dict[str, str | bool | int | float | None]  # its attributes: `task_id`, `billed`, `next_step` …

    @classmethod
    def of(cls, error: Exception, task_id: str | None = None) -> "Failure":
        """An exception as data; `task_id` counts where the exception does not have one."""
        known = error
        if not isinstance(known, KieError):
            known = KieError(str(error), billed="unknown", next_step="Read the log of this run.")
        attributes = vars(known) | {"task_id": known.task_id or task_id}
        del attributes["message"]
        details = {n: v for n, v in attributes.items() if isinstance(v, str | bool | int | float | None)}
        return cls(type=type(error).__name__, message=known.message, details=details)

    @property
    def exception(self) -> KieError:
        """The exception, of its own class; one that is not ours is a plain `KieError`."""
        found: object = getattr(errors, self.type, None) or getattr(api, self.type, None)
        if isinstance(found, type) and issubclass(found, KieError):
            error = found(self.message)
        else:
            error = KieError(f"{self.type}: {self.message}")
        vars(error).update(self.details)
        return error


class VideoOutcome(BaseModel, frozen=True):
    """What became of one wanted video, or other result.

    Attributes:
        model: The model's name at Kie.
        prompt: Its prompt, or what stands for it.
        kind: What the model makes: `video`, `image`, `audio` …
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

    model: str
    prompt: str
    kind: str = "video"
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
    def of(
        cls,
        wanted: Wanted,
        made: SavedResult | Exception,
        task_id: str | None = None,
        tries: int = 1,
        credits: float | None = None,
    ) -> "VideoOutcome":
        """What became of a wanted video: it is saved, or the exception says why it is missing."""
        video, failure = (made, None) if isinstance(made, SavedResult) else (None, Failure.of(made, task_id))
        error = failure and failure.exception
        billed: Billed = error.billed if error else "yes"
        return cls(
            model=wanted.request.model_name,
            prompt=wanted.request.title,
            kind=wanted.request.result_kind,
            take=wanted.take,
            status=_status(error) if error else "saved",
            tries=tries,
            task_id=error.task_id if error else task_id,
            video=video,
            error=error.line if error else None,
            failure=failure,
            billed=billed,
            credits=0.0 if billed == "no" else video.credits if video else credits,
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

    @property
    def saved(self) -> SavedResult:
        """The saved video.

        Raises:
            KieError: the exception because of which it is missing.
        """
        if self.video is None:
            raise self.exception or AssertionError("a video is saved or has failed")
        return self.video

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


def _status(error: KieError) -> VideoStatus:
    if isinstance(error, api.SubmissionInDoubt):
        return "in doubt"
    if isinstance(error, ACCOUNT_REFUSALS) and error.task_id is None:
        return "not submitted"
    return "rejected" if isinstance(error, api.ContentRejected) else "failed"


class Generated(BaseModel, frozen=True):
    """The outcomes of a run that makes files: its one field, one per wanted result, in order."""

    @property
    def outcomes(self) -> tuple[VideoOutcome, ...]:
        """One for each wanted result."""
        (outcomes,) = dict(self).values()
        return cast("tuple[VideoOutcome, ...]", outcomes)

    @property
    def saved(self) -> SavedResult:
        """The first saved result; what it raises, the flow itself has raised before.

        Raises:
            KieError: why there is none.
        """
        made = (outcome.video for outcome in self.outcomes if outcome.video is not None)
        return next(made, None) or self.outcomes[0].saved

    @property
    def path(self) -> str:
        """Where the first saved file is: an absolute path, or the storage's address of it."""
        return self.saved.path

    @property
    def paths(self) -> list[str]:
        """Where the main file of each saved result is, in order."""
        return [outcome.video.path for outcome in self.outcomes if outcome.video is not None]

    @property
    def credits(self) -> float:
        """What they cost together, credits, as far as Kie tells it."""
        return total_credits(one.credits for one in self.outcomes)


class GeneratedVideos(Generated, frozen=True):
    """What a run of `generate_video` made."""

    videos: tuple[VideoOutcome, ...]

    @property
    def video(self) -> SavedResult:
        """The first saved video; raises as `saved`."""
        return self.saved


class GeneratedImages(Generated, frozen=True):
    """What a run of `generate_image` made; a job may make several pictures (`made.saved.files`)."""

    images: tuple[VideoOutcome, ...]


class GeneratedAudio(Generated, frozen=True):
    """What a run of `generate_audio` made; a song is two tracks with their covers (`made.saved.files`)."""

    audio: tuple[VideoOutcome, ...]


def total_credits(credits: Iterable[float | None]) -> float:
    """What videos and characters cost together, credits, as far as Kie reports it."""
    return sum(one or 0.0 for one in credits)


class Character(BaseModel, frozen=True):
    """A character made from a slice of a video, or from pictures.

    Attributes:
        handle: What to write in a prompt, as `@handle`; None where Kie gave none.
        origin: What it was made from: a job's task id, a file, an address.
        slice: Which part of it; None where it was made from pictures.
        block: The `KieCharacter` block that keeps it, for any model; None: Sora's own keeps it, at Kie.
        stills: Where its pictures are.
        clip: Where its clip is.
        voice: Where its voice is.
        character_id: Sora's own: its id at Kie.
        task_id: The job that made it at Kie.
        credits: What Kie charged for it, credits; None where it does not tell, 0 for one that you keep.
    """

    handle: str | None
    origin: str
    slice: Slice | None = None
    block: str | None = None
    stills: tuple[str, ...] = ()
    clip: str | None = None
    voice: str | None = None
    character_id: str | None = None
    task_id: str | None = None
    credits: float | None = None

    @classmethod
    def kept(cls, block: KieCharacter) -> "Character":
        """A character that a block keeps; it costs nothing."""
        part = None
        if block.start is not None and block.end is not None:
            part = Slice(start=block.start, end=block.end)
        same = block.model_dump(include={"handle", "stills", "clip", "voice"})
        return cls(**same, origin=block.origin or "", slice=part, block=block.block_name, credits=0.0)

    @property
    def row(self) -> dict[str, str]:
        """A row of a table of videos."""
        return {
            "status": "made",
            "prompt": cell(f"the character @{self.handle or self.character_id}"),
            "credits": f"{self.credits:g}" if self.credits is not None else "",
            "task id": cell(self.task_id or ""),
        }


class SeriesResult(BaseModel, frozen=True):
    """What a run of `character_series` made.

    Attributes:
        original: The first video; None where it was there before.
        character: The character made from its slice; None where it came to none.
        episodes: One outcome per prompt, in order.
        film: Where the episodes are as one video; None where none was asked for, or one is missing.
    """

    original: VideoOutcome | None = None
    character: Character | None = None
    episodes: tuple[VideoOutcome, ...] = ()
    film: str | None = None

    @property
    def handle(self) -> str | None:
        """The character's handle, for prompts: `@handle`; None where there is none."""
        return self.character.handle if self.character is not None else None

    @property
    def paths(self) -> list[str]:
        """Where each saved episode is, in order."""
        return [episode.video.path for episode in self.episodes if episode.video is not None]

    @property
    def credits(self) -> float:
        """What all of it cost together, credits, the character included, as far as Kie tells it."""
        made = (self.original, self.character, *self.episodes)
        return total_credits(one.credits for one in made if one is not None)


class CollectedJob(BaseModel, frozen=True):
    """What `collect_job` brought back.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie.
        video: What was saved, of whatever kind: a video, pictures, sound, a text, data.
        character: The character, where the job made one.
    """

    task_id: str
    model: str
    video: SavedResult | None = None
    character: api.CharacterResult | None = None

    @property
    def path(self) -> str | None:
        """Where its main file is; None where the job made a character."""
        return self.video.path if self.video is not None else None
