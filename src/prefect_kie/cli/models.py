"""`prefect-kie models`: which models Kie serves, what each takes and costs, and what has changed."""

import argparse
import asyncio
import os
import textwrap
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import httpx
from prefect.settings import PREFECT_API_URL
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefect_kie.api import CatalogModel, KieError, ModelSchema, SuccessRate
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.blocks.credentials import KEY_VARIABLE
from prefect_kie.cli.terminal import CommandFailed, say
from prefect_kie.models import MarketModel, request_class
from prefect_kie.models.catalog import (
    Field,
    catalog_date,
    changes,
    class_fields,
    limits_text,
    live_fields,
    package_catalog,
)
from prefect_kie.models.index import MODELS
from prefect_kie.runtime.live_catalog import LiveCatalog

WIDTH = 80


@dataclass(frozen=True)
class Row:
    name: str
    kinds: tuple[str, ...]
    family: str
    price: str
    status: str
    title: str = ""

    def fits(self, kind: str | None, family: str | None, words: Iterable[str]) -> bool:
        """Whether it is of a kind, of a family, and has all these words."""
        text = f"{self.name} {self.title} {self.family} {' '.join(self.kinds)}".lower()
        return (
            (kind is None or any(kind.lower() in one for one in self.kinds))
            and (family is None or family.lower() == self.family)
            and all(word.lower() in text for word in words)
        )


def run(options: argparse.Namespace) -> int:
    acts = {"list": _list, "show": _show, "diff": _diff}
    return asyncio.run(acts[options.act](options))


async def account(name: str) -> KieCredentials:
    """The credentials block, or the key in the environment; without a Prefect server that alone."""
    key = os.environ.get(KEY_VARIABLE)
    if PREFECT_API_URL.value() is not None:
        try:
            return await load_credentials(name)
        except (KieError, httpx.HTTPError, ValueError) as error:
            if not key:
                why = error.message.rstrip(".") if isinstance(error, KieError) else type(error).__name__
                raise CommandFailed(f"There is no key: {why}.") from None
    if not key:
        raise CommandFailed(f"There is no key: set {KEY_VARIABLE}, or PREFECT_API_URL and save a block.")
    return KieCredentials(api_key=SecretStr(key))


async def _asked(
    options: argparse.Namespace, *needed: str
) -> tuple[LiveCatalog | None, list[CatalogModel], str]:
    """Kie's catalogue and its list of models; else why this package alone has to do."""
    try:
        live = LiveCatalog(await account(options.credentials))
        return live, await live.models(*needed), ""
    except (CommandFailed, KieError) as error:
        return None, [], f"{error.message}." if isinstance(error, KieError) else str(error)


async def _list(options: argparse.Namespace) -> int:
    _, live, why = await _asked(options)
    rows = [row for row in rows_of(live) if row.fits(options.kind, options.family, options.words)]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("model", no_wrap=True, overflow="ellipsis", max_width=44)
    for name in ("makes", "", "price"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in (row.name, " ".join(row.kinds[:2]), row.status, row.price)))
    Console(width=WIDTH).print(table)
    _tell(f"{len(rows)} models, with typed requests where nothing else is said. {_source(why)}")
    _tell("More of one: prefect-kie models show MODEL")
    return 0


def _source(why: str) -> str:
    known = f"As this version knew Kie's models on {catalog_date()}; Kie was not asked: {why}"
    return known if why else "As Kie's catalogue has them today."


def _tell(text: str) -> None:
    for line in wrapped(text):
        say(line, "dim")


def job_models(live: list[CatalogModel]) -> list[CatalogModel]:
    """The models of Kie's catalogue without those for chats, which are not made by jobs."""
    return [model for model in live if not any("chat" in kind for kind in model.kinds)]


def rows_of(live: list[CatalogModel]) -> list[Row]:
    """The models of Kie's catalogue and of the package; without the former the package's alone."""
    served, known, rows = {model.model: model for model in job_models(live)}, package_catalog(), list[Row]()
    for name in sorted(served.keys() | known.keys()):
        told = served.get(name) or CatalogModel(model=name)
        entry = known.get(name) or {
            "kinds": told.kinds,
            "family": name.partition("/")[0],
            "title": told.title,
        }
        gone = bool(live) and name not in served and entry.get("status") == "live"
        retired = gone or entry.get("status") == "retired"
        status = "retired" if retired else "" if name in MODELS else "not typed"
        price = entry.get("price", {}).get("note") or one_line(told.price)
        rows.append(Row(name, tuple(entry["kinds"]), entry["family"], price, status, entry["title"] or ""))
    return rows


async def _show(options: argparse.Namespace) -> int:
    name: str = options.model
    live, served, why = await _asked(options, name)
    told = next((model for model in served if model.model == name), None)
    if name not in package_catalog() and told is None:
        raise CommandFailed(
            f"No model {name!r} is known. {_source(why)} Look for it: prefect-kie models list WORD"
        )
    schema, rate = None, SuccessRate(model=name)
    remark = _source(why) if why else "Kie's catalogue does not have it today." if told is None else ""
    if live is not None and told is not None:
        try:
            schema = await live.schema(name)
            told = told.model_copy(update={"price": (await live.price(name)).text or told.price})
            rate = await live.success_rate(name)
        except KieError as error:
            remark = f"Not all of it is of today: {error.message}."
    for line in shown(told or CatalogModel(model=name), schema, rate):
        say(line)
    _tell(remark)
    return 0


async def _diff(options: argparse.Namespace) -> int:
    live = LiveCatalog(await account(options.credentials))
    served = {model.model for model in job_models(await live.models(*options.models))}
    ours = {name for name, entry in package_catalog().items() if entry["status"] == "live"}
    chosen: set[str] = set(options.models) or served | ours
    found = [
        f"+ {name} is new at Kie, and not in this package"
        if name in served
        else f"+ {name} is in neither catalogue"
        for name in sorted(chosen - ours)
    ]
    gone = sorted(chosen & ours - served)
    found += [f"- {name} is in this package, and no longer in Kie's catalogue" for name in gone]
    async for name, schema in schemas_of(live, sorted(chosen & ours & served)):
        known = package_catalog()[name]["fields"]
        found += [f"~ {name}: {change}" for change in changes(known, live_fields(schema))]
    for line in found:
        say(line)
    say("Nothing has changed." if not found else f"{len(found)} differences.", "dim")
    return 0


async def schemas_of(live: LiveCatalog, names: list[str]) -> AsyncIterator[tuple[str, ModelSchema]]:
    """Each model's schema where Kie has one, one request a second."""
    with Console(stderr=True).status("", spinner="line") as status:
        for number, name in enumerate(names, start=1):
            status.update(Text(f"{number} of {len(names)}: {name}"))
            try:
                schema = await live.schema(name)
            except KieError as error:
                say(f"! {name}: {error.message}", "yellow", error=True)
                continue
            if schema is not None:
                yield name, schema


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
