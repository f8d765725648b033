"""Saving what a job made: each file whole or not at all, under names that say what they are, with a sidecar.

The sidecar, a JSON file beside them, holds Kie's whole record of the job, and proves that nothing is missing:
it is written last, with the checksums. What has a fitting sidecar is not fetched again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import anyio.to_thread
from prefect.blocks.core import Block
from prefect.filesystems import WritableFileSystem
from pydantic import ValidationError

from prefect_kie.api import InvalidRequest, Job, JobNotFound, JobState, KieError
from prefect_kie.api.hosts import is_loopback
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.errors import DownloadFailed, remedy, shown_error
from prefect_kie.media.addresses import FetchError
from prefect_kie.media.download import MAX_FILE_BYTES, DeadLink, Transfer, fetch
from prefect_kie.media.kinds import ISO_SUFFIXES, mp4_seconds
from prefect_kie.media.pictures import poster
from prefect_kie.media.saved import SavedFile, SavedResult, file_stem, files_of, readable_json, save_contents
from prefect_kie.runtime.clients import ask_kie, poll_job
from prefect_kie.runtime.logs import run_logger
from prefect_kie.runtime.retries import is_tried_again
from prefect_kie.storage.base import Storage, no_waiting_mends, part_for, temporary_folder
from prefect_kie.storage.run_storage import DEFAULT_DIRECTORY, load_destination

# For so long after a job's end its result, or the files at its addresses, may still be about to appear.
YOUNG = timedelta(minutes=10)


def deleted_at(job: Job) -> datetime:
    """When Kie deletes a job's result at the latest."""
    return (job.completed_at or datetime.now(timezone.utc)) + timedelta(days=14)


@asynccontextmanager
async def at_hand(job: Job, credentials: KieCredentials | str, file: Path | None) -> AsyncGenerator[Path]:
    """A finished job's video on this machine: the given file, or one fetched for a moment."""
    if file is not None and await anyio.Path(file).is_file():
        yield file
        return
    with temporary_folder() as folder:
        saved, _ = await save(job, credentials, directory=folder)
        yield Path(saved.path)


async def save(
    job: Job,
    credentials: KieCredentials | str,
    *,
    directory: Path | str | None = None,
    storage: WritableFileSystem | str | None = None,
    max_bytes: int = MAX_FILE_BYTES,
    pictured: bool = False,
) -> tuple[SavedResult, str | None]:
    """What `save_result` does, but for showing it; with a small picture if one is wanted and can be made."""
    if job.state is not JobState.SUCCESS:
        said = f"{job.model} has not succeeded; it is {job.raw_state or job.state.value}"
        raise DownloadFailed(said, task_id=job.task_id, billed="unknown")
    try:
        kie = await load_credentials(credentials)
        place = await load_destination(directory, storage)
        stem = file_stem(job)
        sidecar = f"{stem}.json"
        found = await _complete(place, sidecar, job)
        if found is not None:
            run_logger().info("Job %s is saved already: %s", job.task_id, found.path)
            local = place.local(found.files[0].name)
            return found, await poster(local) if local and pictured else None
        if not job.has_result and not (job := await poll_job(kie, job.task_id)).has_result:
            raise DownloadFailed(
                f"Kie reports {job.model} as succeeded but names no file and no data",
                task_id=job.task_id,
                retryable=_is_young(job),
                next_step="Run collect_job with this task id later; if it stays, ask Kie's support with it.",
            )
        files, picture = await _save_files(job, kie, place, stem, max_bytes, pictured)
        files += await save_contents(job, place, stem, {file.name for file in files})
        same = job.model_dump(include={"task_id", "model", "credits", "created_at", "completed_at"})
        now = datetime.now(timezone.utc)
        saved = SavedResult(**same, request=job.request_body, saved_at=now, files=tuple(files))
        await place.write(sidecar, readable_json({**saved.model_dump(mode="json"), "record": job.record}))
    except asyncio.CancelledError:
        run_logger().warning(
            f"Stopped saving job {job.task_id}, which is paid. Fetch it with collect_job({job.task_id!r}), "
            f"or run this run again, before {deleted_at(job):%Y-%m-%d}, when Kie deletes the result."
        )
        raise
    except DownloadFailed:
        raise
    except Exception as error:
        raise _download_failed(error, job, storage or directory or DEFAULT_DIRECTORY) from error
    run_logger().info("Job %s saved: %s", job.task_id, ", ".join(file.path for file in saved.files))
    return saved, picture


async def _complete(place: Storage, sidecar: str, job: Job) -> SavedResult | None:
    content = await place.read(sidecar)
    try:
        saved = SavedResult.model_validate_json(content or b"")
    except ValidationError:
        return None
    if saved.task_id != job.task_id or not saved.files:
        return None
    if not all([await place.holds(file.name, file.size, file.sha256) for file in saved.files]):
        return None
    # The directory may have moved since: say where the files are now.
    moved = tuple(file.model_copy(update={"path": place.address(file.name)}) for file in saved.files)
    return saved.model_copy(update={"files": moved})


async def _save_files(
    job: Job, kie: KieCredentials, place: Storage, stem: str, max_bytes: int, pictured: bool
) -> tuple[list[SavedFile], str | None]:
    files: list[SavedFile] = []
    picture: str | None = None
    missing: FetchError | KieError | None = None
    numbers = Counter[str]()
    for file in files_of(job):
        numbers[file.role] += 1
        number = numbers[file.role]
        of_role = "" if file.role == "result" else f"_{file.role}"
        name = f"{stem}{of_role}{f'_{number}' if number > 1 else ''}"
        try:
            with part_for(place.local(name)) as part:
                transfer = await _fetch_or_renew(kie, file.url, part, max_bytes, job)
                is_video = transfer.suffix in ISO_SUFFIXES
                seconds = await anyio.to_thread.run_sync(mp4_seconds, part) if is_video else None
                # A name of its own beside the sidecar, which is the JSON file of the plain name.
                name += "_data.json" if transfer.suffix == ".json" else transfer.suffix
                path = await place.put(part, name)
                if pictured and not files:  # once it is in its place, which no decoder's crash prevents
                    picture = await poster(place.local(name) or part)
        except (FetchError, KieError) as error:
            if error.retryable and is_tried_again():
                raise
            # The others are fetched all the same: in a few days Kie deletes them. What came beside what was
            # asked for does not hold that back.
            which = f"{file.role} {number}" if number > 1 else file.role
            run_logger().warning("The %s of job %s cannot be fetched: %s", which, job.task_id, error)
            if not files or file.role == "result":
                missing = missing or error
            continue
        same = file.model_dump(include={"url", "role", "title"})
        came = {"size": transfer.size, "sha256": transfer.sha256, "seconds": seconds or file.seconds}
        files.append(SavedFile.model_validate({**same, **came, "name": name, "path": path}))
    if missing is not None:
        raise missing
    return files, picture


async def _fetch_or_renew(kie: KieCredentials, url: str, part: Path, max_bytes: int, job: Job) -> Transfer:
    local_allowed = is_loopback(urlsplit(kie.base_url).hostname or "")
    try:
        return await fetch(url, part, max_bytes=max_bytes, local_allowed=local_allowed)
    except DeadLink:
        try:
            fresh = await ask_kie(kie, lambda client: client.get_download_url(url))
        except KieError as error:
            error.message = f"its link is dead, and Kie gives no fresh one: {error.message}"
            # Of a file that is about to appear Kie says the same as of one that it has deleted.
            error.retryable |= isinstance(error, InvalidRequest | JobNotFound) and _is_young(job)
            raise
        return await fetch(fresh, part, max_bytes=max_bytes, local_allowed=local_allowed)


def _is_young(job: Job) -> bool:
    ended = job.completed_at or job.seen_at
    return ended is not None and datetime.now(timezone.utc) - ended < YOUNG


def _download_failed(error: Exception, job: Job, place: object) -> DownloadFailed:
    """Any failure with a paid result, as the one error that says how and until when to come back."""
    retryable, first = True, ""
    if isinstance(error, FetchError):
        what, retryable = f"the result could not be fetched: {error}", error.retryable
    elif isinstance(error, KieError):
        what, retryable = f"the result could not be saved: {error.message}", error.retryable
        first = remedy(error)
    else:
        # A block's own text may hold its secrets; its name does not.
        shown = type(place).__name__ if isinstance(place, Block) else place
        what = f"the result could not be stored in {shown}: {shown_error(error)}"
        if no_waiting_mends(error):
            retryable, first = False, "Make that place writable, with room in it, or name another one. "
    until = f"{deleted_at(job):%Y-%m-%d}"
    next_step = f"{first}Run collect_job with this task id before {until}, when Kie deletes the result."
    return DownloadFailed(what, task_id=job.task_id, retryable=retryable, next_step=next_step)
