"""Uploads of a run: one content once a day, and a record of where it went.

An upload is free and lives for a day. A record in the run's result storage remembers it; what has expired is
uploaded again. Its new address makes no new submission: a request is known by content (`content_identity`).
"""

import hashlib
import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import anyio.to_thread
from pydantic import BaseModel, ValidationError

from prefect_kie.api import UploadedFile
from prefect_kie.api.uploads import checksum, open_checked
from prefect_kie.blocks import KieCredentials
from prefect_kie.media import assets
from prefect_kie.runtime.clients import shared_client
from prefect_kie.runtime.logs import run_logger
from prefect_kie.runtime.loop import run_on_loop, single_flight
from prefect_kie.storage.base import Storage
from prefect_kie.storage.run_storage import scope_storage

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


async def upload(file: Path | str, kie: KieCredentials, scope: str) -> UploadedFile:
    """What the task `upload_file` does: once a day for each content and scope."""
    content = str(file) if is_url(file) else await anyio.to_thread.run_sync(_checksum, Path(file))
    name = json.dumps([scope, kie.base_url, content])
    path = f"{FOLDER}/{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
    storage = await scope_storage()
    uploaded = await run_on_loop(partial(_uploaded_once, file, kie, storage, path))
    assets.remember(assets.asset_key(str(file)), uploaded.url)
    return uploaded


def is_url(file: Path | str) -> bool:
    """Whether a file is named by its address on the web."""
    return isinstance(file, str) and file.lower().startswith(("https://", "http://"))


async def _uploaded_once(file: Path | str, kie: KieCredentials, storage: Storage, path: str) -> UploadedFile:
    async with single_flight(path):
        content = await storage.read(path)
        with suppress(ValidationError):
            if content and (known := UploadRecord.model_validate_json(content)).is_alive:
                run_logger().info("Uploaded %s before: %s", file, known.uploaded.url)
                return known.uploaded
        client = shared_client(kie)
        uploaded = await (client.upload_from_url(str(file)) if is_url(file) else client.upload_file(file))
        record = UploadRecord(uploaded=uploaded, written_at=datetime.now(timezone.utc))
        await storage.write(path, record.model_dump_json().encode())
    run_logger().info("Uploaded %s: %s", file, uploaded.url)
    return uploaded


def _checksum(file: Path) -> str:
    with open_checked(file)[0] as content:
        return f"{file.suffix.lower()} {checksum(content)}"
