"""The catalogue of Kie's models as this package keeps it, and how a live schema differs from it.

A field is a small object: `required`, `type`, and where they are known `enum`, `default`, `min`, `max`,
`min_length`, `max_length`, `min_items`, `max_items`, `items`, `properties`, `format`, `pattern`, and what no
schema says: `accepts`, `max_file_mb`, `disputed`.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from prefect_kie.api import JobRequest, ModelSchema
from prefect_kie.api.envelope import as_list, as_object
from prefect_kie.api.requests import SENT_AS
from prefect_kie.api.schemas import listed, plain_schema

Entry = dict[str, Any]
Field = dict[str, Any]

LIMITS = {
    "min": "minimum",
    "max": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
}
"""By what each limit is called in a JSON Schema."""
_MISSING = object()


@cache
def package_catalog() -> Mapping[str, Entry]:
    """All models that this version knows, by their names."""
    text = files("prefect_kie.models").joinpath("catalog.json").read_text(encoding="utf-8")
    entries: list[Entry] = json.loads(text)
    return {entry["model"]: entry for entry in entries}


def catalog_date() -> str:
    """When this version's catalogue was made: the newest date in it."""
    dates: list[str] = [entry["price"]["date"] for entry in package_catalog().values() if "price" in entry]
    return max(dates)


def live_fields(schema: ModelSchema) -> dict[str, Field]:
    """A live schema's fields, as the catalogue keeps them."""
    return {name: _field(field, name in schema.required) for name, field in schema.fields.items()}


def class_fields(cls: type[JobRequest]) -> dict[str, Field]:
    """The fields of a typed request by their names at Kie, each with a line of `help`."""
    document = cls.model_json_schema()
    schema = plain_schema(document, document)
    properties: dict[str, dict[str, Any]] = schema["properties"]
    fields: dict[str, Field] = {}
    for name, field in properties.items():
        if name != "model":
            sent = SENT_AS.get(name, name)
            fields[sent] = _field(field, name in schema.get("required", ()))
            fields[sent]["help"] = field.get("description", "")
    return fields


def _field(schema: Mapping[str, Any], required: bool) -> Field:
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if choices:  # of several the first stands for all
        schema = {**schema, **choices[0]}
    told: Any = schema.get("type")
    kinds = next((one for one in as_list(told) if one != "null"), None if as_list(told) else told)
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if kinds is None:
        kinds = "object" if "properties" in schema else "array" if "items" in schema else "string"
    field: Field = {"required": required, "type": kinds}
    if values:
        field["enum"] = [value for value in values if value is not None]
    if schema.get("default") is not None:
        field["default"] = schema["default"]
    field |= {ours: schema[theirs] for ours, theirs in LIMITS.items() if theirs in schema}
    field |= {name: schema[name] for name in ("format", "pattern") if name in schema}
    if items := as_object(schema.get("items")):
        field["items"] = {name: value for name, value in _field(items, False).items() if name != "required"}
    if properties := schema.get("properties"):
        needed = schema.get("required", ())
        field["properties"] = {name: _field(one, name in needed) for name, one in properties.items()}
    return field


def changes(ours: Mapping[str, Field], live: Mapping[str, Field], path: str = "") -> Iterator[str]:
    """What Kie's schema says otherwise than the catalogue, a sentence for each fact."""
    for name in sorted(ours.keys() | live.keys()):
        whole = f"{path}{name}"
        if name not in ours:
            yield f"{whole} is new: {limits_text(live[name])}"
        elif name not in live:
            yield f"{whole} is gone"
        else:
            yield from _changed(whole, ours[name], live[name])


def _changed(path: str, ours: Field, live: Field) -> Iterator[str]:
    if ours["type"] != live["type"]:
        yield f"{path}: type {live['type']} instead of {ours['type']}"
    known, values = ours.get("enum", []), live.get("enum", [])
    if values and (more := [value for value in values if value not in known]):
        said = f"also takes {', '.join(map(repr, more))}" if known else f"takes {listed(values)}"
        yield f"{path} {said}"
    if less := [value for value in known if value not in values]:
        yield f"{path} no longer takes {', '.join(map(repr, less))}" if values else f"{path} takes any value"
    if not ours.get("disputed"):
        if live.get("required", False) != ours.get("required", False):
            yield f"{path} is {'required' if live.get('required') else 'optional'} now"
        if (value := live.get("default", _MISSING)) is not _MISSING and value != ours.get("default"):
            yield f"{path}: default {value!r} instead of {ours.get('default')!r}"
    for limit in LIMITS:
        value = live.get(limit)
        if value != ours.get(limit) and not (value is None and values):
            words = limit.replace("_", " ")
            said = f"no {words}" if value is None else f"{words} {value} instead of {ours.get(limit)}"
            yield f"{path}: {said}"
    if "items" in ours and "items" in live:
        yield from _changed(f"{path}[]", {"required": False, **ours["items"]}, live["items"])
    if "properties" in ours and "properties" in live:
        yield from changes(ours["properties"], live["properties"], f"{path}.")


def refreshed(ours: Mapping[str, Field], live: Mapping[str, Field]) -> dict[str, Field]:
    """The catalogue's fields as Kie's schema has them now; what no schema says stays."""
    order = [name for name in ours if name in live] + [name for name in live if name not in ours]
    return {name: _refreshed(ours[name], live[name]) if name in ours else live[name] for name in order}


def _refreshed(ours: Field, live: Field) -> Field:
    if not list(_changed("", ours, live)):
        return ours
    told = {"type", "enum", *LIMITS} | (set[str]() if ours.get("disputed") else {"required", "default"})
    merged = {name: value for name, value in ours.items() if name not in told or name in live}
    merged |= {name: live[name] for name in live if name in told or name not in ours}
    if "items" in ours and "items" in live:
        merged["items"] = _refreshed(ours["items"], live["items"])
    if "properties" in ours and "properties" in live:
        merged["properties"] = refreshed(ours["properties"], live["properties"])
    return merged


def limits_text(field: Field) -> str:
    """What a field takes, in a few words: `'5' or '10'; default '5'`."""
    text = _kind_text(field)
    return f"{text}; default {field['default']!r}" if field.get("default") not in (None, "", []) else text


def _kind_text(field: Field) -> str:
    if values := field.get("enum"):
        return listed(values)
    match field["type"]:
        case "boolean":
            return "true or false"
        case "string":
            words = "an address" if field.get("format") == "uri" else "text"
            return f"{words}{_bounds(field, 'length', ' characters')}"
        case "integer" | "number":
            words = "a whole number" if field["type"] == "integer" else "a number"
            return f"{words}{_bounds(field, None, '')}"
        case "array":
            inner = _kind_text(field["items"]) if "items" in field else "anything"
            return f"list{_bounds(field, 'items', ' items')}, each {inner}"
        case _:
            names = ", ".join(field.get("properties", {}))
            return f"object with {names}" if names else "object"


def _bounds(field: Field, what: str | None, unit: str) -> str:
    least, most = (field.get(f"{bound}_{what}" if what else bound) for bound in ("min", "max"))
    if least is not None and (what is None or least > 1):  # that it is not empty goes without saying
        return f", {least} to {most}{unit}" if most is not None else f", at least {least}{unit}"
    return "" if most is None else f", at most {most}{unit}"
