"""Saving what a job made, as a task."""

from pathlib import Path
from typing import cast

from prefect.filesystems import WritableFileSystem
from prefect.states import Completed

from prefect_kie._compat import task_of_states
from prefect_kie.api import Job
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.media.assets import report_result
from prefect_kie.media.download import MAX_FILE_BYTES
from prefect_kie.media.saved import SavedResult
from prefect_kie.media.saving import save
from prefect_kie.run_page.artifacts import show_result
from prefect_kie.run_page.events import emit_saved
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.runtime.retries import retrying


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
    saved, picture = await save(job, credentials, directory=directory, storage=storage, max_bytes=max_bytes)
    emit_saved(job, saved)
    await show_result(job, saved, picture)
    report_result(job, saved)
    return cast("SavedResult", Completed(message=saved.summary, data=saved))
