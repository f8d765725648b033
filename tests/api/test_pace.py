"""Turns: never too many by Kie's clock, first come first served, none lost, slower together after a 429."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from prefect_kie.api import KieClient, RateLimited, Sora2TextToVideoStable
from prefect_kie.api.limits import LEAST_SHARE, Slowdown, Window
from prefect_kie.api.rate_limiter import Pace, Turn, pace_of
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.api.conftest import KEY
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
        pace = Pace("create", limit, 10.0, clock=clock)

        async def call(number: int, there: float, back: float) -> None:
            turn = await pace.turn()
            given_to.append(number)
            try:
                await asyncio.sleep(there)
                arrived.append(clock())
                await asyncio.sleep(back)
            finally:
                turn.end()

        tasks: list[asyncio.Task[None]] = []
        for number, (after, (there, back), cancelled) in enumerate(plan):
            await asyncio.sleep(after)
            tasks.append(asyncio.create_task(call(number, there, back)))
            if cancelled is not None:
                asyncio.get_running_loop().call_later(cancelled, tasks[-1].cancel)
        begun = clock()
        await asyncio.gather(*tasks, return_exceptions=True)
        rest = [turn for turn in [await pace.turn() for _ in range(limit)] if turn.end() is None]
        assert len(rest) == limit  # none is lost
        return clock() - begun

    took = in_virtual_time(all_calls)
    assert fullest(arrived, 10.0) <= limit
    assert given_to == sorted(given_to)
    assert all(number in given_to for number, one in enumerate(plan) if one[2] is None)
    assert took <= (len(plan) / limit + 2) * (10 + 60)


def test_at_full_speed_it_is_kies_own_rate() -> None:
    async def many(clock: Callable[[], float]) -> float:
        pace = Pace("create", 20, 10.0, clock=clock)

        async def call() -> None:
            turn = await pace.turn()
            await asyncio.sleep(0.05)
            turn.end()

        await asyncio.gather(*(call() for _ in range(200)))
        return clock()

    assert in_virtual_time(many) == pytest.approx(9 * 10.05 + 0.05, abs=0.1)


def test_a_window_that_shrinks_waits_for_more_answers() -> None:
    window = Window(3, 10.0)
    for now in (0.0, 1.0, 2.0):
        window.begin()
        window.end(now)
    assert window.opens_in(2.0) == 8.0
    window.calls = 1
    assert window.opens_in(2.0) == 10.0
    window.begin()
    assert window.opens_in(12.0) is None


class TestSlowingDown:
    """After refusals, all together, and back."""

    def test_a_burst_of_refusals_halves_once_and_time_brings_it_back(self) -> None:
        slowdown = Slowdown()
        assert slowdown.refused(begun=9.9, now=10.0)
        assert not slowdown.refused(begun=9.95, now=10.2)  # was on its way already
        assert slowdown.share(10.2) == pytest.approx(0.5, abs=0.01)
        assert slowdown.share(25.0) == pytest.approx(0.75)
        assert not slowdown.over(39.0)
        assert slowdown.over(40.1)
        assert not slowdown.over(41.0)
        assert slowdown.refused(begun=50.0, now=51.0)
        assert not slowdown.refused(begun=52.0, now=53.0)  # slower still, but that is no news
        assert slowdown.share(53.0) < 0.3

    def test_it_never_stops_altogether(self) -> None:
        slowdown = Slowdown()
        for number in range(20):
            slowdown.refused(begun=number, now=number + 0.1)
        assert slowdown.share(20.0) >= LEAST_SHARE

    def test_calls_of_both_kinds_keep_apart_and_it_is_told_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        begun: list[float] = []

        async def refused(clock: Callable[[], float]) -> None:
            slowdown = Slowdown()
            creates = Pace("create", 20, 10.0, slowdown, clock)
            looks = Pace("look", 10, 1.0, slowdown, clock)
            for turn in [await creates.turn() for _ in range(5)]:
                turn.end(refused=True)
            for _ in range(4):
                (await creates.turn()).end()
                begun.append(clock())
            before = clock()
            for _ in range(4):
                (await looks.turn()).end()
            assert 0.1 < clock() - before < 1
            await asyncio.sleep(40)
            for _ in range(12):
                (await creates.turn()).end()
            assert clock() - before < 42

        in_virtual_time(refused)
        assert begun[0] == pytest.approx(1.0, abs=0.05)  # twice the usual half second
        gaps = [later - before for before, later in pairwise(begun)]
        assert all(0.5 < gap < 1.01 for gap in gaps)
        assert gaps == sorted(gaps, reverse=True)
        assert len(caplog.messages) == 2
        assert "refused a create" in caplog.messages[0]
        assert "half the usual pace" in caplog.messages[0]
        assert "usual pace again" in caplog.messages[1]


class TestLeaveOfOthers:
    """A limit that several processes share is asked when this process could send at once."""

    def test_what_is_got_is_shared_and_what_is_not_used_soon_is_forfeited(self) -> None:
        asked: list[tuple[float, int]] = []

        async def some(clock: Callable[[], float]) -> None:
            pace = Pace("create", 5, 10.0, clock=clock)

            async def permit(waiting: Callable[[], int]) -> int:
                await asyncio.sleep(1)
                asked.append((clock(), waiting()))
                return 3

            async def call() -> None:
                (await pace.turn(permit)).end()

            await asyncio.gather(*(call() for _ in range(4)))
            await asyncio.sleep(0.6)
            await call()
            await call()

        in_virtual_time(some)
        # Three of four; the fourth, whose lot of three is forfeited after a moment; the fifth; and the
        # sixth when a window has passed.
        assert [number for _, number in asked] == [4, 1, 1, 1]
        assert asked[-1][0] == pytest.approx(11 + 1)

    def test_a_caller_that_is_cancelled_while_it_asks_holds_nobody_up(self) -> None:
        async def two(clock: Callable[[], float]) -> float:
            pace = Pace("create", 5, 10.0, clock=clock)

            async def never(waiting: Callable[[], int]) -> int:
                await asyncio.sleep(1e6)
                return 1

            first = asyncio.create_task(pace.turn(never))
            second = asyncio.create_task(pace.turn())
            await asyncio.sleep(3)
            first.cancel()
            await second
            return clock()

        assert in_virtual_time(two) == pytest.approx(3)


class TestThreads:
    """Event loops of their own, one pace."""

    def test_all_loops_share_it_and_a_loop_that_dies_loses_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("prefect_kie.api.rate_limiter.LOOK_AROUND_SECONDS", 0.05)
        pace = Pace("create", 2, 0.1)

        async def take(count: int) -> list[Turn]:
            return [await pace.turn() for _ in range(count)]

        abandoned = asyncio.new_event_loop()
        held = abandoned.run_until_complete(take(2))
        waits = abandoned.create_task(pace.turn())
        abandoned.run_until_complete(asyncio.sleep(0.01))  # it is first in the queue, and its loop stands

        def elsewhere() -> None:
            for _ in range(3):
                (turn,) = asyncio.run(take(1))
                turn.end()

        with ThreadPoolExecutor(2) as threads:
            others = [threads.submit(elsewhere) for _ in range(2)]
            held.clear()  # nobody ends these
            gc.collect()
            for other in others:
                other.result(10)
        waits.cancel()
        abandoned.run_until_complete(asyncio.gather(waits, return_exceptions=True))
        abandoned.close()

    def test_threads_never_send_too_many(self) -> None:
        pace = Pace("create", 4, 0.2)
        guard, sent = threading.Lock(), list[float]()

        def elsewhere() -> None:
            async def calls() -> None:
                async def one() -> None:
                    turn = await pace.turn()
                    with guard:
                        sent.append(turn.begun)
                    turn.end()

                await asyncio.gather(*(one() for _ in range(5)))

            asyncio.run(calls())

        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(elsewhere) for _ in range(4)]:
                done.result(20)
        assert len(sent) == 20
        assert fullest(sent, 0.2) <= 4


class TestOneKey:
    """One pace for a key in a process; nothing shows the key."""

    def test_the_same_for_all_who_have_the_key_and_the_last_numbers_hold(self) -> None:
        mine = pace_of("https://one.example", SecretStr(KEY))
        assert pace_of("https://one.example", SecretStr(KEY), 100, 50) is mine
        assert pace_of("https://one.example", SecretStr("another")) is not mine
        assert pace_of("https://other.example", SecretStr(KEY)) is not mine
        assert KEY not in repr(vars(mine))

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_a_forked_process_begins_anew(self) -> None:
        mine = pace_of("https://forked.example", SecretStr(KEY))
        child = os.fork()
        if not child:
            os._exit(1 if pace_of("https://forked.example", SecretStr(KEY)) is mine else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    async def test_a_client_keeps_to_it_whoever_uses_it(self) -> None:
        limits = SimulatorSettings(duration_seconds=0, video_height=36, looks_per_second=10)
        with SimulatorServer(limits) as kie:
            clients = [KieClient(KEY, base_url=kie.url) for _ in range(3)]
            try:
                handle = await clients[0].create_job(Sora2TextToVideoStable(prompt="a paper boat"))
                looks = [client.get_job(handle.task_id) for client in clients for _ in range(5)]
                await asyncio.gather(*looks)  # 15 where 10 are taken: none is refused
                kie.fault("look", code=429)
                with pytest.raises(RateLimited):
                    await clients[1].get_job(handle.task_id)
                assert clients[2].pace.looks.share < 0.6
            finally:
                for client in clients:
                    await client.aclose()
