"""How long a finished video really is, and what it shows when, without keeping it."""

from pathlib import Path

import anyio.to_thread
from prefect import get_run_logger, task

from prefect_kie.api import Job
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.media import pictures
from prefect_kie.media.kinds import mp4_seconds
from prefect_kie.media.saved import artifact_key
from prefect_kie.media.saving import at_hand
from prefect_kie.media.slices import suggested
from prefect_kie.run_page.artifacts import show
from prefect_kie.run_page.markdown import code, escaped
from prefect_kie.run_page.sections import contact_sheet_markdown
from prefect_kie.runtime.retries import retrying


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
        seconds = await anyio.to_thread.run_sync(mp4_seconds, path)
    get_run_logger().info("The video of job %s is %s s long", job.task_id, seconds)
    return seconds


@task(name="contact-sheet", task_run_name="contact sheet: {job.model} {job.task_id}", **retrying(2, 2))
async def contact_sheet(
    job: Job, credentials: KieCredentials | str = DEFAULT_CREDENTIALS, *, file: Path | None = None
) -> float | None:
    """Show frames of a finished job's video with their times: the artifact `kie-contact-sheet-<id>`.

    By it a person sees which part of a video shows the character; the part that the form suggests is marked.
    It needs PyAV and Pillow (the extra
    `pictures`); without them it is the link to the video alone.

    Otherwise as `measure_video`.
    """
    async with at_hand(job, credentials, file) as path:
        seconds = await anyio.to_thread.run_sync(mp4_seconds, path)
        part = suggested(seconds) if seconds else None
        sheet = await pictures.contact_sheet(path, seconds, part) if seconds else None
    key = artifact_key("contact-sheet", job.task_id)
    description = f"Contact sheet of {code(job.model)}: {escaped(job.prompt, 200)}"
    await show(key, description, contact_sheet_markdown(job, seconds, sheet, part))
    get_run_logger().info("The contact sheet of job %s is the artifact %s", job.task_id, key)
    return seconds
