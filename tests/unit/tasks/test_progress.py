"""Progress of waiting jobs on the run page: found by its key, cheap, never backwards, never in the way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact

from prefect_kie.api import JobHandle
from prefect_kie.media.saved import artifact_key
from prefect_kie.run_page import artifacts as progress
from prefect_kie.run_page.artifacts import percent_done


@pytest.fixture(autouse=True)
def _no_pause_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_quiet_until", 0.0)
    monkeypatch.setattr(progress, "LIMIT_SECONDS", 30.0)  # the server of a busy machine takes its time


class Requests:
    """The requests about artifacts that this process sends to the Prefect server, and what they say."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.failing: type[httpx.ConnectError] | None = None
        self.hanging = False

    @property
    def percents(self) -> list[int]:
        return [body["data"] for _, body in self.sent]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    seen, send = Requests(), PrefectClient.request

    async def counted(self: PrefectClient, method: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
        if path in ("/artifacts/", "/artifacts/{id}") and method != "DELETE":
            seen.sent.append((f"{method} {path}", kwargs.get("json")))
            if seen.failing is not None:
                raise seen.failing("no artifacts today")
            if seen.hanging:
                await asyncio.sleep(60)
        return await send(self, method, path, *args, **kwargs)

    monkeypatch.setattr(PrefectClient, "request", counted)
    return seen


async def artifacts(key: str) -> list[Artifact]:
    async with get_client() as client:
        return await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))


@pytest.mark.parametrize(
    ("told", "age", "percent"),
    [
        (None, 0, 0),
        (None, 90, 50),
        (None, 1e9, 95),
        (None, -5, 0),
        (0, 90, 50),
        (43.7, 1, 43),
        (0.4, 1, 0),
        (100, 1, 99),
    ],
)
def test_kies_percentage_comes_before_elapsed_time(told: float | None, age: float, percent: int) -> None:
    assert percent_done(told, age, 180) == percent


def test_keys_are_such_that_prefect_takes_them() -> None:
    assert artifact_key("progress", "281e5b0f39b9a7c4d2f0") == "kie-progress-a7c4d2f0"
    assert artifact_key("video", "Task_12/ü.X") == "kie-video-task12x"
    assert artifact_key("video", "—") == "kie-video-unknown"
    assert len(artifact_key("contact-sheet", "a" * 999)) == 26


async def test_outside_a_run_nothing_is_shown(requests: Requests, tmp_path: Path) -> None:
    await progress.show_progress(JobHandle(task_id="t", model="m"), None, age=1, usual=2)
    assert requests.sent == []
