"""One call at a time for each key in this process, on its background loop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from prefect_kie.runtime.loop import per_process


@per_process
def _locks() -> WeakValueDictionary[str, asyncio.Lock]:
    return WeakValueDictionary()  # a lock lasts as long as somebody holds it, or waits for it


def in_progress(key: str) -> bool:
    """Whether this process is at it just now."""
    return key in _locks()


@asynccontextmanager
async def single_flight(key: str) -> AsyncGenerator[None, None]:
    """Let one caller with this key through at a time; used on the background loop only."""
    lock = _locks().setdefault(key, asyncio.Lock())
    async with lock:
        yield
