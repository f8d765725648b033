"""Thousands of attacks on the real receiver in its own process, while Kie rings."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.events import EventPage
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter

from prefect_kie.receiver.server import HEAD_SECONDS
from tests.receiver.attacks import REPLAYED, Attackers
from tests.receiver.calling import SIGNING_KEY, SUBMISSION, block, body, signed

pytestmark = pytest.mark.server


@dataclass
class Running:
    """A receiver in its own process."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory(self) -> float:
        """Its resident memory, MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def counted(self) -> dict[str, int]:
        """What it counted, by outcome."""
        text = httpx.get(f"{self.url}/metrics").text
        found = re.findall(r'kie_callbacks_total\{outcome="(\w+)"\} (\S+)', text)
        return {outcome: int(float(count)) for outcome, count in found}


@pytest.fixture
def running(prefect_server: object, tmp_path: Path) -> Iterator[Running]:
    """`prefect-kie callbacks`, as an operator starts it."""
    block().save("attacked", overwrite=True)
    command = [sys.executable, "-m", "prefect_kie.cli", "callbacks", "--port", "0", "--block", "attacked"]
    log = tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            yield Running(process, int(re.findall(r"http://127\.0\.0\.1:(\d+)", told)[0]), log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
            assert process.stdout.read() == "Stopped.\n"
        finally:
            process.kill()


async def ring(client: httpx.AsyncClient, task: str) -> float:
    """Ring as Kie does: how long the answer took, seconds."""
    started = time.perf_counter()
    answer = await client.post(f"/kie/done/{SUBMISSION}", json=body(task), headers=signed(task, time.time()))
    assert (answer.status_code, answer.text) == (200, "rang")
    return time.perf_counter() - started


async def told(prefix: str, count: int) -> set[str]:
    """The jobs with this prefix of which the Prefect server has a ring, once there are so many."""
    wanted = EventFilter(
        event=EventNameFilter(name=["kie.job.rang"]),
        resource=EventResourceFilter(id_prefix=[f"kie.job.{prefix}"]),
    )
    found: set[str] = set()
    async with get_client() as client:
        for _ in range(100):
            page: EventPage | None = await client.read_events(wanted, limit=50)
            while page is not None:
                found |= {event.resource.id.removeprefix("kie.job.") for event in page.events}
                page = await page.get_next_page(client)
            if len(found) >= count:
                break
            await asyncio.sleep(0.1)
    return found


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
    await attackers.send(2000)  # so that all that is made once is made
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
    assert after - before < 16, figures
    assert max(waits) < 1, figures

    assert await told("genuine-", len(genuine)) == set(genuine)
    log = running.log.read_text()
    assert "Traceback" not in log
    assert SIGNING_KEY not in log
    assert "Injected" not in log
    assert len(log.splitlines()) < 500  # of thousands
