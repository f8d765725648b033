"""What flows return of characters and series, and of jobs that were collected."""

from pydantic import BaseModel

from prefect_kie import api
from prefect_kie.blocks import KieCharacter
from prefect_kie.models import Slice
from prefect_kie.outcomes.results import VideoOutcome, total_credits
from prefect_kie.run_page.markdown import cell
from prefect_kie.tasks import SavedResult


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
