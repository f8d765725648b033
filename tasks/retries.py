"""When Prefect may run a task again: only where the error itself says that the same call may be repeated."""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from prefect_kie.api import KieError


def only_retryable(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Prefect's `retry_condition_fn` of every task here (a plain function, as Prefect asks).

    Returns:
        Whether the error is a `KieError` with `retryable`; anything else is final.
    """
    del task, task_run
    error = state.data
    return isinstance(error, KieError) and error.retryable
