"""Waiting without a process: a run is suspended until its jobs have ended; then `resume_waiting` resumes it.

What it waits for is among the run's inputs on the Prefect server. Resumed, the run begins anew and finds its
jobs by their submissions.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone

from httpx import HTTPStatusError
from prefect import flow, get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateName
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import SetStateStatus
from prefect.context import FlowRunContext
from prefect.logging import get_logger
from pydantic import BaseModel, ValidationError

from prefect_kie._compat import block_name
from prefect_kie.api import JobFailed, JobHandle, JobNotFound, KieError, PollPolicy
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.errors import shown_error
from prefect_kie.human_input.questions import suspend
from prefect_kie.runtime.clients import poll_job
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.tasks.wait import YOUNG_SECONDS

# How the key of such a suspension begins, which is also the name of the run's input that says for what.
WAITS = "kie-wait-"


class Awaited(BaseModel):
    """What a suspended run waits for."""

    jobs: dict[str, datetime | None]  # task ids, with the time of submission where it is known
    credentials: str  # the name of the block to poll them with
    until: datetime  # when the run is to go on in any case: its waiting ends with an error then


async def suspend_until_done(
    handles: Sequence[JobHandle], credentials: KieCredentials, poll: PollPolicy
) -> None:
    """Suspend this run until its jobs have ended; returns at once where they have, or where it cannot be
    suspended: then its log says why, and its process waits.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not handles:
        return
    run, log, name = context.flow_run, get_run_logger(), block_name(credentials)
    why = "its credentials are no stored block, by whose name they could be found again"
    if run.parent_task_run_id is not None:
        name, why = None, "it is a part of another run"
    if run.deployment_id is None:
        name, why = None, "it belongs to no deployment"
    if name is None:
        log.warning("This run is not suspended while its jobs run, but waits: %s", why)
        return
    now = datetime.now(timezone.utc)
    deadline = timedelta(seconds=min(poll.deadline_seconds, timedelta(days=14).total_seconds()))
    awaited = Awaited(
        jobs={handle.task_id: handle.submitted_at for handle in handles},
        credentials=name,
        until=max(handle.submitted_at or now for handle in handles) + deadline,
    )
    left = await unfinished(awaited, credentials)
    if not left or now >= awaited.until:
        return
    async with get_client() as client:
        keys = (await client.read_flow_run(run.id)).empirical_policy.pause_keys or set()
        key = f"{WAITS}{sum(key.startswith(WAITS) for key in keys) + 1}"
        with suppress(HTTPStatusError):  # of the same run before it failed and was run again
            await client.delete_flow_run_input(run.id, key)
        await client.create_flow_run_input(run.id, key, awaited.model_dump_json())
    # A webhook resumes nothing.
    receiver = credentials.callbacks is not None and not credentials.callbacks.is_webhook
    called_back = receiver and all(handle.callback_requested for handle in handles)
    jobs = f"{len(left)} of {len(handles)} jobs"
    resumed = "" if called_back else " The deployment resume-waiting resumes it."
    log.info(f"{jobs} have not ended. This run is suspended until they have: no process waits.{resumed}")
    await suspend(run, f"Waits for Kie: {jobs}", key=key)


async def unfinished(awaited: Awaited, kie: KieCredentials) -> list[str]:
    """Which of the jobs have not ended, by polling each; one that cannot be polled for good has."""
    at_once = asyncio.Semaphore(5)

    async def goes_on(task_id: str, submitted_at: datetime | None) -> bool:
        async with at_once:
            try:
                return not (await poll_job(kie, task_id)).state.finished
            except JobFailed:
                return False
            except JobNotFound:
                now = datetime.now(timezone.utc)
                return submitted_at is not None and (now - submitted_at).total_seconds() < YOUNG_SECONDS
            except KieError as error:
                return error.retryable

    going = await asyncio.gather(*(goes_on(*job) for job in awaited.jobs.items()))
    return [task_id for task_id, goes in zip(awaited.jobs, going, strict=True) if goes]


@flow(name="resume-waiting")
async def resume_waiting() -> int:
    """Resume the runs that are suspended until their jobs have ended, where these have. Pays nothing.

    For a schedule, where no callbacks come in; and where they do, for those that were lost.

    Returns:
        How many runs it resumed.
    """
    keep_alive()
    resumed = await resume_finished()
    get_run_logger().info("Resumed: %s", ", ".join(run.name for run in resumed) or "no run")
    return len(resumed)


async def resume_finished(jobs: Collection[str] | None = None) -> list[FlowRun]:
    """Resume each suspended run whose jobs have all ended, or that has waited long enough; returns these.

    With `jobs`, only runs that wait for one of them.
    """
    resumed: list[FlowRun] = []
    wanted = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Suspended"])))
    async with get_client() as client:
        found: list[FlowRun] = []
        while page := await client.read_flow_runs(flow_run_filter=wanted, limit=200, offset=len(found)):
            found += page
        for run in found:
            try:
                awaited = await _awaited(client, run)
                if awaited is None or (jobs is not None and not set(awaited.jobs) & set(jobs)):
                    continue
                is_over = datetime.now(timezone.utc) >= awaited.until
                if not is_over and await unfinished(awaited, await load_credentials(awaited.credentials)):
                    continue
            except (KieError, ValidationError) as error:
                get_logger("prefect_kie").warning("Run %s stays suspended: %s", run.name, shown_error(error))
                continue
            if (await client.resume_flow_run(run.id)).status is SetStateStatus.ACCEPT:
                resumed.append(run)
    return resumed


async def _awaited(client: PrefectClient, run: FlowRun) -> Awaited | None:
    """What a suspended run waits for; None where it is a person's answer."""
    key = (run.state and run.state.state_details.pause_key) or ""
    if key.startswith(WAITS):
        for written in await client.filter_flow_run_input(run.id, key, 10, set()):
            if written.key == key:
                return Awaited.model_validate_json(written.value)
    return None
