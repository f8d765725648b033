"""Several processes at one limit, in virtual time: a server that counts as Prefect's does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_kie.api.rate_limiter import Pace
from prefect_kie.cli.setup import LIMITS
from prefect_kie.runtime.shared_limits import LimitState, SharedLimit
from tests.virtual_time import fullest, in_virtual_time

CREATES, LOOKS = LIMITS


@dataclass
class Server:
    """Counts as prefect.server.models.concurrency_limits_v2 does; each answer takes some time."""

    clock: Callable[[], float]
    slots: int
    decay: float
    seconds: float = 0.02
    skew: float = 0.0
    used: int = 0
    updated: float = 0.0
    refused: int = 0
    looks: int = 0
    taken: list[int] = field(default_factory=list[int])

    def _active(self) -> int:
        return max(0, self.used - floor(self.decay * (self.clock() - self.updated)))

    async def look(self) -> LimitState | None:
        await asyncio.sleep(self.seconds / 2)
        self.looks += 1
        state = LimitState(
            self.slots, self._active(), self.decay, age=self.clock() + self.skew - self.updated
        )
        await asyncio.sleep(self.seconds / 2)
        return state

    async def take(self, slots: int) -> bool:
        await asyncio.sleep(self.seconds / 2)
        fits = (active := self._active()) + slots <= self.slots
        if fits:
            self.used = active + slots
            self.taken.append(slots)
        else:
            self.refused += 1
        self.updated = self.clock()  # of a refusal, too
        await asyncio.sleep(self.seconds / 2)
        return fits


def race(
    processes: int, each: int, server: Callable[[Callable[[], float]], Server], *, kies: int, window: float
) -> tuple[list[float], Server, float]:
    """Processes that call as fast as they may.

    Returns:
        When calls arrived at Kie; the server; the time it took.
    """
    arrived: list[float] = []
    chance = random.Random(7)

    async def all_processes(clock: Callable[[], float]) -> Server:
        shared = server(clock)

        async def process() -> None:
            pace, limit = Pace("create", kies, window, clock=clock), SharedLimit(clock=clock)

            async def permit(waiting: Callable[[], int]) -> int:
                return await limit.reserve(shared, waiting)

            async def call() -> None:
                turn = await pace.turn(permit)
                await asyncio.sleep(chance.uniform(0.01, 0.2))
                arrived.append(clock())
                turn.end()

            await asyncio.gather(*(call() for _ in range(each)))

        await asyncio.gather(*(process() for _ in range(processes)))
        return shared

    counted = in_virtual_time(all_processes)
    return arrived, counted, max(arrived) - min(arrived)


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_two_hundred_jobs_of_several_processes(processes: int) -> None:
    arrived, server, took = race(
        processes,
        200 // processes,
        lambda clock: Server(clock, CREATES.slots, CREATES.decay),
        kies=20,
        window=10.0,
    )
    assert len(arrived) == 200
    assert fullest(arrived, 10.0) <= 20
    assert 200 / took >= 1.6
    assert len(server.taken) <= 120  # two at a time
    assert server.refused <= len(server.taken)


def test_hungry_workers_do_not_storm_the_server() -> None:
    arrived, server, took = race(
        20, 10, lambda clock: Server(clock, CREATES.slots, CREATES.decay, 0.05), kies=20, window=10.0
    )
    assert fullest(arrived, 10.0) <= 20
    assert 200 / took >= 1.4
    assert (server.looks + server.refused) / took < 20 * 2  # twice a second each


@pytest.mark.parametrize("skew", [-3600.0, -0.7, 0.3, 3600.0])
def test_clocks_that_differ_cost_some_pace_and_nothing_else(skew: float) -> None:
    arrived, server, took = race(
        2,
        50,
        lambda clock: Server(clock, CREATES.slots, CREATES.decay, skew=skew),
        kies=20,
        window=10.0,
    )
    assert fullest(arrived, 10.0) <= 20
    assert 100 / took >= 1.2
    assert server.looks / took < 30


def test_looks_are_reserved_in_lots() -> None:
    arrived, server, took = race(
        2, 60, lambda clock: Server(clock, LOOKS.slots, LOOKS.decay), kies=10, window=1.0
    )
    assert fullest(arrived, 1.0) <= 10
    assert 120 / took >= 4
    assert len(server.taken) / took < 2


def test_a_limit_of_before_works_as_well() -> None:
    arrived, _, took = race(2, 50, lambda clock: Server(clock, 4, 1.6), kies=20, window=10.0)
    assert fullest(arrived, 10.0) <= 20
    assert 100 / took >= 1.4


def test_one_who_takes_single_slots_starves_nobody_who_wants_more() -> None:
    async def both(clock: Callable[[], float]) -> float:
        server = Server(clock, 2, 1.75, used=2)

        async def greedy() -> None:
            limit = SharedLimit(clock=clock)
            while True:
                await limit.reserve(server, lambda: 1)

        single = asyncio.create_task(greedy())
        await asyncio.sleep(5)
        begun = clock()
        await SharedLimit(clock=clock).reserve(server, lambda: 2)
        single.cancel()
        return clock() - begun

    assert max(in_virtual_time(both) for _ in range(20)) < 20


def test_a_process_alone_asks_at_most_twice_a_second() -> None:
    async def alone(clock: Callable[[], float]) -> Server:
        server, limit = Server(clock, LOOKS.slots, LOOKS.decay), SharedLimit(apart=0.5, clock=clock)
        pace = Pace("look", 10, 1.0, clock=clock)

        async def permit(waiting: Callable[[], int]) -> int:
            return await limit.reserve(server, waiting)

        async def look() -> None:
            (await pace.turn(permit)).end()

        looks: list[asyncio.Task[None]] = []
        for _ in range(60):  # three a second
            looks.append(asyncio.create_task(look()))
            await asyncio.sleep(1 / 3)
        await asyncio.gather(*looks)
        return server

    assert len(in_virtual_time(alone).taken) <= 41


def test_where_there_is_no_limit_nobody_waits() -> None:
    class Without(Server):
        async def look(self) -> LimitState | None:
            return None

    async def reserve(clock: Callable[[], float]) -> int:
        return await SharedLimit(clock=clock).reserve(Without(clock, 0, 0), lambda: 7)

    assert in_virtual_time(reserve) == 7


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.integers(0, 25), st.floats(0.1, 20), st.floats(-10, 1e5), st.integers(1, 20))
def test_the_wait_is_never_longer_than_the_slots_need_nor_a_slot_shorter(
    slots: int, used: int, per_second: float, age: float, wanted: int
) -> None:
    wait = LimitState(slots, used, per_second, age).free_in(wanted)
    missing = max(0, used + wanted - slots)
    assert wait <= max(0.02, missing / per_second) + 1e-9
    assert wait >= (missing - 1) / per_second - 1e-9
    assert (wait == 0) == (missing == 0)
