"""Calls to the Prefect server that nobody waits long for, and that are never cancelled.

All of a run's calls share one pool of sixteen connections. A call that is cancelled while it waits for one
may keep it for ever (httpcore 1.0.9); after sixteen of them the run can report nothing to its server, not
even its end. So whoever asked goes on, and the call finishes by itself.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from anyio.lowlevel import RunVar

T = TypeVar("T")

MAX_AT_ONCE = 8  # half of the run's connections: what a run shows must not hold up what it does

_gates: RunVar[asyncio.Semaphore] = RunVar("prefect_kie.best_effort")
_detached: set[asyncio.Task[Any]] = set()  # an event loop itself keeps no task alive


async def detach_after(call: Coroutine[Any, Any, T], seconds: float) -> T:
    """What a call gives within so many seconds; else `TimeoutError`, and the call goes on detached."""
    running = asyncio.ensure_future(call)
    _detached.add(running)
    running.add_done_callback(_ended)
    await asyncio.wait([running], timeout=seconds)
    if not running.done():
        raise TimeoutError
    return running.result()


async def best_effort(call: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
    """The same for what a run shows, few calls at once; one that waits is not made once nobody wants it."""
    waits = True

    async def limited() -> T:
        gate = _gates.get(None)
        if gate is None:
            _gates.set(gate := asyncio.Semaphore(MAX_AT_ONCE))
        async with gate:
            if not waits:
                raise TimeoutError
            return await call()

    try:
        return await detach_after(limited(), seconds)
    finally:
        waits = False


def _ended(task: asyncio.Task[Any]) -> None:
    _detached.discard(task)
    if not task.cancelled():
        task.exception()  # whoever waits has it; of what went on alone it is of no interest
