"""A model as `prefect-kie models show` prints it: fields, limits, price, success rate, an example."""

import textwrap
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from prefect_kie.api import CatalogModel, ModelSchema, SuccessRate
from prefect_kie.models import MarketModel, request_class
from prefect_kie.models.catalog import Field, changes, class_fields, limits_text, live_fields, package_catalog
from prefect_kie.models.index import MODELS

WIDTH = 80


def shown(told: CatalogModel, schema: ModelSchema | None, rate: SuccessRate) -> Iterator[str]:
    """A model in lines of a terminal's width: what the package knows of it, and what Kie told."""
    name, cls = told.model, request_class(told.model)
    entry = package_catalog().get(name, {})
    title, kinds = entry.get("title") or told.title, entry.get("kinds") or told.kinds
    yield from wrapped(f"{name}{f' ({title})' if title else ''}: {', '.join(kinds) or 'unknown kind'}")
    summary = (cls.__doc__ or "").partition("\n\n")[0] if cls is not MarketModel else told.description
    yield from wrapped(summary)
    if entry.get("status") == "retired":
        yield "Retired: Kie serves it no more."
    fields: dict[str, Field] = {}
    if cls is not MarketModel:
        fields = class_fields(cls)
        yield f"Request: prefect_kie.models.{cls.__name__}"
        yield f"Task: prefect_kie.tasks.{MODELS[name].task}"
    elif schema is not None:
        fields = live_fields(schema)
        yield "Not typed in this version: checked by Kie's own schema before it is paid."
    else:
        yield "Not typed in this version."
    yield ""
    for field, facts in fields.items():
        needed = " (required)" if facts["required"] else ""
        yield from wrapped(f"{field}{needed}: {limits_text(facts)}", "  ", "    ")
        yield from wrapped(facts.get("help", ""), "    ", "    ")
    for change in changes(fields, live_fields(schema)) if schema is not None else ():
        if " is new: " in change or " also takes " in change:
            yield from wrapped(f"Newer than this version: {change}", "  ", "    ")
    yield ""
    if told.price:
        today = datetime.now(timezone.utc)
        yield from wrapped(f"Price, as Kie says on {today:%Y-%m-%d}: {told.price}", "", "  ")
    elif "price" in entry:
        yield from wrapped(f"Price in credits, {entry['price']['date']}: {entry['price']['note']}", "", "  ")
    if rate.mean is not None:
        yield f"Jobs that succeeded, last 24 hours: {rate.mean:.0%}"
    yield f"Example: {example(name, fields)}"


def example(name: str, fields: dict[str, Field]) -> str:
    needed = {field: facts for field, facts in fields.items() if facts["required"]}
    if not needed and "prompt" in fields:
        needed = {"prompt": fields["prompt"]}
    words = "".join(f", {field}={_value(field, facts)!r}" for field, facts in needed.items())
    return f"await run_model({name!r}{words})"


def _value(name: str, field: Field) -> Any:
    if field.get("enum") or "default" in field:
        return field.get("default", (field.get("enum") or [None])[0])
    match field["type"]:
        case "boolean":
            return False
        case "integer" | "number":
            return field.get("min", 1)
        case "array":
            return [_value(name, field.get("items", {"type": "string"}))] * max(1, field.get("min_items", 1))
        case "object":
            return {one: _value(one, each) for one, each in field.get("properties", {}).items()}
        case _:
            return "https://…" if field.get("format") == "uri" or "url" in name else "…"


def one_line(text: str) -> str:
    return " ".join(text.split())


def wrapped(text: str, first: str = "", further: str = "") -> list[str]:
    """A text in lines of a terminal's width, the first and the further ones indented."""
    return textwrap.wrap(
        one_line(text), WIDTH, initial_indent=first, subsequent_indent=further, break_on_hyphens=False
    )
