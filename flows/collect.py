"""`collect_job`: the way back to a job that a dead run left behind."""

from typing import Annotated

from prefect import get_run_logger
from pydantic import Field

from prefect_kie.api import CharacterResult
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._options import Output, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.outcomes.results import CollectedJob
from prefect_kie.run_page.artifacts import show_character, waiting_reported
from prefect_kie.tasks import save_result, wait_for_job


@kie_flow(name="collect-job", flow_run_name="collect-job: {task_id}", persist_result=True)
async def collect_job(
    task_id: Annotated[str, Field(min_length=1, max_length=100)],
    credentials: Credentials = DEFAULT_CREDENTIALS,
    output: Output = Output(),
    waiting: Waiting = Waiting(),
) -> CollectedJob:
    """Fetch what a job made, from its task id alone; waits where it is not finished, pays nothing.

    Args:
        task_id: Kie's id of the job, from a log, an error or Kie's own logs page.
        credentials: The Kie Credentials block, or its name.
        output: Where to save; by default kie-videos in the home directory.
        waiting: How to wait for the job; its mode does not matter here.

    Returns:
        What was saved, of whatever kind, or the character.

    Raises:
        KieError: when the job failed, is not known, or its files cannot be fetched.

    Example:
        ```python
        collected = await collect_job("0f3a…", output=Output(directory="videos"))
        ```
    """
    runner = await JobRunner.prepare(credentials, output)
    async with waiting_reported(lambda: "Waits for Kie: 1 of 1 jobs"):
        job = await wait_for_job(task_id.strip(), runner.credentials, poll=waiting.poll)
    if isinstance(job.result, CharacterResult):
        get_run_logger().info("Job %s made the character %s", task_id, job.result)
        await show_character(job)
        return CollectedJob(task_id=job.task_id, model=job.model, character=job.result)
    saved = await save_result(job, runner.credentials, directory=output.directory, storage=runner.storage)
    return CollectedJob(task_id=job.task_id, model=job.model, video=saved)
