"""Where videos go: checked and loaded before anything is paid for."""

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from prefect.blocks.core import Block
from prefect.filesystems import WritableFileSystem
from pydantic import WithJsonSchema

from prefect_kie.api import InvalidRequest
from prefect_kie.blocks.server import asked
from prefect_kie.runtime.logs import shown_error
from prefect_kie.storage.base import LocalStorage, Storage
from prefect_kie.storage.fsspec import BlockStorage, storage_for

StorageBlock = Annotated[
    WritableFileSystem | str | None,
    # A form offers its name alone: the UI cannot pick a block by what it is able to do.
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]
"""A Prefect storage block, or its `type/name`; None: none."""

DEFAULT_DIRECTORY = Path("~/kie-videos")
"""Where videos go unless told otherwise: a worker's own working directory is deleted after the run."""

PROBE_BYTES = 1024 * 1024  # a disk is full for a video long before it is full for a byte


async def load_storage(
    storage: WritableFileSystem | str | None, directory: Path | str | None = None
) -> WritableFileSystem | None:
    """The storage block, loaded where only its `type/name` is given."""
    if directory is not None and storage is not None:
        raise InvalidRequest(
            "give either a directory or a storage block, not both", next_step="Leave one out and run again."
        )
    if storage is None or isinstance(storage, WritableFileSystem):
        return storage
    try:
        with asked(f"for the block {storage!r}"):
            block: Any = await Block.aload(storage)
    except ValueError as error:
        raise InvalidRequest(
            f"the Prefect server has no storage block {storage!r}: {error}",
            next_step="Name it as type/name, for example local-file-system/videos. Then run again.",
        ) from None
    if not isinstance(block, WritableFileSystem):
        raise InvalidRequest(
            f"the block {storage!r} is no storage that files can be written to",
            next_step="Name a storage block and run again.",
        )
    return block


async def load_destination(directory: Path | str | None, storage: WritableFileSystem | str | None) -> Storage:
    """Where results go: the block, else the directory, else `~/kie-videos`; raises as `load_storage`."""
    return storage_for(await load_storage(storage, directory) or Path(directory or DEFAULT_DIRECTORY))


async def check_writable(
    directory: Path | str | None = None, storage: WritableFileSystem | str | None = None
) -> None:
    """Make sure, before anything is paid for, that results can be stored: write a probe file and delete it.

    Call it before the first submission of a run. It finds a file in the directory's place, a read-only
    mount, `/proc`, a full disk, a block whose bucket is missing or whose key may not write.
    """
    place = await load_destination(directory, storage)
    # What cannot be deleted at least does not become more with each call.
    own = "" if isinstance(place, BlockStorage) else f"-{uuid.uuid4().hex}"
    probe = f"prefect-kie-probe{own}.txt"
    content = os.urandom(PROBE_BYTES) if isinstance(place, LocalStorage) else b"May be deleted."
    try:
        await place.write(probe, content)
        await place.delete(probe)
    except Exception as error:
        with suppress(Exception):
            await place.delete(probe)
        # A block's own text may hold its secrets; its address does not.
        raise InvalidRequest(
            f"results cannot be stored in {place.address('').rstrip(': ')} ({shown_error(error)}); "
            "nothing was submitted",
            next_step="Name a place that can be written to and has room. Then run again.",
        ) from error
