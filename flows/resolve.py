"""`resolve_submission`: what became of submissions whose answer was lost."""

from contextlib import suppress
from typing import Annotated
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import Field

from prefect_kie.api import InvalidRequest
from prefect_kie.blocks import DEFAULT_CREDENTIALS, load_credentials
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.run_context import run_submissions
from prefect_kie.storage.run_storage import StorageBlock, load_storage
from prefect_kie.submissions.resolution import ResolvedSubmission, ResolvedSubmissions
from prefect_kie.submissions.store import SubmissionRecord

ARTIFACT = "kie-submissions-in-doubt"


@kie_flow(name="resolve-submission", flow_run_name="resolve-submission")
async def resolve_submission(
    submission: Annotated[str, Field(pattern=r"^\s*kie-[0-9a-f]{32}\s*$")] | None = None,
    task_id: Annotated[str, Field(max_length=100)] | None = None,
    release: bool = False,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    records_storage: StorageBlock = None,
) -> ResolvedSubmissions:
    """List submissions in doubt, or settle one: it became a certain job, or may be made again.

    A submission is in doubt when its call went out and its answer was lost. Left empty, this lists all of
    them, and settles those for which there is evidence by now. Look for the others in Kie's logs page
    (kie.ai/logs), then run this again for each. Nothing is submitted here, and nothing is paid.

    Args:
        submission: Key of the submission to settle, as the list or the error names it; empty lists all.
        task_id: The job it became, from Kie's logs page. It is polled, and must be what was asked for.
        release: Kie's logs page shows no such job; let the submission be made, and paid, anew.
        credentials: The Kie Credentials block, or its name.
        records_storage: Where the records are, as type/name; by default this run's own result storage.

    Returns:
        The submissions in doubt, or the one that was asked for, and what is known of each now.

    Raises:
        KieError: when the choice cannot be right, or the records cannot be read or written; nothing was
            changed.
    """
    if task_id is not None and release:
        raise InvalidRequest(
            "either the submission became a job (task_id), or it is to be released; not both",
            next_step="Leave one out and run again; nothing was changed.",
        )
    if submission is None and (task_id is not None or release):
        raise InvalidRequest(
            "which submission is meant?",
            next_step="Run resolve_submission without parameters to see their keys; nothing was changed.",
        )
    storage = await load_storage(records_storage)
    submissions = await run_submissions(await load_credentials(credentials), storage)
    if submission is None:
        found = await submissions.list_in_doubt()
    else:
        task_id = task_id and task_id.strip()
        found = [await submissions.resolve(submission.strip(), task_id=task_id, release=release)]
    resolved = [
        ResolvedSubmission.of(record, await _run_name(record), submissions.is_being_submitted(record))
        for record in found
    ]
    for each in resolved:
        get_run_logger().info("%s", each.line)
    if resolved:
        await acreate_table_artifact(
            table=[each.row for each in resolved],
            key=ARTIFACT,
            description="Submissions whose answer was lost. Look for those in doubt in Kie's logs page "
            "(kie.ai/logs), then run resolve-submission for each: with its task_id if the job is there, "
            "with release if it is not.",
        )
    else:
        get_run_logger().info("No submission is in doubt")
    return ResolvedSubmissions(submissions=tuple(resolved))


async def _run_name(record: SubmissionRecord) -> str | None:
    if record.flow_run_id is not None:
        async with get_client() as client:
            with suppress(ObjectNotFound, ValueError, httpx.HTTPError):  # deleted since, or not to be asked
                return (await client.read_flow_run(UUID(record.flow_run_id))).name
    return None
