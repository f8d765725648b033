"""What `create_character` and `character_series` share: who a character is, and making one that you keep."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

from prefect import get_run_logger
from pydantic import Field

from prefect_kie.api import InvalidRequest, Job, JobHandle, JobState
from prefect_kie.api.forms import Form
from prefect_kie.api.results import JobResult, ResultFile
from prefect_kie.blocks import KieCharacter, load_character
from prefect_kie.blocks.character import CharacterHandle
from prefect_kie.characters.keeping import fetched, has_its_files, keep_slice
from prefect_kie.flows._runner import JobRunner
from prefect_kie.human_input.pick_slice import pick_slice, real_length
from prefect_kie.media import assets
from prefect_kie.media.saved import file_stem
from prefect_kie.media.saving import at_hand
from prefect_kie.media.uploading import is_url
from prefect_kie.models import Slice, Sora2CharactersPro
from prefect_kie.models.fields import MAX_SLICE, SORA_SLICE, Handle, slice_within
from prefect_kie.run_page.artifacts import show_kept_character
from prefect_kie.storage.run_storage import DEFAULT_DIRECTORY
from prefect_kie.tasks import wait_for_job


class NewCharacter(Form, title="Kept by you"):
    """A character that you keep, for every model: a `KieCharacter` block with its files. It costs nothing."""

    longest: ClassVar[float] = float(MAX_SLICE)

    handle: CharacterHandle
    """What prompts call it, without @: 2 to 20 small letters, digits and _."""
    name: Annotated[str, Field(max_length=100)] = ""
    """What readers call it; by default the handle."""
    description: Annotated[str, Field(max_length=1000)] = ""
    """Who it is, in one line, like: a calm grey cat with green eyes."""
    replace: bool = False
    """Whether it takes the place of another character with this handle."""

    def fields(self, origin: str | None) -> dict[str, str]:
        """What its block says of it, apart from its files."""
        name = self.name or self.handle.replace("_", " ").title()
        return {"handle": self.handle, "name": name, "description": self.description, "origin": origin or ""}


class CharacterTraits(Form, title="Sora's own"):
    """Who a character of Sora's own is."""

    longest: ClassVar[float] = float(SORA_SLICE)

    character_prompt: Annotated[str, Field(min_length=1, max_length=1000)]
    """The character's stable traits in one line, at most 1,000 characters."""
    character_user_name: Handle | None = None
    """The wanted handle, without @, at most 40 characters; unique among all of Kie's users."""
    safety_instruction: Annotated[str, Field(max_length=1000)] | None = None
    """Boundaries for the character, at most 1,000 characters."""

    def request(self, origin_task_id: str, part: Slice) -> Sora2CharactersPro:
        """The request that makes this character from a slice of a video."""
        return Sora2CharactersPro(
            origin_task_id=origin_task_id, timestamps=part.timestamps, **self.model_dump(exclude_none=True)
        )


class Footage(NamedTuple):
    """A video that a character is made from: its job, and its file where that is on this machine."""

    job: Job
    file: Path | None

    @property
    def task_id(self) -> str:
        """The job's task id, for Sora, which makes its own characters from jobs at Kie alone. Raises
        InvalidRequest when it is another video.
        """
        if not self.job.record:
            raise InvalidRequest(
                f"Sora makes its own characters from its own videos, not from {self.job.task_id!r}; nothing "
                "was submitted",
                next_step="Give a NewCharacter, or the task id of a Sora video, and run again.",
            )
        return self.job.task_id


@asynccontextmanager
async def footage_of(source: str, runner: JobRunner) -> AsyncGenerator[Footage, None]:
    """A video by a job's task id, a file's path or an address. Raises InvalidRequest when there is no such
    file.
    """
    path = Path(source).expanduser()  # noqa: ASYNC240 - a look at a name
    if is_url(source):
        async with fetched(source, runner.credentials) as file:
            yield Footage(_shown_as(source, source), file)
    elif path.suffix or len(path.parts) > 1:
        if not path.is_file():
            raise InvalidRequest(
                f"there is no video {source!r} where this runs; nothing was submitted",
                next_step="Give a file of this machine, an address, or a job's task id, and run again.",
            )
        yield Footage(_shown_as(origin_of(source), path.name), path)
    else:
        job = await wait_for_job(JobHandle(task_id=source), runner.credentials, poll=runner.poll)
        # Where an earlier run has saved it at the usual place on this machine.
        usual = DEFAULT_DIRECTORY.expanduser() / f"{file_stem(job)}.mp4"
        is_there = usual.is_file()
        if is_there:
            assets.remember(assets.asset_key(str(usual)), job.task_id)
        yield Footage(job, usual if is_there else None)


def origin_of(source: str) -> str:
    """By which a character knows the video that it is from, and is found to be the same again."""
    path = Path(source).expanduser()
    return str(path.resolve()) if not is_url(source) and path.is_file() else source


def _shown_as(origin: str, name: str) -> Job:
    """A video that no job of ours made, as one that has."""
    files = (ResultFile(url=origin, role="result"),)
    return Job(task_id=origin, model=name, state=JobState.SUCCESS, result=JobResult(files=files))


async def slice_of(
    footage: Footage,
    part: Slice | None,
    traits: NewCharacter | CharacterTraits,
    runner: JobRunner,
    seconds: float | None = None,
) -> Slice:
    """The slice of a video that becomes the character: the given one, checked, or one that a person picks."""
    job, kie, longest = footage.job, runner.credentials, traits.longest
    if part is None:
        whose, hours = (runner.job_key, traits.model_dump_json()), runner.approval.answer_hours
        return await pick_slice(
            job, kie, whose=whose, hours=hours, file=footage.file, seconds=seconds, longest=longest
        )
    if seconds is None:
        seconds = await real_length(job, kie, file=footage.file)
    try:
        return slice_within(part.start, part.end, longest, seconds)
    except ValueError as error:
        raise InvalidRequest(
            str(error),
            next_step=f"Run create_character with {job.task_id!r} and another slice; the video is not paid "
            "again, and nothing was submitted for the character.",
        ) from None


async def check_free(
    new: NewCharacter, origin: str | None, part: Slice | None, *, again: bool = False
) -> KieCharacter | None:
    """The character of this handle where it is this very one, made before; None where the handle is free.

    Without an origin: the video does not exist yet. With `again` one whose files are gone, and which may be
    replaced, is made again; not so in a run that pays for what is made with it, and which may go on where its
    files are not: other pictures would be other jobs. Raises InvalidRequest when the handle is another
    character's, which is not to be replaced.
    """
    found = await load_character(new.handle)
    if found is None:
        return None
    is_same = found.model_dump(include={*new.fields(origin)}) == new.fields(origin)
    is_same &= part is None or (found.start, found.end) == (part.start, part.end)
    if is_same and not (again and new.replace and not await has_its_files(found)):
        return found
    if new.replace:
        return None
    raise InvalidRequest(
        f"there is another character @{new.handle} (the block {found.block_name}, made from "
        f"{found.origin or 'files of yours'}); nothing was submitted",
        next_step="Take another handle, or give replace=True to take its place, and run again.",
    )


async def kept(
    new: NewCharacter, footage: Footage, part: Slice, runner: JobRunner, *, again: bool = False
) -> KieCharacter:
    """The character of a slice, kept; the one that is there already where it is the same (`check_free`)."""
    origin = footage.job.task_id
    if (found := await check_free(new, origin, part, again=again)) is not None:
        get_run_logger().info("The character @%s is there already, and stays as it is", new.handle)
        return await shown(found, [origin])
    async with at_hand(footage.job, runner.credentials, footage.file) as file:
        who, where = new.fields(origin), (runner.directory, runner.storage)
        try:
            made = await keep_slice(who, file, part, *where, replace=new.replace)
        except InvalidRequest:
            # Another run may have made one of this handle meanwhile: this one, or another.
            if (found := await check_free(new, origin, part)) is None:
                raise
            return found
    return await shown(made, [origin])


async def shown(character: KieCharacter, sources: Sequence[str]) -> KieCharacter:
    """The character, shown in the run's overview and reported as an asset that was made from these."""
    await show_kept_character(character)
    assets.report_character(character, sources)
    return character
