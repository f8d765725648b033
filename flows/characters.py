"""`create_character`: a character from a slice of an earlier video."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from prefect_kie.api import JobHandle
from prefect_kie.api.forms import described
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._before_paying import check_pictures, check_slice
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._options import Approval, Scope, SliceOrPicked, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.human_input.pick_slice import pick_slice, real_length
from prefect_kie.media.naming import file_stem
from prefect_kie.models import Slice, Sora2CharactersPro
from prefect_kie.models.fields import Handle
from prefect_kie.outcomes.endings import completed
from prefect_kie.outcomes.results import Character, Wanted
from prefect_kie.storage.destination import DEFAULT_DIRECTORY
from prefect_kie.tasks import wait_for_job


class CharacterTraits(BaseModel):
    """Who the character is."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=described)

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


@kie_flow(name="create-character", flow_run_name="create-character: {origin_task_id}", persist_result=True)
async def create_character(
    origin_task_id: Annotated[str, Field(min_length=1, max_length=100)],
    traits: CharacterTraits,
    slice: SliceOrPicked = None,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    approval: Approval = Approval(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
) -> Character:
    """Make a character from a slice of an earlier Sora video.

    Without a slice, the run shows frames of the video with their times and waits until somebody picks one.

    Args:
        origin_task_id: Kie's task id of the earlier video.
        traits: Who the character is.
        slice: Which part of it: 1 to 4 seconds, inside the video. None: pick it in the UI, on a contact
            sheet.
        credentials: The Kie Credentials block, or its name.
        approval: What may be paid, and from which price on a person is asked.
        waiting: How to wait for the job.
        scope: What makes the job the same in another run.

    Returns:
        The character, with the handle that Kie gave it.

    Raises:
        KieError: when there is no character in the end; says what was charged and what to run next.

    Example:
        ```python
        traits = CharacterTraits(character_prompt="a calm cat", character_user_name="sofa_cat")
        character = await create_character("0f3a…", traits, Slice(start=1, end=3))
        print(f"@{character.handle}")
        ```
    """
    if slice is None:
        check_pictures()
    runner = await JobRunner.prepare(
        credentials, approval=approval, waiting=waiting, scope=scope, asks=slice is None
    )
    origin = await wait_for_job(JobHandle(task_id=origin_task_id), runner.credentials, poll=waiting.poll)
    # Where an earlier run has saved it at the usual place on this machine.
    usual = DEFAULT_DIRECTORY.expanduser() / f"{file_stem(origin)}.mp4"
    file = usual if usual.is_file() else None
    if slice is None:
        whose, hours = (runner.job_key, traits.model_dump_json()), approval.answer_hours
        slice = await pick_slice(origin, runner.credentials, whose=whose, hours=hours, file=file)
    else:
        check_slice(slice, await real_length(origin, runner.credentials, file=file), origin_task_id)
    request = traits.request(origin_task_id, slice)
    jobs = [Wanted(request)]
    await runner.approve(jobs, await runner.check(jobs, saves=False))
    character = await runner.character(request, video=file)
    name = character.handle or character.character_id
    return completed(character, f"The character @{name}, {character.credits or 0:g} credits")
