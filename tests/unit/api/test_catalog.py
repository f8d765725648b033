"""Kie's live catalogue: what is read of it, and what a model's own schema says of an input."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from prefect_kie.api import (
    AuthenticationFailed,
    CatalogModel,
    ModelNotSupported,
    ModelSchema,
    RateLimited,
    ServiceUnavailable,
)
from prefect_kie.api.catalog import parse_models, parse_price, parse_success_rate
from prefect_kie.api.classification import Call, classify
from prefect_kie.api.envelope import parse_envelope
from prefect_kie.api.schemas import parse_schema

from .conftest import NewClient, http_answer, wire

FIELDS = {
    "prompt": {"type": "string", "maxLength": 10, "description": "What to make."},
    "duration": {"type": "string", "enum": ["5", "10"], "default": "5"},
    "image_urls ": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    "shots": {
        "type": "array",
        "items": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
}


def document(
    input_: dict[str, Any], components: dict[str, Any] | None = None, path: str = "/api/v1/jobs/createTask"
) -> dict[str, Any]:
    """A model's OpenAPI document, as Kie's are."""
    body = {
        "type": "object",
        "properties": {"model": {"type": "string", "enum": ["another/model"]}, "input": input_},
    }
    content = {"application/json": {"schema": body}}
    return {
        "openapi": "3.1.0",
        "paths": {path: {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": components or {}},
    }


def schema_of(input_: dict[str, Any], components: dict[str, Any] | None = None) -> ModelSchema:
    return parse_schema("acme/any", {"model": "acme/any", "openapi": document(input_, components)})


SCHEMA = schema_of({"type": "object", "properties": FIELDS, "required": ["prompt"]})


def answer(data: Any, code: int = 200, text: str = "success") -> bytes:
    return http_answer(json.dumps({"code": code, "msg": text, "data": data}))


class TestClient:
    """What is sent, and what comes back."""

    async def test_the_list_is_asked_with_its_filters(self, new_client: NewClient) -> None:
        rows = [{"model": "a/b", "taskType": ["text-to-video"], "provider": "A", "description": None}]
        async with wire(answer({"total": 1, "models": rows})) as server:
            client = new_client(server.url)
            found = await client.list_models(kind="text-to-video,lip-sync", words="a yak")
        assert found == [CatalogModel(model="a/b", kinds=("text-to-video",), provider="A")]
        head, _ = server.requests[0]
        assert head.startswith("GET /api/v1/models?taskType=text-to-video%2Clip-sync&q=a+yak ") or (
            head.startswith("GET /api/v1/models?taskType=text-to-video%2Clip-sync&q=a%20yak ")
        )
        assert "provider" not in head.splitlines()[0]

    async def test_the_slash_in_a_name_is_not_escaped(self, new_client: NewClient) -> None:
        async with wire(answer({"model": "a/b c", "openapi": None})) as server:
            assert await new_client(server.url).get_schema("a/b c") == ModelSchema(model="a/b c")
        assert server.requests[0][0].startswith("GET /api/v1/models/a/b%20c/schema ")

    async def test_price_and_success_rate(self, new_client: NewClient) -> None:
        async with wire(answer({"model": "a", "pricingDesc": "12 credits a second"})) as server:
            assert (await new_client(server.url).get_price("a")).text == "12 credits a second"
        assert server.requests[0][0].startswith("GET /api/v1/models/a/price ")
        points = [{"start": 1, "end": 2, "successRate": 0.5, "errorRate": 0.5}, {"successRate": None}]
        async with wire(answer({"model": "a", "points": points})) as server:
            rate = await new_client(server.url).get_success_rate("a")
        assert (rate.rates, rate.mean) == ((0.5, None), 0.5)

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            (401, AuthenticationFailed),
            (404, ModelNotSupported),
            (429, RateLimited),
            (500, ServiceUnavailable),
        ],
    )
    async def test_errors_are_kies(self, code: int, error: type[Exception], new_client: NewClient) -> None:
        async with wire(answer(None, code, "no")) as server:
            with pytest.raises(error):
                await new_client(server.url).get_schema("a")

    def test_a_missing_call_is_no_missing_model(self) -> None:
        """A proxy's 404 says nothing of a model."""
        error = classify(Call.CATALOG, parse_envelope(404, b"<html>no</html>")).error
        assert error is not None
        assert not issubclass(error, ModelNotSupported)

    async def test_the_four_calls_keep_a_second_apart(self, new_client: NewClient) -> None:
        async with wire(answer(None)) as server:
            client = new_client(server.url)
            await client.list_models()
            second = asyncio.create_task(client.get_price("a"))
            await asyncio.sleep(0.3)
            assert len(server.requests) == 1
            second.cancel()


class TestReading:
    """Nulls and odd shapes."""

    @pytest.mark.parametrize("data", [None, [], {}, {"models": None}, "no", {"models": [None, {}, 3]}])
    def test_an_empty_list_is_no_error(self, data: Any) -> None:
        assert parse_models(data) == []

    def test_kinds_come_as_a_list_or_a_text(self) -> None:
        rows = [{"model": "a", "taskType": "x, y"}, {"model": "b", "taskType": ["x", None]}, {"model": "c"}]
        assert [one.kinds for one in parse_models({"models": rows})] == [("x", "y"), ("x",), ()]

    @pytest.mark.parametrize(("data", "text"), [(None, ""), ("free", "free"), ({"pricingDesc": " 5 "}, "5")])
    def test_a_price(self, data: Any, text: str) -> None:
        assert parse_price("a", data).text == text

    def test_rates_to_1_and_to_100(self) -> None:
        def rates(*pairs: tuple[Any, Any]) -> tuple[float | None, ...]:
            points = [{"successRate": good, "errorRate": bad} for good, bad in pairs]
            return parse_success_rate("a", {"points": points}).rates

        assert rates((1, 0), (None, None)) == (1.0, None)
        assert rates((98.5, 1.5), (1, 99)) == (0.985, 0.01)
        assert parse_success_rate("a", {"points": None}).mean is None

    @pytest.mark.parametrize("data", [None, {}, {"openapi": None}, {"openapi": {"paths": {"/x": None}}}])
    def test_no_schema(self, data: Any) -> None:
        found = parse_schema("a", data)
        assert found.input is None
        assert found.problems({"whatever": 1}) == []

    def test_another_call(self) -> None:
        openapi = document({"type": "object", "properties": FIELDS}, path="/api/v1/omni/audio/create")
        assert parse_schema("a", {"openapi": openapi}).path == "/api/v1/omni/audio/create"

    def test_references_are_percent_encoded_and_names_end_in_blanks(self) -> None:
        reference = "#/components/schemas/" + quote("An Input/of it").replace("/", "~1")
        components = {
            "An Input/of it ": {"type": "object", "properties": {"size": {"$ref": "#/components/schemas/S"}}},
            "S": {"type": "string", "enum": ["1K"]},
        }
        schema = schema_of({"$ref": reference}, components)
        assert schema.problems({"size": "1K"}) == []
        assert schema.problems({"size": "4K"}) == ["size must be '1K', not '4K'"]

    def test_what_refers_to_itself_takes_anything(self) -> None:
        node = {
            "type": "object",
            "properties": {"name": {"type": "string"}, "child": {"$ref": "#/components/schemas/N"}},
        }
        schema = schema_of({"$ref": "#/components/schemas/N"}, {"N": node})
        assert schema.problems({"name": "a", "child": {"any": 1}}) == []

    def test_a_schema_that_is_none_is_no_schema(self) -> None:
        assert schema_of({"type": "object", "properties": {"a": {"type": "text please"}}}).input is None
        assert schema_of({"type": "object", "properties": {}}).input is None


class TestChecking:
    """Before anything is paid."""

    @pytest.mark.parametrize(
        ("given", "problems"),
        [
            ({"prompt": "a yak", "duration": "5", "image_urls": ["https://x/y"]}, []),
            ({"prompt": "a yak", "duration": None}, []),
            ({}, ["prompt is required"]),
            ({"prompt": "a yak", "duration": 5}, ["duration must be '5' or '10', not 5"]),
            ({"prompt": "a" * 11}, ["prompt must have at most 10 characters, not 11"]),
            (
                {"prompt": "a", "ratio": "1:1"},
                ["'ratio' is unknown; it takes prompt, duration, image_urls, shots"],
            ),
            ({"prompt": "a", "image_urls": ["1", "2", "3"]}, ["image_urls must have at most 2 items, not 3"]),
            (
                {"prompt": "a", "shots": [{"text": "b", "sound": 1}]},
                ["'sound' is unknown in shots[0]; it takes text"],
            ),
            ({"prompt": "a", "shots": [{}]}, ["shots[0].text is required"]),
        ],
    )
    def test_a_sentence_for_each_field(self, given: dict[str, Any], problems: list[str]) -> None:
        assert SCHEMA.problems(given) == problems

    def test_what_has_a_default_may_be_left_out(self) -> None:
        schema = schema_of({"type": "object", "properties": FIELDS, "required": ["prompt", "duration"]})
        assert schema.required == {"prompt", "duration"}
        assert schema.problems({"prompt": "a"}) == []

    def test_an_open_schema_refuses_unknown_fields_all_the_same(self) -> None:
        schema = schema_of({"type": "object", "properties": FIELDS, "additionalProperties": True})
        assert schema.problems({"promt": "a"}) == [
            "'promt' is unknown; it takes prompt, duration, image_urls, shots"
        ]

    def test_an_object_without_fields_of_its_own_takes_anything(self) -> None:
        schema = schema_of({"type": "object", "properties": {"options": {"type": "object"}}})
        assert schema.problems({"options": {"any": "thing"}}) == []

    def test_shapes_each_with_their_own_required(self) -> None:
        shapes = [
            {"properties": {"task_id": {"type": "string"}}, "required": ["task_id"]},
            {"properties": {"video_url": {"type": "string"}}, "required": ["video_url"]},
        ]
        common = {"prompt": {"type": "string"}}
        schema = schema_of({"type": "object", "properties": common, "required": ["prompt"], "oneOf": shapes})
        assert set(schema.fields) == {"prompt", "task_id", "video_url"}
        assert schema.required == {"prompt"}
        assert schema.problems({"prompt": "a", "task_id": "1"}) == []
        assert schema.problems({"prompt": "a", "video_url": "1"}) == []
        assert schema.problems({"prompt": "a"}) == ["task_id is required"]
        assert schema.problems({"prompt": "a", "task_id": "1", "n": 1}) == [
            "'n' is unknown; it takes prompt, task_id"
        ]

    def test_a_field_of_several_shapes_takes_what_each_takes(self) -> None:
        sizes = [
            {"type": "string", "enum": ["1K"], "default": "1K"},
            {"type": "string", "enum": ["1K", "2K"], "default": "2K"},
        ]
        texts = [{"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 9}]
        schema = schema_of(
            {"oneOf": [{"properties": {"a": a, "b": b}} for a, b in zip(sizes, texts, strict=True)]}
        )
        assert schema.fields == {
            "a": {"type": "string", "enum": ["1K", "2K"]},
            "b": {"type": "string", "maxLength": 9},
        }

    def test_the_body_itself_may_have_shapes(self) -> None:
        openapi = document({})
        content = openapi["paths"]["/api/v1/jobs/createTask"]["post"]["requestBody"]["content"]
        inputs = [{"properties": {name: {"type": "string"}}} for name in ("a", "b")]
        content["application/json"]["schema"] = {
            "allOf": [
                {"properties": {"model": {}}},
                {"oneOf": [{"properties": {"input": one}} for one in inputs]},
            ]
        }
        schema = parse_schema("acme/any", {"openapi": openapi})
        assert schema.problems({"a": "1"}) == schema.problems({"b": "1"}) == []
        assert len(schema.problems({"c": "1"})) == 1
