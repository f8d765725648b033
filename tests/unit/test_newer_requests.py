"""Inputs that a typed request refuses and Kie may take by now: what is tried, and what never is."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_kie.models import MarketModel, parse_request
from prefect_kie.models.registry import newer_request

SEEDANCE = "bytedance/seedance-2"
KLING = "kling-2.6/text-to-video"
PICTURE = "https://a.example/b.png"


def read(model: str, given: dict[str, Any]) -> MarketModel:
    body = {"model": model, "input": given}
    with pytest.raises(ValueError, match=r".") as caught:
        parse_request(body)
    return newer_request(body, caught.value)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("z-image", {"prompt": "a", "aspect_ratio": "21:9"}),
        ("z-image", {"prompt": "a", "mood": "calm"}),
        ("z-image", {"prompt": "a" * 1001, "mood": "calm"}),
        ("z-image", {}),
        (SEEDANCE, {"prompt": "a", "first_frame_url": PICTURE}),
        ("ai-music-api/add-vocals", {"model": "V9", "title": "t", "upload_url": PICTURE, "style": "s"}),
    ],
)
def test_a_field_a_value_or_a_limit_may_be_newer(model: str, given: dict[str, Any]) -> None:
    request = read(model, given)
    assert request.body() == {"model": model, "input": given}


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (SEEDANCE, {"prompt": "a cat", "last_frame_url": PICTURE}),
        (SEEDANCE, {"prompt": "a", "last_frame_url": PICTURE}),
        (SEEDANCE, {"prompt": "a cat", "last_frame_url": PICTURE, "mood": "calm"}),
        (SEEDANCE, {"prompt": "a cat", "first_frame_url": "no address"}),
        (SEEDANCE, {"prompt": 5}),
        ("acme/any-video", 5),
    ],
)
def test_a_rule_a_type_or_an_address_is_not(model: str, given: Any) -> None:
    body = {"model": model, "input": given}
    with pytest.raises(ValueError, match=r".") as caught:
        parse_request(body)
    with pytest.raises(ValueError, match=r".") as again:
        newer_request(body, caught.value)
    assert again.value is caught.value


def test_what_is_newer_and_what_knows_it_are_one_job() -> None:
    """A version that knows the field reads a typed request, whose defaults do not count."""
    given = {"prompt": "a yak", "duration": "5", "sound": False, "aspect_ratio": "16:9"}
    known = parse_request({"model": KLING, "input": given})
    newer = read(KLING, {**given, "mood": "calm"})
    assert newer.identity() == {**known.identity(), "mood": "calm"}
    assert newer.input_fields() == {**given, "mood": "calm"}
