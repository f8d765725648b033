"""Waiting without a process: a run is suspended until its jobs have ended.

What it waits for is among the run's inputs on the Prefect server, for `flows.resuming`. Resumed, the run
begins anew and finds its jobs by their submissions.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone

from httpx import HTTPStatusError
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from pydantic import BaseModel

from prefect_kie._compat import block_name
from prefect_kie.api import JobFailed, JobHandle, JobNotFound, KieError, PollPolicy
from prefect_kie.blocks import KieCredentials
from prefect_kie.human_input.pausing import suspend
from prefect_kie.runtime.clients import poll_job
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
    log.info(
        "%s have not ended. This run is suspended until they have: no process waits.%s",
        jobs,
        "" if called_back else " The deployment resume-waiting resumes it.",
    )
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
