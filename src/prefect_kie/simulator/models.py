"""The ten Sora models as data: which inputs each takes, and the words Kie refuses a bad one with.

Written from the provider's documentation alone. It shares nothing with the client under test, so that
a mistake in one of them shows up as a disagreement.
"""

from __future__ import annotations

import math
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import urlsplit

Json = dict[str, Any]
Check = Callable[[object], "str | None"]
"""Says what is wrong with a value, as the words which follow the field's name; None means nothing is."""

NOT_SUPPORTED = (
    "The model name you specified is not supported. Please verify it and ensure the model is available."
)
PAUSED = "This interface is temporarily paused"
OUT_OF_RANGE = "is not within the range of allowed options"


@dataclass(frozen=True)
class Refusal:
    """A createTask that creates nothing, as Kie answers it: HTTP 200 with this code in the body."""

    code: int
    msg: str


@dataclass(frozen=True)
class Rule:
    """What one input field may hold."""

    check: Check
    required: bool = False


@dataclass(frozen=True)
class Model:
    """What one model takes and gives.

    Attributes:
        inputs: The rule of each documented input field.
        gives: `video`, `pro-character` (a resultObject) or `character` (a bare character_id).
        progress: Whether it reports progress and takes a progressCallBackUrl.
        watermark: Whether its videos carry a watermark unless remove_watermark is set.
        seconds: Length of its videos when n_frames is not given.
    """

    inputs: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    gives: str = "video"
    progress: bool = False
    watermark: bool = False
    seconds: int = 10


def is_object(value: object) -> TypeGuard[Json]:
    """Tell whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Tell whether a decoded JSON value is a list."""
    return isinstance(value, list)


def is_url(value: object) -> TypeGuard[str]:
    """Tell whether a value is an absolute http or https URL."""
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def parse_slice(value: str) -> tuple[float, float] | None:
    """Read `"3.55,5.55"` as (start, end) in seconds; None when it is not of that form."""
    try:
        start, end = (float(part) for part in value.split(","))
    except ValueError:
        return None
    return (start, end) if math.isfinite(start) and math.isfinite(end) else None


def text(longest: int) -> Check:
    """A string of at most so many characters."""

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        return f"length cannot exceed {longest} characters" if len(value) > longest else None

    return check


def option(*allowed: str) -> Check:
    """One of a few strings; a number that looks like one of them is refused, as by Kie."""
    return lambda value: None if value in allowed else OUT_OF_RANGE


def flag(value: object) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else "must be a boolean"


def urls(least: int, most: int, kinds: tuple[str, ...]) -> Check:
    """A list of URLs whose endings, where they have one, belong to the MIME types in `kinds`."""

    def check(value: object) -> str | None:
        if not is_list(value) or not all(is_url(each) for each in value):
            return "must be an array of URLs"
        if not least <= len(value) <= most:
            return f"must hold between {least} and {most} URLs"
        guesses = (mimetypes.guess_type(urlsplit(str(each)).path)[0] for each in value)
        return "file type not supported" if any(g and g not in kinds for g in guesses) else None

    return check


def url(longest: int) -> Check:
    """One URL of at most so many characters."""
    return lambda value: None if is_url(value) and len(value) <= longest else "must be a valid URL"


def character_ids(value: object) -> str | None:
    """At most five strings."""
    if not is_list(value) or not all(isinstance(each, str) for each in value):
        return "must be an array of strings"
    return "cannot hold more than 5 characters" if len(value) > 5 else None


def timestamps(value: object) -> str | None:
    """A slice of 1 to 4 seconds."""
    bounds = parse_slice(value) if isinstance(value, str) else None
    if bounds is None or bounds[0] < 0:
        return 'must have the form "start,end" in seconds'
    # Rounded, because 5.55 - 1.55 is a little more than 4.
    if not 1 <= round(bounds[1] - bounds[0], 6) <= 4:
        return "is invalid: end - start must be between 1 and 4 seconds"
    return None


def shots(value: object) -> str | None:
    """One to ten scenes of 0.1 to 15 seconds."""
    if not is_list(value) or not 1 <= len(value) <= 10:
        return "must hold between 1 and 10 scenes"
    for shot in value:
        if not is_object(shot) or set(shot) != {"Scene", "duration"}:
            return "must be objects of Scene and duration"
        if not isinstance(shot["Scene"], str) or not shot["Scene"]:
            return "must have a Scene"
        duration = shot["duration"]
        if isinstance(duration, bool) or not isinstance(duration, (int, float)) or not 0.1 <= duration <= 15:
            return "duration must be between 0.1 and 15 seconds"
    return None


PICTURES = ("image/jpeg", "image/png", "image/webp")
CLIPS = ("video/mp4", "video/webm", "video/x-msvideo", "video/vnd.avi")

PROMPT = Rule(text(10_000), required=True)
ASPECT = Rule(option("portrait", "landscape"))
FRAMES = Rule(option("10", "15"))
UPLOAD = Rule(option("s3", "oss"))
ONE_PICTURE = Rule(urls(1, 1, PICTURES), required=True)
STABLE = {"prompt": PROMPT, "aspect_ratio": ASPECT, "n_frames": FRAMES, "upload_method": UPLOAD}
FULL = {**STABLE, "remove_watermark": Rule(flag), "character_id_list": Rule(character_ids)}
PRO = {**FULL, "size": Rule(option("standard", "high"))}
IMAGE = {"image_urls": ONE_PICTURE}

SORA: Mapping[str, Model] = {
    "sora-2-text-to-video": Model(FULL, progress=True, watermark=True),
    "sora-2-image-to-video": Model({**FULL, **IMAGE}, progress=True, watermark=True),
    "sora-2-pro-text-to-video": Model(PRO, progress=True, watermark=True),
    "sora-2-pro-image-to-video": Model({**PRO, **IMAGE}, progress=True, watermark=True),
    "sora-2-text-to-video-stable": Model(STABLE),
    "sora-2-image-to-video-stable": Model({**STABLE, **IMAGE}),
    "sora-2-characters-pro": Model(
        {
            "origin_task_id": Rule(text(100), required=True),
            "timestamps": Rule(timestamps, required=True),
            "character_prompt": Rule(text(1000), required=True),
            "character_user_name": Rule(text(40)),
            "safety_instruction": Rule(text(1000)),
        },
        gives="pro-character",
    ),
    "sora-2-characters": Model(
        {
            "character_file_url": Rule(urls(1, 1, CLIPS), required=True),
            "character_prompt": Rule(text(5000)),
            "safety_instruction": Rule(text(5000)),
        },
        gives="character",
    ),
    "sora-2-pro-storyboard": Model(
        {
            "shots": Rule(shots, required=True),
            "n_frames": Rule(option("10", "15", "25")),
            "image_urls": Rule(urls(1, 1, PICTURES)),
            "aspect_ratio": ASPECT,
            "upload_method": UPLOAD,
        },
        seconds=15,
    ),
    "sora-watermark-remover": Model({"video_url": Rule(url(500), required=True), "upload_method": UPLOAD}),
}
"""The ten models that are checked field by field."""


def find_model(name: object, *, extra: tuple[str, ...] = (), retired: tuple[str, ...] = ()) -> Model | None:
    """Return what is known about a model; one of `extra` takes anything, one of `retired` is unknown."""
    if not isinstance(name, str) or name in retired:
        return None
    return SORA.get(name) or (Model() if name in extra else None)


def refuse(model: Model, given: Json, *, invalid: int = 422) -> Refusal | None:
    """Check an input object as Kie does.

    Args:
        model: The model's rules.
        given: The `input` of a createTask body.
        invalid: Body code for a bad value. (A missing one is answered 500, as recorded.)

    Returns:
        The refusal, or None when the job may be created. Unknown fields are let through, as by Kie.
    """
    for name, rule in model.inputs.items():
        value = given.get(name)
        if value is None or value == "":
            if rule.required:
                return Refusal(500, f"{name} is required")
            continue
        complaint = rule.check(value)
        if complaint:
            return Refusal(invalid, f"{name} {complaint}")
    scenes = given.get("shots")
    if "shots" in model.inputs and is_list(scenes):
        total = sum(shot["duration"] for shot in scenes if is_object(shot))
        if round(total, 6) > int(given.get("n_frames") or model.seconds):
            return Refusal(invalid, "shots duration cannot exceed n_frames in total")
    return None


def violations(body: object, model: Model | None) -> list[str]:
    """List what in a createTask body is not as documented, whether or not Kie minds.

    Args:
        body: The decoded body.
        model: The rules of the model it names, None when that is unknown.
    """
    if not is_object(body):
        return ["the body is not a JSON object"]
    found = [
        f"{name}: no such field"
        for name in body
        if name not in ("model", "input", "callBackUrl", "progressCallBackUrl")
    ]
    given = body.get("input")
    if not is_object(given):
        return [*found, "input: not an object"]
    if model is None or not model.inputs:
        return found
    if "progressCallBackUrl" in body and not model.progress:
        found.append("progressCallBackUrl: not for this model")
    found += [f"input.{name}: no such field" for name in given if name not in model.inputs]
    found += [f"input.{name}: null" for name, value in given.items() if value is None]
    # The latest specification calls it required, though the service has a default.
    if "upload_method" in model.inputs and "upload_method" not in given:
        found.append("input.upload_method: missing")
    refusal = refuse(model, given)
    if refusal:
        found.append(f"input: {refusal.msg}")
    return found
