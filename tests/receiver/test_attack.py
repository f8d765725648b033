"""Thousands of attacks on the real receiver in its own process, while Kie rings."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from prefect_kie.callbacks.receiver.server import HEAD_SECONDS
from tests.receiver.attacks import REPLAYED, Attackers
from tests.receiver.calling import SIGNING_KEY, SUBMISSION, body, signed
from tests.receiver.conftest import Running, told

pytestmark = pytest.mark.server


async def ring(client: httpx.AsyncClient, task: str) -> float:
    """Ring as Kie does: how long the answer took, seconds."""
    started = time.perf_counter()
    answer = await client.post(f"/kie/done/{SUBMISSION}", json=body(task), headers=signed(task, time.time()))
    assert (answer.status_code, answer.text) == (200, "rang")
    return time.perf_counter() - started


@pytest.mark.parametrize("requests", [1_500, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_attacks_ring_nothing_and_hold_up_nobody(running: Running, requests: int) -> None:
    captured = signed(REPLAYED, time.time())
    attackers = Attackers(running.port, captured)
    waits: list[float] = []
    genuine: list[str] = []
    over = asyncio.Event()

    async def kie_rings() -> None:
        limits = httpx.Limits(max_keepalive_connections=0)  # each time a new connection
        async with httpx.AsyncClient(base_url=running.url, limits=limits, trust_env=False) as client:
            while not over.is_set():
                genuine.append(f"genuine-{len(genuine)}")
                waits.append(await ring(client, genuine[-1]))
                await asyncio.sleep(0.5)

    async with httpx.AsyncClient(base_url=running.url) as client:
        first = await client.post("/kie/done", json=body(REPLAYED), headers=captured)
        assert first.text == "rang"
    # First so many that what is made once is made, and the allocator has what it takes at worst.
    await asyncio.gather(attackers.send(max(2000, requests // 2)), attackers.drip(100))
    attackers.statuses.clear()
    before, started = running.memory, time.perf_counter()
    ringing = asyncio.create_task(kie_rings())
    dripping = asyncio.create_task(attackers.drip(100))
    await attackers.send(requests)
    seconds = time.perf_counter() - started
    dripped = await dripping
    over.set()
    await ringing
    after = running.memory
    figures = (
        f"{seconds:.1f} s, {before:.1f} to {after:.1f} MiB, slowest ring {max(waits):.3f} s of {len(waits)}"
    )
    print(figures)

    thanked = {answer for answer in attackers.statuses if 0 < answer[1] < 400}
    assert thanked == {("replayed", 200, "repeated")}
    assert sum(attackers.statuses.values()) == requests
    counted = running.counted()
    assert counted["rang"] == 1 + len(genuine)
    assert counted["broken"] == counted["busy"] == 0
    assert max(dripped) < HEAD_SECONDS + 3
    assert after - before < 12, figures
    assert max(waits) < 1, figures

    assert await told("genuine-", len(genuine)) == set(genuine)
    log = running.log.read_text()
    assert "Traceback" not in log
    assert SIGNING_KEY not in log
    assert "Injected" not in log
    assert len(log.splitlines()) < 500  # of thousands
