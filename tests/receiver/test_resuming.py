"""Rings are followed up for a while: the suspended runs of their jobs are resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from prefect_kie.callbacks.receiver import resumer as resuming
from prefect_kie.callbacks.receiver.reading import Ring
from prefect_kie.callbacks.receiver.resumer import AFTER_SECONDS, Resumer


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The jobs of each pass after a ring, whose pauses take no time."""
    made: list[list[str]] = []

    async def resume_finished(jobs: Collection[str] | None) -> list[Any]:
        if jobs is None:
            return []
        made.append(sorted(jobs))
        return [SimpleNamespace(name="paper-boat")] if len(made) == 2 else []

    monkeypatch.setattr(resuming, "resume_finished", resume_finished)
    monkeypatch.setattr(resuming, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(resuming, "AFTER_SECONDS", tuple(after / 1000 for after in AFTER_SECONDS))
    return made


def ring(job: str, kind: Any = "done") -> Ring:
    return Ring(task_id=job, submission=None, kind=kind)


async def followed_up(resumer: Resumer) -> None:
    for _ in range(300):
        if not len(resumer):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a ring is followed up for ever")


async def test_each_ring_is_followed_up_some_times_and_then_left(passes: list[list[str]]) -> None:
    resumer = Resumer()
    resumer.start()
    resumer(ring("one"))
    resumer(ring("two"))
    await followed_up(resumer)
    assert passes[0] == ["one", "two"]  # together
    assert 1 < len(passes) <= 2 * len(AFTER_SECONDS)
    resumer(ring("three"))  # and so are later ones
    await followed_up(resumer)
    assert passes[-1] == ["three"]
    await resumer.stop()


async def test_progress_resumes_nothing(passes: list[list[str]]) -> None:
    resumer = Resumer()
    resumer.start()
    resumer(ring("one", "progress"))
    await asyncio.sleep(0.05)
    assert passes == []
    await resumer.stop()


async def test_a_flood_is_bounded(passes: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "MAX_FOLLOWED", 100)
    resumer = Resumer()
    for number in range(1000):
        resumer(ring(str(number)))
    assert len(resumer) == 100


async def test_a_server_that_is_away_is_told_once_and_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, passes: list[list[str]]
) -> None:
    asked = 0

    async def away(jobs: Collection[str] | None) -> list[Any]:
        nonlocal asked
        asked += jobs is not None  # what is looked for at the start is counted in a test of its own
        raise ConnectionError("the server is away")

    monkeypatch.setattr(resuming, "resume_finished", away)
    resumer = Resumer()
    resumer.start()
    resumer(ring("one"))
    await followed_up(resumer)
    await resumer.stop()
    assert asked > 1
    assert caplog.text.count("cannot be resumed for now") == 1


async def test_what_rang_while_nobody_was_there_is_looked_for_once_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, passes: list[list[str]]
) -> None:
    asked: list[Collection[str] | None] = []

    async def starting(jobs: Collection[str] | None) -> list[Any]:
        asked.append(jobs)
        if len(asked) < 3:
            raise ConnectionError("the server is not there yet")
        return [SimpleNamespace(name="paper-boat")]

    monkeypatch.setattr(resuming, "resume_finished", starting)
    caplog.set_level("INFO")
    resumer = Resumer()
    resumer.start()
    await asyncio.sleep(2 * resuming.AFTER_SECONDS[-1])
    assert asked == [None, None, None]
    assert caplog.text.count("Resumed the run paper-boat") == 1
    await resumer.stop()


async def test_a_ring_does_not_wait_for_what_is_looked_for_at_the_start(
    monkeypatch: pytest.MonkeyPatch, passes: list[list[str]]
) -> None:
    looking, resume = asyncio.Event(), resuming.resume_finished

    async def slow_at_first(jobs: Collection[str] | None = None) -> list[Any]:
        if jobs is None:
            looking.set()
            await asyncio.Event().wait()
        return await resume(jobs)

    monkeypatch.setattr(resuming, "resume_finished", slow_at_first)
    resumer = Resumer()
    resumer.start()
    await looking.wait()
    resumer(ring("one"))
    await followed_up(resumer)
    assert passes[0] == ["one"]
    await resumer.stop()
