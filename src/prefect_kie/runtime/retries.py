"""When Prefect may run a task again: only where the error itself says that the same call may be repeated."""

from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from prefect_kie.api import KieError


def only_retryable(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Prefect's `retry_condition_fn` of every task here: whether the error is a retryable `KieError`."""
    del task, task_run
    return isinstance(state.data, KieError) and state.data.retryable


def retrying(times: int, *delays: float) -> dict[str, Any]:
    """Options of a task that runs again so often, where `only_retryable`, and is never cached.

    One retry more is asked for and never made: when all are made, Prefect logs the error with a traceback of
    our own code, which helps nobody. Not for a task that waits, whose polls count as runs.
    """
    return {
        "cache_policy": NO_CACHE,
        "retries": times + 1,
        "retry_delay_seconds": list(delays),
        "retry_jitter_factor": 0.5,
        "retry_condition_fn": _only_retryable_and_not_the_last,
    }


def is_tried_again() -> bool:
    """Whether such a task, now running, will run again where its error is retryable."""
    context = TaskRunContext.get()
    return context is not None and context.task_run.run_count < int(context.task.retries or 0)


def _only_retryable_and_not_the_last(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    return task_run.run_count < int(task.retries or 0) and only_retryable(task, task_run, state)
