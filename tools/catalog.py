"""The catalogue of Kie's models as the package keeps it: `src/prefect_kie/models/catalog.json`.

It holds what Kie's own pages and live schemas say, one line a field, so that a change is a small diff. What
we say in our own words stands in `models_overlay.json`.
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "src/prefect_kie/models"
CATALOG = MODELS / "catalog.json"
OVERLAY = Path(__file__).parent / "models_overlay.json"

Entry = dict[str, Any]


def load() -> list[Entry]:
    """All models, sorted by name."""
    entries: list[Entry] = json.loads(CATALOG.read_text())
    return entries


def overlay() -> dict[str, Any]:
    """Our own words and rules."""
    words: dict[str, Any] = json.loads(OVERLAY.read_text())
    return words


def write(entries: list[Entry]) -> None:
    """Write the catalogue."""
    CATALOG.write_text(text_of(entries))


def text_of(entries: list[Entry]) -> str:
    """The catalogue as JSON with one line for each fact and each field."""
    models: list[str] = []
    for entry in sorted(entries, key=lambda one: str(one["model"])):
        lines = [f" {_json(name)}: {_json(value)}" for name, value in entry.items() if name != "fields"]
        fields = [f"  {_json(name)}: {_json(field)}" for name, field in entry["fields"].items()]
        lines.append(' "fields": {\n' + ",\n".join(fields) + "\n }" if fields else ' "fields": {}')
        models.append("{\n" + ",\n".join(lines) + "\n}")
    return "[\n" + ",\n".join(models) + "\n]\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
