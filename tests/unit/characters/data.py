"""Characters, requests that name them, and what is known of the models that keep any.

`facts.json` was copied from what Kie's pages and recorded calls say, not from the package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect_kie.api import JobRequest
from prefect_kie.characters import CastMember
from prefect_kie.models import (
    parse_request,
)
from prefect_kie.simulator.checks import violations
from prefect_kie.simulator.models import MODELS as KNOWN

from ..models.data import MODELS

FACTS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "facts.json").read_text())
LEAST = {model.name: model for model in MODELS}
HANDLES = [a + b for a in "bdfgklmn" for b in "aeiou"]


def address(name: str) -> str:
    return f"https://files.example/{name}"


def member(handle: str, stills: int = 4, **more: Any) -> CastMember:
    fields: dict[str, Any] = {
        "handle": handle,
        "name": handle.title(),
        "description": "a calm cat.",
        "stills": tuple(address(f"{handle}-{number}.jpg") for number in range(1, stills + 1)),
        "clip": address(f"{handle}.mp4"),
        **more,
    }
    return CastMember(**fields)


def asked(model: str, handles: list[str], **more: Any) -> JobRequest:
    """The smallest request of a model whose prompt names characters, without any references of its own."""
    left = FACTS[model]["field"]
    least = {name: value for name, value in LEAST[model].least().items() if name != left}
    least |= {"video_urls": [address("a.mp4")]} if "video_urls" in least else {}
    prompt = f"Here are @{', @'.join(handles)} at dawn."
    return parse_request({"model": model, "input": {**least, "prompt": prompt, **more}})


def sent(request: JobRequest) -> dict[str, Any]:
    """The input that is sent, which both the typed model and the simulator take."""
    assert parse_request(json.loads(json.dumps(request.body()))).body() == request.body()
    assert violations(request.body(), KNOWN[request.model_name]) == []
    return request.input_fields()
