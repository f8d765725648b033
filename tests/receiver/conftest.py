"""The receiver as an operator starts it, in its own process."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.events import EventPage
from prefect.events import ReceivedEvent
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter

from tests.receiver.calling import block


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
    block().save("receiver", overwrite=True)
    command = [sys.executable, "-m", "prefect_kie.cli", "callbacks", "--port", "0", "--block", "receiver"]
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


async def told(prefix: str, count: int) -> set[str]:
    """The jobs with this prefix of which the Prefect server has a ring, once there are so many."""
    found = {event.resource.id.removeprefix("kie.job.") for event in await rings_of(prefix, count)}
    assert len(found) >= count
    return found


async def rings_of(prefix: str, count: int) -> list[ReceivedEvent]:
    """The rings of jobs with this prefix, once there are so many."""
    found: list[ReceivedEvent] = []
    async with get_client() as client:
        for _ in range(100):
            # Made anew for each look: it ends at the time when it is made.
            wanted = EventFilter(
                event=EventNameFilter(name=["kie.job.rang"]),
                resource=EventResourceFilter(id_prefix=[f"kie.job.{prefix}"]),
            )
            page: EventPage | None = await client.read_events(wanted, limit=50)
            found = []
            while page is not None:
                found += page.events
                page = await page.get_next_page(client)
            if len(found) >= count:
                break
            await asyncio.sleep(0.1)
    return found
