"""How long a finished video really is, without keeping it."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
from prefect import get_run_logger, task

from prefect_kie.api import Job
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.media.kinds import mp4_seconds
from prefect_kie.media.saving import at_hand
from prefect_kie.runtime.retries import OF_A_FETCH


@task(name="measure-video", task_run_name="measure: {job.model} {job.task_id}", **OF_A_FETCH)
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
