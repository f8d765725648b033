"""What createTask says to an input: Kie's refusals, and what is not as documented though Kie lets it pass."""

from __future__ import annotations

import math
import mimetypes
import re
from typing import Any
from urllib.parse import urlsplit

from prefect_kie.simulator.models import (
    Json,
    Model,
    Refused,
    find_model,
    is_address,
    is_list,
    is_object,
    parse_slice,
)
from prefect_kie.simulator.references import check_references

NOT_AN_OPTION = "is not within the range of allowed options"
EMPTY: tuple[object, ...] = (None, "", [], {})


def complaint(rule: Json, value: object) -> str | None:
    """Return what is wrong with a value, in the words that follow its field's name."""
    match rule["type"]:
        case "boolean":
            if not isinstance(value, bool):
                return "must be a boolean"
        case "number" | "integer" as kind:
            if words := _number_complaint(rule, value, kind):
                return words
        case "array":
            return _array_complaint(rule, value)
        case "object":
            return _object_complaint(rule, value)
        case _:
            if words := _string_complaint(rule, value):
                return words
    # A number that looks like an option is no string, and refused, as by Kie.
    return None if value in rule.get("enum", [value]) else NOT_AN_OPTION


def _number_complaint(rule: Json, value: object, kind: str) -> str | None:
    least, most = rule.get("min", -math.inf), rule.get("max", math.inf)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if kind == "integer" and value != int(value):
            return "must be an integer"
        if least <= value <= most:
            return None
    if math.isinf(least) or math.isinf(most):
        bounds = "" if math.isinf(least) else f" of at least {least}"
        return f"must be a number{bounds}" if math.isinf(most) else f"must be a number of at most {most}"
    return f"must be between {least} and {most}"


def _object_complaint(rule: Json, value: object) -> str | None:
    properties: dict[str, Json] = rule.get("properties", {})
    required = [name for name, each in properties.items() if each.get("required") and "default" not in each]
    if not is_object(value) or any(name not in value for name in required):
        return f"must be objects of {' and '.join(required or properties)}"
    for name, each in properties.items():
        if value.get(name) in (None, ""):
            if name in required:
                return f"must have a {name}"
        elif words := complaint(each, value[name]):
            return f"{name} {words}"
    return None


def _array_complaint(rule: Json, value: object) -> str | None:
    items, least, most = rule["items"], rule.get("min_items", 0), rule.get("max_items", math.inf)
    kind = "URLs" if items.get("format") == "uri" else f"{items['type']}s"
    size = f"between {least} and {most}" if least else f"not more than {most}"
    size = f"at least {least}" if math.isinf(most) else size
    if not is_list(value) or not least <= len(value) <= most:
        return f"must be an array of {kind}, {size}"
    for each in value:
        if words := complaint(items, each):
            return words if items["type"] == "object" else f"must be an array of {kind}, {size}: each {words}"
        if words := _type_complaint(rule, each):
            return words
    return None


def _string_complaint(rule: Json, value: object) -> str | None:
    least, longest = rule.get("min_length", 0), rule.get("max_length", math.inf)
    if rule.get("format") == "slice":
        return _slice_complaint(rule, value)
    if rule.get("format") == "uri" and not (is_address(value) and len(value) <= longest):
        return "must be a valid URL"
    if not isinstance(value, str):
        return NOT_AN_OPTION if "enum" in rule else "must be a string"
    if len(value) > longest:
        return f"length cannot exceed {longest} characters"
    if len(value) < least:
        return f"length cannot be less than {least} characters"
    if "pattern" in rule and not re.search(rule["pattern"], value):
        return f"does not match the pattern {rule['pattern']}"
    return _type_complaint(rule, value)


def _slice_complaint(rule: Json, value: object) -> str | None:
    bounds = parse_slice(value) if isinstance(value, str) else None
    if bounds is None or bounds[0] < 0:
        return 'must have the form "start,end" in seconds'
    # Rounded, because 5.55 - 1.55 is a little more than 4.
    if not rule["min"] <= round(bounds[1] - bounds[0], 6) <= rule["max"]:
        return "is invalid: end - start must be between {min} and {max} seconds".format(**rule)
    return None


def _type_complaint(rule: Json, address: object) -> str | None:
    """Whether an address looks like a file of a kind that is not accepted."""
    guess = mimetypes.guess_type(urlsplit(str(address)).path)[0] if "accepts" in rule else None
    accepted = {_plain(each) for each in rule.get("accepts", ())}
    return "file type not supported" if guess and _plain(guess) not in accepted else None


def _plain(media_type: str) -> str:
    """A media type under one of its several names."""
    name = media_type.strip(". ").replace("/x-", "/")
    return {"audio/mp3": "audio/mpeg", "audio/m4a": "audio/mp4", "audio/mp4a-latm": "audio/mp4"}.get(
        name, name
    )


def check_input(model: Model, given: Json) -> None:
    """Check an input object as Kie does: unknown fields are let through.

    Raises:
        Refused: A field is missing (500, as recorded) or its value is not allowed (422).
    """
    for name, rule in model.fields.items():
        value = given.get(name)
        if value is None or value == "":
            if rule.get("required") and "default" not in rule:
                raise Refused(500, f"{name} is required")
        elif words := complaint(rule, value):
            raise Refused(422, f"{name} {words}")
    for constraint in model.constraints:
        if words := _broken(model, given, *constraint):
            raise Refused(422, words)
    shapes = {variant["name"]: _differs(model, given, variant) for variant in model.variants}
    if shapes and None not in shapes.values():
        raise Refused(422, "; ".join(f"{name}: {words}" for name, words in shapes.items()))
    if "shots" in model.fields:
        total = sum(shot["duration"] for shot in given["shots"])
        if round(total, 6) > int(given.get("n_frames") or model.seconds):
            raise Refused(422, "shots duration cannot exceed n_frames in total")


def effective(model: Model, given: Json, name: str) -> Any:
    """Return a field's value, or the default that Kie puts in its place."""
    value = given.get(name)
    return model.fields.get(name, {}).get("default") if value in EMPTY else value


def _told(model: Model, given: Json, name: str) -> bool:
    """Whether a field says anything: it is neither empty nor at its default."""
    value = given.get(name)
    return value not in EMPTY and value != model.fields.get(name, {}).get("default")


def _holds(model: Model, given: Json, condition: str) -> bool:
    """Whether a constraint's words are true of an input: `a`, `a=v`, `no a`."""
    if condition.startswith("no "):
        return not _told(model, given, condition.removeprefix("no "))
    name, equals, wanted = condition.partition("=")
    if not equals:
        return _told(model, given, name)
    value = effective(model, given, name)
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return shown.lower() == wanted.lower()


def _broken(model: Model, given: Json, condition: str, relation: str, *others: str) -> str | None:
    """Return how an input breaks a constraint: `a excludes b`, `a=v needs b`, `any-of a b`."""
    if condition == "any-of":
        names = (relation, *others)
        told = any(given.get(name) not in EMPTY for name in names)
        return None if told else f"one of {', '.join(names)} is required"
    [other] = others
    mentioned = [condition.partition("=")[0], other.partition("=")[0]]
    # A condition that holds by a default alone has never been told to anybody.
    if not _holds(model, given, condition) or not (condition[:3] == "no " or given.keys() & set(mentioned)):
        return None
    if relation == "needs":
        kept = _holds(model, given, other) if "=" in other else effective(model, given, other) not in EMPTY
        return None if kept else f"{condition} requires {other}"
    return f"{condition} cannot be used together with {other}" if _holds(model, given, other) else None


def _differs(model: Model, given: Json, variant: Json) -> str | None:
    """Return why an input is not of one of its model's shapes; None where it is."""
    for name in variant["required"]:
        if given.get(name) in EMPTY and "default" not in variant["fields"].get(name, model.fields[name]):
            return f"{name} is required"
    for name, rule in model.fields.items():
        if variant["allowed"] is not None and name not in variant["allowed"] and _told(model, given, name):
            return f"{name} is not allowed"
        rule = variant["fields"].get(name)
        if rule and given.get(name) not in EMPTY and (words := complaint(rule, given[name])):
            return f"{name} {words}"
    return None


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
        if model is find_model(body.get("model")):
            check_references(str(body["model"]), given)
    except Refused as refused:
        found.append(f"input: {refused.msg}")
    return found
