"""Submissions wait their turn where the server has the limit, and are never held up where it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.services import ConcurrencySlotAcquisitionService
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_kie.local_server import free_port
from prefect_kie.tasks import pacing
from prefect_kie.tasks.pacing import CREATE_LIMIT, wait_for_turn

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _not_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_seen", {})


@asynccontextmanager
async def limit(slots: int, decay: float, *, active: bool = True) -> AsyncIterator[None]:
    """The concurrency limit, with these numbers."""
    made = GlobalConcurrencyLimitCreate(
        name=CREATE_LIMIT, limit=slots, slot_decay_per_second=decay, active=active
    )
    async with get_client() as client:
        await client.create_global_concurrency_limit(made)
        try:
            yield
        finally:
            await client.delete_global_concurrency_limit_by_name(CREATE_LIMIT)


async def turns(count: int) -> float:
    """Seconds that so many submissions of one flow run wait, all together."""

    @flow
    async def submissions() -> float:
        await wait_for_turn()  # Prefect starts what asks the server with the first one
        begun = time.monotonic()
        await asyncio.gather(*(wait_for_turn() for _ in range(count - 1)))
        return time.monotonic() - begun

    return await submissions()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged about turns, by us or by Prefect."""
    return [text for text in caplog.messages if "slot" in text or "limit" in text]


async def test_without_the_limit_nothing_waits_and_nothing_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await turns(6) < 1
    assert told(caplog) == []


async def test_the_server_is_asked_for_the_limit_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "ASK_AGAIN_SECONDS", 0.3)
    await wait_for_turn()
    async with limit(4, 10):
        assert await turns(8) < 0.3
        await asyncio.sleep(0.3)
        assert await turns(8) > (8 - 4) / 10 * 0.8


async def test_a_limit_that_is_switched_off_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    async with limit(1, 0.01, active=False):
        assert await turns(6) < 20  # with the limit it would be 500
    assert told(caplog) == []


async def test_with_the_limit_submissions_take_turns(caplog: pytest.LogCaptureFixture) -> None:
    async with limit(4, 10):
        assert await turns(8) > (8 - 4) / 10 * 0.8  # the first of them is not measured
    assert told(caplog) == []


async def test_a_limit_that_cannot_pace_is_told_and_holds_nobody_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with limit(4, 0):
        assert await turns(1) < 10
    (warning,) = [text for text in told(caplog) if text.startswith("No turn")]
    assert "Only concurrency limits with slot decay can be used for rate limiting" in warning
    assert "prefect-kie setup" in warning


async def test_a_server_that_is_away_is_told_and_holds_nobody_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await ConcurrencySlotAcquisitionService.instance(frozenset([CREATE_LIMIT])).drain()
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        begun = time.monotonic()
        await wait_for_turn()
        assert time.monotonic() - begun < 5
    (warning,) = [text for text in told(caplog) if text.startswith("No turn")]
    assert "ConnectError" in warning
    await ConcurrencySlotAcquisitionService.instance(frozenset([CREATE_LIMIT])).drain()
