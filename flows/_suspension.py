"""Waiting without a process: a run is suspended until its jobs have ended.

Whoever resumes it (`flows.resuming`: the receiver of callbacks, or the flow `resume-waiting` on a schedule)
finds what it waits for among the run's inputs on the Prefect server. Resumed, the run begins anew, finds its
jobs by their submissions, and goes on.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Literal

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from pydantic import BaseModel

from prefect_kie._compat import block_name
from prefect_kie.api import JobFailed, JobHandle, JobNotFound, KieError, PollPolicy
from prefect_kie.blocks import KieCredentials
from prefect_kie.human_input.pausing import suspended
from prefect_kie.runtime.clients import poll_job
from prefect_kie.tasks.wait import YOUNG_SECONDS

Wait = Literal["poll", "suspend"]
"""How a run waits for its jobs: it polls them (or is called back), or it is suspended meanwhile."""

WAITS = "kie-wait-"
"""How the key of such a suspension begins, which is also the name of the run's input that says for what."""

POLLS_AT_ONCE = 5


class Awaited(BaseModel):
    """What a suspended run waits for.

    Attributes:
        jobs: Their task ids, with the time of submission where it is known.
        credentials: The name of the credentials block to poll them with.
        until: When the run is to go on in any case: its waiting ends with an error then.
    """

    jobs: dict[str, datetime | None]
    credentials: str
    until: datetime

    @property
    def is_over(self) -> bool:
        """Whether it was waited for long enough."""
        return datetime.now(timezone.utc) >= self.until


async def suspended_until_done(
    handles: Sequence[JobHandle], credentials: KieCredentials, poll: PollPolicy
) -> None:
    """Suspend this run until its jobs have ended; returns at once where they have.

    Where it cannot be suspended it says so and returns, and is waited in.

    Args:
        handles: The jobs.
        credentials: The key's block, which has to be a stored one.
        poll: How patiently to wait.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not handles:
        return
    run, name = context.flow_run, block_name(credentials)
    hindrance = _hindrance(run, name)
    if hindrance or name is None:
        get_run_logger().warning("This run is not suspended while its jobs run, but waits: %s", hindrance)
        return
    deadline = timedelta(seconds=min(poll.deadline_seconds, timedelta(days=14).total_seconds()))
    begun = [handle.submitted_at or datetime.now(timezone.utc) for handle in handles]
    awaited = Awaited(
        jobs={handle.task_id: handle.submitted_at for handle in handles},
        credentials=name,
        until=max(begun) + deadline,
    )
    left = await unfinished(awaited, credentials)
    if not left or awaited.is_over:
        return
    key = await _next_key(run)
    await _write_down(run, key, awaited)
    get_run_logger().info(
        "%d of %d jobs have not ended. This run is suspended until they have: no process waits.%s",
        len(left),
        len(handles),
        ""
        if all(handle.callback_requested for handle in handles)
        else " The deployment resume-waiting resumes it.",
    )
    await suspended(run, f"Waits for Kie: {len(left)} of {len(handles)} jobs", key=key)


async def unfinished(awaited: Awaited, kie: KieCredentials) -> list[str]:
    """Which of the jobs have not ended, by polling each; one that cannot be polled for good has.

    Args:
        awaited: The jobs.
        kie: Whose they are.
    """
    at_once = asyncio.Semaphore(POLLS_AT_ONCE)

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


def _hindrance(run: FlowRun, credentials: str | None) -> str:
    if run.deployment_id is None:
        return "it belongs to no deployment"
    if run.parent_task_run_id is not None:
        return "it is a part of another run"
    return (
        "" if credentials else "its credentials are no stored block, by whose name they could be found again"
    )


async def _next_key(run: FlowRun) -> str:
    async with get_client() as client:
        fired = (await client.read_flow_run(run.id)).empirical_policy.pause_keys or set()
    return f"{WAITS}{sum(key.startswith(WAITS) for key in fired) + 1}"


async def _write_down(run: FlowRun, key: str, awaited: Awaited) -> None:
    async with get_client() as client:
        for left in await client.filter_flow_run_input(run.id, key, 10, set()):
            if left.key == key:  # of the same run before it failed and was run again
                await client.delete_flow_run_input(run.id, key)
        await client.create_flow_run_input(run.id, key, awaited.model_dump_json())
