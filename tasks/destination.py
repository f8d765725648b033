"""Where videos go: checked and loaded before anything is paid for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import httpx
from prefect.blocks.core import Block
from prefect.filesystems import WritableFileSystem
from pydantic import WithJsonSchema

from prefect_kie.api import InvalidRequest, ServiceUnavailable

StorageBlock = Annotated[
    WritableFileSystem | str | None,
    # A form offers its name alone: the UI cannot pick a block by what it is able to do.
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]
"""A Prefect storage block, or its `type/name`; None: none."""

DEFAULT_DIRECTORY = Path("~/kie-videos")
"""Where videos go unless told otherwise: a worker's own working directory is deleted after the run."""


def check_destination(directory: Path | str | None, storage: WritableFileSystem | str | None) -> None:
    """Make sure that one destination is named at the most.

    Raises:
        InvalidRequest: when both are.
    """
    if directory is not None and storage is not None:
        raise InvalidRequest(
            "give either a directory or a storage block, not both", next_step="Leave one out and run again."
        )


async def load_storage(storage: WritableFileSystem | str | None) -> WritableFileSystem | None:
    """The storage block, loaded where only its `type/name` is given.

    Raises:
        InvalidRequest: when there is no such block, or it takes no files.
        ServiceUnavailable: when the Prefect server does not answer.
    """
    if storage is None or isinstance(storage, WritableFileSystem):
        return storage
    try:
        block: Any = await Block.aload(storage)
    except httpx.HTTPError as error:
        raise ServiceUnavailable(
            f"the Prefect server could not be asked for the block {storage!r} ({error})",
            next_step="Run it again when the Prefect server answers.",
        ) from error
    except ValueError as error:
        raise InvalidRequest(
            f"the Prefect server has no storage block {storage!r}: {error}",
            mend="Name it as type/name, for example local-file-system/videos.",
            next_step="Name it as type/name, for example local-file-system/videos, and run again.",
        ) from None
    if not isinstance(block, WritableFileSystem):
        raise InvalidRequest(
            f"the block {storage!r} is no storage that files can be written to",
            next_step="Name a storage block and run again.",
        )
    return block
