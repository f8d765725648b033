"""Submissions as processes leave them that are killed, for tests of what comes after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect_kie.tasks import records, send_tokens


def the_record(results: Path) -> tuple[Path, dict[str, Any]]:
    """The only record there is: its file and its content."""
    (file,) = (results / records.FOLDER).glob("*.json")
    return file, json.loads(file.read_text())


def forget_the_outcome(results: Path, **changes: Any) -> str:
    """Change the only record to what a process leaves that is killed while its call is out; its key."""
    file, record = the_record(results)
    forgotten = {**record, "state": "submitting", "task_id": None, **changes}
    file.write_text(json.dumps(forgotten))
    (results / send_tokens.FOLDER / f"{forgotten['attempt']}.json").write_text('{"state": "sent"}')
    return file.stem
