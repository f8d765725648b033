"""How long a finished video really is, without keeping it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from prefect_kie.api import Job
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.tasks.retries import only_retryable_and_not_the_last
from prefect_kie.tasks.saving import save


@task(
    name="measure-video",
    task_run_name="measure: {job.model} {job.task_id}",
    cache_policy=NO_CACHE,
    retries=3,  # two, in truth: the last one is never made
    retry_delay_seconds=2,
    retry_condition_fn=only_retryable_and_not_the_last,
)
async def measure_video(job: Job, credentials: KieCredentials | str = DEFAULT_CREDENTIALS) -> float | None:
    """The real length of a finished job's video, seconds.

    Args:
        job: The finished job.
        credentials: The key's block, or its name.

    Returns:
        The length; None where the file does not say.

    Raises:
        DownloadFailed: when the file cannot be fetched (results live 14 days).
    """
    with tempfile.TemporaryDirectory(prefix="prefect-kie-") as directory:
        saved, _ = await save(job, credentials, directory=Path(directory))
    get_run_logger().info("The video of job %s is %s s long", job.task_id, saved.seconds)
    return saved.seconds
