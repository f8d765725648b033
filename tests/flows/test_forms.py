"""What a form shows: each flow's parameters with descriptions, bounds and choices."""

from __future__ import annotations

from typing import Any

import pytest
from prefect import Flow
from prefect.utilities.callables import parameter_schema

from prefect_kie.flows import character_series, collect_job, create_character, generate_video

FLOWS: list[Flow[..., Any]] = [generate_video, create_character, character_series, collect_job]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_each_parameter_is_described(flow: Flow[..., Any]) -> None:
    schema = parameter_schema(flow.fn).model_dump()
    undescribed = [name for name, field in schema["properties"].items() if not field.get("description")]
    assert undescribed == []


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_each_field_of_a_parameters_model_is_described(flow: Flow[..., Any]) -> None:
    for name, definition in parameter_schema(flow.fn).model_dump()["definitions"].items():
        if "KieCredentials" in name or "FileSystem" in name or "properties" not in definition:
            continue
        undescribed = [key for key, field in definition["properties"].items() if not field.get("description")]
        assert undescribed == [], name


def test_enums_are_choices_and_bounds_are_told() -> None:
    definitions = parameter_schema(generate_video.fn).model_dump()["definitions"]
    fields = definitions["Sora2TextToVideo"]["properties"]
    assert fields["aspect_ratio"]["enum"] == ["portrait", "landscape"]
    assert fields["n_frames"]["enum"] == ["10", "15"]
    assert (fields["prompt"]["minLength"], fields["prompt"]["maxLength"]) == (1, 10_000)
