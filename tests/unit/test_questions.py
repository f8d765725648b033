"""Answers of people, as they are kept in result storage."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

from prefect_kie.api import Job, JobState
from prefect_kie.human_input import questions
from prefect_kie.human_input.pick_slice import _question as slice_question
from prefect_kie.human_input.questions import keep_answer, kept_answer
from prefect_kie.models import Slice
from prefect_kie.storage.base import LocalStorage, Storage

GOOD = Slice(start=1, end=3)


@pytest.fixture(autouse=True)
def _kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def storage() -> Storage:
        return LocalStorage(tmp_path)

    monkeypatch.setattr(questions, "scope_storage", storage)


async def test_the_first_answer_counts_and_a_later_one_may_replace_it() -> None:
    assert await kept_answer("slice", Slice) is None
    assert await keep_answer("slice", GOOD, first=True) == GOOD
    other = Slice(start=5, end=7)
    assert await keep_answer("slice", other, first=True) == await kept_answer("slice", Slice) == GOOD
    assert await keep_answer("slice", other) == await kept_answer("slice", Slice) == other


@pytest.mark.parametrize("damaged", ["", "{}", "no JSON", '{"start": 3, "end": 1}'])
async def test_a_damaged_answer_is_none_and_is_replaced(damaged: str, tmp_path: Path) -> None:
    await keep_answer("slice", GOOD)
    (kept,) = (tmp_path / "kie-answers").iterdir()
    kept.write_text(damaged)
    assert await kept_answer("slice", Slice) is None
    assert await keep_answer("slice", GOOD, first=True) == await kept_answer("slice", Slice) == GOOD


@pytest.mark.parametrize(
    ("ui", "said"),
    [
        (
            "https://prefect.example/",
            "[contact sheet](https://prefect.example/artifacts/key/kie-contact-sheet-t1),",
        ),
        (None, "The contact sheet, the run's artifact `kie-contact-sheet-t1`,"),
    ],
)
def test_the_question_for_a_slice_links_the_contact_sheet(ui: str | None, said: str) -> None:
    job = Job(task_id="t1", model="m", state=JobState.SUCCESS, raw_state="success")
    with temporary_settings({PREFECT_UI_URL: ui} if ui else {}, restore_defaults={PREFECT_API_URL}):
        question = slice_question(1, job, 10.0, "", 4.0)
    assert said in question.text
