"""Uploading pictures (and character clips) for requests that take an address."""

from __future__ import annotations

from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from prefect_kie.api import UploadedFile
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.tasks.retries import only_retryable


@task(
    name="upload-image",
    task_run_name="upload: {file}",
    cache_policy=NO_CACHE,
    retries=5,
    retry_delay_seconds=[2, 5, 10],
    retry_jitter_factor=0.5,
    retry_condition_fn=only_retryable,
)
async def upload_image(
    file: Path | str, credentials: KieCredentials | str = DEFAULT_CREDENTIALS
) -> UploadedFile:
    """Upload a picture for an image-to-video request; free, kept at Kie for 3 days.

    Args:
        file: A jpeg, png or webp of at most 10 MB on this machine (or an mp4, webm or avi for
            `Sora2Characters`), or the public address of one for Kie to fetch.
        credentials: The key's block, or its name.

    Returns:
        The uploaded file; its `url` goes into `image_urls`.

    Raises:
        ValueError: when there is no such file, or it is of a kind or size Kie refuses.
        KieError: when Kie does not take it.
    """
    kie = await load_credentials(credentials)
    async with kie.get_client() as client:
        uploaded = await (client.upload_from_url(str(file)) if _is_url(file) else client.upload_file(file))
    get_run_logger().info("Uploaded %s: %s", file, uploaded.url)
    return uploaded


def _is_url(file: Path | str) -> bool:
    return isinstance(file, str) and file.lower().startswith(("https://", "http://"))
