"""Where a manifest's bytes come from: this machine's disk, or any storage block that reads files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import anyio.to_thread
from prefect.filesystems import ReadableFileSystem, WritableFileSystem

from prefect_kie.api import ServiceUnavailable
from prefect_kie.batches.manifest.mistakes import ManifestMistakes, Mistake
from prefect_kie.batches.manifest.reading import MOST_BYTES
from prefect_kie.run_page.markdown import plain
from prefect_kie.runtime.logs import shown_error
from prefect_kie.storage.base import Storage
from prefect_kie.storage.fsspec import BlockStorage, storage_for

ReadableStorage = ReadableFileSystem | WritableFileSystem


async def content_of(path: str, storage: ReadableStorage | None) -> bytes:
    """A manifest's bytes; from a disk no more of them than show that there are too many.

    Args:
        path: The file's path, within the storage if one is given.
        storage: The block that reads it; None: this machine's disk.

    Raises:
        ManifestMistakes: when there is no such file, or it cannot be read.
        ServiceUnavailable: when the storage does not answer.
    """
    if storage is None:
        if re.match(r"[A-Za-z][\w+.-]+:/", path):  # a Path makes s3:/ of s3://
            raise _wrong(path, "it is an address; give its path within a storage block, and the block")
        return await anyio.to_thread.run_sync(_from_disk, path, Path(path))
    place = _place(storage)
    try:
        local = place.local(path)
    except ValueError as error:  # outside of the block's directory
        raise _wrong(path, str(error)) from None
    if local is not None:
        return await anyio.to_thread.run_sync(_from_disk, path, local)
    try:
        content = await place.read(path)
    except Exception as error:
        raise ServiceUnavailable(
            f"the manifest {plain(path)} could not be read from its storage ({shown_error(error)})",
            next_step="Run it again when the storage answers; nothing was submitted.",
        ) from error
    if content is None:
        raise _wrong(path, f"there is no such file: {place.address(path)}")
    return content


def _place(storage: ReadableStorage) -> Storage:
    if isinstance(storage, WritableFileSystem):
        return storage_for(storage)
    return BlockStorage(cast("Any", storage))  # which only reads, and nothing else is asked of it here


def _from_disk(path: str, file: Path) -> bytes:
    try:
        file = file.expanduser()
        if file.is_dir():
            raise _wrong(path, "it is a directory")
        if file.exists() and not file.is_file():  # a pipe would be waited for
            raise _wrong(path, "it is no file")
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise _wrong(
            path, f"there is no such file on the machine that runs this: {file.absolute()}"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:  # no right to, a NUL in its name, no home directory
        raise _wrong(path, f"it cannot be read ({error})") from None


def _wrong(path: str, message: str) -> ManifestMistakes:
    return ManifestMistakes([Mistake(message=plain(message, 400))], plain(path))
