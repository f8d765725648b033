"""One submission of a key at a time, among all event loops of a process, and none of a parent's."""

from __future__ import annotations

import asyncio

from prefect_kie.runtime import single_flight
from prefect_kie.runtime.single_flight import one_at_a_time


async def test_the_second_waits_for_the_first() -> None:
    order: list[str] = []

    async def work(name: str) -> None:
        async with one_at_a_time("kie-1"):
            assert single_flight.in_progress("kie-1")
            order.append(f"{name} begins")
            await asyncio.sleep(0.01)
            order.append(f"{name} ends")

    await asyncio.gather(work("a"), work("b"))
    assert order == ["a begins", "a ends", "b begins", "b ends"]
    assert not single_flight.in_progress("kie-1")


async def test_a_forked_process_does_not_wait_for_what_its_parent_had_in_progress() -> None:
    async with one_at_a_time("kie-1"):
        single_flight._forget_the_parents()  # what the fork does in the child
        await asyncio.wait_for(_in_the_child(), 1)


async def _in_the_child() -> None:
    async with one_at_a_time("kie-1"):
        pass
