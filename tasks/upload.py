"""Uploading files for requests that take an address: pictures, clips, sound.

An upload is free and lives for a day. A run uploads one content once, and a record in its result storage
remembers where; what has expired is uploaded again. Its new address makes no new submission: a request is
known by the content (`content_identity`).
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import anyio.to_thread
from prefect import get_run_logger, task
from pydantic import BaseModel, ValidationError

from prefect_kie.api import UploadedFile
from prefect_kie.api.uploads import checksum, open_checked
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.runtime.clients import shared_client
from prefect_kie.runtime.loop import run_on_loop
from prefect_kie.runtime.retries import retrying
from prefect_kie.runtime.single_flight import single_flight
from prefect_kie.storage.base import Storage
from prefect_kie.storage.run_storage import scope_storage, submission_scope

FOLDER = "kie-uploads"

REUSED_FOR = timedelta(hours=20)
"""How long an upload is used again; Kie keeps it for 24 hours, and fetches it when a job begins."""
EXPIRY_MARGIN = timedelta(hours=1)
"""How long before its end an upload is not used any more, where Kie told when that is."""


class UploadRecord(BaseModel):
    """Where an upload went, and when."""

    uploaded: UploadedFile
    written_at: datetime

    @property
    def is_alive(self) -> bool:
        """Whether Kie still has the file, and will until a job that is submitted now begins."""
        ends = self.uploaded.expires_at
        until = ends - EXPIRY_MARGIN if ends else self.written_at + REUSED_FOR
        return datetime.now(timezone.utc) < until


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
    kie = await load_credentials(credentials)
    content = str(file) if _is_url(file) else await anyio.to_thread.run_sync(_checksum, Path(file))
    name = json.dumps([await submission_scope(job_key), kie.base_url, content])
    path = f"{FOLDER}/{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
    storage = await scope_storage()
    return await run_on_loop(partial(_uploaded_once, file, kie, storage, path))


async def _uploaded_once(file: Path | str, kie: KieCredentials, storage: Storage, path: str) -> UploadedFile:
    async with single_flight(path):
        content = await storage.read(path)
        with suppress(ValidationError):
            if content and (known := UploadRecord.model_validate_json(content)).is_alive:
                get_run_logger().info("Uploaded %s before: %s", file, known.uploaded.url)
                return known.uploaded
        client = shared_client(kie)
        uploaded = await (client.upload_from_url(str(file)) if _is_url(file) else client.upload_file(file))
        record = UploadRecord(uploaded=uploaded, written_at=datetime.now(timezone.utc))
        await storage.write(path, record.model_dump_json().encode())
    get_run_logger().info("Uploaded %s: %s", file, uploaded.url)
    return uploaded


def _is_url(file: Path | str) -> bool:
    return isinstance(file, str) and file.lower().startswith(("https://", "http://"))


def _checksum(file: Path) -> str:
    content, _ = open_checked(file)
    with content:
        return f"{file.suffix.lower()} {checksum(content)}"
