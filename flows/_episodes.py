"""The episodes of a series: their prompts and models, and the film that they make together."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio.to_thread
from prefect import get_run_logger
from pydantic import AfterValidator, Field, model_validator

from prefect_kie.api import InvalidRequest, JobRequest, KieError, UnexpectedResponse
from prefect_kie.api.forms import Form
from prefect_kie.blocks import KieCharacter, load_character
from prefect_kie.characters import CastMember, cast, wanted_handles
from prefect_kie.characters.keeping import member_of
from prefect_kie.errors import shown_error
from prefect_kie.flows._characters import NewCharacter
from prefect_kie.flows._options import FlowGroup
from prefect_kie.flows._runner import JobRunner
from prefect_kie.media import assets
from prefect_kie.media.edit_list import edit_list, subtitles
from prefect_kie.media.film import film
from prefect_kie.media.slices import last_frame
from prefect_kie.media.uploading import upload
from prefect_kie.models import parse_request
from prefect_kie.models.characters import characters_of_models
from prefect_kie.models.fields import AspectRatio, Seconds, Size
from prefect_kie.outcomes.results import Character, VideoOutcome, Wanted
from prefect_kie.storage.base import temporary_folder
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.storage.run_storage import DEFAULT_DIRECTORY, scope_storage
from prefect_kie.tasks import SavedResult

PLACEHOLDER = "{character}"
FRAMES = "kie-frames"
"""The folder of last pictures in the result storage."""


def _leaves_room(prompt: str) -> str:
    mentions = max(1, prompt.count(PLACEHOLDER))
    longest = 10_000 - mentions * 60  # which each mention of the handle may take
    if len(prompt) > longest:
        most = f"with {mentions} mention(s) of the character at most {longest:,} leave room for the handle"
        raise ValueError(f"is {len(prompt):,} characters long; {most}")
    return prompt


EpisodePrompt = Annotated[str, Field(min_length=1), AfterValidator(_leaves_room)]


class EpisodeSettings(Form, title="Sora"):
    """How new videos with a character of Sora's own are made."""

    model: Literal["sora-2-text-to-video", "sora-2-pro-text-to-video", "sora-2-text-to-video-stable"] = (
        "sora-2-text-to-video"
    )
    """Which model makes the new videos."""
    aspect_ratio: AspectRatio = "landscape"
    """Portrait or landscape."""
    n_frames: Seconds = "10"
    """Length of each new video in seconds: 10 or 15."""
    remove_watermark: bool | None = None
    """Ask for versions without the watermark; not offered by the stable model."""
    size: Size | None = None
    """Quality, standard or high; for the pro model only."""

    @model_validator(mode="after")
    def _fit_the_model(self) -> "EpisodeSettings":
        self.planned("probe")  # a field that this model does not take is refused now, not after paying
        return self

    def request(self, prompt: str, character: Character) -> JobRequest:
        """The request of one new video, with the character's handle in it, or else its id. Raises
        UnexpectedResponse when the character has no handle and the model takes no ids.
        """
        if character.handle is not None:
            return self.planned(with_handle(prompt, character.handle))
        if self.model == "sora-2-text-to-video-stable":
            raise UnexpectedResponse(
                f"Kie gave the character {character.character_id} no handle, and {self.model} takes no ids",
                task_id=character.task_id,
                billed="yes",
                next_step="Run generate_video with sora-2-text-to-video and character_id_list "
                f"[{character.character_id!r}]; neither the original nor the character is paid again.",
            )
        prompt = prompt.replace(PLACEHOLDER, "the character")
        return self.planned(prompt, character_id_list=[character.character_id])

    def planned(self, prompt: str, **more: Any) -> JobRequest:
        """The request of one new video before there is a character: what it will cost is known by it."""
        fields = self.model_dump(exclude={"model"}, exclude_none=True)
        return parse_request({"model": self.model, "input": {**fields, "prompt": prompt, **more}})


class Episodes(Form, title="Any model"):
    """How new videos with a character that you keep are made, by any model that takes one."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    """Which model makes the new videos, as kling-3.0/video."""
    input: dict[str, Any] = Field(default={})
    """Its other fields, like {"duration": "5"}; the prompt and the character are filled in."""
    draft_model: Annotated[str, Field(max_length=200)] | None = None
    """A cheaper model: while one is given, it makes drafts instead. Empty: the finals are made."""
    draft_input: dict[str, Any] = Field(default={})
    """The other fields of the draft's model."""

    @model_validator(mode="after")
    def _fit_the_models(self) -> "Episodes":
        for takes in (self, self.now):  # what a model does not take is refused now, not after paying
            takes.planned("@probe is here")
        return self

    @property
    def now(self) -> "Episodes":
        """What is made now: the drafts while a model for them is given, else the finals."""
        return Episodes(model=self.draft_model, input=self.draft_input) if self.draft_model else self

    def request(self, prompt: str, character: Character) -> JobRequest:
        """The request of one new video, with the character's handle in its prompt."""
        return self.planned(with_handle(prompt, character.handle or ""))

    def planned(self, prompt: str) -> JobRequest:
        """The request of one new video."""
        return parse_request({"model": self.model, "input": {**self.input, "prompt": prompt}})

    def check(self, prompts: Sequence[str], handle: str) -> list[JobRequest]:
        """The requests before there is a character. Raises InvalidRequest when the model keeps no characters;
        nothing was paid.
        """
        planned = [self.planned(with_handle(prompt, handle)) for prompt in prompts]
        if any(handle not in wanted_handles(request) for request in planned):
            raise InvalidRequest(
                f"{self.model} keeps no characters that you keep; nothing was submitted",
                next_step="Take another model for the episodes (docs/characters.md), and run again.",
            )
        return planned

    async def check_cast(self, planned: Sequence[JobRequest], star: KieCharacter | NewCharacter) -> None:
        """Make sure that everybody whom the prompts name is there, and that the model takes them so. Raises
        InvalidRequest when somebody is missing, or they do not fit; nothing was paid.
        """
        if isinstance(star, NewCharacter):  # with as many pictures as it may get
            star = KieCharacter.model_validate({**star.fields(None), "stills": ["?"] * 4, "clip": "?"})
        for request in planned:
            others = [one for one in wanted_handles(request) if one != star.handle]
            found = await asyncio.gather(*map(load_character, others))
            cast(request, [_stand_in(one) for one in (star, *found) if one is not None])


def _stand_in(character: KieCharacter) -> CastMember:
    """A character as a request names it, with addresses that its files do not have yet."""

    def address(name: str, file: str | None) -> str | None:
        return f"https://kie.example/{name}" if file else None

    stills = tuple(f"https://kie.example/{n}-still.jpg" for n, _ in enumerate(character.stills))
    files = {"clip": address("clip.mp4", character.clip), "voice": address("voice.wav", character.voice)}
    return member_of(character).model_copy(update={**files, "stills": stills})


def with_handle(prompt: str, handle: str) -> str:
    """The prompt with its character's handle (without @): where it says `{character}`, else in front."""
    mention = f"@{handle}"
    if PLACEHOLDER in prompt:
        return prompt.replace(PLACEHOLDER, mention)
    return prompt if mention in prompt else f"{mention} {prompt}"


class Film(FlowGroup):
    """Whether the episodes become one film, and how."""

    join: Literal["no", "when whole", "what is there"] = "no"
    """Join the episodes to one file: not at all, when all are saved, or those that are."""
    crossfade: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How long one episode fades into the next, in seconds; 0: plain cuts."""
    continuity: Literal["none", "last frame"] = "none"
    """last frame: each episode begins with the last picture of the one before, so they are made one after
    the other; by models that take a first frame beside a character."""

    def frame_of(self, model: str) -> str | None:
        """The model's field of a first frame; None where the episodes do not continue each other. Raises
        InvalidRequest when the model takes none beside a character.
        """
        if self.continuity == "none":
            return None
        known = characters_of_models()
        if model in known and known[model].frame:
            return known[model].frame
        able = " or ".join(one for one, keeps in known.items() if keeps.frame)
        raise InvalidRequest(
            f"{model} takes no first frame beside a character; nothing was submitted",
            next_step=f"Take {able}, and run again.",
        )


async def in_order(requests: Sequence[JobRequest], frame: str, runner: JobRunner) -> tuple[VideoOutcome, ...]:
    """Make episodes one after the other, each from the last picture of the one before that is saved. Where
    that cannot be made or uploaded, nothing more is submitted.
    """
    made: list[VideoOutcome] = []
    address: str | None = None
    stopped: KieError | None = None
    for request in requests:
        try:
            if stopped is not None:
                raise stopped
            if made and made[-1].video is not None:
                address = await _last_frame_at_kie(made[-1].saved, runner)
            begun = request if address is None else _beginning_with(address, frame, request)
            jobs = await runner.cast([Wanted(begun)])
        except Exception as error:
            stopped = error if isinstance(error, KieError) else _no_last_frame(error)
            made.append(VideoOutcome.of(Wanted(request), stopped))
        else:
            made += await runner.videos(jobs)
    return tuple(made)


def _beginning_with(address: str, frame: str, request: JobRequest) -> JobRequest:
    cls, fields = type(request), request.model_dump(mode="json", exclude_unset=True)
    is_list = "list[" in str(cls.model_fields[frame].annotation)
    return cls.model_validate({**fields, frame: [address] if is_list else address})


def _no_last_frame(error: Exception) -> InvalidRequest:
    return InvalidRequest(
        f"there is no last picture of the episode before, to begin with ({shown_error(error)}); nothing was "
        "submitted",
        next_step="Put that episode's file right, or give Film(continuity='none'). Then run again "
        "with the same job_key.",
    )


async def _last_frame_at_kie(saved: SavedResult, runner: JobRunner) -> str:
    """The address of an episode's last picture, for the next one to begin with."""
    with temporary_folder() as folder:
        still = folder / "last-frame.jpg"
        still.write_bytes(await _last_frame(saved, runner, folder))
        address = (await upload(still, runner.credentials, runner.job_key)).url
    assets.remember(assets.asset_key(saved.path), address)
    return address


async def _last_frame(saved: SavedResult, runner: JobRunner, folder: Path) -> bytes:
    """The last picture of an episode, made once: a machine or a library of another kind makes other bytes of
    it, and with these the next episode would be another job, and be paid again.
    """
    storage, path = await scope_storage(), f"{FRAMES}/{saved.files[0].sha256}.jpg"
    if (known := await storage.read(path)) is not None:
        return known
    made = await anyio.to_thread.run_sync(last_frame, await _file_of(saved, runner, folder))
    is_first = await storage.create(path, made)
    return made if is_first else await storage.read(path) or made


async def _file_of(saved: SavedResult, runner: JobRunner, folder: Path) -> Path:
    place, name = storage_for(runner.storage or runner.directory or DEFAULT_DIRECTORY), saved.files[0].name
    if (file := place.local(name)) is None:
        file = folder / name
        file.write_bytes(await place.read(name) or b"")
    return file


async def join_film(
    episodes: Sequence[VideoOutcome], options: Film, runner: JobRunner
) -> tuple[str, float] | None:
    """Join the saved episodes to one file, with subtitles and a list of its cuts beside it. Returns where it
    is and its length in seconds; None where none was asked for, one is missing, or it could not be made
    (which is logged: the episodes are saved).
    """
    saved = [one for one in episodes if one.video is not None]
    whole = len(saved) == len(episodes)
    if options.join == "no" or not saved or (options.join == "when whole" and not whole):
        return None
    place = storage_for(runner.storage or runner.directory or DEFAULT_DIRECTORY)
    made_of = " ".join([*(one.saved.task_id for one in saved), f"{options.crossfade:g}"])
    stem = f"film-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    try:
        with temporary_folder() as folder:
            files = [await _file_of(one.saved, runner, folder) for one in saved]
            titles = [one.prompt for one in saved]
            made = await film(files, folder / f"{stem}.mp4", crossfade=options.crossfade, titles=titles)
            await place.write(f"{stem}.srt", subtitles(made.episodes).encode())
            await place.write(f"{stem}.otio", edit_list(made.episodes, fps=made.fps, name=stem))
            size = made.path.stat().st_size
            address = await place.put(made.path, f"{stem}.mp4")
    except Exception as error:
        get_run_logger().error("The episodes are saved, but no film was made of them: %r", error)
        return None
    get_run_logger().info("The film of %d episodes, %.1f s: %s", len(saved), made.seconds, address)
    assets.report_film(address, made.seconds, size, [one.saved for one in saved])
    return address, made.seconds
