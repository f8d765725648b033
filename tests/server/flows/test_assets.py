"""What is saved, as assets of Prefect: keys, metadata, and what was made from what, on a real server."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.assets import materialize
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.events import ReceivedEvent

from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import Output, generate_video
from prefect_kie.media import assets
from prefect_kie.models import Kling26ImageToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import kling_2_6_image_to_video, save_result, upload_file, wait_for_job
from tests.conftest import QUICK, QUICKLY
from tests.server.flows.test_characters import ORIGINAL, PROMPTS, credentials, kie, series
from tests.server.tasks.test_callback_waiter import stored_events

__all__ = ["credentials", "kie"]
pytestmark = [pytest.mark.server, pytest.mark.recorded]

MATERIALIZED, REFERENCED = "prefect.asset.materialization.succeeded", "prefect.asset.referenced"


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_INTEGRATIONS_KIE_ASSETS", "true")


async def events(name: str, *keys: str) -> list[ReceivedEvent]:
    """The events of assets whose keys begin so, in their order, once the server has written all of them."""
    await stored_events()
    async with get_client() as client:
        found = await client.read_events(EventFilter(event=EventNameFilter(name=[name])), limit=50)
    mine = [event for event in found.events if event.resource.id.startswith(keys)]
    return sorted(mine, key=lambda event: event.occurred)


def upstream(event: ReceivedEvent) -> set[str]:
    return {one.id for one in event.related if one.role == "asset"}


async def test_a_series_is_a_line_from_the_original_to_the_film(
    on: None, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    """Original, character, episodes and film: each made from the one before, with what it cost."""
    made = await series(credentials, tmp_path, "asset_cat", "kling-3.0/video", film="when whole")
    directory, cat = f"file://{tmp_path}", "block://kie-character/asset-cat"
    assert made.original is not None
    first, *episodes, film = (
        f"file://{path}" for path in [made.original.saved.path, *made.paths, made.film or ""]
    )
    found = {event.resource.id: event for event in await events(MATERIALIZED, directory, cat)}
    assert {key: upstream(event) for key, event in found.items()} == {
        first: set(),
        cat: {first},
        **{episode: {cat} for episode in episodes},
        film: {*episodes},
    }
    job = kie.stats()["jobs"][0]
    size = Path(made.original.saved.path).stat().st_size
    told = found[first].payload
    assert {name: told[name] for name in ("model", "task_id", "credits", "prompt", "bytes", "role")} == {
        "model": "wan/3-0-video",
        "task_id": job["task_id"],
        "credits": job["credits"],
        "prompt": ORIGINAL.prompt,
        "bytes": size,
        "role": "result",
    }
    assert told["seconds"] == pytest.approx(5, abs=0.1)
    assert (found[first].resource["prefect.asset.description"], found[first].resource.name) == (
        ORIGINAL.prompt,
        Path(made.original.saved.path).name,
    )
    by = {
        key: [one.id for one in event.related if one.role == "asset-materialized-by"]
        for key, event in found.items()
    }
    assert (by[first], by[episodes[0]], by[film]) == (["wan/3-0-video"], ["kling-3.0/video"], ["prefect-kie"])
    assert (found[cat].payload["start"], found[cat].payload["clip"]) == (
        1,
        made.character and made.character.clip,
    )
    assert found[film].payload["episodes"] == len(PROMPTS)
    assert found[film].payload["bytes"] == Path(made.film or "").stat().st_size
    roles = {one.role for one in found[episodes[0]].related}
    assert {"flow-run", "task-run"} <= roles
    # Another process knows nothing of the first, and reports the same.
    assets._assets.clear()
    again = await series(credentials, tmp_path, "asset_cat", "kling-3.0/video", film="when whole")
    assert again.film == made.film
    repeated = await events(MATERIALIZED, directory, cat)
    assert [upstream(event) for event in repeated] == [
        upstream(found[event.resource.id]) for event in repeated
    ]
    assert len(repeated) == 2 * len(found)
    assert {event.resource.id for event in await events(REFERENCED, directory, cat)} == {
        first,
        cat,
        *episodes,
    }


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A picture at a place whose name no key may hold."""
    file = tmp_path / "my boat & me.png"
    file.write_bytes(bytes.fromhex("89504e470d0a1a0a") + b"picture")
    return file


async def test_tasks_of_ones_own_have_their_lineage_too(
    on: None, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, picture: Path
) -> None:
    """An uploaded file and a web address are upstream of a result; the result is upstream of a task's own."""
    trailer = f"file://{tmp_path}/trailer.mp4"

    @materialize(trailer)
    async def cut(saved: Any) -> str:
        return str(saved.path)

    @flow
    async def pipeline() -> tuple[str, str, str]:
        uploaded = await upload_file(picture, credentials)
        request = Kling26ImageToVideo(prompt="It sails", image_urls=[uploaded.url], sound=False)
        handle = await kling_2_6_image_to_video(request, credentials)
        first = await save_result(
            await wait_for_job(handle, credentials, poll=QUICK), credentials, directory=tmp_path
        )
        await cut(first)
        request = Kling26ImageToVideo(
            prompt="It goes on", image_urls=["https://a.example/b.png?key=s"], sound=False
        )
        handle = await kling_2_6_image_to_video(request, credentials)
        again = await save_result(
            await wait_for_job(handle, credentials, poll=QUICK), credentials, directory=tmp_path
        )
        return first.path, again.path, uploaded.url

    first, again, address = await pipeline()
    found = {event.resource.id: event for event in await events(MATERIALIZED, f"file://{tmp_path}")}
    assert {key: upstream(event) for key, event in found.items()} == {
        f"file://{first}": {f"file://{tmp_path}/my_boat___me.png"},
        trailer: {f"file://{first}"},
        f"file://{again}": {"https://a.example/b.png"},
    }
    assert address not in str(found)


async def test_by_default_there_are_none(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await generate_video(ORIGINAL, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert made.path
    assert not await events(MATERIALIZED, f"file://{tmp_path}")


async def test_one_that_cannot_be_reported_fails_nothing(
    on: None,
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A key that Prefect does not take: the result is saved all the same, and the log says it once."""
    long = tmp_path / "/".join(["x" * 100] * 6)
    with caplog.at_level(logging.WARNING):
        made = await generate_video(ORIGINAL, credentials, output=Output(directory=long), waiting=QUICKLY)
    assert Path(made.path).is_file()
    told = [one.getMessage() for one in caplog.records if "asset" in one.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("What was saved is not reported as an asset (ValidationError")
    assert not await events(MATERIALIZED, f"file://{tmp_path}")
