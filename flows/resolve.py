"""`resolve_submission`: what became of submissions whose answer was lost."""

import math
from contextlib import suppress
from functools import partial
from typing import Annotated
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import Field

from prefect_kie.api import InvalidRequest, JobNotFound, KieError
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.outcomes.endings import failed
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.runtime.loop import run_on_loop
from prefect_kie.runtime.single_flight import in_progress, single_flight
from prefect_kie.storage.destination import StorageBlock, load_storage
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.submissions import reconcile
from prefect_kie.submissions.resolution import ResolvedSubmission, ResolvedSubmissions
from prefect_kie.submissions.store import SubmissionRecord, SubmissionRecords

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
    them, and settles those for which there is proof by now. Look for the others in Kie's logs page
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
    keep_alive()
    try:
        _check_choice(submission, task_id, release)
        kie = await load_credentials(credentials)
        block = await load_storage(records_storage)
        records = SubmissionRecords(storage_for(block)) if block else await SubmissionRecords.of_this_run()
        if submission is None:
            found = await _all_in_doubt(records, kie)
        else:
            found = [await _settled(records, submission.strip(), task_id, release, kie)]
    except KieError as error:
        return failed(error, ResolvedSubmissions)
    told = [await _told(record) for record in found]
    await _show(told)
    return ResolvedSubmissions(submissions=tuple(told))


def _check_choice(submission: str | None, task_id: str | None, release: bool) -> None:
    if task_id is not None and release:
        raise InvalidRequest(
            "either the submission became a job (task_id), or it is to be released; not both",
            next_step="Leave one out and run again; nothing was changed.",
        )
    if submission is None and (task_id is not None or release):
        raise InvalidRequest(
            "which submission is meant?",
            next_step="Run resolve_submission without any parameter to see their keys; nothing was changed.",
        )


async def _all_in_doubt(records: SubmissionRecords, kie: KieCredentials) -> list[SubmissionRecord]:
    found: list[SubmissionRecord] = []
    async for record in records.all():
        if isinstance(record, SubmissionNotRecorded):
            get_run_logger().warning("%s", record)
        elif record.state == "submitting" and (record.in_flight_seconds or in_progress(record.key)):
            found.append(record)
        elif record.state == "submitting":
            try:
                found.append(await _settled(records, record.key, None, False, kie))
            except InvalidRequest:  # it was just settled, or begun anew, by its own run
                continue
    return found


async def _settled(
    records: SubmissionRecords, key: str, task_id: str | None, release: bool, kie: KieCredentials
) -> SubmissionRecord:
    return await run_on_loop(partial(_settled_once, records, key, task_id, release, kie))


async def _settled_once(
    records: SubmissionRecords, key: str, task_id: str | None, release: bool, kie: KieCredentials
) -> SubmissionRecord:
    async with single_flight(key):
        record = await records.read(key)
        if record is None:
            raise InvalidRequest(
                f"there is no record of a submission {key!r} at {records.address(key)}",
                next_step=(
                    "Run resolve_submission without any parameter to see what is in doubt here; if the "
                    "records are elsewhere, name their storage in records_storage."
                ),
            )
        if record.in_flight_seconds:
            raise InvalidRequest(
                f"process {record.process} on {record.host} is submitting it just now, and may still learn "
                "the outcome",
                next_step=f"Run this again in {record.in_flight_seconds:.0f} s; nothing was changed.",
            )
        if record.state == "submitting":
            record = await reconcile.settled_by_evidence(records, record, kie)
        if record.state == "submitting" and task_id is not None:
            await reconcile.check_is_its_job(records, record, task_id.strip(), kie)
            return await reconcile.bind(records, record, task_id.strip())
        if record.state == "submitting" and release:
            _check_is_not_out(record)
            await _check_hint(records, record, kie)
            get_run_logger().info("Submission %s is released by a person", key)
            return await reconcile.release(records, record)
        if record.state == "submitted" and (release or task_id not in (None, record.task_id)):
            raise InvalidRequest(
                f"submission {key} is job {record.task_id}, and stays it",
                task_id=record.task_id,
                next_step=f"{record.run_again.capitalize()}; or run collect_job with {record.task_id!r}.",
            )
        return record


def _check_is_not_out(record: SubmissionRecord) -> None:
    """Before a release: Kie may still be about to create the job, though whoever sent the call is gone."""
    if seconds := math.ceil(record.call_seconds):
        raise InvalidRequest(
            f"the call of submission {record.key} may still be out, so Kie may create its job yet",
            next_step=(
                f"Look in Kie's logs page (kie.ai/logs) and run this again in {seconds} s; nothing was "
                "changed."
            ),
        )


async def _check_hint(records: SubmissionRecords, record: SubmissionRecord, kie: KieCredentials) -> None:
    """Before a release: a job that an unclear answer named must be known not to be this submission's."""
    if record.task_id is None:
        return
    try:
        await reconcile.check_is_its_job(records, record, record.task_id, kie)
    except (InvalidRequest, JobNotFound):
        return


async def _told(record: SubmissionRecord) -> ResolvedSubmission:
    run_name = None
    if record.flow_run_id is not None:
        async with get_client() as client:
            with suppress(ObjectNotFound, ValueError, httpx.HTTPError):  # deleted since, or not to be asked
                run_name = (await client.read_flow_run(UUID(record.flow_run_id))).name
    outcome = ResolvedSubmission.of(record, run_name)
    get_run_logger().info("%s", outcome.line)
    return outcome


async def _show(found: list[ResolvedSubmission]) -> None:
    if not found:
        get_run_logger().info("No submission is in doubt")
        return
    await acreate_table_artifact(
        table=[submission.row for submission in found],
        key=ARTIFACT,
        description=(
            "Submissions whose answer was lost. Look for those in doubt in Kie's logs page (kie.ai/logs), "
            "then run resolve-submission for each: with its task_id if the job is there, with release if it "
            "is not."
        ),
    )
