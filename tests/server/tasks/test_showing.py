"""What a run shows: an artifact per video and per character, a table of several videos."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.client.schemas.objects import Artifact, ArtifactCollection
from prefect.runtime import flow_run

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import Output, character_series, collect_job, create_character, generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.run_page import artifacts
from prefect_kie.run_page.markdown import escaped
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import save_result, sora_2_text_to_video, wait_for_job
from tests.conftest import KEY, QUICK, QUICKLY
from tests.server.tasks.test_saving import Shelf
from tests.unit.tasks.test_showing import SLICE, TRAITS

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")


async def latest(key: str) -> ArtifactCollection:
    async with get_client() as client:
        (found,) = await client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
        )
    return found


async def shown_by(run: str, *keys: str) -> list[Artifact]:
    """What a flow run shows."""
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run)]))
    if keys:
        wanted.key = ArtifactFilterKey(any_=list(keys))
    async with get_client() as client:
        return await client.read_artifacts(artifact_filter=wanted)


@pytest.mark.server
async def test_a_saved_video_is_shown_with_its_player_link_and_frame(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    (outcome,) = made.videos
    assert outcome.video is not None
    artifact = await latest("kie-overview")
    text = str(artifact.data)
    assert artifact.type == "markdown"
    assert "a cat on a red sofa" in str(artifact.description)
    url = outcome.video.files[0].url
    assert f'<video controls preload="metadata" width="640" src="{url}"></video>' in text
    assert f"**[Play the video]({url})**" in text
    for fact in (outcome.video.path, CAT.prompt, "sora-2-text-to-video", "10 s", "30", str(outcome.task_id)):
        assert fact in text
    assert "\n![A frame](data:image/jpeg;base64," in text  # inside a link, one UI shows its text
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
    text = str((await latest("kie-overview")).data)
    assert outcome.video.path in text
    assert "![A frame](data:image/jpeg;base64," in text


@pytest.mark.server
async def test_an_overview_is_sent_now_and_then_and_whole_at_the_end(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    send = artifacts._send

    async def counted(shown: artifacts._Shown, fields: dict[str, str], body: dict[str, Any]) -> None:
        await send(shown, fields, body)
        sent.append(str(body["data"]))

    monkeypatch.setattr(artifacts, "_send", counted)
    monkeypatch.setattr(artifacts, "PROGRESS_SECONDS", 1000.0)
    made = await generate_video(CAT, credentials, count=4, output=Output(directory=tmp_path), waiting=QUICKLY)
    # The first result at once, all of them when the last is there, and the table of all at their head.
    assert [text.count("**Task id:**") for text in sent] == [1, 4, 4]
    shown = str((await latest("kie-overview")).data)
    assert shown == sent[-1]
    assert all(str(one.task_id) in shown for one in made.videos)


@pytest.mark.server
async def test_a_run_that_goes_on_in_another_process_shows_nothing_twice(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    @flow
    async def twice() -> str | None:
        for _ in range(2):
            handle = await sora_2_text_to_video(CAT, credentials)
            job = await wait_for_job(handle, credentials, poll=QUICK)
            await save_result(job, credentials, directory=tmp_path)
            artifacts._shown.cache_clear()
        return flow_run.get_id()

    run = str(await twice())
    (overview,) = await shown_by(run, "kie-overview")
    assert str(overview.data).count("**Task id:**") == 1
    assert kie.stats()["file_requests"] == 1


@pytest.mark.server
async def test_a_series_of_three_shows_at_most_eight_artifacts_all_of_it_in_one_overview(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    prompts = ["{character} surfs", "{character} sleeps", "{character} flies"]
    made = await character_series(
        CAT,
        TRAITS,
        prompts,
        SLICE,
        credentials=credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
    )
    assert made.character is not None
    overview = await latest("kie-overview")
    text = str(overview.data)
    assert str(overview.description).startswith(r"Overview of character-series\: a cat on a red sofa")
    assert text.startswith("**4 videos, 1 character, ")
    for one in (made.original, made.character, *made.episodes):
        assert text.count(f"- **Task id:** `{one.task_id}`") == 1
    table = [line for line in text.splitlines() if line.startswith(("| saved", "| made", "| total"))]
    assert [line.split(" | ")[0] for line in table] == ["| saved", "| made", *["| saved"] * 3, "| total"]
    assert escaped(f"@{made.character.handle} surfs") in table[2]

    assert f"```\n@{made.character.handle}\n```" in text
    assert "1 to 3.5 s" in text
    for fact in (made.character.character_id, made.character.origin):
        assert fact in text
    assert len(set(re.findall(r"!\[Frame \d\]\((data:image/jpeg;base64,[\w+/=]+)", text))) == 3

    every = await shown_by(str(overview.flow_run_id))
    assert len(every) <= 8
    assert max(len(str(artifact.key)) for artifact in every) <= 26


@pytest.mark.server
async def test_the_overview_names_what_failed_too(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", skip=1, times=1, fail={"failCode": "500", "failMsg": "<b>heavy</b> load"})
    with pytest.raises(RunIncomplete) as caught:
        await generate_video(CAT, credentials, count=2, output=Output(directory=tmp_path), waiting=QUICKLY)
    text = str((await latest("kie-overview")).data)
    rows = [line for line in text.splitlines() if line.startswith(("| saved", "| failed"))]
    for row, video in zip(rows, caught.value.result.videos, strict=True):
        assert escaped(video.task_id) in row
        if video.status == "saved":
            assert f"| 10 | 30 | [open]({kie.url}" in row
        else:
            assert "‹b›heavy‹/b› load" in row


@pytest.mark.server
async def test_a_character_of_a_video_that_was_saved_here_has_frames(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_kie.flows._characters.DEFAULT_DIRECTORY", tmp_path)
    made = await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    origin = str(made.videos[0].task_id)
    character = await create_character(origin, TRAITS, SLICE, credentials, waiting=QUICKLY)
    assert str((await latest("kie-overview")).data).count("data:image/jpeg") == 3

    await collect_job(character.task_id, credentials, waiting=QUICKLY)  # elsewhere: by Kie's echo, no frames
    text = str((await latest("kie-overview")).data)
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

    monkeypatch.setattr(artifacts, "_store", broken)
    with caplog.at_level(logging.DEBUG, "prefect.prefect_kie"):
        made = await generate_video(
            CAT, credentials, count=2, output=Output(directory=tmp_path), waiting=QUICKLY
        )
    assert [video.status for video in made.videos] == ["saved", "saved"]
    assert "no artifacts today" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.server
async def test_a_mistake_in_what_is_shown_fails_no_run(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts.sections, "result_section", lambda *_: 1 / 0)
    made = await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert made.videos[0].status == "saved"
