"""`character_series`: a video, a character from a slice of it, and new videos with that character."""

from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import get_run_logger
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prefect_kie.api import JobHandle, JobRequest, KieError, UnexpectedResponse
from prefect_kie.api.forms import described
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._before_paying import check_pictures, check_slice
from prefect_kie.flows._kie_flow import kie_flow, run_name
from prefect_kie.flows._options import Approval, Output, Retry, Scope, SliceOrPicked, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.flows.characters import CharacterTraits
from prefect_kie.human_input.pick_slice import pick_slice
from prefect_kie.models import Slice, parse_request
from prefect_kie.models.fields import AspectRatio, Seconds, Size
from prefect_kie.models.registry import SoraVideoRequest
from prefect_kie.outcomes.endings import complete, how_to_go_on, incomplete, summary, table
from prefect_kie.outcomes.results import Character, Failure, SeriesResult, Wanted
from prefect_kie.run_page.artifacts import show_overview
from prefect_kie.tasks import wait_for_job

PLACEHOLDER = "{character}"


def _leaves_room(prompt: str) -> str:
    mentions = max(1, prompt.count(PLACEHOLDER))
    longest = 10_000 - mentions * 60  # which each mention of the handle may take
    if len(prompt) > longest:
        raise ValueError(
            f"is {len(prompt):,} characters long; with {mentions} mention(s) of the character at most "
            f"{longest:,} leave room for the handle"
        )
    return prompt


EpisodePrompt = Annotated[str, Field(min_length=1), AfterValidator(_leaves_room)]


class EpisodeSettings(BaseModel):
    """How the new videos are made."""

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
        """The request of one new video, with the character's handle in it, or else its id.

        Raises:
            UnexpectedResponse: when the character has no handle and the model takes no ids.
        """
        if character.handle is not None:
            return self.planned(with_handle(prompt, character.handle))
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
        prompt = prompt.replace(PLACEHOLDER, "the character")
        return self.planned(prompt, character_id_list=[character.character_id])

    def planned(self, prompt: str, **more: Any) -> JobRequest:
        """The request of one new video before there is a character: what it will cost is known by it."""
        fields = self.model_dump(exclude={"model"}, exclude_none=True)
        return parse_request({"model": self.model, "input": {**fields, "prompt": prompt, **more}})


DEFAULT_EPISODES = EpisodeSettings()


def with_handle(prompt: str, handle: str) -> str:
    """The prompt with its character's handle (without @): where it says `{character}`, else in front."""
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
    output: Output = Output(),
    approval: Approval = Approval(),
    retry: Retry = Retry(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
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
    jobs, asks = [Wanted(original, 1, retry.fallbacks)], slice is None
    if asks:
        check_pictures()
    runner = await JobRunner.prepare(
        credentials, output, approval, waiting, scope, attempts=retry.attempts, asks=asks
    )
    # What the character's and the episodes' input will be is not known yet; what they cost is.
    character_planned = traits.request("the original", slice or Slice(start=0, end=1))
    planned = [character_planned, *map(episodes.planned, prompts)]
    new = await runner.check(jobs, planned)
    await runner.approve(jobs, new, planned)
    (first,) = await runner.videos(jobs, new=new)
    result = SeriesResult(original=first)
    if first.video is None:
        return complete(result, (first,), "original videos", runner.job_key)
    try:
        file, seconds, task_id = Path(first.video.path), first.video.seconds, first.video.task_id
        if slice is None:
            handle = JobHandle(task_id=task_id, model=first.model)
            job = await wait_for_job(handle, runner.credentials, poll=waiting.poll)
            whose, hours = (runner.job_key, traits.model_dump_json()), approval.answer_hours
            slice = await pick_slice(
                job, runner.credentials, whose=whose, hours=hours, file=file, seconds=seconds
            )
        else:
            check_slice(slice, seconds, task_id)
        character = await runner.character(traits.request(task_id, slice), video=file)
        result = SeriesResult(original=first, character=character)
        wanted: list[Wanted] = []
        for request in (episodes.request(prompt, character) for prompt in prompts):
            take = 1 + sum(one.request.title == request.title for one in wanted)
            wanted.append(Wanted(request, take))  # a prompt that is listed twice is two videos
    except Exception as error:
        if not isinstance(error, KieError):
            get_run_logger().exception("sora-2-characters-pro: unexpected error")
        cause = Failure.of(error).exception
        ended = incomplete(
            f"The original is saved, but no episode was made: {cause.line}\n- {first.line}\n"
            f"{how_to_go_on(runner.job_key)}",
            result,
            [first],
        )
        ended.task_id, ended.errors = cause.task_id, (cause,)
        raise ended from None
    get_run_logger().info("The character is @%s (%s)", character.handle, character.character_id)
    made = await runner.videos(wanted)
    result = SeriesResult(original=first, character=character, episodes=made)
    await show_overview(table([first, character, *made]), summary([first, character, *made]))
    return complete(result, made, "episodes", runner.job_key, beside=(first, character))
