"""What belongs to a run: whose its submissions are, and where its records are kept."""

from __future__ import annotations

import anyio.to_thread
from prefect.client.orchestration import get_client
from prefect.context import TaskRunContext
from prefect.filesystems import LocalFileSystem
from prefect.results import get_result_store
from prefect.runtime import flow_run
from prefect.settings import get_current_settings

from prefect_kie.api import SubmissionNotRecorded
from prefect_kie.blocks.server import server_named
from prefect_kie.tasks.remote import storage_for
from prefect_kie.tasks.storage import Storage


async def run_base(job_key: str | None) -> str:
    """Whose submissions these are: the caller's `job_key`, or the id of the run.

    The outermost flow run's: when a parent run is run again, Prefect gives its failed subflows new ids.

    Raises:
        ValueError: when the job_key is empty.
    """
    if job_key is not None:
        if not job_key.strip():
            raise ValueError("job_key must not be empty; leave it out to use the flow run's id")
        return job_key
    if flow_run.get_id() is not None:
        # In a thread with this context, since Prefect's look-up of a subflow's parents blocks.
        return str(await anyio.to_thread.run_sync(flow_run.get_root_flow_run_id))
    task_run = TaskRunContext.get()
    if task_run is None:
        raise RuntimeError("a model task runs as a Prefect task: call it, not its function")
    return str(task_run.task_run.id)


async def storage_of_this_run() -> Storage:
    """The result storage of the current task or flow run.

    Raises:
        SubmissionNotRecorded: when there is none, or when it is only what Prefect falls back to, without a
            word, where it cannot ask its server for the default result storage: a record that landed
            there would not be found by the next run.
    """
    block = get_result_store().result_storage
    if block is None:
        raise SubmissionNotRecorded("this run has no result storage")
    settings = get_current_settings().results
    is_default = (
        isinstance(block, LocalFileSystem)
        and block._block_document_id is None  # pyright: ignore[reportPrivateUsage]
        and block.basepath == str(settings.local_storage_path)
    )
    if is_default and settings.default_storage_block is None:
        try:
            async with get_client() as client:
                default = await client.read_server_default_result_storage()
        except Exception as error:
            raise SubmissionNotRecorded(
                f"{server_named()} could not be asked where results are stored ({type(error).__name__}: "
                f"{error}); nothing was sent",
                retryable=True,
                next_step="Run it again when the Prefect server answers.",
            ) from error
        if default.default_result_storage_block_id is not None:
            raise SubmissionNotRecorded(
                "this run stores its results in a local directory, since Prefect could not ask its server "
                "for the default result storage when the run started; nothing was sent",
                next_step="Run it again.",
            )
    return storage_for(block)
