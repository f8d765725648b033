"""Tasks run on the real Prefect server, and their retries wait for nothing."""

from __future__ import annotations

import pytest
from prefect_kie import tasks
from prefect_kie.local_server import LocalServer


@pytest.fixture(autouse=True)
def _on_a_server(prefect_server: LocalServer) -> None:
    """Every test here runs on the server."""


@pytest.fixture(autouse=True)
def _retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (*tasks.models._tasks.values(), tasks.wait_for_job, tasks.save_video, tasks.upload_image):
        monkeypatch.setattr(task, "retry_delay_seconds", 0.01)
