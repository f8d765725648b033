"""What createTask takes and refuses, model by model, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_kie.simulator.checks import check_input, violations
from prefect_kie.simulator.models import MODELS as ALL
from prefect_kie.simulator.models import Refused, is_url

from .conftest import text_job

MODELS = {name: model for name, model in ALL.items() if model.family == "sora"}
IMAGE = ["https://files.example/cat.png"]
PROMPT = {"prompt": "a dog"}
CHARACTER = {"origin_task_id": "a" * 32, "timestamps": "3.55,5.55", "character_prompt": "a barista"}
CLIP = {"character_file_url": ["https://files.example/cat.mp4"]}
SHOTS = [{"Scene": "dawn", "duration": 7.5}, {"Scene": "dusk", "duration": 7.5}]
STABLE = {"aspect_ratio": "portrait", "n_frames": "15", "upload_method": "oss"}
FULL = {**STABLE, "remove_watermark": True, "character_id_list": ["1", "2", "3", "4", "5"]}

LEAST: dict[str, dict[str, Any]] = {
    "sora-2-text-to-video": PROMPT,
    "sora-2-image-to-video": {**PROMPT, "image_urls": IMAGE},
    "sora-2-pro-text-to-video": PROMPT,
    "sora-2-pro-image-to-video": {**PROMPT, "image_urls": IMAGE},
    "sora-2-text-to-video-stable": PROMPT,
    "sora-2-image-to-video-stable": {**PROMPT, "image_urls": IMAGE},
    "sora-2-characters-pro": CHARACTER,
    "sora-2-characters": CLIP,
    "sora-2-pro-storyboard": {"shots": SHOTS},
    "sora-watermark-remover": {"video_url": "https://files.example/v.mp4"},
}
MOST: dict[str, dict[str, Any]] = {
    "sora-2-text-to-video": FULL,
    "sora-2-image-to-video": FULL,
    "sora-2-pro-text-to-video": {**FULL, "size": "high"},
    "sora-2-pro-image-to-video": {**FULL, "size": "standard"},
    "sora-2-text-to-video-stable": STABLE,
    "sora-2-image-to-video-stable": STABLE,
    "sora-2-characters-pro": {"character_user_name": "sky", "safety_instruction": "PG"},
    "sora-2-characters": {"character_prompt": "x", "safety_instruction": "PG"},
    "sora-2-pro-storyboard": {**STABLE, "n_frames": "25", "image_urls": IMAGE},
    "sora-watermark-remover": {"upload_method": "s3"},
}


def test_the_ten_models_are_those_documented() -> None:
    assert set(MODELS) == set(LEAST) == set(MOST)


@pytest.mark.parametrize("model", MODELS)
def test_required_fields_are_enough(model: str) -> None:
    check_input(MODELS[model], LEAST[model])


@pytest.mark.parametrize("model", MODELS)
def test_every_documented_field_is_taken_and_no_violation(model: str) -> None:
    given = {**LEAST[model], **MOST[model]}
    check_input(MODELS[model], given)
    assert violations({"model": model, "input": given}, MODELS[model]) == []


@pytest.mark.parametrize(
    ("model", "field"),
    [(model, field) for model, given in LEAST.items() for field in given],
)
def test_a_missing_field_is_answered_500(model: str, field: str) -> None:
    for absent in ({}, {field: None}, {field: ""}):
        given = {name: value for name, value in LEAST[model].items() if name != field}
        with pytest.raises(Refused) as refused:
            check_input(MODELS[model], {**given, **absent})
        assert (refused.value.code, refused.value.msg) == (500, f"{field} is required")


@pytest.mark.parametrize(
    ("model", "wrong", "words"),
    [
        ("sora-2-text-to-video", {"prompt": "x" * 10_001}, "prompt length cannot exceed 10000"),
        ("sora-2-text-to-video", {"prompt": 7}, "prompt must be of type string"),
        ("sora-2-text-to-video", {"aspect_ratio": "16:9"}, "aspect_ratio is not within the range"),
        ("sora-2-text-to-video", {"n_frames": 10}, "n_frames is not within the range"),
        ("sora-2-text-to-video", {"n_frames": "25"}, "n_frames is not within the range"),
        ("sora-2-text-to-video", {"remove_watermark": "yes"}, "remove_watermark must be of type boolean"),
        ("sora-2-text-to-video", {"character_id_list": ["x"] * 6}, "more than 5"),
        ("sora-2-text-to-video", {"character_id_list": [1]}, "[0] must be of type string"),
        ("sora-2-text-to-video", {"upload_method": "ftp"}, "upload_method is not within"),
        ("sora-2-pro-text-to-video", {"size": "huge"}, "size is not within"),
        ("sora-2-image-to-video", {"image_urls": IMAGE * 2}, "more than 1"),
        ("sora-2-image-to-video", {"image_urls": IMAGE[0]}, "type array"),
        ("sora-2-image-to-video", {"image_urls": ["file:///cat.png"]}, "[0] must be a valid uri"),
        ("sora-2-image-to-video", {"image_urls": ["https://a.example/cat.gif"]}, "file type not supported"),
        ("sora-2-characters-pro", {"origin_task_id": "a" * 101}, "100"),
        ("sora-2-characters-pro", {"timestamps": "3.55"}, "valid slice"),
        ("sora-2-characters-pro", {"timestamps": "nan,2"}, "valid slice"),
        ("sora-2-characters-pro", {"timestamps": "-1,2"}, "valid slice"),
        ("sora-2-characters-pro", {"timestamps": [1, 2]}, "type string"),
        ("sora-2-characters-pro", {"timestamps": "1,1.9"}, "valid slice"),
        ("sora-2-characters-pro", {"timestamps": "1,5.1"}, "valid slice"),
        ("sora-2-characters-pro", {"character_user_name": "x" * 41}, "40"),
        ("sora-2-characters", {"character_file_url": ["https://a.example/cat.png"]}, "file type"),
        ("sora-2-pro-storyboard", {"shots": []}, "at least 1"),
        ("sora-2-pro-storyboard", {"shots": "dawn"}, "type array"),
        ("sora-2-pro-storyboard", {"shots": [{"scene": "x"}]}, "must have Scene and duration"),
        ("sora-2-pro-storyboard", {"shots": [{"Scene": "", "duration": 1}]}, "shots[0] must have Scene"),
        (
            "sora-2-pro-storyboard",
            {"shots": [{"Scene": "x", "duration": 0}]},
            "must be at least 0.1",
        ),
        (
            "sora-2-pro-storyboard",
            {"shots": [{"Scene": "x", "duration": "9"}]},
            "of type number",
        ),
        ("sora-2-pro-storyboard", {"shots": SHOTS * 2}, "cannot exceed n_frames"),
        ("sora-watermark-remover", {"video_url": "https://a.example/" + "x" * 500}, "exceed 500"),
    ],
)
def test_a_bad_value_is_answered_422_naming_the_field(model: str, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        check_input(MODELS[model], {**LEAST[model], **wrong})
    assert refused.value.code == 422
    assert str(refused.value.msg).startswith(next(iter(wrong)))
    assert words in str(refused.value.msg)


def test_a_slice_of_exactly_four_seconds_is_taken_despite_floating_point() -> None:
    check_input(MODELS["sora-2-characters-pro"], {**CHARACTER, "timestamps": "1.55,5.55"})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ([], ["the body is not a JSON object"]),
        ({"model": "sora-2-text-to-video"}, ["input: not an object"]),
        (
            {"model": "sora-2-text-to-video", "input": {**PROMPT, "n_frame": "10"}, "callback": "x"},
            ["callback: no such field", "input.n_frame: no such field", "input.upload_method: missing"],
        ),
        (
            {
                "model": "sora-2-text-to-video-stable",
                "input": {**PROMPT, "upload_method": "s3", "n_frames": 10},
                "progressCallBackUrl": "http://localhost/",
            },
            [
                "progressCallBackUrl: not for this model",
                "input: n_frames is not within the range of allowed options",
            ],
        ),
        (text_job(n_frames=None), ["input.n_frames: null"]),
        ({"model": "acme/any-video", "input": {"anything": 1}}, []),
    ],
)
def test_violations_are_listed(body: Any, found: list[str]) -> None:
    model = MODELS.get(body.get("model")) if isinstance(body, dict) else None
    assert violations(body, model) == found


def test_only_absolute_http_urls_are_urls() -> None:
    assert is_url("https://a.example/x")
    assert not is_url("a.example/x")
    assert not is_url(None)
