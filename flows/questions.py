"""Asking a person in the middle of a run: a form on the run's page in the Prefect UI.

A run of a deployment is suspended: its process ends, and a worker (or `prefect-kie serve`) starts another
one when the answer is there, in which the flow runs from its beginning to the same question. A run without
a deployment, and a subflow, is paused: its process waits.

What was answered well is kept in result storage, beside the submissions and by the same `job_key` or
outermost run: run again, nobody is asked twice, and the same answer leads to the same jobs.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Generic, TypeVar, cast
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run, asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from prefect_kie.api import InvalidRequest, NotAnswered, SubmissionNotRecorded
from prefect_kie.tasks.logs import shown_error
from prefect_kie.tasks.runs import storage_of_this_run

FormT = TypeVar("FormT", bound=RunInput)

AnswerHours = Annotated[float, Field(gt=0, le=14 * 24)]
"""For how long a question waits; Kie keeps results for 14 days."""

DEFAULT_HOURS = 24.0
LOOK_SECONDS = 3
"""How often a paused run looks for its answer."""
MARGIN_SECONDS = 60
"""By so much later than we ourselves, Prefect ends a paused run, and without a word of what to do next."""
FOLDER = "kie-answers"


@dataclass(frozen=True)
class Question(Generic[FormT]):
    """A form that a person fills in on the page of this run.

    Attributes:
        name: Which question of this flow it is: lower-case letters, digits and dashes.
        form: Its fields, with their defaults.
        text: What stands above them, as Markdown.
    """

    name: str
    form: type[FormT]
    text: str

    async def is_asked(self) -> bool:
        """Whether this run has come to this question before, since it was last started by hand."""
        return self.name in await _asked(_this_run())

    async def answer(self, hours: float, unanswered: NotAnswered) -> FormT:
        """Ask, and wait; what comes back fits the form's schema, but is to be checked for all else.

        Args:
            hours: For how long.
            unanswered: The error where nobody answers; says how to go on.

        Raises:
            NotAnswered: that error.
        """
        run = _this_run()
        seconds = max(1, round(hours * 3600))
        form = self.form.with_initial_data(description=self.text)
        if self.name not in await _asked(run):
            await _forget_earlier(run.id, self.name)
            until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            get_run_logger().info(
                "This run waits for an answer: open it in the Prefect UI and choose Resume (newer UI: in the "
                "menu ⋮). Nobody having answered by %s UTC, it ends. %s",
                f"{until:%Y-%m-%d %H:%M:%S}",
                unanswered.next_step,
            )
        if run.deployment_id is not None and run.parent_task_run_id is None:
            return await asuspend_flow_run(wait_for_input=form, timeout=seconds, key=self.name)
        paused = apause_flow_run(
            wait_for_input=form,
            timeout=seconds + MARGIN_SECONDS,
            poll_interval=LOOK_SECONDS,
            key=self.name,
        )
        try:
            # Not anyio's scope, under whose cancellation Prefect could not close its connection.
            return await asyncio.wait_for(paused, seconds)
        except (asyncio.TimeoutError, FlowPauseTimeout):
            raise unanswered from None


async def check_can_ask() -> None:
    """Make sure that this run can wait for a person, before anything is paid.

    Raises:
        InvalidRequest: when it cannot: Prefect suspends no subflow, and a run that is paused loses its slot
            of its deployment's concurrency limit and is then called crashed, after 225 s (Prefect 3.8).
    """
    run = _this_run()
    if run.deployment_id is None or run.parent_task_run_id is None:
        return
    async with get_client() as client:
        deployment = await client.read_deployment(run.deployment_id)
    if deployment.global_concurrency_limit is not None:
        raise InvalidRequest(
            "this run may have to ask a person, but as a part of another run and with a concurrency limit on "
            "its deployment it cannot wait for an answer; nothing was submitted",
            next_step="Start it with run_deployment(..., as_subflow=False), or give it all it would ask for: "
            "the slice, and no approve_over.",
        )


def answer_key(kind: str, *whose: str) -> str:
    """The name under which an answer is kept.

    Args:
        kind: What was asked.
        whose: For what; the same texts find the same answer.
    """
    return f"kie-{kind}-{hashlib.sha256(json.dumps(whose).encode()).hexdigest()[:24]}"


async def kept_answer(key: str) -> dict[str, Any] | None:
    """An answer that was kept; None where there is none.

    Raises:
        SubmissionNotRecorded: when result storage cannot be read.
    """
    try:
        content = await (await storage_of_this_run()).read(f"{FOLDER}/{key}.json")
        kept: Any = json.loads(content) if content else None
    except ValueError:  # damaged: ask anew
        return None
    except Exception as error:
        raise _storage_trouble(error) from error
    return cast("dict[str, Any]", kept) if isinstance(kept, dict) else None


async def keep_answer(key: str, answer: Mapping[str, Any]) -> None:
    """Keep an answer for whenever this is run again.

    Raises:
        SubmissionNotRecorded: when result storage cannot be written.
    """
    try:
        await (await storage_of_this_run()).write(f"{FOLDER}/{key}.json", json.dumps(answer).encode())
    except Exception as error:
        raise _storage_trouble(error) from error


def _storage_trouble(error: Exception) -> SubmissionNotRecorded:
    if isinstance(error, SubmissionNotRecorded):
        return error
    return SubmissionNotRecorded(
        f"result storage, where answers are kept, is in trouble ({shown_error(error)}); nothing was sent"
    )


def _this_run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("a question is asked by a flow: call the flow, not its function")
    return context.flow_run


async def _asked(run: FlowRun) -> set[str]:
    async with get_client() as client:
        return (await client.read_flow_run(run.id)).empirical_policy.pause_keys or set()


async def _forget_earlier(run_id: UUID, name: str) -> None:
    """A run that ended and is started again asks anew, and Prefect writes no form over another."""
    async with get_client() as client:
        for state in ("paused", "suspended"):
            for left in await client.filter_flow_run_input(run_id, f"{state}-{name}-", 10, set()):
                await client.delete_flow_run_input(run_id, left.key)
