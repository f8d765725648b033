"""A model as `prefect-kie models show` prints it: fields, limits, price, success rate, an example."""

import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from prefect_kie.api import ModelSchema, SuccessRate
from prefect_kie.models import MarketModel, request_class
from prefect_kie.models.catalog import Entry, Field, changes, class_fields, limits_text, live_fields
from prefect_kie.models.index import MODELS

WIDTH = 80
BLOCKS = "▁▂▃▄▅▆▇█"
BAR_LENGTH = 24  # one block an hour


def shown(
    entry: Entry,
    description: str,
    schema: ModelSchema | None,
    price: str,
    rate: SuccessRate,
    now: datetime,
) -> Iterator[str]:
    """A model in lines of a terminal's width."""
    name, title, kinds = entry["model"], entry["title"], ", ".join(entry["kinds"]) or "unknown kind"
    cls = request_class(name)
    yield from wrapped(f"{name}{f' ({title})' if title else ''}: {kinds}", "")
    summary = (cls.__doc__ or "").partition("\n\n")[0] if cls is not MarketModel else ""
    yield from wrapped(summary or description, "")
    if entry["status"] == "retired":
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
        yield from wrapped(facts.get("help", ""), "    ")
    if schema is not None and cls is not MarketModel:
        for change in changes(fields, live_fields(schema)):
            if " is new: " in change or " also takes " in change:
                yield from wrapped(f"Newer than this version: {change}", "  ", "    ")
    yield ""
    if price:
        yield from wrapped(f"Price, as Kie says on {now:%Y-%m-%d}: {price}", "", "  ")
    elif entry.get("price", {}).get("note"):
        yield from wrapped(f"Price in credits, {entry['price']['date']}: {entry['price']['note']}", "", "  ")
    if rate.mean is not None:
        yield f"Jobs that succeeded, last 24 hours: {bar(rate)} {rate.mean:.0%}"
    yield f"Example: {example(name, fields)}"


def bar(rate: SuccessRate) -> str:
    """A block for each hour, higher where more jobs succeeded; a dot where nobody asked."""
    size = -(-len(rate.rates) // BAR_LENGTH)
    blocks: list[str] = []
    for start in range(0, len(rate.rates), size):
        mean = SuccessRate(model=rate.model, rates=rate.rates[start : start + size]).mean
        blocks.append("·" if mean is None else BLOCKS[min(len(BLOCKS) - 1, int(mean * len(BLOCKS)))])
    return "".join(blocks)


def example(name: str, fields: dict[str, Field]) -> str:
    """A call with what the model needs."""
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
    """A text without breaks and doubled blanks."""
    return " ".join(text.split())


def wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    """A text in lines of a terminal's width; `further` indents all lines but the first."""
    return textwrap.wrap(
        one_line(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_on_hyphens=False,
    )
