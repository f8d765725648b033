"""Manifests of batches: one row per video, read and checked whole before anything is submitted.

Each name is imported when it is first asked for: all flows use the templates, and only a batch the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_kie.batches.manifest.mistakes import ManifestMistakes
    from prefect_kie.batches.manifest.parsing import Row, parse_rows, read_manifest
    from prefect_kie.batches.manifest.reading import read_bytes, read_list
    from prefect_kie.batches.manifest.templates import filled, placeholders

__all__ = [
    "ManifestMistakes",
    "Row",
    "filled",
    "parse_rows",
    "placeholders",
    "read_bytes",
    "read_list",
    "read_manifest",
]

_MODULES = {
    "ManifestMistakes": "mistakes",
    "Row": "parsing",
    "filled": "templates",
    "parse_rows": "parsing",
    "placeholders": "templates",
    "read_bytes": "reading",
    "read_list": "reading",
    "read_manifest": "parsing",
}

if not TYPE_CHECKING:  # as in `prefect_kie.flows`

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
