"""What createTask says to an input: Kie's refusals, and what is not as documented though Kie lets it pass."""

import mimetypes
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from prefect_kie.simulator.models import Json, Model, Refused, is_address, is_list, is_object

MENTION = re.compile(r"(?<![\w.@-])@(\w[\w.-]*)")
MENTION_COSTS, SHOT_LENGTH = 37, 500  # characters, in a prompt of Kling's multi_prompt
SLICE = (3000, 8000)  # milliseconds that an element takes of its video
NAMED = {"kling_elements": "name", "elements": "name", "image_references": "ref_name"}
EMPTY: tuple[object, ...] = (None, "", [], {})
KEYWORDS = {  # of JSON Schema, by those of our rules
    "min": "minimum",
    "max": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    **{name: name for name in ("type", "enum", "default", "pattern", "format")},
}
SAME_TYPES = {"audio/mp3": "audio/mpeg", "audio/m4a": "audio/mp4", "audio/mp4a-latm": "audio/mp4"}
WORDS = {
    "type": "must be of type {}",
    "enum": "is not within the range of allowed options",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "minLength": "length cannot be less than {} characters",
    "maxLength": "length cannot exceed {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "cannot have more than {} items",
    "pattern": "does not match the pattern {}",
    "format": "must be a valid {}",
}


def _is_slice(value: object) -> bool:
    try:
        start, end = (float(part) for part in str(value).split(","))
    except ValueError:
        return False
    # Rounded, because 5.55 - 1.55 is a little more than 4.
    return start >= 0 and 1 <= round(end - start, 6) <= 4


FORMATS = FormatChecker(formats=())
FORMATS.checks("uri")(is_address)
FORMATS.checks("slice")(_is_slice)


def json_schema(rule: Json) -> Json:
    schema = {KEYWORDS[name]: value for name, value in rule.items() if name in KEYWORDS}
    if "properties" in rule:
        needed = [name for name, each in rule["properties"].items() if each.get("required")]
        schema |= object_schema(rule["properties"], needed)
    if "items" in rule:
        schema["items"] = json_schema(rule["items"])
    return schema


def object_schema(fields: Json, required: list[str]) -> Json:
    properties = {name: json_schema(rule) for name, rule in fields.items()}
    return {"type": "object", "properties": properties, "required": required}


def complaint(field: str, rule: Json, value: object) -> str | None:
    validator: Any = Draft202012Validator(json_schema(rule), format_checker=FORMATS)
    for error in validator.iter_errors(_told(value)):
        kind, wanted, names = error.validator, error.validator_value, error.schema.get("properties", {})
        if kind == "required":
            missing = [name for name in wanted if name not in error.instance]
            if all("default" in names[name] for name in missing):
                continue
            words = f"must have {' and '.join(missing)}"
        else:
            # A number that looks like an option is no string, and refused, as by Kie.
            words = WORDS["enum" if "enum" in error.schema else kind].format(wanted)
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        return f"{field}{place} {words}"
    accepted = {_plain(each) for each in rule.get("accepts", ())}
    for address in value if is_list(value) else [value]:
        guess = mimetypes.guess_type(urlsplit(str(address)).path)[0]
        if accepted and guess and _plain(guess) not in accepted:
            return f"{field} file type not supported"
    return None


def _told(value: Any) -> Any:
    """Leave out what an object says nothing in."""
    if is_list(value):
        return [_told(each) for each in value]
    if is_object(value):
        return {name: _told(each) for name, each in value.items() if each not in (None, "")}
    return value


def _plain(media_type: str) -> str:
    """A media type under one of its several names."""
    name = media_type.strip(". ").replace("/x-", "/")
    return SAME_TYPES.get(name, name)


def check_input(model: Model, given: Json) -> None:
    """Refuse what Kie refuses in an input: a missing field (500, as recorded), a wrong value (422)."""
    for name, rule in model.fields.items():
        value = given.get(name)
        if value is None or value == "":
            if rule.get("required") and "default" not in rule:
                raise Refused(500, f"{name} is required")
        elif words := complaint(name, rule, value):
            raise Refused(422, words)
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
    if words := reference_complaint(model, given):
        raise Refused(422, words)


def effective(model: Model, given: Json, name: str) -> Any:
    """Return a field's value, or the default that Kie puts in its place."""
    value = given.get(name)
    return model.fields.get(name, {}).get("default") if value in EMPTY else value


def _says(model: Model, given: Json, name: str) -> bool:
    """Whether a field says anything: it is neither empty nor at its default."""
    value = given.get(name)
    return value not in EMPTY and value != model.fields.get(name, {}).get("default")


def _holds(model: Model, given: Json, condition: str) -> bool:
    """Whether a constraint's words are true of an input: `a`, `a=v`, `no a`."""
    if condition.startswith("no "):
        return not _says(model, given, condition.removeprefix("no "))
    name, equals, wanted = condition.partition("=")
    if not equals:
        return _says(model, given, name)
    value = effective(model, given, name)
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return shown.lower() == wanted.lower()


def _broken(model: Model, given: Json, condition: str, relation: str, *others: str) -> str | None:
    """Return how an input breaks a constraint.

    It is `any-of a b`, `a=v needs b c` (one of them), `a excludes b c` (each of them), or `a=v at-most 2 b c`
    (items of them together).
    """
    if condition == "any-of":
        wanted = (relation, *others)
        told = any(given.get(name) not in EMPTY for name in wanted)
        return None if told else f"one of {', '.join(wanted)} is required"
    if condition and not _holds(model, given, condition):
        return None
    if relation == "at-most":
        limit, *names = others
        if sum(len(given.get(name) or ()) for name in names) <= int(limit):
            return None
        words = f"{' and '.join(names)} cannot have more than {limit} items"
        return f"{words} together with {condition}" if condition else words
    mentioned = [each.partition("=")[0] for each in (condition, *others)]
    # A condition that holds by a default alone has never been told to anybody.
    if not (condition.startswith("no ") or given.keys() & set(mentioned)):
        return None
    if relation == "needs":
        kept = any(
            _holds(model, given, other) if "=" in other else effective(model, given, other) not in EMPTY
            for other in others
        )
        return None if kept else f"{condition} requires {' or '.join(others)}"
    wrong = next((other for other in others if _holds(model, given, other)), None)
    return f"{condition} cannot be used together with {wrong}" if wrong else None


def _differs(model: Model, given: Json, variant: Json) -> str | None:
    """Return why an input is not of one of its model's shapes; None where it is."""
    for name in variant["required"]:
        if given.get(name) in EMPTY and "default" not in variant["fields"].get(name, model.fields[name]):
            return f"{name} is required"
    for name, rule in model.fields.items():
        if variant["allowed"] is not None and name not in variant["allowed"] and _says(model, given, name):
            return f"{name} is not allowed"
        rule = variant["fields"].get(name)
        if rule and given.get(name) not in EMPTY and (words := complaint(name, rule, given[name])):
            return words
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
    except Refused as refused:
        found.append(f"input: {refused.msg}")
    return found


# What Kie's pages say of references beyond the limits of single fields


def reference_complaint(model: Model, given: Json) -> str | None:
    """Return what is wrong with the references of an input whose single fields are right."""
    for field, key in NAMED.items():
        if field in model.fields:
            named: list[Json] = given.get(field) or []
            properties = model.fields[field]["items"]["properties"]
            slices = "start_time" in properties
            files = (_file_complaint(each, slices) for each in named if "element_input_urls" in properties)
            names = [each[key] for each in named if each.get(key)]
            if words := next(filter(None, files), None):
                return f"{field} {words}"
            if any("@" in name for name in names):
                return f"{field} {key} cannot contain @"
            if doubled := [name for name, times in Counter(names).items() if times > 1]:
                return f"{field} {key} must be unique: {doubled[0]}"
            if words := _mention_complaint(given, names, f"{field} has no such {key}"):
                return words
    if "elements" in model.fields and "max_items" not in model.fields["elements"]:
        return _omni_complaint(given)
    return _slots_complaint(given) if "character_ids" in model.fields else None


def _file_complaint(element: Json, slices: bool) -> str | None:
    urls: list[str] = element["element_input_urls"]
    kinds = {(mimetypes.guess_type(urlsplit(url).path)[0] or "").partition("/")[0] for url in urls}
    if {"image", "video"} <= kinds:
        return "element_input_urls cannot mix pictures and a video"
    # What an address does not tell, the file will.
    if not 1 <= len(urls) <= 4 or ("image" if len(urls) == 1 else "video") in kinds:
        return "element_input_urls must hold 2 to 4 pictures or exactly 1 video"
    if len(element.get("element_input_audio_urls") or ()) > 1:
        return "element_input_audio_urls cannot have more than 1 item"
    times = [name for name in ("start_time", "end_time") if element.get(name) is not None]
    if not times:
        return None
    if not slices or len(urls) > 1:
        return f"{times[0]} is only allowed with a video" if slices else f"{times[0]} is not allowed"
    start, end = element.get("start_time") or 0, element.get("end_time") or SLICE[1]
    if start < 0 or not SLICE[0] <= end - start <= SLICE[1]:
        return f"end_time - start_time must be between {SLICE[0]} and {SLICE[1]} milliseconds"
    return None


def _mention_complaint(given: Json, names: Sequence[str], why: str) -> str | None:
    shots = [str(shot["prompt"]) for shot in given.get("multi_prompt") or ()]
    for text in (given.get("prompt") or "", *shots):
        if stranger := _stranger(text, names):
            return f"prompt mentions @{stranger}, but {why}"
    for shot in shots:
        text = shot
        for name in sorted(names, key=len, reverse=True):
            text = re.sub(rf"@{re.escape(name)}(?!\w)", "x" * MENTION_COSTS, text)
        if text != shot and len(text) > SHOT_LENGTH:
            words = f"multi_prompt prompt length cannot exceed {SHOT_LENGTH} characters"
            return f"{words}, where each mention counts as {MENTION_COSTS}"
    return None


def _stranger(text: str, names: Iterable[str]) -> str | None:
    """Return the first name that a prompt mentions and nobody has."""
    for found in MENTION.finditer(text):
        rest = text[found.start(1) :]
        if not any(re.match(rf"{re.escape(name)}(?!\w)", rest) for name in names):
            return found[1].rstrip(".-")
    return None


def _omni_complaint(given: Json) -> str | None:
    """Check how many pictures and elements go together in Kling 3.0 Omni."""
    cast: list[Json] = given.get("elements") or []
    videos = sum(len(element["element_input_urls"]) == 1 for element in cast)
    pictures = len(given.get("image_urls") or ()) + len(cast) - videos
    if given.get("video_urls"):
        if pictures > 4 or (videos and (videos, pictures) != (1, 0)):
            return "elements beside video_urls: up to 4 images and image elements, or 1 video element alone"
    elif videos > 3 or pictures > (4 if videos else 7):
        return "elements: up to 7 images and image elements, up to 3 video elements, or 4 and 3 of both"
    return None


def _slots_complaint(given: Json) -> str | None:
    """Check Gemini's seven slots: 1 for a picture or a character, 2 for a video."""
    videos: list[Json] = given.get("video_list") or []
    if any(not 0 < video["ends"] - video["start"] <= 10 for video in videos):
        return "video_list: ends - start must be between 0 and 10 seconds"
    taken = len(given.get("image_urls") or ()) + len(given.get("character_ids") or ()) + 2 * len(videos)
    if taken > 7:
        return "image_urls, character_ids and video_list cannot take more than 7 slots together"
    return None
