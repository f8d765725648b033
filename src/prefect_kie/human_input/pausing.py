"""Pausing and suspending a run with a message in its state that says what it waits for.

Prefect's own `apause_flow_run` and `asuspend_flow_run` take no message. These do the same, by the same calls.
"""

import asyncio

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort, Pause
from prefect.input import Keyset, RunInput, keyset_from_paused_state
from prefect.states import Paused, Suspended
from prefect.utilities.engine import propose_state

from prefect_kie._compat import mark_flow_run_suspension_requested

POLL_SECONDS = 3.0  # so often a paused run looks for its answer


async def suspend(
    run: FlowRun,
    message: str,
    *,
    key: str,
    form: type[RunInput] | None = None,
    seconds: int | None = None,
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
            is_running = False
            while not is_running:
                await asyncio.sleep(POLL_SECONDS)
                now = (await client.read_flow_run(run.id)).state
                is_running = now is not None and now.is_running()
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
