"""Calls take turns at the Prefect server where it has the limits, and are never held up where it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from prefect_kie.api import Sora2TextToVideoStable
from prefect_kie.api.rate_limiter import Pace
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import free_port
from prefect_kie.runtime import server_limits
from prefect_kie.runtime.server_limits import CREATE_LIMIT, LOOK_LIMIT, look_at, turn_to_create
from prefect_kie.simulator import SimulatorServer
from tests.conftest import KEY
from tests.virtual_time import fullest


@pytest.fixture(autouse=True)
def _not_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_limits, "_known", {})
    monkeypatch.setattr(server_limits, "_told_missing", [])


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


@flow
async def turns(credentials: KieCredentials, count: int) -> float:
    """Seconds that so many submissions of a run wait, all together."""
    begun = time.monotonic()
    for turn in await asyncio.gather(*(turn_to_create(credentials) for _ in range(count))):
        turn.end()
    return time.monotonic() - begun


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged about limits, by us or by Prefect."""
    return [text for text in caplog.messages if "slot" in text or "limit" in text]


@pytest.mark.server
class TestWithAServer:
    """What its limits say, holds."""

    async def test_without_limits_nothing_waits_and_it_is_told_once_what_to_run(
        self, credentials: KieCredentials, kie: SimulatorServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert await turns(credentials, 6) < 1
        assert await turns(credentials, 6) < 0.2
        async with credentials.get_client() as client:
            job = await client.create_job(Sora2TextToVideoStable(prompt="a boat"))
            await look_at(client, job.task_id)
        (warning,) = told(caplog)
        assert "no concurrency limit 'kie-create'" in warning
        assert warning.endswith("run: prefect-kie setup")

    async def test_the_server_is_asked_for_a_missing_limit_once_a_minute(
        self, credentials: KieCredentials
    ) -> None:
        await turns(credentials, 1)
        async with limit(1, 2):
            assert await turns(credentials, 5) < (5 - 1) / 2 * 0.8
            for known in server_limits._known.values():
                known.ask_from -= 60
            assert await turns(credentials, 5) > (5 - 1) / 2 * 0.8

    async def test_a_limit_that_is_switched_off_holds_nobody_up(
        self, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with limit(1, 0.01, active=False):
            assert await turns(credentials, 6) < 20  # with the limit it would be 500
        assert told(caplog) == []

    async def test_a_limit_that_cannot_pace_is_told_and_holds_nobody_up(
        self, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with limit(4, 0):
            assert await turns(credentials, 6) < 10
        (warning,) = told(caplog)
        assert "both have to be above 0" in warning
        assert "prefect-kie setup" in warning

    async def test_looks_have_a_limit_of_their_own(
        self, credentials: KieCredentials, kie: SimulatorServer
    ) -> None:
        async with limit(2, 4, name=LOOK_LIMIT), credentials.get_client() as client:
            job = await client.create_job(Sora2TextToVideoStable(prompt="a boat"))
            begun = time.monotonic()
            await asyncio.gather(*(look_at(client, job.task_id) for _ in range(6)))
            assert time.monotonic() - begun > (6 - 2) / 4 * 0.8
        assert kie.stats()["looks"] == 6

    async def test_two_processes_together_keep_to_the_limit_and_are_quick(
        self, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
    ) -> None:
        given: list[float] = []

        @flow
        async def process() -> None:
            pace = Pace("create", 1000, 10.0)  # as another process has one of its own

            async def one() -> None:
                permit = server_limits._permit(CREATE_LIMIT, apart=0.0)
                assert permit is not None
                turn = await pace.turn(permit)
                given.append(turn.begun)
                turn.end()

            await asyncio.gather(*(one() for _ in range(8)))

        async with limit(2, 8):
            begun = time.monotonic()
            # One after the other they know no more of each other than two processes do.
            await asyncio.gather(process(), process())
            took = time.monotonic() - begun
        assert len(given) == 16
        assert fullest(given, 1.0) <= 2 + 8 * 1.3
        assert took < 8
        assert told(caplog) == []


async def test_a_server_that_is_away_is_told_once_and_holds_nobody_up(
    credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        assert await turns.fn(credentials, 6) < 5
        assert await turns.fn(credentials, 6) < 0.2
    (warning,) = told(caplog)
    assert "ConnectError" in warning
    assert "prefect-kie setup" in warning


async def test_where_no_server_is_configured_this_process_paces_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    alone = KieCredentials(
        api_key=SecretStr(KEY), base_url=f"http://127.0.0.1:{free_port()}", creates_per_10_seconds=6
    )
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert await turns.fn(alone, 6) < 1
    assert told(caplog) == []
