"""The models as data: which inputs each takes, what it gives, and what it costs.

They come from `catalog.json`, data from the provider's documentation; what its pages say beyond, and that
Sora is served here, from `models.json`.
"""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]

PAUSED = "This interface is temporarily paused"


class Refused(Exception):
    """A refused call, as Kie answers it: HTTP 200 with this code and msg in the body."""

    def __init__(self, code: int, msg: str | None = None) -> None:
        super().__init__(code, msg)
        self.code, self.msg = code, msg


class Model(BaseModel):
    """What one model takes and gives: a row of `catalog.json`, of which every part may be left out."""

    model_config = ConfigDict(frozen=True)

    fields: dict[str, Json] = {}  # rules by name; none: any input
    kind: str = "text-to-video"  # of what it gives, in Kie's words
    kinds: list[str] = []
    result: Json = {}
    constraints: list[list[str]] = []  # rules between fields
    variants: list[Json] = []  # the shapes of its input, where there are several
    title: str | None = None
    family: str = ""
    status: str = "live"
    call: str | None = None  # path of a call of its own that answers at once
    price: Json = {}  # roughly, since the real ones changed tenfold within months
    progress: bool = False  # whether it reports progress and takes a progressCallBackUrl
    watermark: bool = False  # on its videos, unless remove_watermark is set
    seconds: int = 5  # length of its videos when the input does not say
    form: str = "mp4"  # of its files, where they are neither pictures nor sounds
    files: int = 1  # how many, when the input does not say

    @property
    def gives(self) -> str:
        """The shape of its result: `urls`, `tracks`, `object`; `pro-character`, `character` (Sora's)."""
        return str(self.result.get("shape", "urls"))

    @property
    def credits(self) -> float | None:
        """The first number of a price in words that stands alone ("480p 2, 720p 4.5": 2)."""
        note = str(self.price.get("note", ""))
        found = re.search(r"(?<![\w.])\d+(\.\d+)?(?![\w.])", note.rpartition(": ")[2])
        return float(found[0]) if found else 0.0 if note == "free" else None


def read(name: str) -> Any:
    return json.loads((files("prefect_kie") / name).read_text(encoding="utf-8"))


_BEYOND = read("simulator/models.json")
MODELS: Mapping[str, Model] = {
    row["model"]: Model.model_validate(
        {**row, **(more := _BEYOND.get(row["model"], {}))}
        | {"constraints": row.get("constraints", []) + more.get("constraints", [])}
    )
    for row in read("models/catalog.json")
}


def is_object(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def objects_in(value: object) -> list[Json]:
    """Return the objects of a decoded JSON list; none for any other value."""
    return [each for each in value if is_object(each)] if is_list(value) else []


def is_url(value: object) -> TypeGuard[str]:
    return is_address(value) and value.startswith(("http://", "https://"))


def is_address(value: object) -> TypeGuard[str]:
    """Whether a value is the address of a file: a URL, or one of Kie's own stores."""
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and parts.scheme in ("http", "https", "oss", "asset") and bool(parts.hostname)
