"""Models without a typed request, and inputs newer than theirs: checked by Kie's live schema, then paid."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect import flow
from prefect.context import SettingsContext, get_settings_context

from prefect_kie import tasks
from prefect_kie.api import InvalidRequest, JobHandle, ModelNotSupported, ModelSchema
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import Output, generate_image
from prefect_kie.models import MarketModel
from prefect_kie.runtime import live_catalog
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import _submitting
from tests.conftest import QUICKLY

pytestmark = pytest.mark.server

ANY = "acme/any-video"
SCHEMA = ModelSchema(
    model=ANY,
    input={
        "type": "object",
        "properties": {"prompt": {"type": "string"}, "duration": {"type": "string", "enum": ["5", "10"]}},
        "required": ["prompt"],
    },
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> Iterator[None]:
    now = get_settings_context()
    settings = now.settings.model_copy(update={"home": tmp_path / "home"})
    with SettingsContext(profile=now.profile, settings=settings):
        yield
    live_catalog._away().clear()


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModelSchema]:
    """What the catalogue says of each model."""
    known = {ANY: SCHEMA}

    async def schema(kie: KieCredentials, model: str) -> ModelSchema | None:
        return known.get(model)

    monkeypatch.setattr(_submitting, "schema_before_paying", schema)
    return known


def add_any(kie: SimulatorServer) -> None:
    httpx.patch(f"{kie.url}/_sim/settings", json={"extra_models": {ANY: {}}}).raise_for_status()


async def test_a_refusal_names_field_and_values(
    kie: SimulatorServer, credentials: KieCredentials, schemas: dict[str, ModelSchema]
) -> None:
    add_any(kie)
    for given, said in (
        ({"prompt": "a", "duration": "7"}, "duration must be '5' or '10', not '7'"),
        ({"prompt": "a", "ratio": "1:1"}, "'ratio' is unknown; it takes prompt, duration"),
        ({}, "prompt is required"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            await tasks.run_model(MarketModel(model=ANY, input=given), credentials)
        assert said in caught.value.message
        assert caught.value.billed == "no"
    assert kie.stats()["created"] == 0
    await tasks.run_model(ANY, credentials, prompt="a", duration="5")
    assert kie.stats()["created"] == 1


async def test_what_was_submitted_before_is_found_whatever_the_schema_says_now(
    kie: SimulatorServer, credentials: KieCredentials, schemas: dict[str, ModelSchema]
) -> None:
    add_any(kie)
    first = await tasks.run_model(ANY, credentials, job_key="one", prompt="a", duration="5")
    schemas[ANY] = ModelSchema(model=ANY, input={"properties": {"text": {}}})
    again = await tasks.run_model(ANY, credentials, job_key="one", prompt="a", duration="5")
    assert again.task_id == first.task_id
    with pytest.raises(InvalidRequest):
        await tasks.run_model(ANY, credentials, job_key="two", prompt="a", duration="5")
    assert kie.stats()["created"] == 1


async def test_without_a_schema_it_runs_with_a_warning(
    kie: SimulatorServer,
    credentials: KieCredentials,
    schemas: dict[str, ModelSchema],
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_any(kie)
    schemas.clear()
    await tasks.run_model(ANY, credentials, whatever="a")
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any(f"The input of {ANY} is not checked before it is sent" in said for said in warned)
    assert kie.stats()["created"] == 1
    with pytest.raises(ModelNotSupported):
        await tasks.run_model("kling-2.6/text-to-vidoe", credentials, prompt="a")
    assert "did you mean 'kling-2.6/text-to-video'?" in caplog.text
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": "a cat", "aspect_ratio": "21:9"},
        {"prompt": "a cat", "mood": "calm"},
        {"prompt": "a" * 1500},
    ],
)
async def test_an_input_newer_than_the_typed_request_runs_where_kie_takes_it(
    given: dict[str, Any],
    kie: SimulatorServer,
    credentials: KieCredentials,
    schemas: dict[str, ModelSchema],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(InvalidRequest, match=r"aspect_ratio|mood|prompt"):
        await tasks.run_model("z-image", credentials, **given)
    assert kie.stats()["created"] == 0

    sent: list[tuple[str, dict[str, Any]]] = []

    async def submit(self: object, request: Any, *_: Any, **__: Any) -> JobHandle:
        sent.append((request.model_name, request.input_fields()))
        return JobHandle(task_id="1", model=request.model_name)

    fields = {
        "prompt": {"type": "string", "maxLength": 2000},
        "aspect_ratio": {"type": "string", "enum": ["1:1", "21:9"]},
        "mood": {"type": "string"},
    }
    schemas["z-image"] = ModelSchema(model="z-image", input={"properties": fields, "required": ["prompt"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prefect_kie.submissions.service.SubmissionService.submit", submit)

        @flow
        async def pipeline() -> JobHandle:
            return await tasks.run_model("z-image", credentials, **given)

        await pipeline()
    assert sent == [("z-image", given)]
    assert any("newer than this version of prefect-kie" in record.getMessage() for record in caplog.records)


async def test_the_typed_refusal_stands_where_kie_takes_it_no_more_than_we(
    kie: SimulatorServer, credentials: KieCredentials, schemas: dict[str, ModelSchema]
) -> None:
    fields = {"prompt": {"type": "string"}, "aspect_ratio": {"enum": ["1:1"]}}
    schemas["z-image"] = ModelSchema(model="z-image", input={"properties": fields})
    with pytest.raises(InvalidRequest, match="aspect_ratio: Input should be"):
        await tasks.run_model("z-image", credentials, prompt="a", aspect_ratio="21:9")
    # A rule between fields is not one of a schema's: no newer input, whatever the schema says.
    model = "bytedance/seedance-2"
    fields = {"prompt": {"type": "string"}, "last_frame_url": {"type": "string"}}
    schemas[model] = ModelSchema(model=model, input={"properties": fields})
    with pytest.raises(InvalidRequest, match="last_frame_url needs first_frame_url"):
        await tasks.run_model(model, credentials, prompt="a cat", last_frame_url="https://a.example/b.png")
    assert kie.stats()["created"] == 0


async def test_a_flow_takes_a_newer_body_where_kie_does(
    kie: SimulatorServer, credentials: KieCredentials, schemas: dict[str, ModelSchema], tmp_path: Path
) -> None:
    async def make(**given: Any) -> int:
        body = {"model": "z-image", "input": given}
        made = await generate_image(body, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)  # type: ignore[arg-type]
        return len(made.images)

    with pytest.raises(RunIncomplete, match="mood"):
        await make(prompt="a cat", mood="calm")
    fields = {name: {"type": "string"} for name in ("prompt", "aspect_ratio", "mood")}
    schemas["z-image"] = ModelSchema(model="z-image", input={"properties": fields})
    with pytest.raises(RunIncomplete, match="moood"):
        await make(prompt="a cat", moood="calm")
    assert kie.stats()["created"] == 0
    assert await make(prompt="a cat", aspect_ratio="1:1", mood="calm") == 1
    assert [job["input"]["mood"] for job in kie.stats()["jobs"]] == ["calm"]


def test_by_hand_a_typed_model_stays_typed() -> None:
    with pytest.raises(ValueError, match="has a typed request: use ZImage"):
        MarketModel(model="z-image", input={"prompt": "a"})
