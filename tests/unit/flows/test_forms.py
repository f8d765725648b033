"""What a form shows: each flow's parameters with descriptions, bounds and choices."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from prefect import Flow
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from prefect_kie import flows
from prefect_kie.api import PollPolicy
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.models import Kling30Video, Sora2TextToVideo
from tests.conftest import FLOWS

ORIGINALS = ["Kling 3.0", "Seedance 2.5", "Veo 3.1", "Wan 3.0", "Sora 2", "Any other"]


@pytest.fixture(params=FLOWS)
def flow(request: pytest.FixtureRequest) -> Flow[..., Any]:
    """Each of the flows."""
    made: Flow[..., Any] = getattr(flows, request.param)
    return made


def test_each_parameter_is_described(flow: Flow[..., Any]) -> None:
    schema = parameter_schema(flow.fn).model_dump()
    for name, field in schema["properties"].items():
        model = field.get("$ref", "").rpartition("/")[2]  # whose description is left out where it is the same
        assert field.get("description") or schema["definitions"][model]["description"], name


def test_each_field_of_a_parameters_model_is_described(flow: Flow[..., Any]) -> None:
    for name, definition in parameter_schema(flow.fn).model_dump()["definitions"].items():
        if "KieCredentials" in name or "FileSystem" in name or "properties" not in definition:
            continue
        undescribed = [key for key, field in definition["properties"].items() if not field.get("description")]
        assert undescribed == [], name


def test_enums_are_choices_and_bounds_are_told() -> None:
    definitions = parameter_schema(flows.generate_video.fn).model_dump()["definitions"]
    fields = definitions["MinimaxH3TextToVideo"]["properties"]
    assert "16:9" in fields["aspect_ratio"]["enum"]
    assert fields["duration"]["enum"] == list(range(4, 16))
    assert (fields["prompt"]["minLength"], fields["prompt"]["maxLength"]) == (1, 7000)


def test_a_served_flow_knows_its_parameters_in_another_process(flow: Flow[..., Any]) -> None:
    # `flow.serve()` hands the flow to its run's process by cloudpickle, which leaves behind what only
    # annotations written as text name.
    again: Flow[..., Any] = cloudpickle.loads(cloudpickle.dumps(flow))
    if not flow.parameters.properties:
        assert again.validate_parameters({}) == {}
        return
    with pytest.raises(ParameterTypeError, match=r"credentials\.str"):
        again.validate_parameters({"credentials": 1})


def test_a_field_that_may_be_left_out_is_one_field() -> None:
    definitions = parameter_schema(flows.character_series.fn).model_dump()["definitions"]
    handle = definitions["CharacterTraits"]["properties"]["character_user_name"]
    assert (handle["type"], handle["maxLength"], "default" in handle) == ("string", 40, False)
    sora = opened(definitions["Sora2TextToVideo"]["properties"]["sora-2-text-to-video"])
    assert (sora["character_id_list"]["type"], sora["character_id_list"]["items"]["type"]) == (
        "array",
        "string",
    )
    # A form would send the no that nobody chose.
    assert "anyOf" in sora["remove_watermark"]


@pytest.mark.parametrize("flow", ["generate_video", "generate_image", "generate_audio"], indirect=True)
def test_tabs_have_short_names_that_fit_side_by_side(flow: Flow[..., Any]) -> None:
    schema = parameter_schema(flow.fn).model_dump()
    tabs = [choice["$ref"].rsplit("/", 1)[1] for choice in schema["properties"]["request"]["anyOf"]]
    titles = [schema["definitions"][name]["title"] for name in tabs]
    assert 9 <= len(set(titles)) == len(titles) <= 12
    assert sum(map(len, titles)) <= 110
    assert titles[-1] == "Any other"


@pytest.mark.parametrize(
    ("flow", "field", "named"),
    [
        ("create_character", "source", ["A video", "Pictures"]),
        ("create_character", "traits", ["Kept by you", "Sora's own"]),
        ("character_series", "original", [*ORIGINALS, "A video that is there", "None"]),
        ("character_series", "traits", ["Kept by you", "Sora's own", "Kept already"]),
        ("character_series", "episodes", ["Any model", "Sora"]),
        ("character_series", "slice", ["Slice", "Pick it on a contact sheet"]),
    ],
    indirect=["flow"],
)
def test_each_tab_has_a_name(flow: Flow[..., Any], field: str, named: list[str]) -> None:
    schema = parameter_schema(flow.fn).model_dump()
    kinds = schema["properties"][field]["anyOf"]
    definitions = [schema["definitions"].get(kind.get("$ref", "").rpartition("/")[2], kind) for kind in kinds]
    assert [kind.get("title") for kind in definitions] == named


@pytest.mark.parametrize("original", ["0f3a", None, {"model": "wan/3-0-video", "prompt": "a cat"}])
def test_the_server_takes_each_kind_of_original(original: object) -> None:
    schema = parameter_schema(flows.character_series.fn).model_dump()
    parameters = {"original": original, "traits": "mia", "prompts": ["@mia surfs"]}
    assert [error.message for error in validate(parameters, schema)] == []
    parameters["original"] = {"model": "wan/3-0-video", "promt": "a cat"}
    told = [error.message for error in validate(parameters, schema)]
    assert any("'promt' was unexpected" in one for one in told), told


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"model": "minimax-h3/text-to-video"}, "'prompt' is a required property"),
        ({"model": "minimax-h3/text-to-video", "prompt": ""}, "'' (should be non-empty|is too short)"),
        ({"model": "minimax-h3/text-to-video", "prompt": "a", "promt": "b"}, "'promt' was unexpected"),
        ({"model": "minimax-h3/text-to-video", "prompt": "a", "duration": 16}, "16 is not one of"),
        ({"model": "kling-3.0/video", "prompt": "a", "mode": "fast"}, "'fast' is not one of"),
        (
            {"model": "kling-3.0/video", "prompt": "a", "multi_prompt": [{"duration": 1}]},
            "'prompt' is a required",
        ),
    ],
)
def test_the_servers_refusal_names_what_is_wrong(request_: dict[str, Any], told: str) -> None:
    # What the UI shows for a form that it has sent: Prefect's own validation of a run's parameters.
    schema = parameter_schema(flows.generate_video.fn).model_dump()
    messages = [error.message for error in validate({"request": request_}, schema, ignore_required=False)]
    assert any(re.search(told, message) for message in messages), messages


@pytest.mark.parametrize(
    "request_",
    [
        {"model": "sora-2-text-to-video", "prompt": "a cat", "character_id_list": None},
        {"model": "sora-2-pro-text-to-video", "prompt": "a cat", "size": "high", "remove_watermark": True},
        {"model": "acme/any-video", "input": {"prompt": "a yak"}},
        {"model": "kling-2.6/text-to-video", "prompt": "a yak", "sound": False},
        {
            "model": "kling-3.0/video",
            "prompt": "a yak",
            "multi_prompt": [{"prompt": "it runs", "duration": 3}],
        },
    ],
)
def test_the_server_takes_what_is_right(request_: dict[str, Any]) -> None:
    schema = parameter_schema(flows.generate_video.fn).model_dump()
    assert [error.message for error in validate({"request": request_}, schema)] == []


def test_the_server_takes_null_for_all_that_may_be_left_out() -> None:
    schema = parameter_schema(flows.character_series.fn).model_dump()
    parameters = {
        "original": Sora2TextToVideo(prompt="a cat").model_dump(),
        "traits": flows.CharacterTraits(character_prompt="calm").model_dump(),
        "prompts": ["{character} surfs"],
        "episodes": flows.EpisodeSettings().model_dump(),
        "output": {"directory": None, "storage": None},
        "approval": {"max_credits": None, "ask_above": None},
        "scope": {"job_key": None},
    }
    assert [error.message for error in validate(parameters, schema)] == []


def fields(flow: Flow[..., Any]) -> dict[str, dict[str, Any]]:
    """Every field of a flow's form by its path, but for those of the models' own inputs."""
    schema = parameter_schema(flow.fn).model_dump()
    found = dict(schema["properties"])
    for name, definition in schema.get("definitions", {}).items():
        if "FileSystem" not in name:
            found |= {f"{name}.{key}": field for key, field in definition.get("properties", {}).items()}
    return found


def test_every_field_has_a_title_in_sentence_case(flow: Flow[..., Any]) -> None:
    for path, field in fields(flow).items():
        words = str(field.get("title") or field.get("$ref", "").rpartition("/")[2]).split()
        assert words, path
        assert words[0][0].isupper(), path
        assert not [word for word in words[1:] if word.istitle() and len(word) > 1], path


def opened(group: dict[str, Any], definitions: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """The fields of a group that is closed at first; its closed kind has none."""
    closed, group = group["anyOf"]
    assert (closed["title"], closed["type"], closed["properties"]) == ("As usual", "object", {})
    group = (definitions or {}).get(group.get("$ref", "").rpartition("/")[2], group)
    assert group["title"] == "Change"
    found: dict[str, dict[str, Any]] = group["properties"]
    return found


def test_the_form_of_a_video_has_its_groups_closed_and_the_rarest_in_the_last() -> None:
    schema = parameter_schema(flows.generate_video.fn).model_dump()
    order = sorted(schema["properties"], key=lambda name: schema["properties"][name]["position"])
    groups = ["output", "approval", "more"]
    assert order == ["request", "credentials", "count", *groups]
    assert [schema["properties"][name]["default"] for name in groups] == [{}] * 3
    shown = [opened(schema["properties"][name], schema["definitions"]) for name in groups]
    assert list(shown[-1]) == ["retry", "waiting", "scope"]
    shown += [opened(group, schema["definitions"]) for group in shown.pop().values()]
    assert [next(iter(fields)) for fields in shown] == [
        "directory",
        "max_credits",
        "attempts",
        "mode",
        "job_key",
    ]
    for fields in shown:
        assert not [name for name, field in fields.items() if {"type": "null"} in field.get("anyOf", [])]


def test_the_form_of_a_model_begins_with_what_people_set_and_names_the_rest() -> None:
    definitions = parameter_schema(flows.generate_video.fn).model_dump()["definitions"]
    fields = definitions["Kling30Video"]["properties"]
    assert list(fields) == ["prompt", "duration", "aspect_ratio", "mode", "model", "kling-3.0/video"]
    rare = fields["kling-3.0/video"]
    assert rare["description"] == "Image urls, sound, multi shots, multi prompt, kling elements."
    assert list(opened(rare)) == ["image_urls", "sound", "multi_shots", "multi_prompt", "kling_elements"]
    # UIs leave out a group with no value in it, and the classic one would then take it for another model's.
    assert opened(definitions["Runway"]["properties"]["runway"])["model"]["default"] == "runway"


@pytest.mark.parametrize("flow", ["generate_video", "generate_image", "generate_audio"], indirect=True)
def test_each_tab_always_sends_a_key_of_its_own_for_a_ui_to_find_it_by(flow: Flow[..., Any]) -> None:
    # The classic UI looks for the tab with every letter typed, and took Runway's prompt for Kling's.
    schema = parameter_schema(flow.fn).model_dump()
    tabs = [choice["$ref"].rpartition("/")[2] for choice in schema["properties"]["request"]["anyOf"]]
    for name in tabs[:-1]:
        fields = schema["definitions"][name]["properties"]
        group = fields[fields["model"]["default"]]
        assert group["default"] == {}
        assert any("default" in field for field in opened(group).values()), name


RETRY, WAITING, SCOPE = flows.Retry(), flows.Waiting(), flows.Scope()
KLING = {"model": "kling-3.0/video", "prompt": "a cat"}


@pytest.mark.parametrize(
    "given",
    [
        {"sound": True},
        {"sound": True, "image_urls": None},
        {"kling-3.0/video": {"sound": True}},
        {"sound": True, "kling-3.0/video": {}},
        {"sound": False, "kling-3.0/video": {"sound": True}, "wan/3-0-video": {}},
    ],
)
def test_a_model_takes_its_rarer_fields_beside_the_others_and_in_their_group(given: dict[str, Any]) -> None:
    schema = parameter_schema(flows.generate_video.fn).model_dump()
    assert [error.message for error in validate({"request": KLING | given}, schema)] == []
    read = flows.generate_video.validate_parameters({"request": KLING | given})["request"]
    assert read == Kling30Video(prompt="a cat", sound=True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"request": KLING | {"kling-3.0/video": {"sond": True}}}, "'sond' was unexpected"),
        ({"request": KLING | {"wan/3-0-video": {"seed": 1}}}, "expected to be empty|too many properties"),
        ({"request": KLING, "approval": {"ask_above": -1}}, "-1 is less than the minimum of 0"),
        ({"request": KLING, "more": {"retry": {"attempts": 99}}}, "99 is greater than the maximum of 11"),
    ],
)
def test_a_refusal_of_what_is_in_a_group_names_it(given: dict[str, Any], told: str) -> None:
    schema = parameter_schema(flows.generate_video.fn).model_dump()
    assert any(re.search(told, error.message) for error in validate(given, schema))
    with pytest.raises(ParameterTypeError):
        flows.generate_video.validate_parameters(given)


async def test_what_the_last_group_sets_counts_beside_what_the_deployment_sets() -> None:
    given: list[dict[str, Any]] = []

    async def groups(retry=RETRY, waiting=WAITING, scope=SCOPE):  # type: ignore[no-untyped-def]
        """Note what was given.

        Args:
            retry: How often.
            waiting: How.
            scope: What.
        """
        given.append({"retry": retry, "waiting": waiting, "scope": scope})

    # As text, which this file's are, Prefect would not find them.
    groups.__annotations__ = {"retry": flows.Retry, "waiting": flows.Waiting, "scope": flows.Scope}
    made = kie_flow("groups")(groups)
    assert list(made.parameters.properties) == ["more"]
    more = {"retry": {"attempts": 3}, "waiting": {}, "scope": {"job_key": "mine"}}
    parameters = {"waiting": {"mode": "suspend"}, "retry": {"attempts": 2}, "more": more}
    await made.fn(**made.validate_parameters(parameters))
    await made.fn(flows.Retry(attempts=2))
    assert given == [
        {
            "retry": flows.Retry(attempts=3),
            "waiting": flows.Waiting(mode="suspend"),
            "scope": flows.Scope(job_key="mine"),
        },
        {"retry": flows.Retry(attempts=2), "waiting": WAITING, "scope": SCOPE},
    ]


def test_groups_come_back_from_the_record_of_a_run(flow: Flow[..., Any]) -> None:
    given = {
        "output": flows.Output(directory=Path("videos")),
        "approval": flows.Approval(ask_above=0),
        "retry": flows.BatchRetry(attempts=3) if flow.name == "generate-batch" else flows.Retry(attempts=3),
        "waiting": flows.Waiting(mode="suspend", poll=PollPolicy(jitter=0)),
        "scope": flows.Scope(job_key="mine"),
    }
    known = {name: value for name, value in given.items() if name in inspect.signature(flow.fn).parameters}
    recorded = flow.serialize_parameters(known)
    assert {name: type(value).model_validate(recorded[name]) for name, value in known.items()} == known


def test_a_storage_block_is_given_by_its_name() -> None:
    for group in (flows.Output, flows.Table):
        assert group.model_json_schema()["properties"]["storage"]["type"] == "string"
