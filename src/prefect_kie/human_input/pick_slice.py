"""Picking the slice of a video that becomes a character, with one's own eyes."""

from pathlib import Path

from prefect import get_run_logger
from prefect.input import RunInput
from pydantic import Field, ValidationError, create_model

from prefect_kie.api import InvalidRequest, Job
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import DownloadFailed, NotAnswered
from prefect_kie.human_input.questions import Question, answer_key, keep_answer, kept_answer
from prefect_kie.media.saved import artifact_key
from prefect_kie.media.slices import suggested
from prefect_kie.models import Slice
from prefect_kie.models.fields import MIN_SLICE, SORA_SLICE, slice_within
from prefect_kie.run_page.artifacts import artifact_url
from prefect_kie.run_page.markdown import link
from prefect_kie.tasks.files import contact_sheet, measure_video


class PickSlice(RunInput):
    """The form: start and end of the slice, seconds."""

    start: float
    end: float


async def pick_slice(
    origin: Job,
    credentials: KieCredentials,
    *,
    whose: tuple[str, str],
    hours: float,
    file: Path | None = None,
    seconds: float | None = None,
    longest: float = float(SORA_SLICE),
) -> Slice:
    """Show a contact sheet of a video, and ask a person which part of it becomes the character.

    A bad answer is asked again with the reason. A good one is kept by `whose` it is, the job_key and the
    character: run again, nobody is asked twice. Raises NotAnswered when nobody answers.
    """
    key = answer_key("slice", whose[0], origin.task_id, whose[1])
    log = get_run_logger()
    kept = await kept_answer(key, Slice)
    if kept is not None:
        log.info("The slice was picked before: %s s", kept.timestamps)
        return kept
    is_asked = await _question(1, origin, seconds, "", longest).is_asked()
    if seconds is None or not is_asked:
        seconds = await real_length(origin, credentials, file=file, show=not is_asked)
    if seconds is not None and seconds < MIN_SLICE:
        raise InvalidRequest(
            f"the video {origin.task_id} is {seconds:g} s long, too short for a character",
            next_step="Give the task id of a video of at least 1 s; nothing was submitted.",
        )
    picked = await _asked_until_good(origin, seconds, hours, longest)
    part = await keep_answer(key, picked, first=True)
    if part != picked:
        log.warning("Another run with the same job_key was answered first: not %s s", picked.timestamps)
    log.info("The slice is %s s", part.timestamps)
    return part


async def _asked_until_good(origin: Job, seconds: float | None, hours: float, longest: float) -> Slice:
    unanswered = NotAnswered(
        f"nobody picked a slice of the video {origin.task_id} within {hours:g} hours; no character was made",
        task_id=origin.task_id,
        billed="yes",
        next_step="Run it again (in the UI: Retry) to be asked again, or run create_character with "
        f"{origin.task_id!r} and a slice; the video is not paid again.",
    )
    number, reason = 0, ""
    while True:
        number += 1
        answer = await _question(number, origin, seconds, reason, longest).answer(hours, unanswered)
        try:
            return slice_within(answer.start, answer.end, longest, seconds)
        except ValueError as error:
            said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            said = said.removeprefix("Value error, ")
            reason = f"{said[:1].upper()}{said[1:]}."
            get_run_logger().warning("That slice cannot be used, and is asked again: %s", reason)


async def real_length(
    origin: Job, credentials: KieCredentials, *, file: Path | None = None, show: bool = False
) -> float | None:
    """How long a finished video is, seconds: the file says, or else what was asked for."""
    if not origin.urls:
        raise InvalidRequest(
            f"job {origin.task_id} ({origin.model}) made no video, so no character can be made from it",
            next_step="Give the task id of a finished Sora video; nothing was submitted.",
        )
    try:
        return await (contact_sheet if show else measure_video)(origin, credentials, file=file)
    except DownloadFailed as error:
        asked = origin.request_body.get("input", {}).get("n_frames")
        checked = f"the slice is checked against the asked length, {asked} s"
        get_run_logger().warning(f"The original's file is out of reach ({error.message}); {checked}")
        return float(asked) if isinstance(asked, str) and asked.isdigit() else None


def _question(
    number: int, origin: Job, seconds: float | None, reason: str, longest: float
) -> Question[PickSlice]:
    """The form, whose bounds are the video's: most mistakes do not even leave it."""
    key = artifact_key("contact-sheet", origin.task_id)
    address = artifact_url(key)
    sheet = link("contact sheet", address) if address else "contact sheet"
    text = (
        f"**Which part of the video becomes the character?** 1 to {longest:g} seconds in which it is seen "
        f"well. The {sheet}, the run's artifact `{key}`, shows the frames with their times."
    )
    begin, ends = suggested(seconds or 10.0)
    until = "" if seconds is None else f"; the video is {seconds:g} s long"
    where = "Where the slice begins, in seconds from the start of the video."
    start = Field(default=begin, ge=0, le=seconds, title="Start (seconds)", description=where)
    where = f"Where it ends: 1 to {longest:g} seconds after its start{until}."
    end = Field(default=ends, ge=1, le=seconds, title="End (seconds)", description=where)
    form = create_model("PickSlice", __base__=PickSlice, start=(float, start), end=(float, end))
    text = f"**{reason}**\n\n{text}" if reason else text
    return Question(f"kie-slice-{number}", "which slice?", form, text)
