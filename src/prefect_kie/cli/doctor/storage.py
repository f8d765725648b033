"""The doctor's look at result storage: where it is, and whether it keeps what is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.filesystems import WritableFileSystem
from prefect.settings import get_current_settings
from pydantic import ValidationError

from prefect_kie.cli.doctor.check import Check
from prefect_kie.runtime.logs import shown_error
from prefect_kie.storage.base import LocalStorage, Storage
from prefect_kie.storage.fsspec import BlockStorage, storage_for

PROBE = "prefect-kie-doctor"
"""How the name of the probe file begins."""

SET_BLOCK = "prefect config set PREFECT_DEFAULT_RESULT_STORAGE_BLOCK=TYPE/NAME"

ONE_MACHINE = ("file://", "local://", "memory://")
"""fsspec's addresses of what no other machine sees."""


async def check_result_storage(client: PrefectClient) -> AsyncIterator[Check]:
    """Where runs keep what they have submitted: without it nothing is sent.

    Args:
        client: A client of the Prefect server.
    """
    settings = get_current_settings().results
    place = settings.default_storage_block
    what = f"result storage {place} (PREFECT_DEFAULT_RESULT_STORAGE_BLOCK)"
    try:
        if place is not None:
            storage = _storage_at(await Block.aload(place, client=client))
        elif default := (await client.read_server_default_result_storage()).default_result_storage_block_id:
            what = f"result storage block {default} (the server's default)"
            storage = _storage_at(await Block.aload_from_ref(default, client=client))
            what = f"result storage {storage.address('')} (the server's default)"
        else:
            storage = storage_for(settings.local_storage_path)
            what = f"result storage {storage.address('')} (PREFECT_RESULTS_LOCAL_STORAGE_PATH)"
    except Exception as error:
        yield Check(
            "trouble",
            f"{what} cannot be loaded ({_reason(error)})",
            f"See which blocks there are with prefect block ls; choose one: {SET_BLOCK}",
        )
        return
    yield await check_storage(storage, what)


def _storage_at(block: Block) -> Storage:
    if not isinstance(block, WritableFileSystem):
        raise TypeError(f"{block.get_block_type_slug()} is no block that files can be written to")
    return storage_for(block)


async def check_storage(storage: Storage, what: str) -> Check:
    """Whether a storage keeps a small file, gives it back and removes it.

    Args:
        storage: The storage.
        what: How to call it.
    """
    # What cannot be deleted at least does not become more with each call.
    path = f"{PROBE}.txt" if isinstance(storage, BlockStorage) else f"{PROBE}-{uuid4().hex}.txt"
    content = f"Written by prefect-kie doctor; may be deleted. {uuid4().hex}".encode()
    deleted = False
    doing = "written"
    try:
        await storage.write(path, content)
        doing = "read"
        kept = await storage.read(path)
        doing = "deleted from"
        deleted = await storage.delete(path)
    except Exception as error:
        with suppress(Exception):
            await storage.delete(path)
        return Check("trouble", f"{what} cannot be {doing} ({_reason(error)})", _repair(storage))
    if kept != content:
        return Check("trouble", f"{what} does not keep what is written", _repair(storage))
    told = f"{what}: writes, reads and deletes"
    if not deleted:
        told = f"{what}: writes and reads; it cannot delete, so a small file stays: {storage.address(path)}"
    if isinstance(storage, LocalStorage) or storage.address("").startswith(ONE_MACHINE):
        return Check(
            "ok",
            f"{told}. It is this machine's disk: several machines would not share it, and could pay twice",
            f"For several machines, choose a shared storage block on each: {SET_BLOCK}",
        )
    return Check("ok", told)


def _repair(storage: Storage) -> str:
    if isinstance(storage, LocalStorage):
        return f"Make that directory writable and the disk not full, or choose a storage block: {SET_BLOCK}"
    return "Correct the storage block in the UI (Blocks), then run prefect-kie doctor again."


def _reason(error: Exception) -> str:
    # A refused block's text quotes its fields, among them secrets.
    return type(error).__name__ if isinstance(error, ValidationError) else shown_error(error)
