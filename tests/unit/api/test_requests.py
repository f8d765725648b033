"""What a request serialises to, and what it refuses before the network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from prefect_kie.api import JobRequest
from prefect_kie.models import (
    MarketModel,
    Shot,
    Sora2Characters,
    Sora2CharactersPro,
    Sora2ImageToVideo,
    Sora2ImageToVideoStable,
    Sora2ProImageToVideo,
    Sora2ProStoryboard,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    Sora2TextToVideoStable,
    SoraWatermarkRemover,
    VideoRequest,
    parse_request,
)

from .bodies import EXAMPLES, FULL, PICTURE

CLASSES: Mapping[str, type[JobRequest]] = {
    "sora-2-text-to-video": Sora2TextToVideo,
    "sora-2-image-to-video": Sora2ImageToVideo,
    "sora-2-pro-text-to-video": Sora2ProTextToVideo,
    "sora-2-pro-image-to-video": Sora2ProImageToVideo,
    "sora-2-text-to-video-stable": Sora2TextToVideoStable,
    "sora-2-image-to-video-stable": Sora2ImageToVideoStable,
    "sora-2-characters-pro": Sora2CharactersPro,
    "sora-2-characters": Sora2Characters,
    "sora-2-pro-storyboard": Sora2ProStoryboard,
    "sora-watermark-remover": SoraWatermarkRemover,
}

# The least that each model takes, by its class.
LEAST: Mapping[type[JobRequest], dict[str, Any]] = {
    Sora2TextToVideo: {"prompt": "a dog"},
    Sora2ImageToVideo: {"prompt": "a dog", "image_urls": [PICTURE]},
    Sora2ProTextToVideo: {"prompt": "a dog"},
    Sora2ProImageToVideo: {"prompt": "a dog", "image_urls": [PICTURE]},
    Sora2TextToVideoStable: {"prompt": "a dog"},
    Sora2ImageToVideoStable: {"prompt": "a dog", "image_urls": [PICTURE]},
    Sora2CharactersPro: {"origin_task_id": "t1", "timestamps": "3.55,5.55", "character_prompt": "barista"},
    Sora2Characters: {"character_file_url": ["https://a.example/b.mp4"]},
    Sora2ProStoryboard: {"shots": [{"Scene": "dawn", "duration": 15}]},
    SoraWatermarkRemover: {"video_url": "https://a.example/v"},
    MarketModel: {"model": "acme/any-video", "input": {}},
}
VIDEO = {"aspect_ratio": "landscape", "n_frames": "10", "upload_method": "s3"}
SENT: Mapping[type[JobRequest], dict[str, Any]] = {
    Sora2TextToVideo: VIDEO,
    Sora2ImageToVideo: VIDEO,
    Sora2ProTextToVideo: {**VIDEO, "size": "high"},
    Sora2ProImageToVideo: {**VIDEO, "size": "standard"},
    Sora2TextToVideoStable: VIDEO,
    Sora2ImageToVideoStable: VIDEO,
    Sora2CharactersPro: {},
    Sora2Characters: {},
    Sora2ProStoryboard: {**VIDEO, "n_frames": "15"},
    SoraWatermarkRemover: {"upload_method": "s3"},
}
"""What is sent beside the least: the documented defaults, and always the upload method."""

WITH_PROMPT = [cls for cls in LEAST if "prompt" in cls.model_fields]
WITH_PICTURE = [Sora2ImageToVideo, Sora2ProImageToVideo, Sora2ImageToVideoStable]
by_name = pytest.mark.parametrize("cls", LEAST, ids=lambda cls: cls.__name__)


def made(cls: type[JobRequest], **fields: Any) -> JobRequest:
    """A request of the least its model takes, and these fields."""
    return cls.model_validate({**LEAST[cls], **fields})


def refusal(cls: type[JobRequest], **fields: Any) -> str:
    """What pydantic says about a request with these fields."""
    with pytest.raises(ValidationError) as caught:
        made(cls, **fields)
    return str(caught.value)


# What is sent


@pytest.mark.parametrize("body", EXAMPLES.values(), ids=EXAMPLES)
def test_the_providers_own_example_is_sent_as_it_stands(body: dict[str, Any]) -> None:
    assert CLASSES[body["model"]].model_validate(body["input"]).body() == body


@pytest.mark.parametrize("body", [*EXAMPLES.values(), *FULL.values()], ids=lambda body: body["model"])
def test_a_body_round_trips_through_its_request(body: dict[str, Any]) -> None:
    request = parse_request(body)
    assert type(request) is CLASSES.get(body["model"], MarketModel)
    assert request.body() == body
    assert parse_request(json.loads(json.dumps(request.body()))) == request


def test_there_is_a_full_body_for_every_typed_model() -> None:
    assert {body["model"] for body in FULL.values()} == {*CLASSES, "acme/any-video"}
    for body in FULL.values():
        fields = CLASSES.get(body["model"], MarketModel).model_fields
        assert body["model"] == "acme/any-video" or set(body["input"]) == set(fields) - {"model"}


@pytest.mark.parametrize("cls", SENT, ids=lambda cls: cls.__name__)
def test_the_least_of_a_request_is_completed_by_the_documented_defaults(cls: type[JobRequest]) -> None:
    assert made(cls).input_fields() == {**LEAST[cls], **SENT[cls]}


@pytest.mark.parametrize(("model", "cls"), CLASSES.items(), ids=CLASSES)
def test_a_request_knows_its_model(model: str, cls: type[JobRequest]) -> None:
    assert made(cls).model_name == model
    assert made(cls).body()["model"] == model


def test_progress_callbacks_are_for_the_four_documented_models() -> None:
    assert {model for model, cls in CLASSES.items() if cls.reports_progress} == {
        "sora-2-text-to-video",
        "sora-2-image-to-video",
        "sora-2-pro-text-to-video",
        "sora-2-pro-image-to-video",
    }
    assert not MarketModel.reports_progress


@by_name
def test_a_usual_duration_is_known_for_every_model(cls: type[JobRequest]) -> None:
    assert 10 <= cls.usual_seconds <= 900


@by_name
def test_a_request_cannot_be_changed_after_its_checks(cls: type[JobRequest]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(made(cls), next(iter(LEAST[cls])), "another")


@pytest.mark.parametrize(
    ("request_", "title"),
    [
        (Sora2TextToVideo(prompt="  a \n dog  runs "), "a dog runs"),
        (
            Sora2CharactersPro(origin_task_id="t1", timestamps="1,3", character_prompt="a  barista"),
            "a barista",
        ),
        (Sora2Characters(character_file_url=["https://a.example/b.mp4"]), ""),
        (Sora2Characters(character_file_url=["https://a.example/b.mp4"], character_prompt="tall"), "tall"),
        (Sora2ProStoryboard(shots=[Shot(Scene="dawn  here", duration=3)]), "dawn here"),
        (SoraWatermarkRemover(video_url="https://a.example/v"), "https://a.example/v"),
        (MarketModel(model="wan/2-6", input={"prompt": "a\tdog"}), "a dog"),
        (MarketModel(model="wan/2-6", input={"prompt": 3}), ""),
        (MarketModel(model="wan/2-6", input={}), ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_title_tells_a_person_which_job_it_is(request_: JobRequest, title: str) -> None:
    assert request_.title == title


# What is refused


@pytest.mark.parametrize("cls", WITH_PROMPT, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("prompt", ["", " \n\t", "x" * 10_001, None, 3, "\ud83d"], ids=ascii)
def test_a_prompt_that_kie_refuses_is_refused_here(cls: type[JobRequest], prompt: object) -> None:
    assert "prompt" in refusal(cls, prompt=prompt)


@pytest.mark.parametrize("cls", WITH_PROMPT, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("prompt", ["x", "x" * 10_000, "  x\n"], ids=["one", "longest", "spaced"])
def test_a_prompt_of_1_to_10000_characters_is_sent_as_given(cls: type[JobRequest], prompt: str) -> None:
    assert made(cls, prompt=prompt).input_fields()["prompt"] == prompt


@pytest.mark.parametrize("cls", WITH_PICTURE, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("urls", [[], [PICTURE, PICTURE], None, PICTURE], ids=["none", "two", "null", "bare"])
def test_exactly_one_picture_is_asked_for(cls: type[JobRequest], urls: object) -> None:
    assert "image_urls" in refusal(cls, image_urls=urls)


JUNK_URLS = [
    "ftp://a.example/b.jpg",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "a.example/b.jpg",
    "https://",
    "https:///b.jpg",
    "https://a.example/b c.jpg",
    "https://a.example/b.jpg\n",
    "https://[::1/b.jpg",
    "https://a.example/\ud83d",
    "",
    None,
    7,
]


@pytest.mark.parametrize("url", JUNK_URLS, ids=ascii)
@pytest.mark.parametrize(
    ("cls", "field"),
    [
        *((cls, "image_urls") for cls in WITH_PICTURE),
        (Sora2ProStoryboard, "image_urls"),
        (Sora2Characters, "character_file_url"),
        (SoraWatermarkRemover, "video_url"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_only_http_addresses_are_taken(cls: type[JobRequest], field: str, url: object) -> None:
    given = url if field == "video_url" else [url]
    assert field in refusal(cls, **{field: given})


@pytest.mark.parametrize(
    "url", ["http://a.example/b", "https://a.example:8443/b?c=d#e", "HTTPS://A.example/Ü"]
)
def test_an_address_is_sent_exactly_as_given(url: str) -> None:
    assert made(Sora2ImageToVideo, image_urls=[url]).input_fields()["image_urls"] == [url]


@pytest.mark.parametrize(
    ("length", "taken"), [(500, True), (501, False)], ids=["500 characters", "501 characters"]
)
def test_a_video_url_has_at_most_500_characters(length: int, taken: bool) -> None:
    url = "https://a.example/".ljust(length, "b")
    if taken:
        assert made(SoraWatermarkRemover, video_url=url).input_fields()["video_url"] == url
    else:
        assert "at most 500 characters" in refusal(SoraWatermarkRemover, video_url=url)


@pytest.mark.parametrize(
    ("cls", "field", "allowed"),
    [
        (Sora2TextToVideo, "aspect_ratio", ["portrait", "landscape"]),
        (Sora2ImageToVideoStable, "aspect_ratio", ["portrait", "landscape"]),
        (Sora2ProStoryboard, "aspect_ratio", ["portrait", "landscape"]),
        (Sora2TextToVideo, "n_frames", ["10", "15"]),
        (Sora2TextToVideoStable, "n_frames", ["10", "15"]),
        (Sora2ProStoryboard, "n_frames", ["15", "25"]),
        (Sora2ProTextToVideo, "size", ["standard", "high"]),
        (Sora2ProImageToVideo, "size", ["standard", "high"]),
        (Sora2TextToVideo, "upload_method", ["s3", "oss"]),
        (SoraWatermarkRemover, "upload_method", ["s3", "oss"]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_choice_takes_its_documented_values_and_names_them(
    cls: type[JobRequest], field: str, allowed: list[str]
) -> None:
    for value in allowed:
        assert made(cls, **{field: value}).input_fields()[field] == value
    said = refusal(cls, **{field: "another"})
    assert all(repr(value) in said for value in allowed)


@pytest.mark.parametrize(("given", "sent"), [(10, "10"), (15, "15"), ("10", "10")])
def test_a_number_of_seconds_is_sent_as_a_string(given: object, sent: str) -> None:
    assert made(Sora2TextToVideo, n_frames=given).input_fields()["n_frames"] == sent


@pytest.mark.parametrize("given", [12, "12", "25", "10 ", 10.0, True, None, [10]], ids=repr)
def test_any_other_number_of_seconds_is_refused(given: object) -> None:
    assert "'10' or '15'" in refusal(Sora2TextToVideo, n_frames=given)


def test_25_seconds_are_for_storyboards() -> None:
    assert made(Sora2ProStoryboard, n_frames=25).input_fields()["n_frames"] == "25"


@pytest.mark.parametrize(
    ("ids", "taken"),
    [
        ([], True),
        (["a"] * 5, True),
        (["a"] * 6, False),
        ([""], False),
        ([" "], False),
        ([1], False),
        ("a", False),
    ],
    ids=repr,
)
def test_at_most_five_characters_are_taken(ids: Any, taken: bool) -> None:
    if taken:
        assert (made(Sora2TextToVideo, character_id_list=ids).character_id_list or []) == ids
    else:
        assert "character_id_list" in refusal(Sora2TextToVideo, character_id_list=ids)


@pytest.mark.parametrize("handle", ["a", "sky_ranger", "mzsdaag.ab", "A-1", "x" * 40])
def test_a_handle_of_documented_form_is_taken(handle: str) -> None:
    request = made(Sora2CharactersPro, character_user_name=handle)
    assert request.input_fields()["character_user_name"] == handle


@pytest.mark.parametrize(
    ("handle", "said"),
    [
        ("x" * 41, "at most 40 characters"),
        ("@sky_ranger", "without the @: 'sky_ranger'"),
        ("sky ranger", "letters, digits"),
        ("sky\n", "letters, digits"),
        ("ский", "letters, digits"),
    ],
    ids=ascii,
)
def test_a_handle_of_another_form_is_refused_with_what_is_allowed(handle: str, said: str) -> None:
    assert said in refusal(Sora2CharactersPro, character_user_name=handle)


@pytest.mark.parametrize(
    ("cls", "field", "longest"),
    [
        (Sora2CharactersPro, "origin_task_id", 100),
        (Sora2CharactersPro, "character_prompt", 1000),
        (Sora2CharactersPro, "safety_instruction", 1000),
        (Sora2Characters, "character_prompt", 5000),
        (Sora2Characters, "safety_instruction", 5000),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_text_has_its_documented_length(cls: type[JobRequest], field: str, longest: int) -> None:
    assert made(cls, **{field: "x" * longest}).input_fields()[field] == "x" * longest
    assert f"at most {longest} characters" in refusal(cls, **{field: "x" * (longest + 1)})


@pytest.mark.parametrize("field", ["origin_task_id", "timestamps", "character_prompt"])
def test_characters_pro_needs_its_three_fields(field: str) -> None:
    fields = {name: value for name, value in LEAST[Sora2CharactersPro].items() if name != field}
    with pytest.raises(ValidationError, match=rf"{field}\s+Field required"):
        Sora2CharactersPro.model_validate(fields)
    assert field in refusal(Sora2CharactersPro, **{field: ""})


SHOT = {"Scene": "dawn", "duration": 1.0}


@pytest.mark.parametrize(
    ("durations", "n_frames"),
    [([0.1], "10"), ([15], "15"), ([0.1] * 10, "10"), ([10, 15], "25"), ([3.3, 3.3, 3.4], "10")],
    ids=repr,
)
def test_shots_that_fit_are_taken(durations: list[float], n_frames: str) -> None:
    shots = [{**SHOT, "duration": each} for each in durations]
    sent = made(Sora2ProStoryboard, shots=shots, n_frames=n_frames).input_fields()
    assert sent["shots"] == shots


@pytest.mark.parametrize(
    ("shots", "said"),
    [
        ([], "at least 1 item"),
        ([SHOT] * 11, "at most 10 items"),
        ([{**SHOT, "duration": 0.09}], "greater than or equal to 0.1"),
        ([{**SHOT, "duration": 15.1}], "less than or equal to 15"),
        ([{**SHOT, "duration": float("nan")}], "finite"),
        ([{**SHOT, "Scene": ""}], "at least 1 character"),
        ([{"scene": "dawn", "duration": 1}], "Scene"),
        ([{**SHOT, "camera": "still"}], "camera"),
        ([{**SHOT, "duration": 10}, {**SHOT, "duration": 5.1}], "15.1 s long together; n_frames allows 15 s"),
    ],
    ids=[
        "none",
        "eleven",
        "too short",
        "too long",
        "NaN",
        "empty scene",
        "lower case",
        "unknown field",
        "sum",
    ],
)
def test_shots_that_do_not_fit_are_refused(shots: Any, said: str) -> None:
    assert said in refusal(Sora2ProStoryboard, shots=shots)


@pytest.mark.parametrize(
    ("urls", "taken"),
    [([], True), ([PICTURE], True), (["https://a.example/1", PICTURE], False)],
    ids=["none", "one", "two"],
)
def test_a_storyboard_takes_at_most_one_picture(urls: Any, taken: bool) -> None:
    if taken:
        assert made(Sora2ProStoryboard, image_urls=urls).input_fields().get("image_urls", []) == urls
    else:
        assert "at most 1 item" in refusal(Sora2ProStoryboard, image_urls=urls)


@by_name
def test_an_unknown_field_is_refused_and_the_allowed_ones_are_named(cls: type[JobRequest]) -> None:
    said = refusal(cls, seconds=10)
    assert f"unknown field 'seconds'; {cls.__name__} takes" in said
    assert all(re.search(rf"\b{name}\b", said) for name in cls.model_fields)


@pytest.mark.parametrize(
    "cls", [Sora2TextToVideoStable, Sora2ImageToVideoStable], ids=lambda cls: cls.__name__
)
@pytest.mark.parametrize("field", ["remove_watermark", "character_id_list", "size"])
def test_the_stable_models_lack_these_fields(cls: type[JobRequest], field: str) -> None:
    assert f"unknown field '{field}'" in refusal(cls, **{field: None})


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_a_request_refuses_the_name_of_another_model(cls: type[JobRequest]) -> None:
    assert "model" in refusal(cls, model="sora-3")


def test_something_else_than_an_object_is_refused() -> None:
    with pytest.raises(ValidationError):
        Sora2TextToVideo.model_validate("a dog")


# Market models


@pytest.mark.parametrize("name", ["acme/any-video", "wan:2", "a", "x" * 200])
def test_any_market_model_runs_by_its_name(name: str) -> None:
    assert MarketModel(model=name, input={"a": 1}).body() == {"model": name, "input": {"a": 1}}


@pytest.mark.parametrize("name", ["", "x" * 201, "a b", "/a", "kling\n", "../x y", None, 3], ids=ascii)
def test_what_is_no_name_is_refused(name: Any) -> None:
    assert "model" in refusal(MarketModel, model=name)


@pytest.mark.parametrize(("model", "cls"), CLASSES.items(), ids=CLASSES)
def test_a_market_model_refuses_a_name_that_has_a_typed_request(model: str, cls: type[JobRequest]) -> None:
    assert f"use {cls.__name__}" in refusal(MarketModel, model=model)


LOOP: dict[str, Any] = {}
LOOP["itself"] = LOOP
DEEP: dict[str, Any] = {}
for _ in range(100_000):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    "given",
    [
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": "\ud83d"},
        {1: "number as a name"},
        LOOP,
        DEEP,
        [],
        None,
    ],
    ids=[
        "nan",
        "infinity",
        "set",
        "bytes",
        "half a character",
        "number name",
        "loop",
        "deep",
        "list",
        "null",
    ],
)
def test_an_input_that_is_not_plain_json_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match="input"):
        MarketModel(model="kling-2.6", input=given)


# Reading a request


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "sora-2-text-to-video"},
        {"model": "sora-2-text-to-video", "input": None},
        {"model": "sora-2-text-to-video", "input": "a dog"},
        {"model": "sora-2-text-to-video", "input": ["prompt"]},
        {"model": "sora-2-text-to-video", "input": {"prompt": "a dog", "model": "sora-2-characters"}},
        {"model": "kling-2.6"},
        {"model": "kling-2.6", "input": "a dog"},
        {"model": None, "input": {}},
        {"model": ["kling"], "input": {}},
        {"input": {"prompt": "a dog"}},
    ],
    ids=json.dumps,
)
def test_a_body_that_is_no_request_is_a_value_error(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own words differ by case
        parse_request(body)


VIDEO_MODELS = [name for name in FULL if not name.startswith("characters")]
anything = TypeAdapter[Any](VideoRequest)


@pytest.mark.parametrize("name", VIDEO_MODELS)
def test_a_video_request_is_read_by_the_model_it_names(name: str) -> None:
    request = parse_request(FULL[name])
    assert anything.validate_python(request.model_dump()) == request
    assert anything.validate_python(request) is request


@pytest.mark.parametrize("name", ["characters", "characters-pro"])
@pytest.mark.parametrize("form", ["request", "dictionary"])
def test_a_video_request_is_none_that_makes_a_character(name: str, form: str) -> None:
    request = parse_request(FULL[name])
    with pytest.raises(ValidationError):
        anything.validate_python(request if form == "request" else request.model_dump())


def test_a_mistake_in_a_video_request_is_told_about_its_own_model_only() -> None:
    with pytest.raises(ValidationError) as caught:
        anything.validate_python({"model": "sora-2-image-to-video", "prompt": "a dog"})
    assert [error["loc"] for error in caught.value.errors()] == [("image_urls",)]


def test_a_request_has_to_name_its_model() -> None:
    for given in ({"prompt": "a dog"}, {"input": {"prompt": "a dog"}}, {}, "a dog", None):
        with pytest.raises(ValidationError, match="needs the name of its model"):
            anything.validate_python(given)
