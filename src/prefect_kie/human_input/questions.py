"""Asking a person in the middle of a run: a form on the run's page in the Prefect UI.

A run of a deployment is suspended: its process ends, and another one runs the flow from its beginning to the
same question when the answer is there. A run without a deployment, and a subflow, is paused: its process
waits. This is done as in Prefect's own `apause_flow_run` and `asuspend_flow_run`, which take no message that
says what a run waits for. Answers are kept beside the submissions: run again, nobody is asked twice.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Generic, TypeVar

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.exceptions import Abort, Pause
from prefect.input import Keyset, RunInput, keyset_from_paused_state
from prefect.states import Paused, Suspended
from prefect.utilities.engine import propose_state
from pydantic import BaseModel, Field, ValidationError

from prefect_kie._compat import mark_flow_run_suspension_requested
from prefect_kie.api import InvalidRequest
from prefect_kie.errors import NotAnswered
from prefect_kie.run_page.events import emit_answered, emit_asked
from prefect_kie.storage.run_storage import scope_storage
from prefect_kie.submissions.store import storage_errors

FormT = TypeVar("FormT", bound=RunInput)
AnswerT = TypeVar("AnswerT", bound=BaseModel)

AnswerHours = Annotated[float, Field(gt=0, le=14 * 24)]  # Kie keeps results for 14 days
DEFAULT_HOURS = 24.0
PATH = "kie-answers/{}.json"
IN_TROUBLE = "result storage, where answers are kept, is in trouble"


@dataclass(frozen=True)
class Question(Generic[FormT]):
    """A form that a person fills in on the page of this run."""

    name: str  # of lower-case letters, digits and dashes
    asks: str  # in a few words, for the state's message: `which slice?`
    form: type[FormT]
    text: str  # above the form, as Markdown

    async def is_asked(self) -> bool:
        """Whether this run has come to this question before, since it was last started by hand."""
        async with get_client() as client:
            policy = (await client.read_flow_run(_this_run().id)).empirical_policy
        return self.name in (policy.pause_keys or set())

    async def answer(self, hours: float, unanswered: NotAnswered) -> FormT:
        """Ask, and wait; raises `unanswered` where nobody answers. Only the form's schema is checked."""
        run = _this_run()
        seconds = max(1, round(hours * 3600))
        form = self.form.with_initial_data(description=self.text)
        if not await self.is_asked():
            await self._forget_earlier(run)
            until = f"{datetime.now(timezone.utc) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"
            get_run_logger().info(
                "This run waits for an answer: open it in the Prefect UI and choose Resume (newer UI: in the "
                f"menu ⋮). Nobody having answered by {until} UTC, it ends. {unanswered.next_step}"
            )
            await emit_asked(self.name, self.asks, until=until)
        message = f"Waits for your answer: {self.asks}"
        try:
            if run.deployment_id is not None and run.parent_task_run_id is None:
                keys = await suspend(run, message, key=self.name, form=form, seconds=seconds)
            else:
                # Prefect, which ends it without a word on what to do next, does so later than we.
                paused = pause(run, message, key=self.name, form=form, seconds=seconds + 60)
                # Not anyio's scope, under whose cancellation Prefect could not close its connection.
                keys = await asyncio.wait_for(paused, seconds)
            answer = await form.aload(keys)
        except (TimeoutError, ValidationError):  # the latter: somebody or an automation changed its state
            raise unanswered from None
        await emit_answered(self.name, self.asks, answer.model_dump(mode="json"))
        return answer

    async def _forget_earlier(self, run: FlowRun) -> None:
        """A run that ended and is started again asks anew, and Prefect writes no form over another."""
        async with get_client() as client:
            for state in ("paused", "suspended"):
                for left in await client.filter_flow_run_input(run.id, f"{state}-{self.name}-", 10, set()):
                    await client.delete_flow_run_input(run.id, left.key)


async def check_can_ask() -> None:
    """Make sure, before anything is paid, that this run can wait for a person; else an InvalidRequest.

    Prefect suspends no subflow, and calls a paused run that holds a slot of a limit crashed after 225 s.
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
            "the slice, and no ask_above.",
        )


def answer_key(kind: str, *whose: str) -> str:
    """The name under which an answer of a kind is kept; the same texts find the same answer."""
    return f"kie-{kind}-{hashlib.sha256(json.dumps(whose).encode()).hexdigest()[:24]}"


async def kept_answer(key: str, kind: type[AnswerT]) -> AnswerT | None:
    """An answer that was kept; None where none is, or a damaged one."""
    storage = await scope_storage()
    with storage_errors(IN_TROUBLE):
        content = await storage.read(PATH.format(key))
    try:
        return kind.model_validate_json(content) if content else None
    except ValidationError:
        return None


async def keep_answer(key: str, answer: AnswerT, *, first: bool = False) -> AnswerT:
    """Keep an answer in place of an earlier one; with `first`, only where no other is, as runs of one job_key
    may ask side by side. Returns the one that counts for all of them.
    """
    content = answer.model_dump_json().encode()
    storage = await scope_storage()
    if first:
        with storage_errors(IN_TROUBLE):
            await storage.create(PATH.format(key), content)
        if kept := await kept_answer(key, type(answer)):
            return kept
    with storage_errors(IN_TROUBLE):
        await storage.write(PATH.format(key), content)
    return answer


def _this_run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("a question is asked by a flow: call the flow, not its function")
    return context.flow_run


POLL_SECONDS = 3.0  # so often a paused run looks for its answer


async def suspend(
    run: FlowRun, message: str, *, key: str, form: type[RunInput] | None = None, seconds: int | None = None
) -> Keyset:
    """Suspend a run of a deployment, by ending this process; where this suspension is over, its answer's key.

    Given a form, until a person has filled it in, for at most so many seconds.
    """
    state: State[None] = Suspended(message=message, pause_key=key, timeout_seconds=seconds)
    if (entered := await _enter(run, state, form)) is not None:
        mark_flow_run_suspension_requested(run.id, entered)
        raise Pause(state=entered)
    return keyset_from_paused_state(state)


async def pause(run: FlowRun, message: str, *, key: str, form: type[RunInput], seconds: int) -> Keyset:
    """Pause a run, whose process waits, until a person has filled in a form, or Prefect ends it."""
    state: State[None] = Paused(message=message, pause_key=key, timeout_seconds=seconds, reschedule=False)
    if await _enter(run, state, form) is not None:
        async with get_client() as client:
            now: State[Any] | None = None
            while now is None or not now.is_running():
                await asyncio.sleep(POLL_SECONDS)
                now = (await client.read_flow_run(run.id)).state
    return keyset_from_paused_state(state)


async def _enter(run: FlowRun, state: State[None], form: type[RunInput] | None) -> State[None] | None:
    """The state that the run is in now; None where it was there before and has gone on."""
    keys = keyset_from_paused_state(state)
    if form is not None:
        state.state_details.run_input_keyset = dict(keys.items())
    async with get_client() as client:
        try:
            entered = await propose_state(client, state, flow_run_id=run.id)
        except Abort as error:
            raise RuntimeError(f"this run cannot wait: {error}") from error
    if entered.is_running():
        return None
    if not entered.is_paused():
        raise RuntimeError(f"this run cannot wait: it is {entered.name}")
    if form is not None:
        await form.asave(keys)
    return entered
