"""`character_series`: a video, a character from a slice of it, and new videos with that character."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from prefect import get_run_logger
from pydantic import Field

from prefect_kie.api import InvalidRequest, JobHandle, JobRequest, KieError
from prefect_kie.api.forms import Tabs
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCharacter, load_character
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.characters.keeping import storage_name
from prefect_kie.flows._before_paying import check_pictures
from prefect_kie.flows._characters import (
    CharacterTraits,
    Footage,
    NewCharacter,
    check_free,
    footage_of,
    kept,
    origin_of,
    slice_of,
)
from prefect_kie.flows._episodes import EpisodePrompt, Episodes, EpisodeSettings, Film, in_order, join_film
from prefect_kie.flows._kie_flow import kie_flow, run_name
from prefect_kie.flows._options import Approval, Output, Retry, Scope, SliceOrPicked, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.models import Slice
from prefect_kie.models.registry import OriginalRequest
from prefect_kie.outcomes.endings import complete, how_to_go_on, incomplete, summary, table
from prefect_kie.outcomes.results import Character, Failure, SeriesResult, VideoOutcome, Wanted
from prefect_kie.run_page.artifacts import show_overview
from prefect_kie.run_page.sections import redo_offer
from prefect_kie.tasks import wait_for_job

Traits = NewCharacter | CharacterTraits
DEFAULT_EPISODES, NO_FILM = EpisodeSettings(), Film()


@kie_flow(name="character-series", flow_run_name=run_name, persist_result=True)
async def character_series(
    original: Annotated[OriginalRequest | str | None, Tabs("A video that is there", "None")],
    traits: Annotated[NewCharacter | CharacterTraits | str, Tabs("Kept already")],
    prompts: Annotated[list[EpisodePrompt], Field(min_length=1, max_length=100)],
    slice: SliceOrPicked = None,
    episodes: Episodes | EpisodeSettings = DEFAULT_EPISODES,
    film: Film = NO_FILM,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    output: Output = Output(),
    approval: Approval = Approval(),
    retry: Retry = Retry(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
) -> SeriesResult:
    """Make a video, a character from a slice of it, and new videos with that character.

    Without a slice, the run shows frames of the video with their times and waits until somebody picks one.
    Run again, this run goes on where it was: the same jobs, nothing paid twice. Run with the same job_key and
    other prompts or episodes, it pays for what has changed: an episode redone, or finals after the drafts.

    Args:
        original: The first video: what to make, with which model. Or one that is there: the task id of a
            job, a file where this runs, an address. None, where the character is there.
        traits: Who the character is: a `NewCharacter` that you keep, the `CharacterTraits` of Sora's own, or
            the handle of one that you keep already.
        prompts: One new video each, all made at once. {character} stands for the character's handle; a
            prompt without it gets the handle in front.
        slice: Which part of it becomes the character: 1 to 8 seconds, inside the video, for Sora's own at
            most 4. None: pick it in the UI, on a contact sheet.
        episodes: How the new videos are made, drafts first if you like: by any model that takes a character,
            or by Sora.
        film: Whether they become one film.
        credentials: The Kie Credentials block, or its name.
        output: Where to save; by default kie-videos in the home directory.
        approval: What may be paid, and from which price on a person is asked.
        retry: When a video's job that failed without a charge is submitted again; its fallbacks stand for
            the original.
        waiting: How to wait for the jobs.
        scope: What makes a job the same in another run.

    Returns:
        The original, the character, one outcome per prompt, and the film.

    Raises:
        RunIncomplete: when something is missing in the end; its `result` holds every outcome.
        KieError: when the credentials or the storage cannot be used, or it is not approved; nothing was
            paid.

    Example:
        ```python
        made = await character_series(
            Wan30Video(prompt="a calm cat on a red sofa", duration=5),
            NewCharacter(handle="sofa_cat", description="a calm cat"),
            ["{character} surfs at dawn", "{character} reads a map"],
            Slice(start=1, end=4),
            Episodes(model="wan/3-0-video", input={"duration": 5}),
        )
        print(made.character, made.credits)
        ```
    """
    asks = slice is None and not isinstance(traits, str)
    if asks:
        check_pictures()
    episodes = episodes.now if isinstance(episodes, Episodes) else episodes
    frame = film.frame_of(episodes.model)
    if frame is not None:
        check_pictures("an episode that continues another", "")
    further = _planned(original, traits, prompts, slice, episodes)
    runner = await JobRunner.prepare(
        credentials, output, approval, waiting, scope, attempts=retry.attempts, asks=asks
    )
    wanted = [Wanted(original, 1, retry.fallbacks)] if isinstance(original, JobRequest) else []
    jobs = await runner.cast(wanted)
    unpaid = await runner.check(jobs, further)
    known = await _known(traits) if isinstance(traits, str) else None
    star = known or traits
    if isinstance(episodes, Episodes) and isinstance(star, KieCharacter | NewCharacter):
        await episodes.check_cast(further, star)
    if isinstance(traits, NewCharacter) and (unpaid or not jobs):
        storage_name(runner.storage)
        origin = origin_of(original) if isinstance(original, str) else None
        if await check_free(traits, origin, slice) is None:
            check_pictures("keeping a character", "")
    # Else nothing but the episodes is paid, and what is left of them is known once the character is.
    asks_first = bool(unpaid or isinstance(traits, CharacterTraits) or retry != Retry())
    if asks_first:
        await runner.approve(jobs, unpaid, further)
    first: VideoOutcome | None = None
    if jobs:
        (first,) = await runner.videos(jobs, new=unpaid)
        if first.video is None:
            return complete(SeriesResult(original=first), (first,), "original videos", runner.job_key)
    result = SeriesResult(original=first)
    try:
        character = (
            Character.kept(known) if known else await _character(original, first, traits, slice, runner)
        )
        result = SeriesResult(original=first, character=character)
        requests = [episodes.request(prompt, character) for prompt in prompts]
        planned: list[Wanted] = []
        for request in requests:
            take = 1 + sum(one.request.title == request.title for one in planned)
            planned.append(Wanted(request, take))  # a prompt that is listed twice is two videos
        planned = await runner.cast(planned)
        if not asks_first:
            await runner.approve(jobs, (), further, settled=planned)
    except Exception as error:
        if not isinstance(error, KieError):
            get_run_logger().exception("character-series: unexpected error")
        cause = Failure.of(error).exception
        if first is None:
            raise
        ended = incomplete(
            f"The original is saved, but this run made no episode: {cause.line}\n- {first.line}\n"
            f"{how_to_go_on(runner.job_key)}",
            result,
            [first],
        )
        ended.task_id, ended.errors = cause.task_id, (cause,)
        raise ended from None
    get_run_logger().info(
        "The character is @%s (%s)", character.handle, character.character_id or character.block
    )
    made = await (runner.videos(planned) if frame is None else in_order(requests, frame, runner))
    joined = await join_film(made, film, runner)
    film_path = joined[0] if joined is not None else None
    result = SeriesResult(original=first, character=character, episodes=made, film=film_path)
    beside: list[VideoOutcome | Character] = [*([first] if first is not None else []), character]
    offer = redo_offer(runner.job_key, continued=frame is not None)
    await show_overview(table([*beside, *made]), summary([*beside, *made]), joined, offer)
    return complete(result, made, "episodes", runner.job_key, beside=beside)


def _planned(
    original: object, traits: Traits | str, prompts: Sequence[str], part: Slice | None, episodes: object
) -> list[JobRequest]:
    """What will be asked of Kie besides the original; refuses what does not fit together."""
    if isinstance(episodes, Episodes) == isinstance(traits, CharacterTraits):
        raise InvalidRequest(
            "Sora's own characters are for Sora's episodes, and those that you keep for other models; "
            "nothing was submitted",
            next_step="Give a NewCharacter and Episodes(model=…), or CharacterTraits and "
            "EpisodeSettings(…). Then run again.",
        )
    if original is None and not isinstance(traits, str):
        raise InvalidRequest(
            "without an original there is nothing to make the character from; nothing was submitted",
            next_step="Give an original, or the handle of a character that you keep. Then run again.",
        )
    if isinstance(traits, CharacterTraits) and isinstance(episodes, EpisodeSettings):
        # What the character's and the episodes' input will be is not known yet; what they cost is.
        sora = traits.request("the original", part or Slice(start=0, end=1))
        return [sora, *map(episodes.planned, prompts)]
    handle = traits.handle if isinstance(traits, NewCharacter) else str(traits)
    return list(episodes.check(prompts, handle)) if isinstance(episodes, Episodes) else []


async def _known(handle: str) -> KieCharacter:
    found = await load_character(handle)
    if found is None:
        raise InvalidRequest(
            f"there is no character @{handle}; nothing was submitted",
            next_step="Make it with create_character, or give a NewCharacter and an original.",
        )
    return found


async def _character(
    original: object, first: VideoOutcome | None, traits: Traits | str, part: Slice | None, runner: JobRunner
) -> Character:
    async with AsyncExitStack() as stack:
        if first is None or first.video is None:
            footage, seconds = await stack.enter_async_context(footage_of(str(original), runner)), None
        else:
            handle = JobHandle(task_id=first.video.task_id, model=first.model)
            job = await wait_for_job(handle, runner.credentials, poll=runner.poll)
            footage, seconds = Footage(job, Path(first.video.path)), first.video.seconds
        if isinstance(traits, NewCharacter):
            picked = await slice_of(footage, part, traits, runner, seconds)
            return Character.kept(await kept(traits, footage, picked, runner))
        assert isinstance(traits, CharacterTraits)  # a handle is a character that is kept already
        origin = footage.task_id
        picked = await slice_of(footage, part, traits, runner, seconds)
        return await runner.character(traits.request(origin, picked), video=footage.file)
