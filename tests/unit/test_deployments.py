"""prefect.yaml: every flow is deployed, from any directory, and no key can get into a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from prefect_kie import flows
from prefect_kie.cli.doctor import DEPLOYMENTS
from tests.conftest import FLOWS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "prefect.yaml").read_text()


def test_every_flow_has_a_deployment_and_only_a_switch_is_templated() -> None:
    assert "{{" not in TEXT.replace('active: "{{ switched_on }}"', "")
    entrypoints = {one["entrypoint"] for one in yaml.safe_load(TEXT)["deployments"]}
    assert entrypoints == {f"prefect_kie.flows.{name}" for name in FLOWS}


def test_doctor_looks_for_each_deployment() -> None:
    found = yaml.safe_load(TEXT)["deployments"]
    deployed = [(getattr(flows, one["entrypoint"].rpartition(".")[2]).name, one["name"]) for one in found]
    assert [f"{flow}/{name}" for flow, name in deployed] == list(DEPLOYMENTS)


@pytest.mark.parametrize("name", FLOWS)
def test_the_server_takes_what_a_form_is_filled_with(name: str) -> None:
    schema = parameter_schema(getattr(flows, name).fn).model_dump()
    filled_in = {key: field["default"] for key, field in schema["properties"].items() if "default" in field}
    assert validate(filled_in, schema, ignore_required=True) == []
