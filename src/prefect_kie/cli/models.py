"""`prefect-kie models`: which models Kie serves, what each takes and costs, and what has changed."""

import argparse
import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
from prefect.settings import PREFECT_API_URL
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from prefect_kie.api import CatalogModel, KieError, ModelSchema, SuccessRate
from prefect_kie.api.schemas import CREATE_PATH
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.blocks.credentials import KEY_VARIABLE
from prefect_kie.cli.model_page import WIDTH, one_line, shown, wrapped
from prefect_kie.cli.terminal import CommandFailed, say
from prefect_kie.models.catalog import Entry, catalog_date, changes, live_fields, package_catalog, refreshed
from prefect_kie.models.index import MODELS
from prefect_kie.runtime.live_catalog import LiveCatalog


def run(options: argparse.Namespace) -> int:
    """List models, show one, or compare the package with Kie's catalogue; pays nothing."""
    acts = {"list": _list, "show": _show, "diff": _diff, "refresh": _refresh}
    return asyncio.run(acts[options.act](options))


async def _account(name: str) -> KieCredentials:
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
        live = LiveCatalog(await _account(options.credentials))
        return live, await live.models(*needed), ""
    except (CommandFailed, KieError) as error:
        return None, [], f"{error.message}." if isinstance(error, KieError) else str(error)


async def _list(options: argparse.Namespace) -> int:
    _, live, why = await _asked(options)
    served = {model.model: model for model in job_models(live)}
    known = {**{name: new_entry(model) for name, model in served.items()}, **package_catalog()}
    entries = [entry for _, entry in sorted(known.items()) if _fits(entry, options)]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("model", no_wrap=True, overflow="ellipsis", max_width=44)
    for name in ("makes", "", "price"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        name = entry["model"]
        retired = entry["status"] == "retired" or (live and name not in served and entry["status"] == "live")
        status = "retired" if retired else "" if name in MODELS else "not typed"
        price = entry.get("price", {}).get("note") or (one_line(served[name].price) if name in served else "")
        table.add_row(*(Text(text) for text in (name, " ".join(entry["kinds"][:2]), status, price)))
    Console(width=WIDTH).print(table)
    _tell(f"{len(entries)} models, with typed requests where nothing else is said. {_source(why)}")
    _tell("More of one: prefect-kie models show MODEL")
    return 0


def _fits(entry: Entry, options: argparse.Namespace) -> bool:
    """Whether a model is of the kind and family that are asked for, and has all the words."""
    text = " ".join([entry["model"], entry["title"] or "", entry["family"], *entry["kinds"]]).lower()
    return (
        (options.kind is None or any(options.kind.lower() in kind for kind in entry["kinds"]))
        and (options.family is None or options.family.lower() == entry["family"])
        and all(word.lower() in text for word in options.words)
    )


def _source(why: str) -> str:
    known = f"As this version knew Kie's models on {catalog_date()}; Kie was not asked: {why}"
    return known if why else "As Kie's catalogue has them today."


def _tell(text: str) -> None:
    for line in wrapped(text, ""):
        say(line, "dim")


def job_models(live: list[CatalogModel]) -> list[CatalogModel]:
    """The models of Kie's catalogue without those for chats, which are not made by jobs."""
    return [model for model in live if not any("chat" in kind for kind in model.kinds)]


async def _show(options: argparse.Namespace) -> int:
    name: str = options.model
    live, served, why = await _asked(options, name)
    told = next((model for model in served if model.model == name), None)
    entry = package_catalog().get(name) or (None if told is None else new_entry(told))
    if entry is None:
        raise CommandFailed(
            f"No model {name!r} is known. {_source(why)} Look for it: prefect-kie models list WORD"
        )
    schema: ModelSchema | None = None
    rate, missing = SuccessRate(model=name), ""
    description, price = (told.description, told.price) if told is not None else ("", "")
    if live is not None and told is not None:
        try:
            schema = await live.schema(name)
            price = (await live.price(name)).text or price
            rate = await live.success_rate(name)
        except KieError as error:
            missing = f"Not all of it is of today: {error.message}."
    for line in shown(entry, description, schema, price, rate, datetime.now(timezone.utc)):
        say(line)
    if told is None and not why:
        missing = "Kie's catalogue does not have it today."
    _tell(_source(why) if why else missing)
    return 0


async def _diff(options: argparse.Namespace) -> int:
    live = LiveCatalog(await _account(options.credentials))
    served = {model.model for model in job_models(await live.models(*options.models))}
    ours = {name for name, entry in package_catalog().items() if entry["status"] == "live"}
    chosen: set[str] = set(options.models) or served | ours
    found = 0
    for name in sorted(chosen - ours):
        found += 1
        said = "is new at Kie, and not in this package" if name in served else "is in neither catalogue"
        say(f"+ {name} {said}")
    for name in sorted(chosen & ours - served):
        found += 1
        say(f"- {name} is in this package, and no longer in Kie's catalogue")
    both = sorted(chosen & ours & served)
    async for name, schema in _schemas(live, both):
        for change in changes(package_catalog()[name]["fields"], live_fields(schema)):
            found += 1
            say(f"~ {name}: {change}")
    say("Nothing has changed." if not found else f"{found} differences.", "dim")
    return 0


async def _schemas(live: LiveCatalog, names: list[str]) -> AsyncIterator[tuple[str, ModelSchema]]:
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


async def _refresh(options: argparse.Namespace) -> int:
    tool, target = _checkout(options.checkout)
    live = LiveCatalog(await _account(options.credentials), max_age=0)
    served = {model.model: model for model in job_models(await live.models())}
    entries: dict[str, Entry] = {entry["model"]: entry for entry in tool.load()}
    for name, entry in entries.items():
        if entry["status"] == "live" and name not in served:
            entry["status"] = "retired"
            say(f"- {name} is retired")
    async for name, schema in _schemas(live, sorted(served)):
        if name in entries:
            entry = entries[name]
            for change in changes(entry["fields"], live_fields(schema)):
                say(f"~ {name}: {change}")
            entry["fields"] = refreshed(entry["fields"], live_fields(schema))
        elif schema.path == CREATE_PATH:
            entries[name] = new_entry(served[name]) | {"fields": live_fields(schema)}
            say(f"+ {name}: write its words into tools/models_overlay.json")
    target.write_text(tool.text_of(list(entries.values())), encoding="utf-8")
    say(f"Wrote {target}. Next: make models")
    return 0


def new_entry(model: CatalogModel) -> Entry:
    """A model that the package does not know yet, as its catalogue would have it, but for its fields."""
    families = {entry["family"] for entry in package_catalog().values()}
    head = model.model.lower()
    family = next((one for one in sorted(families, key=len, reverse=True) if head.startswith(one)), None)
    task = "".join(letter if letter.isalnum() else "_" for letter in head)
    return {
        "model": model.model,
        "task": "_".join(filter(None, task.split("_"))),
        "title": model.title or None,
        "family": family or head.partition("/")[0].partition("-")[0],
        "kind": next(iter(model.kinds), "video"),
        "kinds": list(model.kinds),
        "status": "live",
        "result": {"shape": "urls", "where": "resultJson.resultUrls"},
        "price": {"note": one_line(model.price)[:200], "date": f"{datetime.now(timezone.utc):%Y-%m-%d}"},
        "confidence": "live schema",
    }


def _checkout(place: Path) -> tuple[Any, Path]:
    """The tool that writes the catalogue of a source checkout, and the catalogue's file."""
    path, target = place / "tools/catalog.py", place / "src/prefect_kie/models/catalog.json"
    spec = importlib.util.spec_from_file_location("catalog", path)
    if not (path.is_file() and target.is_file()) or spec is None or spec.loader is None:
        raise CommandFailed(f"{place} is no source checkout of prefect-kie: name one with --checkout DIR.")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool, target
