"""Slots: never too many calls by Kie's clock, first come first served, none lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_kie.api import KieClient, RateLimited
from prefect_kie.api.calls import REFUSED_SECONDS, RateLimiter
from prefect_kie.models import Sora2TextToVideoStable
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.unit.api.conftest import KEY
from tests.virtual_time import fullest, in_virtual_time

seconds = st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 30))
calls = st.lists(
    st.tuples(seconds, st.tuples(seconds, seconds), st.one_of(st.none(), seconds)), min_size=1, max_size=70
)
"""Each: when it comes after the one before; how long to Kie and back; when its caller is cancelled."""


@settings(max_examples=60, deadline=None)
@given(calls, st.integers(1, 20))
def test_whatever_comes_when_and_takes_how_long_kie_never_counts_too_many(
    plan: list[tuple[float, tuple[float, float], float | None]], limit: int
) -> None:
    arrived: list[float] = []
    given_to: list[int] = []

    async def all_calls(clock: Callable[[], float]) -> float:
        limiter = RateLimiter(limit, 10.0)

        async def call(number: int, there: float, back: float) -> None:
            async with limiter.slot():
                given_to.append(number)
                await asyncio.sleep(there)
                arrived.append(clock())
                await asyncio.sleep(back)

        tasks: list[asyncio.Task[None]] = []
        for number, (after, (there, back), cancelled) in enumerate(plan):
            await asyncio.sleep(after)
            tasks.append(asyncio.create_task(call(number, there, back)))
            if cancelled is not None:
                asyncio.get_running_loop().call_later(cancelled, tasks[-1].cancel)
        begun = clock()
        await asyncio.gather(*tasks, return_exceptions=True)
        took = clock() - begun
        before = clock()
        await asyncio.gather(*(call(-1, 0.0, 0.0) for _ in range(limit)))
        assert clock() - before <= 10 + 1e-6  # no slot is lost
        return took

    took = in_virtual_time(all_calls)
    assert fullest(arrived, 10.0) <= limit
    first_come = [number for number in given_to if number >= 0]
    assert first_come == sorted(first_come)
    assert all(number in given_to for number, one in enumerate(plan) if one[2] is None)
    assert took <= (len(plan) / limit + 2) * (10 + 60)


def test_at_full_speed_it_is_kies_own_rate() -> None:
    async def many(clock: Callable[[], float]) -> float:
        limiter = RateLimiter(20, 10.0)

        async def call() -> None:
            async with limiter.slot():
                await asyncio.sleep(0.05)

        await asyncio.gather(*(call() for _ in range(200)))
        return clock()

    assert in_virtual_time(many) == pytest.approx(9 * 10.05 + 0.05, abs=0.1)


def test_a_refused_call_keeps_its_slot_for_a_minute() -> None:
    async def refused(clock: Callable[[], float]) -> list[float]:
        limiter, begun = RateLimiter(2, 10.0), list[float]()

        async def call(refused: bool) -> None:
            async with limiter.slot():
                begun.append(clock())
                if refused:
                    raise RateLimited("too many")

        outcomes = await asyncio.gather(*(call(number == 0) for number in range(9)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [RateLimited] + 8 * [type(None)]
        return begun

    begun = in_virtual_time(refused)
    assert begun == pytest.approx([0, 0, 10, 20, 30, 40, 50, REFUSED_SECONDS, REFUSED_SECONDS], abs=0.01)


async def test_a_client_keeps_to_kies_limits() -> None:
    limits = SimulatorSettings(duration_seconds=0, video_height=36, polls_per_second=10)
    with SimulatorServer(limits) as kie:
        async with KieClient(KEY, base_url=kie.url) as client:
            handle = await client.create_job(Sora2TextToVideoStable(prompt="a paper boat"))
            await asyncio.gather(*(client.get_job(handle.task_id) for _ in range(15)))
        assert kie.stats()["polls"] == 15
        assert kie.stats()["throttled"] == 0
