"""What a run shows: an artifact per video and per character, a table of several videos."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from prefect.client.schemas.objects import ArtifactCollection

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import (
    Output,
    Scope,
    character_series,
    collect_job,
    create_character,
    generate_video,
)
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.run_page import artifacts
from prefect_kie.simulator import SimulatorServer
from tests.conftest import KEY, QUICKLY
from tests.server.tasks.test_saving import Shelf
from tests.unit.tasks.test_showing import SLICE, TRAITS

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")


async def latest(key: str) -> ArtifactCollection:
    async with get_client() as client:
        (found,) = await client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
        )
    return found


@pytest.mark.server
async def test_a_saved_video_is_shown_with_its_player_link_and_frame(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
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
    made = await generate_video(
        CAT, credentials, output=Output(storage=Shelf(shelf="shown")), waiting=QUICKLY
    )
    (outcome,) = made.videos
    assert outcome.video is not None
    text = str((await latest(f"kie-video-{outcome.task_id}")).data)
    assert outcome.video.path in text
    assert "![A frame](data:image/jpeg;base64," in text


@pytest.mark.server
async def test_a_run_again_shows_the_saved_video_again(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    first = await generate_video(
        CAT,
        credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
        scope=Scope(job_key="one"),
    )
    before = await latest(f"kie-video-{first.videos[0].task_id}")
    await generate_video(
        CAT,
        credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
        scope=Scope(job_key="one"),
    )
    after = await latest(f"kie-video-{first.videos[0].task_id}")
    assert (before.data, before.latest_id != after.latest_id) == (after.data, True)
    assert kie.stats()["file_requests"] == 1


@pytest.mark.server
async def test_a_series_shows_its_character_with_frames_and_a_table(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await character_series(
        CAT,
        TRAITS,
        ["{character} surfs"],
        SLICE,
        credentials=credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
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
        await generate_video(CAT, credentials, count=2, output=Output(directory=tmp_path), waiting=QUICKLY)
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
    made = await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    origin = str(made.videos[0].task_id)
    character = await create_character(origin, TRAITS, SLICE, credentials, waiting=QUICKLY)
    key = f"kie-character-{character.task_id}"
    assert str((await latest(key)).data).count("data:image/jpeg") == 3

    await collect_job(character.task_id, credentials, waiting=QUICKLY)  # elsewhere: by Kie's echo, no frames
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
        made = await generate_video(
            CAT, credentials, count=2, output=Output(directory=tmp_path), waiting=QUICKLY
        )
    assert [video.status for video in made.videos] == ["saved", "saved"]
    assert caplog.text.count("no artifacts today") == 3
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.server
async def test_a_mistake_in_what_is_shown_fails_no_run(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "video_markdown", lambda *_: 1 / 0)
    made = await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert made.videos[0].status == "saved"
