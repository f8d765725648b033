"""Uploading files for requests that take an address: pictures, clips, sound."""

from pathlib import Path

from prefect import task

from prefect_kie.api import UploadedFile
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.media.uploading import upload
from prefect_kie.runtime.retries import retrying
from prefect_kie.storage.run_storage import submission_scope


@task(name="upload-file", task_run_name="upload: {file}", **retrying(5, 2, 5, 10))
async def upload_file(
    file: Path | str,
    credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
    *,
    job_key: str | None = None,
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
