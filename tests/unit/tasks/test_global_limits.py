"""Calls keep to the Prefect server's limits where it has them, and are never held up where it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import free_port
from prefect_kie.runtime import global_limits, loop
from prefect_kie.runtime.clients import create_slot
from prefect_kie.runtime.global_limits import CREATE_LIMIT, _GlobalLimit
from prefect_kie.runtime.loop import per_process, run_on_loop


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], _GlobalLimit]]:
    """Makes limits that were not asked for yet, as in a process of their own."""
    made: list[_GlobalLimit] = []
    reported: set[str] = set()

    def make(name: str) -> _GlobalLimit:
        made.append(_GlobalLimit(name))
        return made[-1]

    async def close() -> None:
        for one in made:
            await one.close()

    monkeypatch.setattr(global_limits, "_limit", per_process(lambda url, name: make(name)))
    monkeypatch.setattr(global_limits, "reported", lambda: reported)
    yield make
    asyncio.run_coroutine_threadsafe(close(), loop._loop()).result()


@asynccontextmanager
async def limit(slots: int, decay: float, *, name: str = CREATE_LIMIT, **more: Any) -> AsyncIterator[None]:
    """The concurrency limit, with these numbers."""
    made = GlobalConcurrencyLimitCreate(name=name, limit=slots, slot_decay_per_second=decay, **more)
    async with get_client() as client:
        await client.create_global_concurrency_limit(made)
        try:
            yield
        finally:
            await client.delete_global_concurrency_limit_by_name(name)


async def took(credentials: KieCredentials, count: int) -> float:
    """Seconds that so many submissions wait for their slots, all together."""

    async def one() -> None:
        async with create_slot(credentials):
            pass

    begun = time.monotonic()
    await asyncio.gather(*(run_on_loop(one) for _ in range(count)))
    return time.monotonic() - begun


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged about limits, by us or by Prefect."""
    return [text for text in caplog.messages if "slot" in text or "limit" in text]


async def test_a_server_that_is_away_is_reported_once_and_holds_nobody_up(
    credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        assert await took(credentials, 6) < 5
        assert await took(credentials, 6) < 0.5
    (warning,) = logged(caplog)
    assert "ConnectError" in warning
    assert "prefect-kie setup" in warning


async def test_where_no_server_is_configured_this_process_limits_itself(
    credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert await took(credentials, 6) < 1
    assert logged(caplog) == []
