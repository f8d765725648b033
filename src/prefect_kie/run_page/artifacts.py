"""What a run shows in the Prefect UI: one overview, progress per job, and a few tables and texts.

Its state's message says what it waits for. A run has each artifact once: what it shows later changes it, in a
run that goes on in another process too. No run fails or waits for long for what it shows.
"""

import asyncio
import json
import math
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.logging import get_logger
from prefect.runtime import flow_run, task_run
from prefect.settings import PREFECT_UI_URL
from prefect.states import Running

from prefect_kie.api import CharacterResult, Job, JobHandle, JobRequest
from prefect_kie.blocks import KieCharacter
from prefect_kie.media.pictures import pictures
from prefect_kie.media.saved import SavedResult, artifact_key
from prefect_kie.models import Slice, parse_request
from prefect_kie.run_page import sections
from prefect_kie.run_page.events import PROGRESS_SECONDS
from prefect_kie.run_page.markdown import code, escaped, plain
from prefect_kie.runtime.best_effort import best_effort

LIMIT_SECONDS = 5.0  # a server that takes longer is left alone, and is sent no progress for a while
STARTED_AT = datetime.now(timezone.utc)  # no process before this one has shown a job submitted later

OVERVIEW = "kie-overview"

_quiet_until = 0.0  # before this time, of the monotonic clock, no progress is shown


@dataclass
class _Shown:
    """What an artifact of a run shows; its lock is held while that changes."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    looked_up: bool = False
    gatherers: int = 0  # who send at their end what has changed: until then, it is sent now and then
    unsent: bool = False
    sent_at: float = -math.inf  # by the monotonic clock
    artifact_id: UUID | None = None
    data: Any = None
    description: str | None = None


@lru_cache(maxsize=2_000)  # more than jobs are on their way at once
def _shown(owner: str, key: str) -> _Shown:
    return _Shown()


# Of an artifact's data and description (None: there is none yet) makes new ones; None: nothing to show.
Change = Callable[[Any, str | None], tuple[Any, str] | None]


def artifact_url(key: str) -> str | None:
    """The page of an artifact in the Prefect UI, by its key; None where the UI's address is unknown."""
    ui: str | None = PREFECT_UI_URL.value()
    return f"{ui.rstrip('/')}/artifacts/key/{key}" if ui else None


def takes_pictures(job: Job) -> bool:
    """Whether this run's overview, as far as this process knows it, shows a picture of what a job made."""
    run = flow_run.get_id() or task_run.get_id()
    return run is not None and sections.takes_pictures(_shown(run, OVERVIEW).data or "", job)


async def show_result(job: Job, saved: SavedResult, poster: str | None) -> None:
    """Show what was saved of a job, with a small picture of it (a data URI), in the run's overview."""
    await _add_section(lambda: sections.result_section(job, saved, poster))


async def show_character(
    job: Job, *, request: JobRequest | None = None, video: Path | str | None = None
) -> None:
    """Show a character that a finished job made, in the run's overview: by its request or Kie's echo of it,
    with pictures of its slice where its video is on this machine.
    """
    from prefect_kie.models import Sora2CharactersPro  # the whole family, which few runs need

    asked, result = request, job.result
    with suppress(ValueError, TypeError):  # an echo that cannot be read
        asked = asked or parse_request(job.request_body)
    origin = asked if isinstance(asked, Sora2CharactersPro) else None
    frames: list[str] = []
    if origin is not None and video is not None:
        times = sections.moments(Slice.parse(origin.timestamps))
        frames = await pictures(Path(video), times, width=200, max_bytes=7 * 1024)
    if isinstance(result, CharacterResult):
        await _add_section(lambda: sections.character_section(job, result, origin, frames))


async def show_kept_character(character: KieCharacter) -> None:
    """Show a character that a block keeps, in the run's overview; its pictures where they are here."""
    shown = [await pictures(Path(one), [0.0], width=200, max_bytes=7 * 1024) for one in character.stills]
    frames = [frame for one in shown for frame in one]
    await _add_section(lambda: sections.kept_character_section(character, frames))


async def show_overview(
    rows: Sequence[dict[str, str]], summary: str, film: tuple[str, float] | None = None, offer: str = ""
) -> None:
    """Show what a run has made, row by row and in a summary, at its overview's head; see `table_head`."""
    head = sections.table_head(rows, summary, film, offer)
    await _change_overview(lambda overview: sections.with_head(overview, head))


async def show_table(rows: Sequence[dict[str, str]]) -> None:
    """Show the videos of a batch as the table `kie-videos`."""
    await _put("kie-videos", "table", lambda _, __: (json.dumps(list(rows)), _of_run("Videos")))


async def show(key: str, description: str, data: str | float) -> None:
    """Show a text (Markdown), or how far something is (percent), as the artifact of a key."""
    await _put(key, "markdown" if isinstance(data, str) else "progress", lambda _, __: (data, description))


async def show_progress(
    handle: JobHandle, job: Job | None, *, age: float, usual: float, told: float | None = None
) -> None:
    """Show now and then how far a job is, never backwards: by a callback (`told`, percent), else by the
    job's as it was last polled, else by its age and its usual time, seconds.
    """
    global _quiet_until
    if age < PROGRESS_SECONDS or time.monotonic() < _quiet_until:
        return
    progress = told if told is not None else job.progress if job else None
    percent = percent_done(progress, age, usual)

    def change(data: Any, description: str | None) -> tuple[Any, str]:
        known = description if job is None else None  # it may name the prompt
        return max(percent, int(data or 0)), known or _described(handle, job)

    if not await _put_progress(handle, change, gap=PROGRESS_SECONDS):
        _quiet_until = time.monotonic() + 30.0


async def show_end(handle: JobHandle, job: Job | None, failure: str | None = None) -> None:
    """Show that a job has ended: 100 percent, or why it failed; nothing where no progress was shown."""

    def change(data: Any, description: str | None) -> tuple[Any, str] | None:
        if description is None:
            return None
        text = _described(handle, job)
        return (100, text) if failure is None else (data, f"{text} **Failed:** {escaped(failure, 200)}")

    await _put_progress(handle, change)


def percent_done(progress: float | None, age: float, usual: float) -> int:
    """How far an unfinished job is, percent: by Kie's word where it gives one, else by its usual time."""
    if progress:
        return min(99, int(progress))  # as long as there is no result
    return max(0, min(95, int(100 * age / usual) if usual > 0 else 0))  # elapsed time proves no end


def _described(handle: JobHandle, job: Job | None) -> str:
    prompt = f"“{escaped(job.prompt, 200)}”, " if job and job.prompt else ""
    return f"{code(plain(job.model if job else handle.model))} {prompt}job {code(handle.task_id)}"


def _of_run(what: str) -> str:
    return f"{what} of {escaped(flow_run.get_name() or 'a task', 200)}"


async def _add_section(section: Callable[[], str]) -> None:
    await _change_overview(lambda overview: sections.with_section(overview, section()))


async def _change_overview(change: Callable[[str], str]) -> None:
    await _put(OVERVIEW, "markdown", lambda data, _: (change(data or ""), _of_run("Overview")))


async def _put_progress(handle: JobHandle, change: Change, *, gap: float = 0.0) -> bool:
    is_new = handle.submitted_at is not None and handle.submitted_at > STARTED_AT
    return await _put(artifact_key("progress", handle.task_id), "progress", change, gap=gap, is_new=is_new)


async def _put(key: str, kind: str, change: Change, *, gap: float = 0.0, is_new: bool = False) -> bool:
    """Make or change this run's artifact of a key, best-effort; returns False where that failed.

    It is left alone within `gap` seconds of its last change, and looked for first unless only this process
    (`is_new`) can have made it.
    """
    ids = {"flow_run_id": flow_run.get_id(), "task_run_id": task_run.get_id()}
    owners = {name: run_id for name, run_id in ids.items() if run_id is not None}
    if not owners:
        return True
    shown, fields = _shown(next(iter(owners.values())), key), {"key": key, "type": kind, **owners}
    if time.monotonic() - shown.sent_at < gap:
        return True
    shown.looked_up |= is_new
    try:
        await best_effort(partial(_store, shown, fields, change), LIMIT_SECONDS)
    except Exception as error:
        get_logger("prefect_kie").debug("The artifact %s is not shown: %r", key, error)
        return False
    return True


async def _store(shown: _Shown, fields: dict[str, str], change: Change) -> None:
    while not shown.lock.acquire(blocking=False):  # noqa: ASYNC110 - tasks may have loops of their own
        await asyncio.sleep(0.02)
    try:
        if not shown.looked_up:
            await _look_up(shown, fields)
        known = shown.data, shown.description
        made = change(*known) or known
        waits = shown.gatherers > 0 and time.monotonic() - shown.sent_at < PROGRESS_SECONDS
        if shown.unsent or made != known:
            if not waits:
                await _send(shown, fields, {"data": made[0], "description": made[1]})
                shown.sent_at = time.monotonic()
            shown.unsent = waits
            shown.data, shown.description = made
    finally:
        shown.lock.release()


async def _look_up(shown: _Shown, fields: dict[str, str]) -> None:
    owner = "flow_run_id" if "flow_run_id" in fields else "task_run_id"
    wanted = {name: {"any_": [fields[name]]} for name in ("key", owner)}
    async with get_client() as client:
        answer = await client.request("POST", "/artifacts/filter", json={"artifacts": wanted, "limit": 1})
    for found in answer.json():
        shown.artifact_id = UUID(found["id"])
        shown.data, shown.description = found["data"], found["description"] or ""
    shown.looked_up = True


async def _send(shown: _Shown, fields: dict[str, str], body: dict[str, Any]) -> None:
    # Not by the client's create_artifact and update_artifact: they also send an event each, two for every
    # change of every job's progress, and nothing waits for them.
    async with get_client() as client:
        if shown.artifact_id is not None:
            try:
                path = {"id": shown.artifact_id}
                await client.request("PATCH", "/artifacts/{id}", path_params=path, json=body)
                return
            except HTTPStatusError as error:
                if error.response.status_code != 404:
                    raise  # else somebody has deleted it
        answer = await client.request("POST", "/artifacts/", json=fields | body)
        shown.artifact_id = UUID(answer.json()["id"])


FIRST_SECONDS = 10.0  # a shorter wait is not shown in the message,
MAX_SECONDS = 600.0  # and each time the gap is twice as long, up to this


@asynccontextmanager
async def waiting_reported(message: Callable[[], str]) -> AsyncGenerator[None, None]:
    """Show in the run's state what it waits for (`Waits for Kie: 1 of 2 jobs`), for as long as it does.

    Meanwhile its overview, which is sent whole with all its pictures, is sent at most as often as progress.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        yield
        return
    overview = _shown(str(context.flow_run.id), OVERVIEW)
    overview.gatherers += 1
    ended = asyncio.Event()
    telling = asyncio.ensure_future(_told(context.flow_run.id, message, ended))
    try:
        yield
    finally:
        ended.set()
        overview.gatherers -= 1
        if overview.unsent:
            await _put(OVERVIEW, "markdown", lambda _, __: None)
        # What is on its way must not arrive after the run's end.
        await asyncio.wait([telling])


async def _told(run_id: UUID, message: Callable[[], str], ended: asyncio.Event) -> None:
    gap, last = FIRST_SECONDS, ""
    while not ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), gap)
            return
        if (now := message()) != last:
            try:
                await _say(run_id, now)
            except Exception as error:
                get_logger("prefect_kie").debug("The run's state tells nothing: %r", error)
            last = now
        gap = min(2 * gap, MAX_SECONDS)


async def _say(run_id: UUID, message: str) -> None:
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        if run.state is None or not run.state.is_running():
            return
        # Prefect counts each step into Running as a try of the run, by which its retries are limited, unless
        # the run goes on after a pause.
        policy = run.empirical_policy.model_copy(update={"resuming": True})
        await client.update_flow_run(run_id, empirical_policy=policy)
        await client.set_flow_run_state(run_id, Running(message=message))
