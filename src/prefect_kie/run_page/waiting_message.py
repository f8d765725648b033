"""What a running run waits for, as the message of its state: shown a few times, and never in the way."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.logging import get_logger
from prefect.states import Running

FIRST_SECONDS = 10.0  # a shorter wait is not shown,
MAX_SECONDS = 600.0  # and each time the gap is twice as long, up to this


@asynccontextmanager
async def waiting_reported(message: Callable[[], str]) -> AsyncGenerator[None, None]:
    """Show in the run's state what it waits for (`Waits for Kie: 1 of 2 jobs`), for as long as it does."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        yield
        return
    ended = asyncio.Event()
    telling = asyncio.ensure_future(_told(context.flow_run.id, message, ended))
    try:
        yield
    finally:
        ended.set()
        # What is on its way must not arrive after the run's end.
        await asyncio.wait([telling])


async def _told(run_id: UUID, message: Callable[[], str], ended: asyncio.Event) -> None:
    gap, last = FIRST_SECONDS, ""
    while not ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), gap)
            return
        if (now := message()) != last:
            try:
                await _put(run_id, now)
            except Exception as error:
                get_logger("prefect_kie").debug("The run's state tells nothing: %r", error)
            last = now
        gap = min(2 * gap, MAX_SECONDS)


async def _put(run_id: UUID, message: str) -> None:
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        if run.state is None or not run.state.is_running():
            return
        # Prefect counts each step into Running as a try of the run, by which its retries are limited, unless
        # the run goes on after a pause.
        policy = run.empirical_policy.model_copy(update={"resuming": True})
        await client.update_flow_run(run_id, empirical_policy=policy)
        await client.set_flow_run_state(run_id, Running(message=message))
