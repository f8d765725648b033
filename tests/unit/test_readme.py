"""What the README says is run and compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from prefect_kie import errors, models, tasks
from prefect_kie.api import KieError
from prefect_kie.api import errors as api_errors
from prefect_kie.models.index import MODELS
from prefect_kie.submissions.store import SubmissionRecord

ROOT = Path(__file__).parents[2]


README = (ROOT / "README.md").read_text()


PAGES = {path: path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))}


def table_after(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of the reference, without its head."""
    section = PAGES[ROOT / "docs/reference.md"].split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_pages_name_every_task() -> None:
    by_hand = {row[0].strip("`"): row[1].strip("`") for row in table_after("Models")}
    generated = re.findall(
        r"^\| `[^`]+` \| `\w+` \| `(\w+)` \|", PAGES[ROOT / "docs/models.md"], re.MULTILINE
    )
    assert {*by_hand, *generated} == {known.task for known in MODELS.values()}
    for name, request in by_hand.items():
        assert getattr(tasks, name) is tasks.models._tasks[getattr(models, request)]


def test_the_error_table_names_every_error_with_its_charge() -> None:
    told: dict[str, str] = {}
    for row in table_after("Errors"):
        told |= dict.fromkeys(re.findall(r"\w+", row[0]), row[1])
    classes: dict[str, Any] = {
        name: value
        for name, value in {**vars(api_errors), **vars(errors)}.items()
        if isinstance(value, type) and issubclass(value, KieError) and value is not KieError
    }
    assert set(told) == set(classes)
    for name, charged in told.items():
        assert charged in ("–", classes[name].default_billed), name


def test_the_reference_names_every_field_of_a_record() -> None:
    told = {name for row in table_after("The record of a submission") for name in re.findall(r"\w+", row[0])}
    assert told == set(SubmissionRecord.model_fields)


def test_every_command_for_make_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in (README, (ROOT / "CONTRIBUTING.md").read_text(), (ROOT / ".ci/run").read_text()):
        assert set(re.findall(r"\bmake ([a-z]+)", text)) - {"clean"} <= targets


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for path, text in PAGES.items():
        for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), link
            heads = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if anchor else []
            slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            assert not anchor or anchor in slugs, link


def test_the_start_page_and_the_menu_lead_to_every_page() -> None:
    docs = ROOT / "docs"
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"index.md"}
    pages = {page for page in pages if not page.startswith("upstream/")}
    assert pages == set(re.findall(r"\]\(([\w/-]+\.md)\)", (docs / "index.md").read_text()))
    assert pages == set(re.findall(r'= "([\w/-]+\.md)"', (ROOT / "zensical.toml").read_text())) - {"index.md"}


def test_nothing_of_this_machine_is_in_the_repository() -> None:
    home = str(Path("~root").expanduser())
    for path in [*PAGES, ROOT / "pyproject.toml", ROOT / "Makefile", *ROOT.glob(".ci/*")]:
        text = path.read_text()
        assert home not in text
        assert "index-url" not in text
