"""Every model of the catalogue, and what it refuses; each one's files: tests/unit/models/test_saved.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import prefect_kie

from .conftest import World, text_job

CATALOGUE: list[dict[str, Any]] = json.loads(
    (Path(prefect_kie.__file__).parent / "models" / "catalog.json").read_text()
)
LIVE = {row["model"]: row for row in CATALOGUE if row["status"] == "live" and "call" not in row}
RULED = [(row["model"], rule) for row in CATALOGUE for rule in row.get("constraints", [])]


def sample(rule: dict[str, Any]) -> Any:
    """Return a value that a rule allows."""
    if "default" in rule and rule["default"] not in (None, "", []):
        return rule["default"]
    if "enum" in rule:
        return rule["enum"][0]
    match rule["type"]:
        case "boolean":
            return True
        case "integer" | "number":
            return rule.get("min", 1)
        case "array":
            return [sample(rule["items"])] * max(1, rule.get("min_items", 0))
        case "object":
            return {name: sample(each) for name, each in rule.get("properties", {}).items()}
    if rule.get("format") == "uri":
        return "https://files.example/file"
    if "hex" in rule.get("pattern", "") or "#" in rule.get("pattern", ""):
        return "#112233"
    return "100.00%" if "%" in rule.get("pattern", "") else "x" * max(1, rule.get("min_length", 0))


def other_than_default(rule: dict[str, Any]) -> Any:
    default = rule.get("default")
    if isinstance(default, bool):
        return not default
    value = sample({**rule, "default": None})
    return value + 1 if value == default else value


def least(row: dict[str, Any]) -> dict[str, Any]:
    """Return the smallest input that a model takes."""
    fields = row["fields"]
    needed = {name for name, rule in fields.items() if rule["required"] and "default" not in rule}
    given: dict[str, Any] = {}
    for variant in row.get("variants", [])[:1]:
        needed |= set(variant["required"])
        fields = {**fields, **variant["fields"]}
    for rule in row.get("constraints", []):
        if rule[0] == "any-of":
            needed.add(rule[1])
        elif rule[0].startswith("no ") and rule[1] == "needs":
            needed.add(rule[2])
    return given | {name: sample(fields[name]) for name in sorted(needed)}


def body(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "input": {**least(LIVE[model]), **fields}}


def result_of(data: dict[str, Any]) -> Any:
    return data["response"] if "response" in data else json.loads(data["resultJson"])


async def test_there_are_179_of_them() -> None:
    assert len(LIVE) == 179


@pytest.mark.parametrize("model", LIVE)
async def test_a_missing_or_a_wrong_field_is_refused(world: World, model: str) -> None:
    for name, rule in LIVE[model]["fields"].items():
        given = {**least(LIVE[model]), name: {"no": "such value"}}
        if rule["type"] != "object":
            answer = await world.create({"model": model, "input": given})
            assert (answer["code"], answer["msg"].partition(" ")[0]) == (422, name)
        if rule["required"] and "default" not in rule:
            given.pop(name)
            answer = await world.create({"model": model, "input": given})
            assert (answer["code"], answer["msg"]) == (500, f"{name} is required")


@pytest.mark.parametrize(("model", "rule"), RULED, ids=str)
async def test_a_constraint_refuses_what_breaks_it(world: World, model: str, rule: list[str]) -> None:
    fields, given = LIVE[model]["fields"], least(LIVE[model])

    def told(condition: str) -> dict[str, Any]:
        name, _, value = condition.partition("=")
        if condition.startswith("no "):
            return {}
        if not value:
            return {name: other_than_default(fields[name])}
        kinds: dict[str, Any] = {"boolean": lambda text: text == "true", "integer": int, "number": float}
        return {name: kinds.get(fields[name]["type"], str)(value)}

    if rule[0] == "any-of":
        wrong = {name: value for name, value in given.items() if name not in rule[1:]}
    elif rule[1] == "needs":
        wrong = {**given, **told(rule[0])}
        name, _, value = rule[2].partition("=")
        wrong[name] = [] if fields[name]["type"] == "array" else None
        if value:
            wrong[name] = next(option for option in fields[name]["enum"] if str(option) != value)
    else:
        wrong = {**given, **told(rule[0]), **told(rule[2])}
    answer = await world.create({"model": model, "input": wrong})
    assert answer["code"] == 422, answer
    assert rule[-1].partition("=")[0] in answer["msg"]


@pytest.mark.parametrize("model", [row["model"] for row in CATALOGUE if row.get("variants")])
async def test_an_input_of_no_shape_is_refused(world: World, model: str) -> None:
    for variant in LIVE[model]["variants"]:
        fields = {**LIVE[model]["fields"], **variant["fields"]}
        right = {name: sample(fields[name]) for name in variant["required"]}
        extra = {
            name: value
            for name, value in least(LIVE[model]).items()
            if name in LIVE[model]["fields"] and LIVE[model]["fields"][name]["required"]
        }
        assert (await world.create({"model": model, "input": {**extra, **right}}))["code"] == 200
    needed = set.union(*(set(variant["required"]) for variant in LIVE[model]["variants"]))
    bare = {name: value for name, value in least(LIVE[model]).items() if name not in needed}
    assert (await world.create({"model": model, "input": bare}))["code"] in (422, 500)


async def test_pictures_come_as_asked_for(world: World) -> None:
    data = await world.finished(body("ideogram/v3-text-to-image", num_images="3"))
    assert len(result_of(data)["resultUrls"]) == 3
    [url] = await world.urls(body("nano-banana-pro", output_format="jpg", aspect_ratio="9:16"))
    assert url.endswith(".jpeg")


async def test_a_seedance_gives_its_last_frame(world: World) -> None:
    result = result_of(await world.finished(body("bytedance/seedance-2", return_last_frame=True)))
    [last] = result["lastFrameUrl"]
    assert (await world.client.get(last)).content.startswith(b"\x89PNG")


async def test_sound_is_in_a_video_that_has_it(world: World) -> None:
    [silent] = await world.urls(body("kling-2.6/text-to-video", sound=False))
    [loud] = await world.urls(body("kling-2.6/text-to-video", sound=True))
    assert b"mp4a" not in (await world.client.get(silent)).content
    assert b"mp4a" in (await world.client.get(loud)).content


async def test_the_default_of_a_misspelt_field_is_made(world: World) -> None:
    await world.finished(body("kling-2.6/text-to-video", duratoin="10"))
    stats = await world.stats()
    assert stats["violation_notes"] == ["kling-2.6/text-to-video: input.duratoin: no such field"]


async def test_lyrics_are_texts_and_music_is_two_tracks(world: World) -> None:
    lyrics = result_of(await world.finished(body("ai-music-api/generate-lyrics", prompt="the sea")))
    assert "the sea" in lyrics["resultObject"]["lyricsData"][0]["text"]
    tracks = result_of(await world.finished(body("ai-music-api/generate", prompt="the sea", title="Sea")))
    assert [track["title"] for track in tracks["data"]] == ["Sea", "Sea"]


async def test_a_model_can_be_invented_while_it_runs(world: World) -> None:
    fields = {"prompt": {"required": True, "type": "string"}, "n": {"type": "integer", "min": 1, "max": 4}}
    row = {"kind": "text-to-image", "fields": fields}
    assert (await world.create(text_job(model="acme/paint")))["code"] == 422
    await world.client.patch("/_sim/settings", json={"extra_models": {"acme/paint": row}})
    given: dict[str, Any] = {"model": "acme/paint", "input": {"prompt": "a dog", "n": 5}}
    assert (await world.create(given))["code"] == 422
    given["input"]["n"] = 2
    assert len(await world.urls(given)) == 2
    answer = await world.client.patch("/_sim/settings", json={"extra_models": {"acme/paint": 7}})
    assert answer.status_code == 400
