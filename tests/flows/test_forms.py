"""What a form shows: each flow's parameters with descriptions, bounds and choices."""

from __future__ import annotations

from typing import Any

import cloudpickle
import pytest
from prefect import Flow
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from prefect_kie import flows

FLOWS: list[Flow[..., Any]] = [
    public for name in flows.__all__ if isinstance(public := getattr(flows, name), Flow)
]


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
    definitions = parameter_schema(flows.generate_video.fn).model_dump()["definitions"]
    fields = definitions["Sora2TextToVideo"]["properties"]
    assert fields["aspect_ratio"]["enum"] == ["portrait", "landscape"]
    assert fields["n_frames"]["enum"] == ["10", "15"]
    assert (fields["prompt"]["minLength"], fields["prompt"]["maxLength"]) == (1, 10_000)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_served_flow_knows_its_parameters_in_another_process(flow: Flow[..., Any]) -> None:
    # `flow.serve()` hands the flow to its run's process by cloudpickle, which leaves behind what only
    # annotations written as text name.
    again: Flow[..., Any] = cloudpickle.loads(cloudpickle.dumps(flow))
    with pytest.raises(ParameterTypeError, match=r"credentials\.str"):
        again.validate_parameters({"credentials": 1})
