"""Files: what a job made is saved, measured and shown frame by frame; what a request is made of is uploaded."""

from pathlib import Path
from typing import cast

import anyio.to_thread
from prefect import get_run_logger, task
from prefect.filesystems import WritableFileSystem
from prefect.states import Completed

from prefect_kie._compat import task_of_states
from prefect_kie.api import Job, UploadedFile
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.media import pictures
from prefect_kie.media.assets import report_result
from prefect_kie.media.download import MAX_FILE_BYTES
from prefect_kie.media.footage import length_of
from prefect_kie.media.saved import SavedResult, artifact_key
from prefect_kie.media.saving import at_hand, save
from prefect_kie.media.slices import suggested
from prefect_kie.media.uploading import upload
from prefect_kie.run_page.artifacts import show, show_result, takes_pictures
from prefect_kie.run_page.events import emit_saved
from prefect_kie.run_page.markdown import code, escaped
from prefect_kie.run_page.sections import contact_sheet_markdown
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.runtime.retries import retrying
from prefect_kie.storage.run_storage import submission_scope


@task_of_states(
    name="save-result", task_run_name="save: {job.model} {job.task_id}", **retrying(5, 2, 10, 30, 60)
)
async def save_result(
    job: Job,
    credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
    *,
    directory: Path | str | None = None,
    storage: WritableFileSystem | str | None = None,
    max_bytes: int = MAX_FILE_BYTES,
) -> SavedResult:
    """Save everything a finished job made, each file whole or not at all, with a sidecar that describes it.

    Every file is kept: several, first and last frames, tracks and their covers, watermarked twins; a text
    as `.txt`, data as `.json`. The sidecar holds Kie's whole record.

    Args:
        job: The finished job, as `wait_for_job` returned it.
        credentials: The key's block, or its name; the key goes to Kie only, never to a file's host.
        directory: Where to; by default `~/kie-videos`.
        storage: Instead of a directory: a Prefect storage block, or its `type/name`.
        max_bytes: Longest file to take, bytes.

    Returns:
        What was saved, and where. What is there already, complete, is not fetched again.

    Raises:
        DownloadFailed: when a file cannot be fetched or stored, or Kie tells of no result at all; the job is
            paid and can be collected later.
    """
    keep_alive()
    pictured = takes_pictures(job)
    saved, picture = await save(
        job, credentials, directory=directory, storage=storage, max_bytes=max_bytes, pictured=pictured
    )
    emit_saved(job, saved)
    await show_result(job, saved, picture)
    report_result(job, saved)
    return cast("SavedResult", Completed(message=saved.summary, data=saved))


@task(name="measure-video", task_run_name="measure: {job.model} {job.task_id}", **retrying(2, 2))
async def measure_video(
    job: Job, credentials: KieCredentials | str = DEFAULT_CREDENTIALS, *, file: Path | None = None
) -> float | None:
    """The real length of a finished job's video, seconds.

    Args:
        job: The finished job.
        credentials: The key's block, or its name.
        file: The video, where it is on this machine; else it is fetched for a moment.

    Returns:
        The length; None where the file does not say.

    Raises:
        DownloadFailed: when the file cannot be fetched (results live 14 days).
    """
    async with at_hand(job, credentials, file) as path:
        seconds = await anyio.to_thread.run_sync(length_of, path)
    get_run_logger().info("The video of job %s is %s s long", job.task_id, seconds)
    return seconds


@task(name="contact-sheet", task_run_name="contact sheet: {job.model} {job.task_id}", **retrying(2, 2))
async def contact_sheet(
    job: Job, credentials: KieCredentials | str = DEFAULT_CREDENTIALS, *, file: Path | None = None
) -> float | None:
    """Show frames of a finished job's video with their times: the artifact `kie-contact-sheet-<id>`.

    By it a person sees which part of a video shows the character; the part that the form suggests is marked.
    Without PyAV and Pillow (the extra `pictures`) it is the link alone. Otherwise as `measure_video`.
    """
    async with at_hand(job, credentials, file) as path:
        seconds = await anyio.to_thread.run_sync(length_of, path)
        part = suggested(seconds) if seconds else None
        sheet = await pictures.contact_sheet(path, seconds, part) if seconds else None
    key = artifact_key("contact-sheet", job.task_id)
    description = f"Contact sheet of {code(job.model)}: {escaped(job.prompt, 200)}"
    await show(key, description, contact_sheet_markdown(job, seconds, sheet, part))
    get_run_logger().info("The contact sheet of job %s is the artifact %s", job.task_id, key)
    return seconds


@task(name="upload-file", task_run_name="upload: {file}", **retrying(5, 2, 5, 10))
async def upload_file(
    file: Path | str, credentials: KieCredentials | str = DEFAULT_CREDENTIALS, *, job_key: str | None = None
) -> UploadedFile:
    """Upload a file for a request that takes an address; free, kept at Kie for 24 hours.

    The same content in the same run (or with the same job_key) is uploaded once a day. A request made of it
    is the same job when the run is run again, whatever address the file has by then.

    Args:
        file: A file on this machine, or the public address of one for Kie to fetch. Which kinds and sizes a
            model takes, its own fields say: for Sora a jpeg, png or webp of at most 10 MB.
        credentials: The key's block, or its name.
        job_key: Whose upload it is; by default the run's.

    Returns:
        The uploaded file; its `url` goes into `image_urls`.

    Raises:
        ValueError: when there is no such file, or it is empty or larger than any model takes.
        KieError: when Kie does not take it, or the run's result storage cannot be used.
    """
    return await upload(file, await load_credentials(credentials), await submission_scope(job_key))
