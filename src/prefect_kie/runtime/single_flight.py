"""Submissions that this very process is making: one at a time for each key."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import asynccontextmanager

_guard = threading.Lock()
_in_progress: dict[str, Future[None]] = {}


def _forget_the_parents() -> None:
    """In a forked process: what its parent has in progress, nobody here will end."""
    global _guard
    _guard = threading.Lock()
    _in_progress.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents)


def in_progress(key: str) -> bool:
    """Whether this very process is submitting it just now."""
    return key in _in_progress


@asynccontextmanager
async def one_at_a_time(key: str) -> AsyncGenerator[None, None]:
    """Let one submission of this key through at a time, among all event loops of this process."""
    mine: Future[None] = Future()
    while True:
        with _guard:
            other = _in_progress.setdefault(key, mine)
        if other is mine:
            break
        # Shielded: a caller that is cancelled must not cancel the future others wait for.
        await asyncio.shield(asyncio.wrap_future(other))
    try:
        yield
    finally:
        with _guard:
            if _in_progress.get(key) is mine:
                del _in_progress[key]
        mine.set_result(None)
