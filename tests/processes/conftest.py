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

import pytest
from prefect.client.orchestration import get_client
from prefect.events import ReceivedEvent
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter

from tests.receiving import block


@dataclass
class Running:
    """A receiver in its own process."""

    url: str
    log: Path


@pytest.fixture(scope="module")
def running(prefect_server: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`prefect-kie callbacks`, as an operator starts it; stopped by SIGTERM."""
    block().save("receiver", overwrite=True)
    command = [sys.executable, "-m", "prefect_kie.cli", "callbacks", "--port", "0", "--block", "receiver"]
    log = tmp_path_factory.mktemp("receiver") / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            yield Running(re.findall(r"http://127\.0\.0\.1:\d+", said)[0], log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
            assert process.stdout.read() == "Stopped.\n"
        finally:
            process.kill()


async def callbacks_of(task_id: str, count: int) -> list[ReceivedEvent]:
    """The events of Kie's callbacks about a job in their order, once there are so many."""
    async with get_client() as client:
        for _ in range(200):
            # Made anew for each look: it ends at the time when it is made.
            wanted = EventFilter(
                event=EventNameFilter(name=["kie.job.callback"]),
                resource=EventResourceFilter(id=[f"kie.job.{task_id}"]),
            )
            found = (await client.read_events(wanted, limit=50)).events
            if len(found) >= count:
                return sorted(found, key=lambda event: event.occurred)
            await asyncio.sleep(0.1)
    raise AssertionError(f"{len(found)} events")
