"""What a run shows: an artifact per video and per character, a table of several videos."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

from prefect_kie.api import CharacterResult, Job, JobState
from prefect_kie.flows import (
    CharacterTraits,
)
from prefect_kie.models import Slice
from prefect_kie.run_page import artifacts
from prefect_kie.run_page.sections import (
    character_section,
    result_section,
    table_head,
    with_head,
    with_section,
)
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
    shown = rendered(result_section(job, video, "data:image/jpeg;base64,AAAA"))
    assert set(re.findall(r"<([a-zA-Z0-9]+)", shown)) <= ALLOWED
    assert shown.count("<img ") == 1
    assert shown.count("<video ") == 1
    assert shown.count("<li>") == 7
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
    shown = rendered(character_section(job, result, origin, ["data:image/jpeg;base64,AAAA"] * 3))
    assert set(re.findall(r"<([a-zA-Z0-9]+)", shown)) <= ALLOWED | TABLE
    assert shown.count("<pre>") == 1
    assert shown.count("<td><img ") == 3  # beside each other
    assert "href" not in shown


def test_an_address_that_is_none_is_no_link() -> None:
    job, video = saved("a cat", "javascript:alert(1)")
    shown = rendered(result_section(job, video, None))
    assert "href" not in shown
    assert "<video" not in shown


def test_a_picture_has_no_player() -> None:
    job, video = saved("a cat", "https://files.example/a.png", name="a.png")
    shown = rendered(result_section(job, video, None))
    assert "<video" not in shown
    assert "Open the file" in shown


def test_a_character_without_a_handle_is_told_by_its_id() -> None:
    job, _ = saved("a cat", "https://files.example/a.mp4")
    shown = character_section(job, CharacterResult(character_id="ch_1"), None, [])
    assert "no handle" in shown
    assert "`ch_1`" in shown


async def test_outside_a_run_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "get_client", lambda: 1 / 0)
    job, video = saved("a cat", "https://files.example/a.mp4")
    await artifacts.show_result(job, video, None)


PICTURE = "data:image/jpeg;base64,AAAA"


def section(number: int, picture: str | None = PICTURE) -> str:
    job, video = saved(f"cat {number}", f"https://files.example/{number}.mp4")
    return result_section(job, video, picture)


def test_an_overview_has_each_job_once_in_order() -> None:
    overview = with_section(with_section("", section(1)), section(2))
    again = with_section(overview, section(1))
    assert again.count("**Task id:**") == 2
    assert [line for line in again.splitlines() if "Task id" in line] == [
        "- **Task id:** `cat 2`",
        "- **Task id:** `cat 1`",
    ]


def test_an_overview_is_bounded() -> None:
    overview = ""
    for number in range(100):
        overview = with_section(overview, section(number))
    assert overview.count(PICTURE) == 8
    assert overview.count("**Task id:**") == 50


@pytest.mark.parametrize("text", EVIL)
def test_the_head_of_an_overview_is_a_table_in_which_nothing_acts(text: str) -> None:
    row = {"status": "saved", "prompt": text, "link (14 days)": "https://files.example/a.mp4", "error": ""}
    head = table_head([row], "1 video, 30 credits", (text, 6.04))
    overview = with_head(with_head(with_section("", section(1)), "earlier"), head)
    assert "earlier" not in overview
    assert overview.count("**Task id:**") == 1
    shown = rendered(head)
    assert set(re.findall(r"<([a-zA-Z0-9]+)", shown)) <= ALLOWED | TABLE
    assert shown.count("<td>") == 3  # no column for errors where there is none
    assert re.findall(r'href="([^"]*)', shown) == ["https://files.example/a.mp4"]
    assert shown.count("</code>, 6.0 s</p>") == 1
    assert "Film" not in table_head([row], "1 video, 30 credits")
    assert "credits**\n\nRedo\n\n| status" in table_head([row], "1 video, 30 credits", offer="Redo")


@pytest.mark.parametrize(
    ("sizes", "summary"),
    [
        ([900], "Saved 1 file, 0.9 KB, 30 credits"),
        ([11_900_000, 150_000], "Saved 2 files, 12.1 MB, 30 credits"),
    ],
)
def test_what_was_saved_in_a_few_words(sizes: list[int], summary: str) -> None:
    _, video = saved("a cat", "https://files.example/a.mp4")
    files = tuple(video.files[0].model_copy(update={"size": size}) for size in sizes)
    assert video.model_copy(update={"files": files}).summary == summary
