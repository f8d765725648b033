"""Pausing and suspending a run with a message in its state that says what it waits for.

Prefect's own `apause_flow_run` and `asuspend_flow_run` take no message. These do the same, by the same calls.
"""

from __future__ import annotations

import asyncio
from typing import TypeVar

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort, Pause
from prefect.input import RunInput, keyset_from_paused_state
from prefect.states import Paused, Suspended
from prefect.utilities.engine import propose_state

from prefect_kie._compat import mark_flow_run_suspension_requested

FormT = TypeVar("FormT", bound=RunInput)

POLL_SECONDS = 3.0
"""How often a paused run looks for its answer."""


async def suspend(run: FlowRun, message: str, *, key: str) -> None:
    """Suspend a run of a deployment, by ending this process; returns where this suspension is over."""
    state = await _enter(run, Suspended(message=message, pause_key=key), None)
    if state is not None:
        _leave(run, state)


async def suspend_for(run: FlowRun, message: str, form: type[FormT], *, key: str, seconds: int) -> FormT:
    """Suspend a run of a deployment until a person has filled in a form; where that is over, the answer."""
    asked: State[None] = Suspended(message=message, pause_key=key, timeout_seconds=seconds)
    state = await _enter(run, asked, form)
    if state is not None:
        _leave(run, state)
    return await form.aload(keyset_from_paused_state(asked))


async def pause_for(run: FlowRun, message: str, form: type[FormT], *, key: str, seconds: int) -> FormT:
    """Pause a run, whose process waits, until a person has filled in a form, or Prefect ends it."""
    asked: State[None] = Paused(message=message, pause_key=key, timeout_seconds=seconds, reschedule=False)
    if await _enter(run, asked, form) is not None:
        async with get_client() as client:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                now = (await client.read_flow_run(run.id)).state
                if now is not None and now.is_running():
                    break
    return await form.aload(keyset_from_paused_state(asked))


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


def _leave(run: FlowRun, state: State[None]) -> None:
    mark_flow_run_suspension_requested(run.id, state)
    raise Pause(state=state)
