"""The models as data: which inputs each takes, and the words Kie refuses a bad one with.

`models.json` is written from the provider's documentation alone, and shares nothing with the client under
test, so that a mistake in one of them shows up as a disagreement.
"""

from __future__ import annotations

import json
import math
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, TypeGuard
from urllib.parse import urlsplit

Json = dict[str, Any]

PAUSED = "This interface is temporarily paused"


class Refused(Exception):
    """A refused call, as Kie answers it: HTTP 200 with this code and msg in the body."""

    def __init__(self, code: int, msg: str | None = None) -> None:
        super().__init__(code, msg)
        self.code, self.msg = code, msg


@dataclass(frozen=True)
class Model:
    """What one model takes and gives."""

    fields: Mapping[str, Json] = field(default_factory=dict[str, Json])  # rules by name; none: any input
    gives: str = "video"  # or `pro-character` (a resultObject), `character` (a bare character_id)
    price: float = 0.0  # credits; invented, since the real ones changed tenfold within months
    progress: bool = False  # whether it reports progress and takes a progressCallBackUrl
    watermark: bool = False  # on its videos, unless remove_watermark is set
    seconds: int = 10  # length of its videos when the input does not say


MODELS: Mapping[str, Model] = {
    name: Model(**row)
    for name, row in json.loads((files("prefect_kie.simulator") / "models.json").read_text()).items()
}


def find_model(name: object, *, extra: tuple[str, ...] = ()) -> Model | None:
    """Return what is known about a model; one of `extra` takes anything."""
    return MODELS.get(str(name)) or (Model() if name in extra else None)


def is_object(value: object) -> TypeGuard[Json]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a decoded JSON value is a list."""
    return isinstance(value, list)


def is_url(value: object) -> TypeGuard[str]:
    """Whether a value is an absolute http or https URL."""
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def parse_slice(value: str) -> tuple[float, float] | None:
    """Read `"3.55,5.55"` as (start, end) in seconds; None when it is not of that form."""
    try:
        start, end = (float(part) for part in value.split(","))
    except ValueError:
        return None
    return (start, end) if math.isfinite(start) and math.isfinite(end) else None


def complaint(rule: Json, value: object) -> str | None:
    """Return what is wrong with a value, in the words that follow its field's name."""
    if "enum" in rule:  # a number that looks like an option is refused, as by Kie
        return None if value in rule["enum"] else "is not within the range of allowed options"
    match rule["type"]:
        case "boolean":
            return None if isinstance(value, bool) else "must be a boolean"
        case "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            inside = is_number and rule["min"] <= value <= rule["max"]
            return None if inside else f"must be between {rule['min']} and {rule['max']}"
        case "array":
            return _array_complaint(rule, value)
        case "object":
            names = list(rule["properties"])
            if not is_object(value) or set(value) != set(names):
                return f"must be objects of {' and '.join(names)}"
            for name in names:
                if value[name] == "":
                    return f"must have a {name}"
                if words := complaint(rule["properties"][name], value[name]):
                    return f"{name} {words}"
            return None
        case _:
            return _string_complaint(rule, value)


def _array_complaint(rule: Json, value: object) -> str | None:
    items, least, most = rule["items"], rule.get("min_items", 0), rule["max_items"]
    kind = "URLs" if items.get("format") == "uri" else f"{items['type']}s"
    size = f"between {least} and {most}" if least else f"not more than {most}"
    if not is_list(value) or not least <= len(value) <= most:
        return f"must be an array of {kind}, {size}"
    for each in value:
        if words := complaint(items, each):
            return words if items["type"] == "object" else f"must be an array of {kind}, {size}"
        guess = mimetypes.guess_type(urlsplit(str(each)).path)[0] if "accepts" in rule else None
        if guess and guess not in rule["accepts"]:
            return "file type not supported"
    return None


def _string_complaint(rule: Json, value: object) -> str | None:
    longest = rule.get("max_length", math.inf)
    if rule.get("format") == "uri":
        return None if is_url(value) and len(value) <= longest else "must be a valid URL"
    if rule.get("format") == "slice":
        bounds = parse_slice(value) if isinstance(value, str) else None
        if bounds is None or bounds[0] < 0:
            return 'must have the form "start,end" in seconds'
        # Rounded, because 5.55 - 1.55 is a little more than 4.
        if not rule["min"] <= round(bounds[1] - bounds[0], 6) <= rule["max"]:
            return "is invalid: end - start must be between {min} and {max} seconds".format(**rule)
        return None
    if not isinstance(value, str):
        return "must be a string"
    return f"length cannot exceed {longest} characters" if len(value) > longest else None


def check_input(model: Model, given: Json) -> None:
    """Check an input object as Kie does: unknown fields are let through.

    Raises:
        Refused: A field is missing (500, as recorded) or its value is not allowed (422).
    """
    for name, rule in model.fields.items():
        value = given.get(name)
        if value is None or value == "":
            if rule.get("required"):
                raise Refused(500, f"{name} is required")
        elif words := complaint(rule, value):
            raise Refused(422, f"{name} {words}")
    if "shots" in model.fields:
        total = sum(shot["duration"] for shot in given["shots"])
        if round(total, 6) > int(given.get("n_frames") or model.seconds):
            raise Refused(422, "shots duration cannot exceed n_frames in total")


def violations(body: object, model: Model | None) -> list[str]:
    """List what in a createTask body is not as documented for its model, whether or not Kie minds."""
    if not is_object(body):
        return ["the body is not a JSON object"]
    known = ("model", "input", "callBackUrl", "progressCallBackUrl")
    found = [f"{name}: no such field" for name in body if name not in known]
    given = body.get("input")
    if not is_object(given):
        return [*found, "input: not an object"]
    if model is None or not model.fields:
        return found
    if "progressCallBackUrl" in body and not model.progress:
        found.append("progressCallBackUrl: not for this model")
    found += [f"input.{name}: no such field" for name in given if name not in model.fields]
    found += [f"input.{name}: null" for name, value in given.items() if value is None]
    # The latest specification calls it required, though the service has a default.
    if "upload_method" in model.fields and "upload_method" not in given:
        found.append("input.upload_method: missing")
    try:
        check_input(model, given)
    except Refused as refused:
        found.append(f"input: {refused.msg}")
    return found
