"""Calls keep to the Prefect server's limits where it has them, and are never held up where it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_URL

from prefect_kie.blocks import KieCredentials
from prefect_kie.models import Sora2TextToVideoStable
from prefect_kie.runtime import global_limits, loop
from prefect_kie.runtime.clients import ask_kie, poll_job
from prefect_kie.runtime.global_limits import CREATE_LIMIT, POLL_LIMIT, _GlobalLimit
from prefect_kie.runtime.loop import per_process, run_on_loop
from prefect_kie.simulator import SimulatorServer
from tests.unit.tasks.test_global_limits import limit, logged, took
from tests.virtual_time import fullest


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


@pytest.mark.server
class TestWithAServer:
    """What its limits say, holds."""

    async def test_without_limits_nothing_waits_and_one_warning_says_what_to_run(
        self, credentials: KieCredentials, kie: SimulatorServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        @flow
        async def pipeline() -> None:
            assert await took(credentials, 6) < 5
            assert await took(credentials, 6) < 0.5  # not asked again
            job = await ask_kie(
                credentials, lambda client: client.create_job(Sora2TextToVideoStable(prompt="a boat"))
            )
            await poll_job(credentials, job.task_id)

        await pipeline()
        (warning,) = logged(caplog)
        assert "limit 'kie-create' is not used: it does not exist" in warning
        assert warning.endswith("run: prefect-kie setup")

    async def test_a_missing_limit_is_asked_for_again_after_a_while(
        self, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await took(credentials, 1)
        async with limit(1, 2):
            assert await took(credentials, 5) < (5 - 1) / 2 * 0.8
            global_limits._limit(str(PREFECT_API_URL.value()), CREATE_LIMIT)._ask_from = 0.0
            assert await took(credentials, 5) > (5 - 1) / 2 * 0.8

    async def test_a_limit_that_is_switched_off_holds_nobody_up(
        self, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with limit(1, 0.01, active=False):
            assert await took(credentials, 6) < 20  # with the limit it would be 500
        assert logged(caplog) == []

    async def test_a_misconfigured_limit_is_reported_and_holds_nobody_up(
        self, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with limit(4, 0):
            assert await took(credentials, 6) < 10
        (warning,) = logged(caplog)
        assert "both have to be above 0" in warning
        assert "prefect-kie setup" in warning

    async def test_a_limit_that_gives_no_slot_is_not_waited_for_for_ever(
        self, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("PREFECT_INTEGRATIONS_KIE_LIMIT_TIMEOUT_SECONDS", "1")
        async with limit(1, 0.0001):
            assert await took(credentials, 6) < 10
        (warning,) = logged(caplog)
        assert "'kie-create' is not used: TimeoutError" in warning

    async def test_polls_have_a_limit_of_their_own(
        self, credentials: KieCredentials, kie: SimulatorServer
    ) -> None:
        job = await ask_kie(
            credentials, lambda client: client.create_job(Sora2TextToVideoStable(prompt="a boat"))
        )
        async with limit(2, 4, name=POLL_LIMIT):
            begun = time.monotonic()
            await asyncio.gather(*(poll_job(credentials, job.task_id) for _ in range(6)))
            assert time.monotonic() - begun > (6 - 2) / 4 * 0.8
        assert kie.stats()["polls"] == 6

    async def test_two_processes_together_keep_to_the_limit_and_seldom_meet_a_refusal(
        self,
        limits: Callable[[str], _GlobalLimit],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        given: list[float] = []
        asked = 0
        increment = PrefectClient.increment_concurrency_slots

        async def counted(self: PrefectClient, *args: Any, **options: Any) -> Any:
            nonlocal asked
            asked += 1
            return await increment(self, *args, **options)

        async def process() -> None:
            mine = limits(CREATE_LIMIT)  # as another process has one of its own

            async def one() -> None:
                await mine.acquire()
                given.append(time.monotonic())

            await asyncio.gather(*(one() for _ in range(8)))

        monkeypatch.setattr(PrefectClient, "increment_concurrency_slots", counted)
        async with limit(2, 8):
            begun = time.monotonic()
            await asyncio.gather(run_on_loop(process), run_on_loop(process))
            assert time.monotonic() - begun < 8
        assert len(given) == 16
        assert fullest(given, 1.0) <= 2 + 8 * 1.3
        assert asked < 2 * 16
        assert logged(caplog) == []
