"""docs/characters.md: its tables are the data of the models, and its example is what `cast` makes."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from prefect_kie.models import request_class
from prefect_kie.models.characters import KeepsCharacters, characters_of_models

DOCS = Path(__file__).parents[2] / "docs"


def to(bounds: tuple[float, float]) -> str:
    least, most = (f"{bound:g}" for bound in bounds)
    return least if least == most else f"{least} to {most}"


def says(keeps: KeepsCharacters) -> str:
    """What the prompt says of Mia, whose picture is the first."""
    if keeps.way == "native":
        return "its handle at Kie"
    return f"`{keeps.mention.format(handle='mia', name='Mia', i=1)}`"


def pictures(keeps: KeepsCharacters) -> str:
    if keeps.way == "videos":
        return "1 clip"
    if keeps.way == "native":
        return "–"
    total = keeps.total or 1 if keeps.way == "pictures" else 1
    together = to((keeps.least, total)) if keeps.least > 1 else total
    return to(keeps.stills) + f", {together} in all" * (total > 1)


def voice(keeps: KeepsCharacters) -> str:
    if not keeps.voice_seconds[1]:
        return "–"
    whose = "each its own" if keeps.way == "element" else f"{keeps.voices} in all"
    return f"{whose}, {to(keeps.voice_seconds)} s"


def row(model: str, keeps: KeepsCharacters) -> list[str]:
    how = {"pictures": "pictures", "videos": "its clip", "ref_name": "named picture", "native": "Kie's own"}
    cells = [f"`{model}`", how.get(keeps.way, keeps.way), says(keeps), str(keeps.characters), pictures(keeps)]
    if request_class(model).result_kind == "video":
        cells += ["needed" if keeps.needs_frame else "yes" if keeps.frame else "no", voice(keeps)]
    return cells


@pytest.mark.parametrize("kind", ["video", "image"])
def test_the_tables_are_the_data(kind: str) -> None:
    section = (DOCS / "characters.md").read_text().split(f"<!-- {kind}s: begin -->")[1].partition("<!--")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    assert lines == [
        f"| {' | '.join(row(model, keeps))} |"
        for model, keeps in characters_of_models().items()
        if request_class(model).result_kind == kind
    ]


def test_the_example_is_what_is_sent() -> None:
    example = runpy.run_path(str(DOCS / "examples/cast.py"))
    made = {request.model_name: example["sent"](request) for request in example["REQUESTS"]}
    assert json.loads((DOCS / "examples/cast.json").read_text()) == made
