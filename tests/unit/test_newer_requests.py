"""Inputs that a typed request refuses and Kie may take by now: what is tried, and what never is."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_kie.models import MarketModel, parse_request
from prefect_kie.models.registry import newer_request

SEEDANCE = "bytedance/seedance-2"
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
