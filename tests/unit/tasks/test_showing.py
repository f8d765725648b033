"""What a run shows: an artifact per video and per character, a table of several videos."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from prefect.artifacts import Artifact

from prefect_kie.api import CharacterResult, Job, JobState
from prefect_kie.flows import (
    CharacterTraits,
)
from prefect_kie.models import Slice
from prefect_kie.run_page import artifacts
from prefect_kie.run_page.artifacts import character_markdown, video_markdown
from prefect_kie.tasks import SavedFile, SavedResult
from tests.unit.tasks.test_markup import EVIL, rendered

SLICE = Slice(start=1, end=3.5)


TRAITS = CharacterTraits(character_prompt="a calm | cat", character_user_name="sofa_cat")


ENDED = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def saved(text: str, url: str, name: str = "a.mp4") -> tuple[Job, SavedResult]:
    """A job whose every text is the given one, and what was saved of it."""
    job = Job(
        task_id=text[:100],
        model=text,
        state=JobState.SUCCESS,
        completed_at=ENDED,
        request_body={"model": "x/y", "input": {"prompt": text}},
    )
    file = SavedFile(name=name, path=text, url=url, size=1, sha256="0", seconds=10.0)
    video = SavedResult(
        task_id=job.task_id,
        model=text,
        request=job.request_body,
        credits=30.0,
        created_at=None,
        completed_at=ENDED,
        saved_at=ENDED,
        files=(file, file),
    )
    return job, video


ALLOWED = {"p", "a", "img", "video", "strong", "ul", "li", "code", "pre"}


TABLE = {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_a_videos_artifact_acts(text: str) -> None:
    job, video = saved(text, f'https://files.example/{text}"><script>')
    shown = rendered(video_markdown(job, video, "data:image/jpeg;base64,AAAA"))
    assert set(re.findall(r"<([a-zA-Z0-9]+)", shown)) <= ALLOWED
    assert shown.count("<img ") == 1
    assert shown.count("<video ") == 1
    assert shown.count("<li>") == 8
    assert all(href.startswith("https://files.example/") for href in re.findall(r'href="([^"]*)', shown))
    assert not re.findall(r"<[^>]* on[a-z]+=", shown)
    assert "2026-01-15" in shown


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_a_characters_artifact_acts(text: str) -> None:
    job, _ = saved(text, "https://files.example/a.mp4")
    result = CharacterResult(character_id=text, character_user_name=text)
    origin = TRAITS.request("origin", SLICE).model_copy(
        update={"character_prompt": text, "origin_task_id": text}
    )
    shown = rendered(character_markdown(job, result, origin, ["data:image/jpeg;base64,AAAA"] * 3))
    assert set(re.findall(r"<([a-zA-Z0-9]+)", shown)) <= ALLOWED | TABLE
    assert shown.count("<pre>") == 1
    assert shown.count("<td><img ") == 3  # beside each other
    assert "href" not in shown


def test_an_address_that_is_none_is_no_link() -> None:
    job, video = saved("a cat", "javascript:alert(1)")
    shown = rendered(video_markdown(job, video, None))
    assert "href" not in shown
    assert "<video" not in shown


def test_a_picture_has_no_player() -> None:
    job, video = saved("a cat", "https://files.example/a.png", name="a.png")
    shown = rendered(video_markdown(job, video, None))
    assert "<video" not in shown
    assert "Open the file" in shown


def test_a_character_without_a_handle_is_told_by_its_id() -> None:
    job, _ = saved("a cat", "https://files.example/a.mp4")
    shown = character_markdown(job, CharacterResult(character_id="ch_1"), None, [])
    assert "no handle" in shown
    assert "`ch_1`" in shown


async def test_outside_a_run_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Artifact, "acreate", lambda *_: 1 / 0)
    job, video = saved("a cat", "https://files.example/a.mp4")
    await artifacts.show_video.__wrapped__(job, video, None)  # type: ignore[attr-defined]
