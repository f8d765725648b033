"""Waiting for a job without a loop: poll once, and let Prefect schedule the next poll.

Where Kie calls back, the task listens before it polls.
"""

import asyncio
import random
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.runtime import task_run
from prefect.states import AwaitingRetry, Completed

from prefect_kie._compat import StateTask, task_of_states
from prefect_kie.api import Job, JobFailed, JobHandle, JobNotFound, JobState, KieError, PollPolicy, next_poll
from prefect_kie.api.classification import failure_class, is_passing
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.callbacks.waiter import wait_for_callback
from prefect_kie.durations import usual_duration
from prefect_kie.errors import JobTimedOut, add_next_step, remedy
from prefect_kie.run_context import settle
from prefect_kie.run_page.artifacts import show_end, show_progress
from prefect_kie.run_page.events import emit_failed, emit_refusals, emit_succeeded
from prefect_kie.runtime.clients import poll_job
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.runtime.logs import run_logger
from prefect_kie.runtime.retries import only_retryable

P = ParamSpec("P")
R = TypeVar("R")

YOUNG_SECONDS = 120.0
"""Until this age a job that Kie does not know yet is waited for (kie-api: up to about 90 s)."""
LATE_RECORDS = 3  # so often a job is polled again that is said to have ended and has not yet
LATE_RESULT_GAP = 10.0  # the longest time between two polls for a late result, seconds
SILENCE_SECONDS = 10.0  # of a longer wait for the first poll, the log tells
DEFAULT_POLL = PollPolicy()


def _wait_name() -> str:
    handle = task_run.get_parameters().get("handle")
    return f"wait: {f'{handle.model} {handle.task_id}' if isinstance(handle, JobHandle) else handle}"


class WaitTask(StateTask[P, R]):
    """A task that waits by returning AwaitingRetry, and says what becomes of its job when it is cancelled."""

    if not TYPE_CHECKING:

        async def __call__(self, *args, **kwargs):
            try:
                return await super().__call__(*args, **kwargs)
            except asyncio.CancelledError:
                handles = [value for value in (*args, *kwargs.values()) if isinstance(value, JobHandle)]
                for handle in handles:
                    run_logger().warning(
                        f"Stopped waiting for job {handle.task_id}. Kie cannot cancel a job: {handle.model} goes "
                        "on there and is charged if it succeeds. Fetch it with "
                        f"collect_job({handle.task_id!r}), or run this run again; results live 14 days."
                    )
                raise

        def with_options(self, **options):
            """The same task with other options, but none that would keep a waiting state as its result."""
            for name in ("persist_result", "cache_policy", "cache_key_fn"):
                if options.get(name) not in (None, False, NO_CACHE):
                    raise ValueError(f"{self.name} takes no {name}: a waiting state would be the result")
            return super().with_options(**options)


# persist_result is off even where Prefect persists by default: a persisted waiting state would come back
# as the cached result at the next poll. The retries are for polls that fail, in all longer than any
# deadline; they cost nothing, and a paid job is not given up for a service that is away.
@task_of_states(
    WaitTask,
    name="wait-for-job",
    task_run_name=_wait_name,
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=500,
    retry_delay_seconds=[2, 5, 10, 20, 30],
    retry_jitter_factor=0.3,
    retry_condition_fn=only_retryable,
)
async def wait_for_job(
    handle: JobHandle | str,
    credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
    *,
    poll: PollPolicy = DEFAULT_POLL,
) -> Job:
    """Wait until a job has succeeded; between two polls the task run is in Prefect's AwaitingRetry state.

    Where Kie was told to call back, it is running and listens instead, and few polls are made.

    Args:
        handle: The job, as a model task returned it, or its id at Kie.
        credentials: The key's block, or its name.
        poll: How patiently to wait.

    Returns:
        The job, with its result.

    Raises:
        JobFailed: when it failed (`ContentRejected`: because of moderation). It was not charged.
        JobTimedOut: when it has not ended by the deadline; it goes on and can be collected later.
        KieError: when polling is refused for good (key, unknown job).
    """
    keep_alive()
    if isinstance(handle, str):
        handle = JobHandle(task_id=handle.strip())
    age = _age(handle, None)
    if not handle.callback_requested and age is not None and age < poll.min_gap_seconds:
        return await _poll_again(handle, poll, age, "submitted", None)  # too young to be polled
    try:
        called_back = False
        if handle.callback_requested:
            callbacks = (await load_credentials(credentials)).callbacks
            usual = await usual_duration(handle.model, {})
            called_back = await wait_for_callback(handle, callbacks, poll, age, usual)
        age = _age(handle, None)
        kie = await load_credentials(credentials)  # only now: the key may have changed in the meantime
        job = await _polled(kie, handle, poll, called_back)
    except JobNotFound:
        if age is None or age > YOUNG_SECONDS:
            raise
        return await _poll_again(handle, poll, age, "created, not visible yet", None)
    except JobFailed as error:
        emit_failed(error, handle, None)
        await show_end(handle, None, error.message)
        raise
    except KieError as error:
        await emit_refusals(error)
        raise _failed_poll(error, handle, poll) from None
    if job.state is JobState.SUCCESS:
        took = f" after {job.seconds:.0f} s" if job.seconds is not None else ""
        cost = f", {job.credits:g} credits" if job.credits is not None else ""
        found = ", ".join(job.urls) or str(job.result)[:500]
        get_run_logger().info("%s job %s succeeded%s%s: %s", job.model, job.task_id, took, cost, found)
        await settle(handle, job)
        emit_succeeded(job, handle)
        await show_end(handle, job)
        return cast("Job", Completed(message=f"Succeeded{took}{cost}", data=job))
    if job.state is JobState.FAIL:
        failure = job_failure(job)
        await settle(handle, job)
        emit_failed(failure, handle, job)
        await show_end(handle, job, failure.message)
        raise failure
    stands = job.raw_state if job.progress is None else f"{job.raw_state} {job.progress:.0f} %"
    return await _poll_again(handle, poll, _age(handle, job) or 0.0, stands or "no state yet", job)


async def _polled(kie: KieCredentials, handle: JobHandle, poll: PollPolicy, called_back: bool) -> Job:
    job = await _seen(kie, handle.task_id, poll)
    for _ in range(LATE_RECORDS if called_back else 0):
        if job.state.finished:
            break
        await asyncio.sleep(poll.min_gap_seconds)  # Kie has called, and its record is late
        job = await _seen(kie, handle.task_id, poll)
    if not _is_late(job):
        return job
    # A result may be a few seconds later than its success; how late it is, is by Kie's clock alone.
    ended = job.completed_at or job.seen_at
    since = (job.seen_at - ended).total_seconds() if ended and job.seen_at else 0.0
    until, gap = time.monotonic() + poll.late_result_seconds - max(0.0, since), poll.min_gap_seconds
    get_run_logger().info("Job %s has ended and has no result yet; it is polled again", job.task_id)
    while _is_late(job) and (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(gap, left))
        gap = min(2 * gap, LATE_RESULT_GAP)
        job = await _seen(kie, job.task_id, poll)
    return job


def _is_late(job: Job) -> bool:
    """Whether it has ended, and what it made may yet show."""
    return job.state.finished and not job.has_result and not job.failure_is_told


async def _seen(kie: KieCredentials, task_id: str, poll: PollPolicy) -> Job:
    try:
        return await poll_job(kie, task_id)
    except (JobFailed, JobNotFound):
        # Said without the job's record: one such answer may be a mishap's or a proxy's. Two are believed.
        await asyncio.sleep(poll.min_gap_seconds)
        return await poll_job(kie, task_id)


def job_failure(job: Job) -> KieError:
    """The error that tells of a failed job."""
    word = job.raw_state.strip().lower()
    reason = job.fail_message or ("no reason given" if word in ("", "fail") else f"{word}, no reason given")
    error = failure_class(job.fail_code, job.fail_message)(
        f"{job.model} failed: {reason[:500]}", task_id=job.task_id, code=job.fail_code
    )
    error.transient, error.confirmed = is_passing(job.fail_code, job.fail_message), job.failure_is_told
    if not job.failure_is_told:
        error.billed = "unknown"
        error.next_step = "Run collect_job with its task id later: what it made may be late."
    if job.credits:
        error.billed = "yes"  # against Kie's word, but what its record says
    add_next_step(error)
    return error


async def _poll_again(handle: JobHandle, poll: PollPolicy, age: float, stands: str, job: Job | None) -> Job:
    asked: dict[str, Any] = (job.request_body.get("input") or {}) if job else {}
    usual = await usual_duration(job.model if job else handle.model, asked)
    progress = job.progress if job else None
    chance = random.random()  # noqa: S311 - jitter, not a secret
    gap = next_poll(poll, age=age, usual=usual.seconds, spread=usual.spread, progress=progress, chance=chance)
    if gap is None:
        raise JobTimedOut(
            f"{handle.model} is still {stands} after {age:.0f} s (deadline {poll.deadline_seconds:.0f} s)",
            task_id=handle.task_id,
        )
    if stands == "submitted" and gap > SILENCE_SECONDS:
        get_run_logger().info("Job %s is being made; its first poll is in %.0f s", handle.task_id, gap)
    await show_progress(handle, job, age=age, usual=poll.usual_seconds or usual.seconds)
    message = f"{stands}, next poll in {gap:.0f} s"
    if handle.callback_requested:  # the next run of this function listens first, and polls then
        message, gap = f"{stands}, Kie calls back", 0
    next_run = datetime.now(timezone.utc) + timedelta(seconds=gap)
    return cast("Job", AwaitingRetry(message=message, scheduled_time=next_run))


def _age(handle: JobHandle, job: Job | None) -> float | None:
    """Seconds since submission: by the submitter's clock where known, else by Kie's alone."""
    if handle.submitted_at is not None:
        age = (datetime.now(timezone.utc) - handle.submitted_at).total_seconds()
        if age >= 0:  # else one of two clocks is wrong, and this one tells nothing
            return age
    return job.age if job else None


def _failed_poll(error: KieError, handle: JobHandle, poll: PollPolicy) -> KieError:
    """What a failed poll means: it is repeated, or the job is left to be collected later."""
    context = TaskRunContext.get()
    start = context.task_run.start_time if context else None  # a run that starts late has its own time
    waited = (datetime.now(timezone.utc) - start).total_seconds() if start else 0.0
    if error.retryable and waited > poll.deadline_seconds:
        late = f"{handle.model} could not be polled by its deadline: {error.message}"
        return JobTimedOut(late, task_id=handle.task_id)
    error.task_id, error.billed = handle.task_id, "unknown"
    error.next_step = (
        f"The job goes on at Kie. {remedy(error)}Run collect_job with its task id; results live 14 days."
    )
    return error
