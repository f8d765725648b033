"""How long a finished video really is, without keeping it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from prefect_kie.api import Job
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.media.kinds import mp4_seconds
from prefect_kie.storage.local import temporary_folder
from prefect_kie.tasks._retries import only_retryable_and_not_the_last
from prefect_kie.tasks.save import save


@task(
    name="measure-video",
    task_run_name="measure: {job.model} {job.task_id}",
    cache_policy=NO_CACHE,
    retries=3,  # two, in truth: the last one is never made
    retry_delay_seconds=2,
    retry_condition_fn=only_retryable_and_not_the_last,
)
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


@asynccontextmanager
async def at_hand(
    job: Job, credentials: KieCredentials | str, file: Path | None
) -> AsyncGenerator[Path, None]:
    """A finished job's video on this machine: the given file, or one fetched for a moment.

    Raises:
        DownloadFailed: when it cannot be fetched.
    """
    if file is not None and await anyio.Path(file).is_file():
        yield file
        return
    with temporary_folder() as folder:
        saved, _ = await save(job, credentials, directory=folder)
        yield Path(saved.path)
