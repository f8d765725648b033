"""`character_series`: a video, a character from a slice of it, and new videos with that character."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from prefect import get_run_logger
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prefect_kie.api import (
    JobHandle,
    JobRequest,
    KieError,
    RunIncomplete,
    Slice,
    UnexpectedResponse,
    parse_request,
)
from prefect_kie.api.catalog import SoraVideoRequest
from prefect_kie.api.fields import AspectRatio, Seconds, Size
from prefect_kie.api.forms import described
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._before_paying import check_pictures, check_slice
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._options import (
    DEFAULT_APPROVAL,
    DEFAULT_OUTPUT,
    DEFAULT_RETRY,
    DEFAULT_SCOPE,
    DEFAULT_WAITING,
    Approval,
    Output,
    Retry,
    Scope,
    SliceOrPicked,
    Waiting,
)
from prefect_kie.flows._runner import JobRunner, run_name
from prefect_kie.flows.characters import CharacterTraits
from prefect_kie.human_input.pick_slice import pick_slice
from prefect_kie.outcomes.endings import complete_or_failed, failed, how_to_go_on, table
from prefect_kie.outcomes.results import Character, Failure, SeriesResult, Wanted
from prefect_kie.run_page.artifacts import show_table
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.tasks import wait_for_job

PLACEHOLDER = "{character}"
ROOM_FOR_HANDLE = 60
"""Characters of a prompt that are kept free for each mention of the handle."""


def _leaves_room(prompt: str) -> str:
    mentions = max(1, prompt.count(PLACEHOLDER))
    longest = 10_000 - mentions * ROOM_FOR_HANDLE
    if len(prompt) > longest:
        raise ValueError(
            f"is {len(prompt):,} characters long; with {mentions} mention(s) of the character at most "
            f"{longest:,} leave room for the handle"
        )
    return prompt


EpisodePrompt = Annotated[str, Field(min_length=1), AfterValidator(_leaves_room)]


class EpisodeSettings(BaseModel):
    """How the new videos are made.

    Attributes:
        model: Which model makes them.
        aspect_ratio: Portrait or landscape.
        n_frames: Their length in seconds.
        remove_watermark: Ask for versions without watermark; not for the stable model.
        size: Quality; for the pro model only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=described)

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
        """The request of one new video, with the character in it.

        Args:
            prompt: What it shows; `{character}` stands for the handle, which else is put in front.
            character: The character; one without a handle is named by its id instead.

        Raises:
            UnexpectedResponse: when the character has no handle and the model takes no ids.
        """
        if character.handle is not None:
            return self._typed(with_handle(prompt, character.handle))
        if self.model == "sora-2-text-to-video-stable":
            raise UnexpectedResponse(
                f"Kie gave the character {character.character_id} no handle, and {self.model} takes no ids",
                task_id=character.task_id,
                billed="yes",
                next_step=(
                    "Run generate_video with sora-2-text-to-video and character_id_list "
                    f"[{character.character_id!r}]; neither the original nor the character is paid again."
                ),
            )
        return self._typed(prompt.replace(PLACEHOLDER, "the character"), [character.character_id])

    def planned(self, prompt: str) -> JobRequest:
        """The request of one new video before there is a character: what it will cost is known by it."""
        return self._typed(prompt)

    def _typed(self, prompt: str, character_ids: list[str] | None = None) -> JobRequest:
        return parse_request(
            {
                "model": self.model,
                "input": {
                    **self.model_dump(exclude={"model"}, exclude_none=True),
                    "prompt": prompt,
                    **({"character_id_list": character_ids} if character_ids else {}),
                },
            }
        )


DEFAULT_EPISODES = EpisodeSettings()


def with_handle(prompt: str, handle: str) -> str:
    """The prompt with its character: where it says `{character}`, else in front.

    Args:
        prompt: What the video shows.
        handle: The handle as Kie returned it, without @.
    """
    mention = f"@{handle}"
    if PLACEHOLDER in prompt:
        return prompt.replace(PLACEHOLDER, mention)
    return prompt if mention in prompt else f"{mention} {prompt}"


@kie_flow(name="character-series", flow_run_name=run_name, persist_result=True)
async def character_series(
    original: SoraVideoRequest,
    traits: CharacterTraits,
    prompts: Annotated[list[EpisodePrompt], Field(min_length=1, max_length=100)],
    slice: SliceOrPicked = None,
    episodes: EpisodeSettings = DEFAULT_EPISODES,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    output: Output = DEFAULT_OUTPUT,
    approval: Approval = DEFAULT_APPROVAL,
    retry: Retry = DEFAULT_RETRY,
    waiting: Waiting = DEFAULT_WAITING,
    scope: Scope = DEFAULT_SCOPE,
) -> SeriesResult:
    """Make a video, a character from a slice of it, and new videos with that character.

    Without a slice, the run shows frames of the video with their times and waits until somebody picks one.
    Run again, this run goes on where it was: the same jobs, nothing paid twice.

    Args:
        original: The first video: what to make, with which model.
        traits: Who the character is.
        prompts: One new video each, all made at once. {character} stands for the character's handle; a
            prompt without it gets the handle in front.
        slice: Which part of it becomes the character: 1 to 4 seconds, inside the video. None: pick it in the
            UI, on a contact sheet.
        episodes: How the new videos are made.
        credentials: The Kie Credentials block, or its name.
        output: Where to save; by default kie-videos in the home directory.
        approval: What may be paid, and from which price on a person is asked.
        retry: When a video's job that failed without a charge is submitted again; its fallbacks stand for
            the original.
        waiting: How to wait for the jobs.
        scope: What makes a job the same in another run.

    Returns:
        The original, the character, and one outcome per prompt.

    Raises:
        RunIncomplete: when something is missing in the end; its `result` holds every outcome.
        KieError: when the credentials or the storage cannot be used, or it is not approved; nothing was
            paid.

    Example:
        ```python
        made = await character_series(
            Sora2TextToVideo(prompt="a calm cat on a red sofa"),
            CharacterTraits(character_prompt="a calm cat", character_user_name="sofa_cat"),
            ["{character} surfs at dawn"],
            Slice(start=1, end=3),
        )
        print(made.character, made.credits)
        ```
    """
    keep_alive()
    jobs = [Wanted(original, 1, retry.fallbacks)]
    try:
        if slice is None:
            check_pictures()
        runner = await JobRunner.prepare(
            credentials,
            output,
            approval,
            waiting,
            scope,
            attempts=retry.attempts,
            asks=slice is None,
        )
        # What the character's and the episodes' input will be is not known yet; what they cost is.
        planned = [
            traits.request("the original", slice or Slice(start=0, end=1)),
            *map(episodes.planned, prompts),
        ]
        await runner.approve(jobs, await runner.check(jobs, planned), planned)
    except KieError as error:
        return failed(error, SeriesResult)
    (first,) = await runner.videos(jobs)
    result = SeriesResult(original=first)
    if first.video is None:
        return complete_or_failed(result, (first,), "original videos", runner.job_key)
    try:
        file, seconds, task_id = Path(first.video.path), first.video.seconds, first.video.task_id
        if slice is None:
            handle = JobHandle(task_id=task_id, model=first.model)
            slice = await pick_slice(
                await wait_for_job(handle, runner.credentials, poll=waiting.poll),
                runner.credentials,
                job_key=runner.job_key,
                whose=traits.model_dump_json(),
                hours=approval.answer_hours,
                file=file,
                seconds=seconds,
            )
        else:
            check_slice(slice, seconds, task_id)
        character = await runner.character(traits.request(task_id, slice), video=file)
        result = SeriesResult(original=first, character=character)
        requests = [episodes.request(prompt, character) for prompt in prompts]
    except Exception as error:
        if not isinstance(error, KieError):
            get_run_logger().exception("sora-2-characters-pro: unexpected error")
        return failed(_without_episodes(error, result, runner.job_key), SeriesResult)
    get_run_logger().info("The character is @%s (%s)", character.handle, character.character_id)
    made = await runner.videos(_takes(requests))
    result = SeriesResult(original=first, character=character, episodes=made)
    await show_table(table([first, character, *made]))
    return complete_or_failed(result, made, "episodes", runner.job_key, beside=(first, character))


def _takes(requests: list[JobRequest]) -> list[Wanted]:
    """Each request with its take: a prompt that is listed twice is two videos."""
    seen: Counter[str] = Counter()
    wanted: list[Wanted] = []
    for request in requests:
        seen[request.title] += 1
        wanted.append(Wanted(request, seen[request.title]))
    return wanted


def _without_episodes(error: Exception, result: SeriesResult, job_key: str) -> RunIncomplete:
    why = error.line if isinstance(error, KieError) else str(error)
    incomplete = RunIncomplete(
        f"The original is saved, but no episode was made: {why}\n- {result.original.line}\n"
        f"{how_to_go_on(job_key)}",
        task_id=error.task_id if isinstance(error, KieError) else None,
        billed="yes",
    )
    incomplete.result, incomplete.errors = result, (Failure.of(error).exception,)
    return incomplete
