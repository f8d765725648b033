"""Writes the catalogue anew from Kie's own schemas, one request a second: `make refresh`."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime, timezone

from catalog import CATALOG, Entry, load, write
from prefect_kie.api import CatalogModel, ModelSchema
from prefect_kie.api.schemas import CREATE_PATH
from prefect_kie.cli.models import account, job_models, one_line, schemas_of
from prefect_kie.cli.terminal import say
from prefect_kie.models.catalog import LIMITS, Field, changes, live_fields
from prefect_kie.runtime.live_catalog import LiveCatalog


async def refresh(live: LiveCatalog) -> None:
    """Retire what Kie serves no more, bring fields up to date, and add what is new."""
    served = {model.model: model for model in job_models(await live.models())}
    entries: dict[str, Entry] = {entry["model"]: entry for entry in load()}
    for name, entry in entries.items():
        if entry["status"] == "live" and name not in served:
            entry["status"] = "retired"
            say(f"- {name} is retired")
    families = {entry["family"] for entry in entries.values()}
    async for name, schema in schemas_of(live, sorted(served)):
        if name in entries:
            entry = entries[name]
            for change in changes(entry["fields"], live_fields(schema)):
                say(f"~ {name}: {change}")
            entry["fields"] = refreshed(entry["fields"], live_fields(schema))
        elif schema.path == CREATE_PATH:
            entries[name] = new_entry(served[name], schema, families)
            say(f"+ {name}: write its words into tools/models_overlay.json")
    write(list(entries.values()))
    say(f"Wrote {CATALOG}. Next: make models")


def new_entry(model: CatalogModel, schema: ModelSchema, families: set[str]) -> Entry:
    """A model that the package does not know yet, as its catalogue has it; a maintainer corrects it."""
    head = model.model.lower()
    family = next((one for one in sorted(families, key=len, reverse=True) if head.startswith(one)), None)
    kinds = list(model.kinds) or ["video"]
    task = "".join(letter if letter.isalnum() else "_" for letter in head)
    return {
        "model": model.model,
        "task": "_".join(filter(None, task.split("_"))),
        "title": model.title or None,
        "family": family or head.partition("/")[0].partition("-")[0],
        "kind": kinds[0],
        "kinds": kinds,
        "status": "live",
        "result": {"shape": "urls", "where": "resultJson.resultUrls"},
        "price": {"note": one_line(model.price)[:200], "date": f"{datetime.now(timezone.utc):%Y-%m-%d}"},
        "confidence": "live schema",
        "fields": live_fields(schema),
    }


def refreshed(ours: Mapping[str, Field], live: Mapping[str, Field]) -> dict[str, Field]:
    """The catalogue's fields as Kie's schema has them now; what no schema says stays."""
    order = [name for name in ours if name in live] + [name for name in live if name not in ours]
    return {name: _refreshed(ours[name], live[name]) if name in ours else live[name] for name in order}


def _refreshed(ours: Field, live: Field) -> Field:
    if not [*changes({"": ours}, {"": live})]:
        return ours
    told = {"required", "type", "enum", "default", *LIMITS}
    merged = {name: live[name] for name in live if name in told or name not in ours}
    if ours.get("disputed"):
        merged |= {name: ours[name] for name in ("required", "default") if name in ours}
    merged = {name: value for name, value in ours.items() if name not in told} | merged
    if "items" in ours and "items" in live:
        merged["items"] = _refreshed(ours["items"], live["items"])
    if "properties" in ours and "properties" in live:
        merged["properties"] = refreshed(ours["properties"], live["properties"])
    names = [*(name for name in ours if name in merged), *(name for name in merged if name not in ours)]
    return {name: merged[name] for name in names}


if __name__ == "__main__":
    sys.exit(asyncio.run(refresh(LiveCatalog(asyncio.run(account("kie")), max_age=0))))
