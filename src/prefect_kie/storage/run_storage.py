"""What belongs to a run: whose its submissions are, where their records are kept, and where its results go.

All of it is checked and loaded before anything is paid for.
"""

import os
import unicodedata
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Annotated, Any

import anyio.to_thread
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.filesystems import LocalFileSystem, WritableFileSystem
from prefect.results import aget_default_result_storage, get_result_store
from prefect.runtime import flow_run
from prefect.settings import get_current_settings
from pydantic import WithJsonSchema

from prefect_kie._compat import block_id, task_run_outside_flows
from prefect_kie.api import InvalidRequest
from prefect_kie.blocks.server import asked, server_named
from prefect_kie.errors import SubmissionNotRecorded, shown_error
from prefect_kie.runtime.loop import per_process
from prefect_kie.storage.base import LocalStorage, Storage
from prefect_kie.storage.fsspec import BlockStorage, storage_for

MAX_REMEMBERED = 100  # flow runs of one process; all but a few have ended
ROOT_LABEL = "kie.root-flow-run"
"""Label of a deployed flow run within another: that one's id, which Prefect forgets when it is deleted."""


async def submission_scope(job_key: str | None) -> str:
    """Whose submissions these are: the caller's `job_key`, or the id of the outermost run, of a flow or of a
    task; when that is run again, Prefect gives the runs in it new ids.
    """
    if job_key is not None:
        if not job_key.strip():
            raise ValueError("job_key must not be empty; leave it out to use the flow run's id")
        return unicodedata.normalize("NFC", job_key.strip())
    task_run = task_run_outside_flows()
    if task_run is not None and (FlowRunContext.get() is not None or flow_run.get_id() is None):
        return str(task_run.id)  # also of a flow that this task calls
    if flow_run.get_id() is not None:
        return await _root_flow_run()
    raise RuntimeError("a model task runs as a Prefect task: call it, not its function")


async def _root_flow_run() -> str:
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    known = run.labels.get(ROOT_LABEL) if run is not None else None
    if known is not None:
        return str(known)
    # In a thread with this context, since Prefect's look-up of a subflow's parents blocks.
    root = str(await anyio.to_thread.run_sync(flow_run.get_root_flow_run_id))
    if run is not None and run.deployment_id is not None and root != str(run.id):
        with _answers("could not keep which run this one belongs to"):
            async with get_client() as client:
                await client.update_flow_run_labels(run.id, {ROOT_LABEL: root})
        run.labels[ROOT_LABEL] = root
    return root


async def scope_storage() -> Storage:
    """Where the records of all runs are: Prefect's default result storage, whoever asks.

    Not a flow's or a task's own: the same `job_key` in another flow would not find what was paid.
    """
    block = await _storage_of_run()
    own = get_result_store().result_storage
    if isinstance(block, LocalFileSystem):
        if own is not None and not isinstance(own, LocalFileSystem):
            raise SubmissionNotRecorded(
                "this flow or task keeps its results in a storage block of its own, but what was submitted "
                "would be recorded on this machine's disk, where a run on another machine does not look; "
                "nothing was sent",
                next_step="Name the block in PREFECT_DEFAULT_RESULT_STORAGE_BLOCK for all runs (or make it "
                "the server's default), then run again.",
            )
        if not (block.basepath or "").startswith("~") and not PurePath(block.basepath or "").is_absolute():
            raise SubmissionNotRecorded(
                f"the default result storage has a relative path ({block.basepath!r}), which is another "
                "directory for whoever runs elsewhere; nothing was sent",
                next_step="Give it an absolute path (PREFECT_LOCAL_STORAGE_PATH, or the block's), then run "
                "again.",
            )
    storage = storage_for(block)
    if isinstance(storage, BlockStorage):
        raise storage.not_exclusive()
    return storage


@per_process
def _known() -> dict[str, WritableFileSystem]:
    return {}


async def _storage_of_run() -> WritableFileSystem:
    """The default storage, asked for once in a flow run: its records are in one place, whatever changes."""
    known, run = _known(), flow_run.get_id()
    if run is None:
        return await _default_storage()
    block = known.get(run) or await _default_storage()
    while len(known) >= MAX_REMEMBERED and run not in known:
        known.pop(next(iter(known)), None)
    return known.setdefault(run, block)  # of several that asked at once, the first one's


async def _default_storage() -> WritableFileSystem:
    """Prefect's default result storage; unlike Prefect's look-up, no other one where the server is away."""
    settings = get_current_settings().results
    with _answers("could not be asked where results are stored"):
        if settings.default_storage_block is not None:
            return await aget_default_result_storage()
        async with get_client() as client:
            named = (await client.read_server_default_result_storage()).default_result_storage_block_id
        if named is None:
            return LocalFileSystem(basepath=str(settings.local_storage_path))
        block = await aget_default_result_storage()
    if block_id(block) != named:
        failed = "the server's default result storage could not be loaded; nothing was sent"
        raise SubmissionNotRecorded(failed, retryable=True, next_step="Run it again.")
    return block


@contextmanager
def _answers(failed: str) -> Generator[None, None, None]:
    try:
        yield
    except Exception as error:
        raise SubmissionNotRecorded(
            f"{server_named()} {failed} ({shown_error(error)}); nothing was sent",
            retryable=True,
            next_step="Run it again when the Prefect server answers.",
        ) from None


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


async def check_writable(directory: Path | str | None, storage: WritableFileSystem | str | None) -> None:
    """Make sure, before anything is paid, that results can be stored: write a probe file and delete it."""
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
