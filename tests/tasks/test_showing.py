"""What a run shows: an artifact per video and per character, a table of several videos."""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from prefect.client.schemas.objects import ArtifactCollection

from prefect_kie.api import CharacterResult, Job, JobState, RunIncomplete, Slice, Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import (
    CharacterTraits,
    character_series,
    collect_job,
    create_character,
    generate_video,
)
from prefect_kie.run_page import artifacts
from prefect_kie.run_page.artifacts import character_markdown, video_markdown
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import SavedFile, SavedResult
from tests.conftest import KEY, QUICK
from tests.tasks.test_markup import EVIL, rendered
from tests.tasks.test_saving import Shelf

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
SLICE = Slice(start=1, end=3.5)
TRAITS = CharacterTraits(character_prompt="a calm | cat", character_user_name="sofa_cat")
ENDED = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


async def latest(key: str) -> ArtifactCollection:
    async with get_client() as client:
        (found,) = await client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
        )
    return found


# What is written


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


# What is there


@pytest.mark.server
async def test_a_saved_video_is_shown_with_its_player_link_and_frame(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await generate_video(CAT, credentials, directory=tmp_path, poll=QUICK)
    (outcome,) = made.videos
    assert outcome.video is not None
    artifact = await latest(f"kie-video-{outcome.task_id}")
    text = str(artifact.data)
    assert artifact.type == "markdown"
    assert "a cat on a red sofa" in str(artifact.description)
    url = outcome.video.files[0].url
    assert f'<video controls preload="metadata" width="640" src="{url}"></video>' in text
    assert f"**[Play the video]({url})**" in text
    for fact in (outcome.video.path, CAT.prompt, "sora-2-text-to-video", "10 s", "30", str(outcome.task_id)):
        assert fact in text
    assert text.startswith("![A frame](data:image/jpeg;base64,")  # inside a link, one UI shows its text
    assert len(text) <= 33 * 1024
    assert KEY not in text


@pytest.mark.server
async def test_a_video_saved_elsewhere_has_its_frame_too(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    made = await generate_video(CAT, credentials, storage=Shelf(shelf="shown"), poll=QUICK)
    (outcome,) = made.videos
    assert outcome.video is not None
    text = str((await latest(f"kie-video-{outcome.task_id}")).data)
    assert outcome.video.path in text
    assert "![A frame](data:image/jpeg;base64," in text


@pytest.mark.server
async def test_a_run_again_shows_the_saved_video_again(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    first = await generate_video(CAT, credentials, directory=tmp_path, poll=QUICK, job_key="one")
    before = await latest(f"kie-video-{first.videos[0].task_id}")
    await generate_video(CAT, credentials, directory=tmp_path, poll=QUICK, job_key="one")
    after = await latest(f"kie-video-{first.videos[0].task_id}")
    assert (before.data, before.latest_id != after.latest_id) == (after.data, True)
    assert kie.stats()["file_requests"] == 1


@pytest.mark.server
async def test_a_series_shows_its_character_with_frames_and_a_table(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await character_series(
        CAT, TRAITS, ["{character} surfs"], SLICE, credentials=credentials, directory=tmp_path, poll=QUICK
    )
    assert made.character is not None
    character = await latest(f"kie-character-{made.character.task_id}")
    text = str(character.data)
    assert f"```\n@{made.character.handle}\n```" in text
    assert "1 to 3.5 s" in text
    for fact in (made.character.character_id, made.character.origin_task_id, made.character.task_id):
        assert fact in text
    frames = re.findall(r"data:image/jpeg;base64,[\w+/=]+", text)
    assert len(set(frames)) == 3
    assert len(text) <= 33 * 1024

    table = await latest("kie-videos")
    assert str(table.description).startswith(r"Videos of character-series\: a cat on a red sofa")
    rows = json.loads(str(table.data))
    assert [row["status"] for row in rows] == ["saved", "made", "saved", "total"]
    assert rows[0]["task id"] == made.original.task_id
    assert rows[2]["prompt"] == f"@{made.character.handle} surfs"


@pytest.mark.server
async def test_a_table_names_what_failed_too(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", skip=1, times=1, fail={"failCode": "500", "failMsg": "<b>heavy</b> load"})
    with pytest.raises(RunIncomplete) as caught:
        await generate_video(CAT, credentials, count=2, directory=tmp_path, poll=QUICK)
    rows = json.loads(str((await latest("kie-videos")).data))
    assert rows.pop()["status"] == "total"
    assert sorted(row["status"] for row in rows) == ["failed", "saved"]
    assert [row["task id"] for row in rows] == [video.task_id for video in caught.value.result.videos]
    for row in rows:
        assert (row["model"], row["prompt"]) == ("sora-2-text-to-video", CAT.prompt)
        if row["status"] == "saved":
            assert (row["length (s)"], row["credits"], row["error"]) == ("10", "30", "")
            assert row["link (14 days)"].startswith(kie.url)
            assert Path(row["saved as"]).is_file()
        else:
            assert "‹b›heavy‹/b› load" in row["error"]


@pytest.mark.server
async def test_a_character_of_a_video_that_was_saved_here_has_frames(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_kie.flows.characters.DEFAULT_DIRECTORY", tmp_path)
    made = await generate_video(CAT, credentials, directory=tmp_path, poll=QUICK)
    origin = str(made.videos[0].task_id)
    character = await create_character(origin, TRAITS, SLICE, credentials, poll=QUICK)
    key = f"kie-character-{character.task_id}"
    assert str((await latest(key)).data).count("data:image/jpeg") == 3

    await collect_job(character.task_id, credentials, poll=QUICK)  # elsewhere: by Kie's echo, no frames
    text = str((await latest(key)).data)
    assert "data:image" not in text
    assert "1 to 3.5 s" in text
    assert r"a calm \| cat" in text


@pytest.mark.server
async def test_artifacts_that_cannot_be_made_fail_no_run(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no artifacts today")

    monkeypatch.setattr(PrefectClient, "create_artifact", broken)
    with caplog.at_level(logging.DEBUG, "prefect.prefect_kie"):
        made = await generate_video(CAT, credentials, count=2, directory=tmp_path, poll=QUICK)
    assert [video.status for video in made.videos] == ["saved", "saved"]
    assert caplog.text.count("no artifacts today") == 3
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.server
async def test_a_mistake_in_what_is_shown_fails_no_run(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "video_markdown", lambda *_: 1 / 0)
    made = await generate_video(CAT, credentials, directory=tmp_path, poll=QUICK)
    assert made.videos[0].status == "saved"


async def test_outside_a_run_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Artifact, "acreate", lambda *_: 1 / 0)
    job, video = saved("a cat", "https://files.example/a.mp4")
    await artifacts.show_video.__wrapped__(job, video, None)  # type: ignore[attr-defined]
