"""When the server had stored what: asked through its API meanwhile, and read from its database afterwards."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from statistics import median
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

ASK_SECONDS = 0.1
EVERY_SECONDS = 1.0
"""One task run a second is asked for, so that asking does not become the load."""
PATIENCE = 120.0

_STATES = text("SELECT timestamp, created FROM task_run_state")


@dataclass(frozen=True)
class Lags:
    """Seconds from states to their being stored."""

    count: int
    median: float
    p95: float
    most: float

    @classmethod
    def of(cls, lags: Iterable[float]) -> Lags:
        """Of these.

        Raises:
            ValueError: when there are none.
        """
        known = sorted(lags)
        if not known:
            raise ValueError("no lag was measured")
        return cls(len(known), median(known), known[math.ceil(0.95 * len(known)) - 1], known[-1])


class Asking:
    """Asks the server for task runs that have completed, until it shows them so.

    Args:
        api_url: Of the server.
    """

    def __init__(self, api_url: str) -> None:
        self.lags: list[float] = []
        self._http = httpx.Client(base_url=api_url, trust_env=False, timeout=60)
        self._last = -math.inf
        self._asking: list[threading.Thread] = []

    def saw(self, told: dict[str, Any]) -> None:
        """Take what the client tells: a task run has completed, at a time."""
        now = time.monotonic()
        if now - self._last < EVERY_SECONDS:
            return
        self._last = now
        # A thread for each: where the server is late, many are waited for.
        thread = threading.Thread(target=self._until_shown, args=(told["id"], told["at"]), daemon=True)
        thread.start()
        self._asking.append(thread)

    def end(self) -> None:
        """Wait for all that was asked for."""
        for thread in self._asking:
            thread.join()

    def _until_shown(self, run: str, at: float) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self._http.get(f"/task_runs/{run}")
            if answer.is_success and answer.json().get("state_type") == "COMPLETED":
                break
            time.sleep(ASK_SECONDS)
        self.lags.append(time.time() - at)  # one that never shows counts as late as it was waited for


async def all_lags(database_url: str) -> list[float]:
    """Of each state that a database holds: from the client's time of it to the server's of storing it.

    Args:
        database_url: As the server has it.
    """
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            rows = await connection.execute(_STATES)
            return [_time(created) - _time(at) for at, created in rows]
    finally:
        await engine.dispose()


def _time(stored: datetime | str) -> float:
    at = datetime.fromisoformat(stored) if isinstance(stored, str) else stored  # SQLite has text
    return at.replace(tzinfo=timezone.utc).timestamp()
