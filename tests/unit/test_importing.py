"""What importing the flows takes: Prefect and this package, nothing that only rare work needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from prefect_kie import flows

PROBE = """
import json, sys
from prefect import flow, task
from pydantic import BaseModel

@flow
def own(number: int = 1) -> None: ...  # a process's first flow: Prefect imports some more for it

before = set(sys.modules)
import prefect_kie.flows
bare = set(sys.modules) - before
prefect_kie.flows.generate_video
one = set(sys.modules) - before
for name in prefect_kie.flows.__all__:
    getattr(prefect_kie.flows, name)
models = {
    value
    for name, module in sys.modules.items() if name.startswith("prefect_kie")
    for value in vars(module).values() if isinstance(value, type) and issubclass(value, BaseModel)
}
print(json.dumps({
    "bare": sorted(bare),
    "one": sorted(one),
    "all": sorted(set(sys.modules) - before),
    "read": [model.__name__ for model in models if model.model_config.get("use_attribute_docstrings")],
}))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """What a fresh process imported: for the package alone, one flow, all names; and models of one kind."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_importing_the_flows_makes_none_of_them(imported: dict[str, list[str]]) -> None:
    # Only ours are counted: some Python's importlib brings parts of itself for the version.
    ours = [name for name in imported["bare"] if name.partition(".")[0] not in sys.stdlib_module_names]
    assert ours == ["prefect_kie", "prefect_kie.flows"]


def test_only_a_batch_reads_manifests(imported: dict[str, list[str]]) -> None:
    assert "prefect_kie.flows.generate" in imported["one"]
    assert "prefect_kie.batches.manifest" not in imported["one"]
    assert "prefect_kie.batches.manifest" in imported["all"]


def test_all_flows_together_bring_no_other_library(imported: dict[str, list[str]]) -> None:
    assert "prefect_kie.flows.series" in imported["all"]
    packages = {name.partition(".")[0] for name in imported["all"]}
    assert packages - sys.stdlib_module_names == {"prefect", "prefect_kie"}


def test_no_models_source_is_read_at_import(imported: dict[str, list[str]]) -> None:
    # pydantic takes milliseconds for each such class, far more with a large program's modules.
    # `prefect_kie.api.forms.described` does it when a form is drawn.
    assert imported["read"] == []


MODELS_PROBE = """
import json, sys
from prefect import flow, task

def ours():
    return sorted(name.partition(".")[2] for name in sys.modules if name.startswith("prefect_kie."))

before = set(sys.modules)
import prefect_kie.models, prefect_kie.tasks
bare = ours()
from prefect_kie.tasks import kling_3_0_video
one = ours()
others = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps({"bare": bare, "one": one, "others": sorted(others)}))
"""


@pytest.fixture(scope="module")
def imported_for_a_model() -> dict[str, list[str]]:
    """What a fresh process imports for the tasks, and for one model's task."""
    done = subprocess.run([sys.executable, "-c", MODELS_PROBE], capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_a_models_module_is_imported_when_the_model_is_asked_for(
    imported_for_a_model: dict[str, list[str]],
) -> None:
    bare, one = imported_for_a_model["bare"], imported_for_a_model["one"]
    own = {"models.characters", "models.fields", "models.index", "models.registry", "models.rules"}
    assert {name for name in bare if name.startswith("models.")} == own
    assert {name for name in one if name.startswith("models.")} == own | {"models.kling"}


def test_the_tasks_import_each_other_only_when_asked_for(
    imported_for_a_model: dict[str, list[str]],
) -> None:
    assert not [name for name in imported_for_a_model["bare"] if name.startswith("tasks.")]
    assert [name for name in imported_for_a_model["one"] if name.startswith("tasks.")] == ["tasks.models"]
    assert set(imported_for_a_model["others"]) - sys.stdlib_module_names == {"prefect_kie"}


def test_an_unknown_name_is_none() -> None:
    with pytest.raises(AttributeError, match=r"module 'prefect_kie\.flows' has no attribute 'make_video'"):
        flows.make_video  # noqa: B018
    assert set(flows.__all__) <= set(dir(flows))
