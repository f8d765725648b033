"""A contact sheet: frames of a video with their times, in one picture on the run page.

By it a person sees which part of a video shows the character. It needs PyAV and Pillow (the extra
`pictures`); without them it is the link to the video alone.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_logger

from prefect_kie.api import Job
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.media.frames import frames
from prefect_kie.media.kinds import mp4_seconds
from prefect_kie.media.naming import artifact_key
from prefect_kie.run_page.artifacts import show_markdown
from prefect_kie.run_page.markdown import code, escaped, link, target
from prefect_kie.tasks._retries import only_retryable_and_not_the_last
from prefect_kie.tasks.measure import at_hand

STEP_SECONDS = 0.5
"""No two frames are nearer to each other than this."""
MAX_FRAMES = 60
SHEET_BYTES = 150 * 1024
"""Of the JPEG; the artifact, which the Prefect server stores, is a third longer."""
DECODING_SECONDS = 30.0

HELP = (
    "Which part becomes the character? Choose 1 to 4 seconds in which it is seen well, alone and from the "
    "front. The form is on the run's page: **Resume** (in the newer UI in its menu ⋮)."
)

LANDSCAPE = (5, 190)
PORTRAIT = (8, 118)
"""Columns, and the width of each frame in pixels."""
BAND = 22
"""Height of the band below each frame, with its time, in pixels."""
GAP = 4
_QUALITIES = (80, 65, 50, 35, 20, 10)


@task(
    name="contact-sheet",
    task_run_name="contact sheet: {job.model} {job.task_id}",
    cache_policy=NO_CACHE,
    retries=3,  # two, in truth: the last one is never made
    retry_delay_seconds=2,
    retry_condition_fn=only_retryable_and_not_the_last,
)
async def contact_sheet(
    job: Job, credentials: KieCredentials | str = DEFAULT_CREDENTIALS, *, file: Path | None = None
) -> float | None:
    """Show frames of a finished job's video with their times: the artifact `kie-contact-sheet-<task id>`.

    Args:
        job: The finished job.
        credentials: The key's block, or its name.
        file: The video, where it is on this machine; else it is fetched for a moment.

    Returns:
        The video's real length, seconds; None where the file does not say.

    Raises:
        DownloadFailed: when the file cannot be fetched (results live 14 days).
    """
    async with at_hand(job, credentials, file) as path:
        seconds = await anyio.to_thread.run_sync(mp4_seconds, path)
        picture = await _picture(path, seconds) if seconds else None
    key = artifact_key("contact-sheet", job.task_id)
    await show_markdown(
        key,
        f"Contact sheet of {code(job.model)}: {escaped(job.prompt, 200)}",
        contact_sheet_markdown(job, seconds, picture),
    )
    get_run_logger().info("The contact sheet of job %s is the artifact %s", job.task_id, key)
    return seconds


async def _picture(file: Path, seconds: float) -> str | None:
    """The sheet as a data URI; None where it cannot be made."""
    try:
        jpeg = await anyio.to_thread.run_sync(contact_sheet_jpeg, file, seconds)
    except ImportError:
        return None
    except Exception as error:  # a damaged or unknown file; whatever a decoder may raise
        get_logger("prefect_kie").debug("No contact sheet of %s: %r", file, error)
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def contact_sheet_markdown(job: Job, seconds: float | None, picture: str | None) -> str:
    """The artifact: the sheet, the link to the video, and what to do with it.

    Args:
        job: The finished job.
        seconds: The video's length, where it is known.
        picture: The sheet, as a data URI.
    """
    url = job.urls[0] if job.urls else ""
    player = target(url)
    facts = [
        f"- **Length:** {seconds:g} s" if seconds else "",
        f"- **Prompt:** {escaped(job.prompt)}",
        f"- **Task id:** {code(job.task_id)}",
    ]
    blocks = [HELP]
    if picture:
        blocks.append(f"![Frames with their times in seconds]({picture})")
    else:
        blocks.append("There are no frames: no file to be read, or no `pip install 'prefect-kie[pictures]'`.")
    if player:
        blocks.append(f'<video controls preload="metadata" width="640" src="{player}"></video>')
        blocks.append(f"**{link('Play the video', url)}** at Kie.")
    return "\n\n".join([*blocks, "\n".join(fact for fact in facts if fact)]) + "\n"


def moments(seconds: float) -> list[float]:
    """The times of the frames: every half second, or less often where these were too many.

    Args:
        seconds: The video's length.
    """
    halves = max(1, math.ceil(seconds / STEP_SECONDS))
    return [number * STEP_SECONDS for number in range(0, halves, math.ceil(halves / MAX_FRAMES))]


def contact_sheet_jpeg(file: Path, seconds: float) -> bytes:
    """Draw the sheet as a JPEG of at most `SHEET_BYTES`.

    Args:
        file: The video, on this machine.
        seconds: Its length.

    Raises:
        ImportError: when PyAV or Pillow is not installed.
        Exception: whatever they raise when the file cannot be read.
    """
    from PIL import Image

    tiles: list[tuple[float, Any]] = []
    with frames(file, moments(seconds), limit_seconds=DECODING_SECONDS) as found:
        for second, frame in zip(moments(seconds), found, strict=False):
            time = second if frame.time is None else float(frame.time)
            if tiles and time <= tiles[-1][0]:
                continue  # it lasts, or the video or our patience has ended: shown once, at its own time
            tall = frame.height > frame.width
            width = (PORTRAIT if tall else LANDSCAPE)[1]
            height = min(3 * width, max(2, round(frame.height * width / frame.width)))
            tiles.append((time, frame.to_image(width=width, height=height)))
    sheet = _drawn(tiles)
    for shrunk in (1, 2, 4):
        smaller = sheet.resize((sheet.width // shrunk, sheet.height // shrunk), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            content = io.BytesIO()
            smaller.save(content, "JPEG", quality=quality, optimize=True)
            if content.tell() <= SHEET_BYTES:
                return content.getvalue()
    raise ValueError(f"no contact sheet of at most {SHEET_BYTES} bytes")


def _drawn(tiles: Sequence[tuple[float, Any]]) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    width, height = tiles[0][1].size
    most = (PORTRAIT if height > width else LANDSCAPE)[0]
    columns = min(most, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    size = (columns * (width + GAP) - GAP, rows * (height + BAND + GAP) - GAP)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for number, (second, image) in enumerate(tiles):
        left, top = number % columns * (width + GAP), number // columns * (height + BAND + GAP)
        sheet.paste(image, (left, top))
        draw.rectangle((left, top + height, left + width - 1, top + height + BAND - 1), fill="#1f2937")
        middle = (left + width / 2, top + height + BAND / 2)
        draw.text(middle, f"{second:.1f} s", fill="white", font=font, anchor="mm")
    return sheet
