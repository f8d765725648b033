"""`create_character`: a character from a slice of an earlier video."""

from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict, Field

from prefect_kie.api import DownloadFailed, InvalidRequest, Job, JobHandle, KieError, PollPolicy, Slice
from prefect_kie.api.fields import Handle
from prefect_kie.api.requests import Sora2CharactersPro
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.flows.outcomes import Character, failed
from prefect_kie.flows.production import DEFAULT_POLL, Production, check_slice
from prefect_kie.tasks import measure_video, wait_for_job
from prefect_kie.tasks.destination import DEFAULT_DIRECTORY
from prefect_kie.tasks.names import file_stem


class CharacterTraits(BaseModel):
    """Who the character is.

    Attributes:
        character_prompt: Stable traits in one line.
        character_user_name: The wanted handle, without @.
        safety_instruction: Boundaries for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

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


@flow(name="create-character", flow_run_name="create-character: {origin_task_id}")
async def create_character(
    origin_task_id: Annotated[str, Field(min_length=1, max_length=100)],
    slice: Slice,
    traits: CharacterTraits,
    credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
    job_key: str | None = None,
    poll: PollPolicy = DEFAULT_POLL,
) -> Character:
    """Make a character from a slice of an earlier Sora video.

    Args:
        origin_task_id: Kie's task id of the earlier video.
        slice: Which part of it: 1 to 4 seconds, inside the video.
        traits: Who the character is.
        credentials: The Kie Credentials block, or its name.
        job_key: Whose job this is; runs with the same key share it. By default each run has its own.
        poll: How patiently to wait.

    Returns:
        The character, with the handle that Kie gave it.

    Raises:
        KieError: when there is no character in the end; says what was charged and what to run next.
    """
    try:
        production = await Production.prepare(credentials, job_key, poll)
        handle = JobHandle(task_id=origin_task_id, model="the original")
        origin = await wait_for_job(handle, production.credentials, poll=poll)
        check_slice(slice, await _length(origin, production.credentials), origin_task_id)
        return await production.character(traits.request(origin_task_id, slice), video=_saved_here(origin))
    except KieError as error:
        return failed(error, Character)


def _saved_here(origin: Job) -> Path | None:
    """The original's file, where an earlier run has saved it at the usual place on this machine."""
    file = DEFAULT_DIRECTORY.expanduser() / f"{file_stem(origin)}.mp4"
    return file if file.is_file() else None


async def _length(origin: Job, kie: KieCredentials) -> float | None:
    """The original's real length, or the one that was asked for where its file is gone."""
    if not origin.urls:
        raise InvalidRequest(
            f"job {origin.task_id} ({origin.model}) made no video, so no character can be made from it",
            next_step="Give the task id of a finished Sora video; nothing was submitted.",
        )
    try:
        return await measure_video(origin, kie)
    except DownloadFailed as error:
        asked = origin.request_body.get("input", {}).get("n_frames")
        get_run_logger().warning(
            "The original's file is out of reach (%s); the slice is checked against the asked length, %s s",
            error.message,
            asked,
        )
        return float(asked) if isinstance(asked, str) and asked.isdigit() else None
