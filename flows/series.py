"""`character_series`: a video, a character from a slice of it, and new videos with that character."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from prefect import get_run_logger
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prefect_kie.api import JobHandle, JobRequest, KieError, PollPolicy, UnexpectedResponse
from prefect_kie.api.forms import described
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows._before_paying import check_before_paying, check_pictures
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._runner import DEFAULT_POLL, JobRunner, MaxCredits, check_slice, run_name
from prefect_kie.flows._suspension import Wait
from prefect_kie.flows.characters import CharacterTraits
from prefect_kie.human_input.approval import ApproveOver, approved
from prefect_kie.human_input.pick_slice import pick_slice
from prefect_kie.human_input.questions import DEFAULT_HOURS, AnswerHours, check_can_ask
from prefect_kie.models import Slice, parse_request
from prefect_kie.models.fields import AspectRatio, Seconds, Size
from prefect_kie.models.registry import SoraVideoRequest
from prefect_kie.outcomes.endings import complete_or_failed, failed
from prefect_kie.outcomes.failure import Failure
from prefect_kie.outcomes.results import Character, SeriesResult
from prefect_kie.outcomes.totals import how_to_go_on, table, told
from prefect_kie.retry_policy import NO_SECOND_TRIES, SecondTries
from prefect_kie.run_page.artifacts import show_overview
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.storage.destination import StorageBlock
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
    slice: Slice | None = None,
    episodes: EpisodeSettings = DEFAULT_EPISODES,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    directory: Path | None = None,
    storage: StorageBlock = None,
    job_key: str | None = None,
    poll: PollPolicy = DEFAULT_POLL,
    wait: Wait = "poll",
    approve_over: ApproveOver = None,
    answer_hours: AnswerHours = DEFAULT_HOURS,
    second_tries: SecondTries = NO_SECOND_TRIES,
    max_credits: MaxCredits = None,
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
        directory: Where to save; by default kie-videos in the home directory.
        storage: Instead of a directory, a storage block as type/name.
        job_key: Whose jobs these are; runs with the same key share them. By default each run has its own.
        poll: How patiently to wait for each job.
        wait: poll: the run's process waits for its jobs. suspend, for deployed runs: no process does; the run
            goes on when Kie has called back, or by the deployment resume-waiting.
        approve_over: Ask in the UI before submitting what costs more than this many credits all together, or
            nobody knows what (prices: the variable kie_prices). None: never ask; 0: whenever it costs
            anything.
        answer_hours: For how long a question in the UI waits before the run ends.
        second_tries: When a video's job that failed, uncharged, is submitted anew, or goes to another model.
        max_credits: What all of it may cost together, by the prices of the variable kie_prices; what would
            pass it is not submitted.

    Returns:
        The original, the character, and one outcome per prompt.

    Raises:
        RunIncomplete: when something is missing in the end; its `result` holds every outcome.
        KieError: when the credentials or the storage are not to be had, or it is not approved; nothing was
            paid.
    """
    keep_alive()
    try:
        if slice is None or approve_over is not None:
            await check_can_ask()
        if slice is None:
            check_pictures()
        runner = await JobRunner.prepare(
            credentials, job_key, poll, directory, storage, wait, second_tries, max_credits
        )
        # What the character's and the episodes' input will be is not known yet; what they cost is.
        further = [
            traits.request("the original", slice or Slice(start=0, end=1)),
            *map(episodes.planned, prompts),
        ]
        for planned in (original, *further):
            second_tries.requests(planned)
        await check_before_paying(runner, [(original, 1)], further)
        await approved(
            [(original, 1)],
            further,
            over=approve_over,
            kie=runner.credentials,
            job_key=runner.job_key,
            hours=answer_hours,
            second_tries=second_tries,
            max_credits=max_credits,
        )
    except KieError as error:
        return failed(error, SeriesResult)
    (first,) = await runner.videos([(original, 1)])
    result = SeriesResult(original=first)
    if first.video is None:
        return complete_or_failed(result, (first,), "original videos", runner.job_key)
    try:
        file, seconds = Path(first.video.path), first.video.seconds
        if slice is None:
            handle = JobHandle(task_id=first.video.task_id, model=first.model)
            origin = await wait_for_job(handle, runner.credentials, poll=poll)
            whose = traits.model_dump_json()
            slice = await pick_slice(
                origin,
                runner.credentials,
                job_key=runner.job_key,
                whose=whose,
                hours=answer_hours,
                file=file,
                seconds=seconds,
            )
        else:
            check_slice(slice, seconds, first.video.task_id)
        character = await runner.character(traits.request(first.video.task_id, slice), video=file)
        result = SeriesResult(original=first, character=character)
        requests = [episodes.request(prompt, character) for prompt in prompts]
    except Exception as error:
        if not isinstance(error, KieError):
            get_run_logger().exception("sora-2-characters-pro: unexpected error")
        return failed(_without_episodes(error, result, runner.job_key), SeriesResult)
    get_run_logger().info("The character is @%s (%s)", character.handle, character.character_id)
    made = await runner.videos(_takes(requests))
    result = SeriesResult(original=first, character=character, episodes=made)
    await show_overview(table([first, character, *made]), told([first, character, *made]))
    return complete_or_failed(result, made, "episodes", runner.job_key, beside=(first, character))


def _takes(requests: list[JobRequest]) -> list[tuple[JobRequest, int]]:
    """Each request with its take: a prompt that is listed twice is two videos."""
    seen: Counter[str] = Counter()
    takes: list[tuple[JobRequest, int]] = []
    for request in requests:
        seen[request.title] += 1
        takes.append((request, seen[request.title]))
    return takes


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
