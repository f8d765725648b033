"""`create_character`: a character from a slice of an earlier video."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from prefect_kie.api import Job, JobHandle, KieError, PollPolicy
from prefect_kie.api.forms import described
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._before_paying import check_pictures
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._runner import DEFAULT_POLL, JobRunner, check_slice
from prefect_kie.flows._suspension import Wait
from prefect_kie.human_input.approval import ApproveOver, approved
from prefect_kie.human_input.pick_slice import pick_slice, real_length
from prefect_kie.human_input.questions import DEFAULT_HOURS, AnswerHours, check_can_ask
from prefect_kie.media.naming import file_stem
from prefect_kie.models import Slice, Sora2CharactersPro
from prefect_kie.models.fields import Handle
from prefect_kie.outcomes.endings import completed, failed
from prefect_kie.outcomes.results import Character
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.storage.destination import DEFAULT_DIRECTORY
from prefect_kie.tasks import wait_for_job


class CharacterTraits(BaseModel):
    """Who the character is.

    Attributes:
        character_prompt: Stable traits in one line.
        character_user_name: The wanted handle, without @.
        safety_instruction: Boundaries for it.
    """

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
    slice: Slice | None = None,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    job_key: str | None = None,
    poll: PollPolicy = DEFAULT_POLL,
    wait: Wait = "poll",
    approve_over: ApproveOver = None,
    answer_hours: AnswerHours = DEFAULT_HOURS,
) -> Character:
    """Make a character from a slice of an earlier Sora video.

    Without a slice, the run shows frames of the video with their times and waits until somebody picks one.

    Args:
        origin_task_id: Kie's task id of the earlier video.
        traits: Who the character is.
        slice: Which part of it: 1 to 4 seconds, inside the video. None: pick it in the UI, on a contact
            sheet.
        credentials: The Kie Credentials block, or its name.
        job_key: Whose job this is; runs with the same key share it. By default each run has its own.
        poll: How patiently to wait.
        wait: poll: the run's process waits for its jobs. suspend, for deployed runs: no process does; the run
            goes on when Kie has called back, or by the deployment resume-waiting.
        approve_over: Ask in the UI before submitting what costs more than this many credits, or nobody knows
            what (prices: the variable kie_prices). None: never ask; 0: whenever it costs
            anything.
        answer_hours: For how long a question in the UI waits before the run ends.

    Returns:
        The character, with the handle that Kie gave it.

    Raises:
        KieError: when there is no character in the end; says what was charged and what to run next.
    """
    keep_alive()
    try:
        if slice is None or approve_over is not None:
            await check_can_ask()
        if slice is None:
            check_pictures()
        runner = await JobRunner.prepare(credentials, job_key, poll, wait=wait)
        handle = JobHandle(task_id=origin_task_id)
        origin = await wait_for_job(handle, runner.credentials, poll=poll)
        file = _saved_here(origin)
        if slice is None:
            whose = traits.model_dump_json()
            slice = await pick_slice(
                origin,
                runner.credentials,
                job_key=runner.job_key,
                whose=whose,
                hours=answer_hours,
                file=file,
            )
        else:
            check_slice(slice, await real_length(origin, runner.credentials, file=file), origin_task_id)
        request = traits.request(origin_task_id, slice)
        await approved(
            [(request, 1)],
            over=approve_over,
            kie=runner.credentials,
            job_key=runner.job_key,
            hours=answer_hours,
        )
        character = await runner.character(request, video=file)
        return completed(
            character,
            f"The character @{character.handle or character.character_id}, "
            f"{character.credits or 0:g} credits",
        )
    except KieError as error:
        return failed(error, Character)


def _saved_here(origin: Job) -> Path | None:
    """The original's file, where an earlier run has saved it at the usual place on this machine."""
    file = DEFAULT_DIRECTORY.expanduser() / f"{file_stem(origin)}.mp4"
    return file if file.is_file() else None
