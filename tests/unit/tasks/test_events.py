"""The events of jobs, runs and batches: their shapes, and what a process remembers of them."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_kie.api import AuthenticationFailed, InsufficientCredits, JobFailed, KieError, UsageLimitReached
from prefect_kie.errors import BudgetExceeded, RunIncomplete
from prefect_kie.media.saved import SavedFile
from prefect_kie.run_page import events


def over_budget() -> BudgetExceeded:
    """What says that the budget of all runs has 3 credits left."""
    error = BudgetExceeded("it would cost 30 credits")
    error.left, error.budget = 3.0, "kie-credits"
    return error


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_REMEMBERED", 3)
    monkeypatch.setattr(events, "_reported", type(events._reported)())
    assert all(events.first_time(str(number)) for number in range(9))
    assert len(events._reported) == 3
    assert not events.first_time("8")


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is sent, and that of a run that reports for the first time."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(events, "emit_event", lambda **fields: sent.append(fields))
    monkeypatch.setattr(events, "_reported", type(events._reported)())
    return sent


@pytest.mark.parametrize(
    ("error", "name", "label"),
    [
        (InsufficientCredits("no"), "kie.flow-run.account-refused", ("kie.reason", "no-credits")),
        (AuthenticationFailed("no"), "kie.flow-run.account-refused", ("kie.reason", "key")),
        (UsageLimitReached("no"), "kie.flow-run.account-refused", ("kie.reason", "usage-limit")),
        (over_budget(), "kie.flow-run.budget-reached", ("kie.budget", "kie-credits")),
    ],
)
async def test_what_money_stops_is_told_once_with_its_reason(
    emitted: list[dict[str, Any]], error: KieError, name: str, label: tuple[str, str]
) -> None:
    incomplete = RunIncomplete("2 of 2 videos failed")
    incomplete.errors = (error, JobFailed("of no interest here"), error)
    await events.emit_refusals(incomplete)
    await events.emit_refusals(error)
    (event,) = emitted
    assert event["event"] == name
    assert label in event["resource"].items()
    assert event["payload"]["message"] == f"{error.message}. {error.next_step}"


async def test_other_errors_are_no_matter_of_money(emitted: list[dict[str, Any]]) -> None:
    await events.emit_refusals(JobFailed("heavy load"))
    assert emitted == []


async def test_a_batch_that_has_finished(emitted: list[dict[str, Any]]) -> None:
    for saved in (3, 2):
        await events.emit_batch_finished(
            "spring\n2026",
            counts={"saved": saved, "failed": 3 - saved},
            results="/videos/spring.results.csv",
            credits=30.0 * saved,
            credits_before=30.0,
            message=f"{saved} of 3 saved",
        )
    complete, incomplete = emitted
    assert complete["event"] == "kie.batch.finished"
    assert complete["resource"]["prefect.resource.id"] == "kie.batch.spring 2026"
    assert [one["resource"]["kie.complete"] for one in emitted] == ["yes", "no"]
    assert incomplete["payload"] == {
        "batch": "spring 2026",
        "rows": 3,
        "counts": {"saved": 2, "failed": 1},
        "results": "/videos/spring.results.csv",
        "credits": 60.0,
        "credits_before": 30.0,
        "message": "2 of 3 saved",
    }


@pytest.mark.parametrize(
    ("name", "role", "kind"),
    [
        ("a.mp4", "result", "video"),
        ("a.webp", "result", "image"),
        ("a.mp3", "result", "audio"),
        ("a.glb", "result", "file"),
        ("a.txt", "text", "text"),
        ("a_data.json", "data", "data"),
    ],
)
def test_the_kinds_of_saved_files(name: str, role: Any, kind: str) -> None:
    file = SavedFile(name=name, path=f"/videos/{name}", url=None, size=1, sha256="0", role=role)
    assert events._kind(file) == kind


async def test_what_the_server_does_not_answer_fails_nothing(
    emitted: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("the server is away")

    monkeypatch.setattr(events, "occasion", away)
    await events.emit_refusals(InsufficientCredits("no"))
    await events.emit_asked("kie-slice-1", "which slice?", until="later")
    assert emitted == []
