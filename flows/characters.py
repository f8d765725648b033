"""`create_character`: a character from a slice of any video, from pictures, or Sora's own."""

from typing import Annotated

from pydantic import Field

from prefect_kie.api import InvalidRequest
from prefect_kie.api.forms import Tabs
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.characters.keeping import keep_pictures, storage_name
from prefect_kie.flows._before_paying import check_pictures
from prefect_kie.flows._characters import (
    CharacterTraits,
    NewCharacter,
    check_free,
    footage_of,
    kept,
    shown,
    slice_of,
)
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._options import Approval, Output, Scope, SliceOrPicked, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.outcomes.endings import completed
from prefect_kie.outcomes.results import Character, Wanted
from prefect_kie.storage.run_storage import check_writable

Text = Annotated[str, Field(min_length=1, max_length=1000)]


@kie_flow(name="create-character", flow_run_name="create-character: {source}", persist_result=True)
async def create_character(
    source: Annotated[Text | list[Text], Tabs("A video", "Pictures")],
    traits: NewCharacter | CharacterTraits,
    slice: SliceOrPicked = None,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    output: Output = Output(),
    approval: Approval = Approval(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
) -> Character:
    """Make a character from a slice of a video, or from pictures.

    A character that you keep is a `KieCharacter` block with stills, a clip and the voice of the slice. It
    costs nothing, and any model that keeps characters takes it: write `@handle` in the prompt. Sora's own is
    made and kept by Kie, and paid.

    Without a slice, the run shows frames of the video with their times and waits until somebody picks one.
    Run again, it changes nothing.

    Args:
        source: The video: the task id of an earlier job, a file where this runs, or an address. Or up to four
            pictures, as a list of files or addresses.
        traits: Who the character is: a `NewCharacter` that you keep, or the `CharacterTraits` of Sora's own.
        slice: Which part of the video: 1 to 8 seconds, for Sora's own at most 4. None: pick it in the UI, on
            a contact sheet.
        credentials: The Kie Credentials block, or its name.
        output: Where the files of a character that you keep are saved, in a folder `characters`.
        approval: What may be paid, and from which price on a person is asked.
        waiting: How to wait for the job.
        scope: What makes the job the same in another run.

    Returns:
        The character, with its handle.

    Raises:
        KieError: when there is no character in the end; says what was charged and what to run next.

    Example:
        ```python
        mia = NewCharacter(handle="mia", description="a calm cat")
        character = await create_character("0f3a…", mia, Slice(start=1, end=3))
        made = await generate_video(Wan30Video(prompt=f"@{character.handle} surfs at dawn"))
        ```
    """
    if isinstance(source, list):
        return await _of_pictures(source, traits)
    asks = slice is None
    if asks:
        check_pictures()
    runner = await JobRunner.prepare(credentials, output, approval, waiting, scope, asks=asks)
    if isinstance(traits, NewCharacter):
        storage_name(runner.storage)
        await check_writable(runner.directory, runner.storage)
    async with footage_of(source, runner) as footage:
        if isinstance(traits, NewCharacter):
            await check_free(traits, footage.job.task_id, slice)  # before a person is asked
            part = await slice_of(footage, slice, traits, runner)
            made = await kept(traits, footage, part, runner, again=True)
            return completed(Character.kept(made), f"The character @{made.handle}, kept by you")
        origin = footage.task_id
        request = traits.request(origin, await slice_of(footage, slice, traits, runner))
        jobs = [Wanted(request)]
        await runner.approve(jobs, await runner.check(jobs, saves=False))
        character = await runner.character(request, video=footage.file)
    name = character.handle or character.character_id
    return completed(character, f"The character @{name}, {character.credits or 0:g} credits")


async def _of_pictures(pictures: list[str], traits: NewCharacter | CharacterTraits) -> Character:
    if not isinstance(traits, NewCharacter) or not 1 <= len(pictures) <= 4:
        raise InvalidRequest(
            "pictures make a NewCharacter, 1 to 4 of them; Sora's own is made from a video",
            next_step="Give a video, or one to four pictures and a NewCharacter; nothing was submitted.",
        )
    origin = ", ".join(pictures)
    made = await check_free(traits, origin, None, again=True) or await keep_pictures(
        traits.fields(origin), pictures, replace=traits.replace
    )
    await shown(made, made.stills)
    return completed(Character.kept(made), f"The character @{made.handle}, kept by you")
