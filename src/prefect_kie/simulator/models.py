"""The models as data: which inputs each takes, what it gives, and what it costs.

Kie's models come from `catalog.json`, data from the provider's documentation; Sora's, with rules of its own,
from `models.json`. The simulator reads both itself and shares no code with the client under test, so that a
mistake in one of the two shows up as a disagreement.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
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
    kind: str = "text-to-video"  # of what it gives, in Kie's words
    kinds: Sequence[str] = ()
    gives: str = "urls"  # `tracks`, `object`, `asset-id`; `pro-character`, `character` (Sora's)
    in_response: bool = False  # whether the result is in the record's `response`, not in its resultJson
    constraints: Sequence[Sequence[str]] = ()  # rules between fields
    variants: Sequence[Json] = ()  # the shapes of its input, where there are several
    title: str | None = None
    family: str = ""
    status: str = "live"
    call: str | None = None  # path of a call of its own that answers at once
    price_note: str | None = None
    price: float | None = None  # credits; roughly, since the real ones changed tenfold within months
    progress: bool = False  # whether it reports progress and takes a progressCallBackUrl
    watermark: bool = False  # on its videos, unless remove_watermark is set
    seconds: int = 10  # length of its videos when the input does not say


def from_catalogue(row: Json) -> Model:
    """Read a model as `catalog.json` describes it; every part may be left out."""
    result: Json = row.get("result") or {}
    price: Json = row.get("price") or {}
    note: str | None = price.get("note")
    return Model(
        fields=row.get("fields") or {},
        kind=row.get("kind") or "text-to-video",
        kinds=row.get("kinds") or [row.get("kind") or "text-to-video"],
        gives=result.get("shape", "urls"),
        in_response="data.response" in result.get("where", ""),
        constraints=row.get("constraints") or (),
        variants=row.get("variants") or (),
        title=row.get("title"),
        family=row.get("family") or "",
        status=row.get("status") or "live",
        call=row.get("call"),
        price_note=note,
        price=_price(note),
        seconds=5,
    )


def _price(note: str | None) -> float | None:
    """The first number of a price in words that stands alone ("480p 2, 720p 4.5": 2)."""
    found = re.search(r"(?<![\w.])\d+(\.\d+)?(?![\w.])", (note or "").rpartition(": ")[2])
    return float(found[0]) if found else 0.0 if note == "free" else None


def _read(name: str) -> Any:
    return json.loads((files("prefect_kie") / name).read_text(encoding="utf-8"))


SORA: Mapping[str, Model] = {
    name: Model(**row, kind="video", kinds=["video"], family="sora")
    for name, row in _read("simulator/models.json").items()
}
MODELS: Mapping[str, Model] = {
    **{row["model"]: from_catalogue(row) for row in _read("models/catalog.json")},
    **SORA,
}


def find_model(name: object, *, extra: Mapping[str, Json] | None = None) -> Model | None:
    """Return what is known about a model, among those of `extra` as well (rows as of `catalog.json`)."""
    row = (extra or {}).get(str(name))
    return MODELS.get(str(name)) if row is None else from_catalogue(row)


def is_object(value: object) -> TypeGuard[Json]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a decoded JSON value is a list."""
    return isinstance(value, list)


def is_url(value: object) -> TypeGuard[str]:
    """Whether a value is an absolute http or https URL."""
    return is_address(value) and value.startswith(("http://", "https://"))


def is_address(value: object) -> TypeGuard[str]:
    """Whether a value is the address of a file: a URL, or one of Kie's own stores."""
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and parts.scheme in ("http", "https", "oss", "asset") and bool(parts.hostname)


def parse_slice(value: str) -> tuple[float, float] | None:
    """Read `"3.55,5.55"` as (start, end) in seconds; None when it is not of that form."""
    try:
        start, end = (float(part) for part in value.split(","))
    except ValueError:
        return None
    return (start, end) if math.isfinite(start) and math.isfinite(end) else None
