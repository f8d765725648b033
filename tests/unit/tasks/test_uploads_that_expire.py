"""An upload lives for a day; what is made of it is one job all the same, whatever address it has by then."""

from __future__ import annotations

from typing import Any

import pytest

from prefect_kie.api.uploads import content_identity
from prefect_kie.keys import submission_key
from prefect_kie.models import Sora2ImageToVideo, Sora2ProStoryboard, Sora2TextToVideo

HASH = "0123456789abcdef" * 2


OURS = f"https://files.example/a/boat-pk{HASH}-0123456789ab.png"


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        (OURS, f"upload {HASH}.png"),
        (f"http://other.example/boat-2-pk{HASH}-ba9876543210.png?x=1#y", f"upload {HASH}.png"),
        (f"https://files.example/boat-pk{HASH}-0123456789ab", f"upload {HASH}"),
        (
            {"a": [OURS, {"b": OURS}], "c": 5},
            {"a": [f"upload {HASH}.png", {"b": f"upload {HASH}.png"}], "c": 5},
        ),
        (f"see {OURS}", f"see {OURS}"),
        (f"https://files.example/boat-pk{HASH}.png", f"https://files.example/boat-pk{HASH}.png"),
        (f"{OURS}/more.png", f"{OURS}/more.png"),
        (f"https://files.example/?{OURS}", f"https://files.example/?{OURS}"),
        ("https://files.example/boat.png", "https://files.example/boat.png"),
        ("https://[", "https://["),
        ("a boat", "a boat"),
        (None, None),
        (5.0, 5.0),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_the_identity_of_an_address_is_its_content_where_it_is_ours(value: Any, identity: Any) -> None:
    assert content_identity(value) == identity


def test_the_key_of_a_request_without_uploads_stays_as_it_was() -> None:
    requests = [
        Sora2TextToVideo(prompt="a cat"),
        Sora2ImageToVideo(prompt="a cat", image_urls=["https://a.example/cat.png"]),
    ]
    assert [submission_key(None, "ship", request, 1) for request in requests] == [
        "kie-a030dcd308cdeb6176b118836619a1ae",
        "kie-16f89603b2ff138816799517ad4f8c88",
    ]


@pytest.mark.parametrize("given", [{"image_urls": []}, {}, {"image_urls": None}], ids=repr)
def test_an_empty_list_is_none(given: dict[str, Any]) -> None:
    """Kie takes none: it is left out of the body, and asks for the same."""
    shots = [{"Scene": "dawn", "duration": 7.5}]
    request = Sora2ProStoryboard.model_validate({"shots": shots, **given})
    assert "image_urls" not in request.body()["input"]
    bare = Sora2ProStoryboard.model_validate({"shots": shots})
    assert submission_key(None, "ship", request, 1) == submission_key(None, "ship", bare, 1)
