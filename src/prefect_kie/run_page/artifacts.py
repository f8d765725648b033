"""What a run shows in the Prefect UI: an artifact per result and per character, a table of several videos.

Their keys are stable, so that the latest is found by name. The newer UI drops the player, so a plain link
stands beside it; the older one drops a player's own poster, so that is a picture of its own, and no link:
that would show as its text. No run fails or waits for long for what it shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta, timezone
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from prefect.artifacts import Artifact, MarkdownArtifact, TableArtifact
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging import get_logger
from prefect.runtime import flow_run

from prefect_kie.api import CharacterResult, Job, JobRequest, JobResult
from prefect_kie.media.frames import pictures
from prefect_kie.media.kinds import VIDEO_SUFFIXES
from prefect_kie.media.naming import artifact_key
from prefect_kie.media.saved import SavedFile, SavedResult
from prefect_kie.models import Slice, Sora2CharactersPro
from prefect_kie.run_page.markdown import code, escaped, link, plain, target
from prefect_kie.runtime.best_effort import best_effort

P = ParamSpec("P")

RESULT_LIFE = timedelta(days=14)
"""How long Kie keeps results (kie-api: Limits and life times)."""

VIDEOS_KEY = "kie-videos"
"""The key of the table of a run's videos."""

SOUND_SUFFIXES = (".mp3", ".wav", ".ogg", ".flac", ".m4a", ".aac")
PICTURE_SUFFIXES = (".png", ".jpg", ".webp", ".gif", ".avif")

LIMIT_SECONDS = 10.0
"""A server that takes longer is left alone."""

TEXT_LENGTH = 2000
"""So much of a text or of data is shown."""

FRAMES = 3
FRAME_WIDTH = 200
FRAME_BYTES = 7 * 1024


def _harmless(show: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, Coroutine[Any, Any, None]]:
    """The same, whose failures and delays are no one's."""

    @wraps(show)
    async def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await best_effort(lambda: show(*args, **kwargs), LIMIT_SECONDS)
        except Exception as error:
            get_logger("prefect_kie").debug("%s: no artifact was made: %r", show.__name__, error)

    return shown


@_harmless
async def show_video(job: Job, video: SavedResult, poster: str | None) -> None:
    """Show what was saved of a job, a video or anything else: the artifact `kie-video-<task id>`.

    Args:
        job: The finished job.
        video: What was saved of it.
        poster: A small picture of it, as a data URI.
    """
    await show_markdown(
        artifact_key("video", job.task_id),
        f"{code(job.model)}: {escaped(job.prompt, 200)}",
        video_markdown(job, video, poster),
    )


@_harmless
async def show_character(
    job: Job, *, request: JobRequest | None = None, video: Path | str | None = None
) -> None:
    """Show a character that a finished job made: the artifact `kie-character-<task id>`.

    Args:
        job: The finished job.
        request: What was asked for; None reads Kie's echo of it.
        video: The video it was made from, where that is on this machine, for pictures of its slice.
    """
    asked = request or job.request
    origin = asked if isinstance(asked, Sora2CharactersPro) else None
    frames: list[str] = []
    if origin is not None and video is not None:
        times = _moments(Slice.parse(origin.timestamps))
        frames = await pictures(Path(video), times, width=FRAME_WIDTH, max_bytes=FRAME_BYTES)
    if isinstance(job.result, CharacterResult):
        await show_markdown(
            artifact_key("character", job.task_id),
            f"{code(job.model)}: {code(job.result.character_id)}",
            character_markdown(job, job.result, origin, frames),
        )


@_harmless
async def show_table(rows: Sequence[dict[str, str]]) -> None:
    """Show the videos of a run, one row each: the artifact `kie-videos`, described by the run's name.

    Args:
        rows: One per video, all with the same columns.
    """
    await _put(
        TableArtifact(
            key=VIDEOS_KEY, description=f"Videos of {escaped(flow_run.get_name(), 200)}", table=list(rows)
        )
    )


@_harmless
async def show_markdown(key: str, description: str, markdown: str) -> None:
    """Show a text.

    Args:
        key: The artifact's key.
        description: What it is, as Markdown.
        markdown: The text.
    """
    await _put(MarkdownArtifact(key=key, description=description, markdown=markdown))


def video_markdown(job: Job, video: SavedResult, poster: str | None) -> str:
    """What was saved of a job as Markdown: picture, player, link, text, and what is known of it."""
    first = video.files[0]
    until = f"{deleted_at(job):%Y-%m-%d}"
    blocks = [f"![A frame]({poster})"] if poster else []
    if first.url is not None:
        blocks += _player(first, first.url, poster)
        said = "Play the video" if first.name.endswith(VIDEO_SUFFIXES) else "Open the file"
        blocks.append(
            f"**{link(said, first.url)}** at Kie, which deletes it on {until} at the latest (14 days after "
            "the job's end); the saved file stays."
        )
    if isinstance(job.result, JobResult):
        blocks += _quoted(job.result)
    others = [
        f"- **Also saved:** {code(file.path)}{f' ({link(_at_kie(file), file.url)})' if file.url else ''}"
        for file in video.files[1:]
    ]
    facts = [
        f"- **Saved as:** {code(first.path)}",
        *others,
        f"- **Prompt:** {escaped(job.prompt)}",
        f"- **Model:** {code(job.model)}",
        f"- **Length:** {first.seconds:g} s" if first.seconds is not None else None,
        f"- **Credits:** {video.credits:g}" if video.credits is not None else None,
        f"- **Task id:** {code(job.task_id)}",
        f"- **Deleted by Kie:** {until}" if first.url else None,
    ]
    return "\n\n".join([*blocks, "\n".join(fact for fact in facts if fact)]) + "\n"


def _player(file: SavedFile, url: str, poster: str | None) -> list[str]:
    """What plays or shows a file; none where its kind or its address allows none."""
    address = target(url)
    if address is None:
        return []
    if file.name.endswith(VIDEO_SUFFIXES):
        return [f'<video controls preload="metadata" width="640" src="{address}"></video>']
    if file.name.endswith(SOUND_SUFFIXES):
        return [f'<audio controls preload="none" src="{address}"></audio>']
    if file.name.endswith(PICTURE_SUFFIXES) and poster is None:
        return [f"![The picture](<{address}>)"]
    return []


def _at_kie(file: SavedFile) -> str:
    return "at Kie" if file.role == "result" else f"{file.role.replace('_', ' ')}, at Kie"


def _quoted(result: JobResult) -> list[str]:
    """The beginning of a result's text, else of its data."""
    # Code spans show as they are, at the beginning of a line too; two blanks end a line.
    if result.text is not None:
        lines = filter(str.strip, result.text[:TEXT_LENGTH].splitlines())
        return ["\n".join(f"> {code(line, TEXT_LENGTH)}  " for line in lines)]
    if result.data is not None:
        return [f"> {code(json.dumps(result.data, ensure_ascii=False), TEXT_LENGTH)}"]
    return []


def character_markdown(
    job: Job, character: CharacterResult, origin: Sora2CharactersPro | None, frames: Sequence[str]
) -> str:
    """A character as Markdown: its handle to copy, and where it comes from."""
    name = character.character_user_name
    blocks: list[str] = []
    if origin and frames:
        # Side by side in a table only: both UIs give any other picture a line of its own.
        times = [f" {second:g} s " for second in _moments(Slice.parse(origin.timestamps))]
        shown = [f" ![Frame {number}]({frame}) " for number, frame in enumerate(frames, start=1)]
        blocks.append("\n".join(f"|{'|'.join(row)}|" for row in (times, ["---"] * FRAMES, shown)))
    if name:
        # A block of its own: the UI has a button to copy it.
        blocks.append(f"```\n@{plain(name, 100).replace('`', '')}\n```")
        blocks.append("Write this handle in a prompt, or give the id in `character_id_list`.")
    else:
        blocks.append("Kie gave it no handle; give the id in `character_id_list`.")
    facts = [
        f"- **Character id:** {code(character.character_id)}",
        f"- **Who:** {escaped(origin.character_prompt)}" if origin else None,
        f"- **Slice:** {escaped(_slice(origin))}" if origin else None,
        f"- **Made from task id:** {code(origin.origin_task_id)}" if origin else None,
        f"- **Model:** {code(job.model)}",
        f"- **Credits:** {job.credits:g}" if job.credits is not None else None,
        f"- **Task id:** {code(job.task_id)}",
    ]
    return "\n\n".join([*blocks, "\n".join(fact for fact in facts if fact)]) + "\n"


def deleted_at(job: Job) -> datetime:
    """When Kie deletes a job's result at the latest."""
    return (job.completed_at or datetime.now(timezone.utc)) + RESULT_LIFE


def _moments(part: Slice) -> list[float]:
    """The times of a slice's frames: its beginning, its end, and between."""
    step = (part.end - part.start) / (FRAMES - 1)
    return [part.start + step * number for number in range(FRAMES)]


def _slice(origin: Sora2CharactersPro) -> str:
    part = Slice.parse(origin.timestamps)
    return f"{part.start:g} to {part.end:g} s"


async def _put(artifact: Artifact) -> None:
    if FlowRunContext.get() is not None or TaskRunContext.get() is not None:
        await artifact.acreate()
