"""Submissions as processes leave them that are killed, for tests of what comes after."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventResourceFilter

from prefect_kie.submissions import send_tokens, store


def the_record(results: Path) -> tuple[Path, dict[str, Any]]:
    """The only record there is: its file and its content."""
    (file,) = (results / store.FOLDER).glob("*.json")
    return file, json.loads(file.read_text())


def forget_the_outcome(results: Path, **changes: Any) -> str:
    """Change the only record to what a process leaves that is killed while its call is out; its key."""
    file, record = the_record(results)
    forgotten = {**record, "state": "submitting", "task_id": None, **changes}
    file.write_text(json.dumps(forgotten))
    (results / send_tokens.FOLDER / f"{forgotten['attempt']}.json").write_text('{"state": "sent"}')
    return file.stem


async def events_of(task_id: str) -> list[Any]:
    """The events of a job, once the server has any."""
    wanted = EventFilter(resource=EventResourceFilter(id=[f"kie.job.{task_id}"]))
    async with get_client() as client:
        for _ in range(200):
            if found := (await client.read_events(wanted, limit=50)).events:
                return list(found)
            await asyncio.sleep(0.05)
    return []
