"""Rows and prompts that are more than a run's record takes (512 KiB): they are made all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import State

from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import CharacterTraits, Output, character_series, generate_batch
from prefect_kie.models import Slice, Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICKLY
from tests.server.flows.test_questions import Deployed, stored

pytestmark = pytest.mark.server

MODEL = "sora-2-text-to-video"
LIMIT = 512 * 1024


def rows(count: int, characters: int, letter: str = "x") -> list[dict[str, Any]]:
    return [{"model": MODEL, "prompt": f"{number} ".ljust(characters, letter)} for number in range(count)]


def plan(folder: Path) -> dict[str, Any]:
    return {"output": Output(directory=folder), "dry_run": True, "return_state": True}


async def recorded(state: State[Any]) -> dict[str, Any]:
    assert state.state_details.flow_run_id is not None
    async with get_client() as client:
        return (await client.read_flow_run(state.state_details.flow_run_id)).parameters


async def test_three_thousand_rows_of_a_thousand_characters_are_read(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    run: Any = generate_batch
    state = await run(rows(3000, 1000), credentials, **plan(tmp_path))
    assert (await state.aresult()).counts == {"to submit": 3000, "submitted before": 0}
    kept = await recorded(state)
    assert kept["manifest"].startswith("kept out of the run's record: 3,")
    assert kept["dry_run"] is True


async def test_rows_that_the_record_does_not_take_are_made(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    given = rows(10, 9000, "雪")  # six bytes each, as JSON
    made = await generate_batch(given, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert made.counts == {"saved": 10}
    assert kie.stats()["created"] == 10


async def test_prompts_that_the_record_does_not_take_are_made(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    prompts = [f"{{character}} {number}: {'雪' * 9000}" for number in range(10)]
    made = await character_series(
        Sora2TextToVideo(prompt="a cat"),
        CharacterTraits(character_prompt="calm"),
        prompts,
        Slice(start=1, end=3),
        credentials=credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
    )
    assert [episode.status for episode in made.episodes] == ["saved"] * 10


async def test_what_fits_is_recorded_whole(credentials: KieCredentials, tmp_path: Path) -> None:
    run: Any = generate_batch
    given = rows(100, 1000)
    state = await run(given, credentials, **plan(tmp_path))
    assert (await recorded(state))["manifest"] == given


async def test_a_deployments_run_is_refused_with_the_size_and_a_file_is_the_way(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    output = {"directory": str(tmp_path)}
    given = {"credentials": await stored(credentials), "output": output, "dry_run": True}
    with pytest.raises((PrefectHTTPStatusError, httpx.HTTPError), match=r"less than 524,288 bytes"):
        await Deployed.of(generate_batch, {**given, "manifest": rows(600, 1000)})
    manifest = tmp_path / "rows.csv"
    manifest.write_text(
        "model,prompt\n" + "".join(f"{row['model']},{row['prompt']}\n" for row in rows(600, 1000))
    )
    state = await (await Deployed.of(generate_batch, {**given, "manifest": str(manifest)})).work()
    assert (await state.aresult()).counts["to submit"] == 600
    async with get_client() as client:
        named = FlowRunFilter(name=FlowRunFilterName(any_=["generate-batch (plan): rows.csv"]))
        assert await client.read_flow_runs(flow_run_filter=named)
    assert kie.stats()["created"] == 0
