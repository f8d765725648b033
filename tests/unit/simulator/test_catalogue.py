"""The catalogue's four calls, as a client sees them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from prefect_kie.simulator.settings import PAUSED_TODAY

from .conftest import NewWorld, World

CALLS = ["", "/kling-3.0/video/schema", "/kling-3.0/video/price", "/kling-3.0/video/success-rate"]


async def ask(world: World, path: str, **params: str) -> Any:
    world.pass_time(1)
    return await world.ask("GET", f"/api/v1/models{path}", params=params)


async def names(world: World, **params: str) -> set[str]:
    data = (await ask(world, "", **params))["data"]
    assert data["total"] == len(data["models"])
    return {model["model"] for model in data["models"]}


async def test_it_lists_live_models_sora_unless_paused_and_the_extra_ones(new_world: NewWorld) -> None:
    listed = await names(new_world())
    assert len(listed) == 181 + 10 + 1
    assert {"kling-3.0/video", "gemini-omni-audio", "sora-2-text-to-video", "acme/any-video"} < listed
    assert "sora-2-text-to-video" not in await names(new_world(paused_models=PAUSED_TODAY))


async def test_it_filters_by_kind_provider_and_words(world: World) -> None:
    assert len(await names(world, taskType="text-to-speech,lip-sync")) == 7 + 6
    assert "kling-3.0/video" in await names(world, provider="kling", taskType="image-to-video")
    assert await names(world, q="Kling 3.0", taskType="text-to-image") == set()
    assert await names(world, q="z-image") == {"z-image"}


async def test_a_row_is_as_kie_gives_it(world: World) -> None:
    [row] = (await ask(world, "", q="kling-3.0/video"))["data"]["models"]
    assert row == {
        "model": "kling-3.0/video",
        "slug": "kling-3.0-video",
        "title": "Kling 3.0",
        "provider": "kling",
        "taskType": ["text-to-video", "image-to-video"],
        "description": None,
        "pricingDesc": "per s, silent/sound: std 14/20, pro 18/27, 4K 67",
    }


async def input_schema(world: World, model: str) -> Any:
    """Follow the document's percent-encoded reference to the input."""
    data = (await ask(world, f"/{model}/schema"))["data"]
    assert data["model"] == model
    [path] = data["openapi"]["paths"]
    content = data["openapi"]["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = unquote(content["properties"]["input"]["$ref"].rpartition("/")[2])
    assert name.endswith(" ")
    return data["openapi"]["components"]["schemas"][name]


async def test_a_schema_is_an_openapi_document(world: World) -> None:
    schema = await input_schema(world, "kling-2.6/text-to-video")
    assert schema["required"] == ["prompt", "sound", "aspect_ratio", "duration"]
    assert schema["properties"]["prompt"] == {"type": "string", "maxLength": 1000}
    assert schema["properties"]["duration"] == {"type": "string", "enum": ["5", "10"], "default": "5"}
    shots = (await input_schema(world, "kling-3.0/video"))["properties"]["multi_prompt"]["items"]
    assert shots["properties"]["duration"] == {"type": "integer", "minimum": 1, "maximum": 12}
    assert shots["required"] == ["prompt", "duration"]


async def test_shapes_are_alternatives(world: World) -> None:
    schema = await input_schema(world, "grok-imagine-image-2-0/segment-map")
    assert [shape["required"] for shape in schema["oneOf"]] == [["task_id"], ["image_url"]]
    assert [list(shape["properties"]) for shape in schema["oneOf"]] == [["task_id"], ["image_url"]]


async def test_there_may_be_no_schema_yet(world: World) -> None:
    model = "acme/any-video"
    assert (await ask(world, f"/{model}/schema"))["data"] == {"model": model, "openapi": None}


async def test_prices_are_words_and_success_comes_in_144_points(world: World) -> None:
    price = (await ask(world, "/sora-2-text-to-video/price"))["data"]
    assert price == {"model": "sora-2-text-to-video", "pricingDesc": "30 credits per run"}
    points = (await ask(world, "/kling-3.0/video/success-rate"))["data"]["points"]
    assert len(points) == 144
    assert {point["end"] - point["start"] for point in points} == {600_000}
    assert any(point["successRate"] is None for point in points)
    assert all(point["successRate"] in (None,) or 90 < point["successRate"] <= 100 for point in points)


@pytest.mark.parametrize("path", ["/nobody/schema", "/kling-3.0%2Fvideo/price", "/x/y/success-rate"])
async def test_what_is_unknown_is_answered_404(world: World, path: str) -> None:
    assert (await ask(world, path))["code"] == 404


async def test_all_four_share_one_call_a_second(new_world: NewWorld) -> None:
    world = new_world()
    codes = [(await world.ask("GET", f"/api/v1/models{path}"))["code"] for path in CALLS]
    assert codes == [200, 429, 429, 429]
    assert {(await ask(world, path))["code"] for path in CALLS} == {200}
    free = new_world(catalog_per_second=None)
    assert {(await free.ask("GET", f"/api/v1/models{path}"))["code"] for path in CALLS} == {200}


async def test_the_key_is_checked_and_faults_strike(new_world: NewWorld) -> None:
    world = new_world(api_keys=("another",))
    assert {(await ask(world, path))["code"] for path in CALLS} == {401}
    world = new_world()
    await world.fault("catalog", code=455)
    assert (await ask(world, ""))["code"] == 455
