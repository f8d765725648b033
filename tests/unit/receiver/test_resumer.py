"""Callbacks are followed up for a while: the suspended runs of their jobs are resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from prefect_kie.callbacks.receiver import DELAYS, Resumer, create_app
from tests.receiving import NOW, block, body, signed

RUNS: Any = [SimpleNamespace(name="paper-boat")]


class Runs:
    """Notes what is asked for; its first answers may be errors."""

    def __init__(self, failures: int = 0) -> None:
        self.attempts: list[list[str]] = []
        self.at_start = 0
        self.failures = failures

    async def resume(self, jobs: Collection[str] | None) -> Any:
        if jobs is None:
            self.at_start += 1
        else:
            self.attempts.append(sorted(jobs))
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the server is away")
        return RUNS if jobs is None else []


def quick(resume: Any) -> Resumer:
    """A resumer that attempts two hundred times as fast."""
    return Resumer(resume, delays=[delay / 200 for delay in DELAYS], pause=0.005)


async def all_attempts() -> None:
    await asyncio.sleep(DELAYS[-1] / 200 + 0.05)


async def test_burst() -> None:
    """Callbacks that come together are followed up together, a few times, and then left."""
    runs = Runs()
    resumer = quick(runs.resume)
    async with resumer.running():
        for number in range(100):
            resumer.follow_up(f"job-{number % 50}")
        await all_attempts()
        assert len(runs.attempts[0]) == 50
        assert 1 < len(runs.attempts) < 50  # of 600, if each were followed up alone
        done = len(runs.attempts)
        await all_attempts()
        assert len(runs.attempts) == done
        resumer.follow_up("later")
        await asyncio.sleep(0.02)
        assert runs.attempts[-1] == ["later"]


async def test_server_away(caplog: pytest.LogCaptureFixture) -> None:
    """A server that is away is asked again; no attempt ends the others."""
    runs = Runs(failures=3)
    resumer = quick(runs.resume)
    async with resumer.running():
        resumer.follow_up("one")
        await all_attempts()
    assert len(runs.attempts) > 2
    assert "cannot be resumed for now (ConnectionError)" in caplog.text


async def test_start(caplog: pytest.LogCaptureFixture) -> None:
    """What ended while no receiver ran is looked for at the start, until that succeeds once."""
    caplog.set_level("INFO")
    runs = Runs(failures=2)
    async with quick(runs.resume).running():
        await all_attempts()
    assert runs.at_start == 3
    assert caplog.text.count("Resumed the run paper-boat") == 1


async def test_start_holds_up_nothing() -> None:
    """A callback does not wait for what is looked for at the start."""
    runs = Runs()

    async def slow_at_first(jobs: Collection[str] | None) -> Any:
        if jobs is None:
            await asyncio.Event().wait()
        return await runs.resume(jobs)

    resumer = quick(slow_at_first)
    async with resumer.running():
        resumer.follow_up("one")
        await all_attempts()
    assert runs.attempts[0] == ["one"]


async def test_app() -> None:
    """The app answers without waiting for it, and follows up only a job's end whose event was sent."""
    runs = Runs()
    answers: list[int] = []

    async def never(jobs: Collection[str] | None) -> Any:
        await runs.resume(jobs)
        await asyncio.Event().wait()

    async def send(callback: Any) -> None:
        if callback.task_id == "unsent":
            raise ConnectionError

    app = create_app(block(), resume=never, send=send, clock=lambda: NOW)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver") as client,
    ):
        for path, job in (("progress", "making"), ("done", "unsent"), ("done", "done")):
            answer = await client.post(f"/kie/{path}", json=body(job), headers=signed(job))
            answers.append(answer.status_code)
        await asyncio.sleep(0.01)
    assert answers == [200, 503, 200]
    assert runs.attempts == [["done"]]
