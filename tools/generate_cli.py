"""Write docs/cli.md from the parsers of `prefect-kie`: make cli. `--check` fails where it is stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from prefect_kie.cli.main import _parser

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/cli.md"
HEAD = """# Command line

Made from the command's own help (`make cli`); `prefect-kie COMMAND --help` says the same.

The exit code is 0 if all is well, 1 if something failed or could not begin, 2 if the command line is wrong,
and 130 after Ctrl-C.
"""


def sentence(text: str | None) -> str:
    """A help text as a sentence of Markdown."""
    text = (text or "").replace("|", "\\|").replace("[", "\\[").strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "…")) else ".")


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, str | None]]:
    """A parser's own commands, and what its list says of each."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for told in action._choices_actions:
                yield action.choices[told.dest], told.help


def argument(action: argparse.Action) -> str:
    """How an argument is written: `--set FIELD=VALUE`, `MODEL …`."""
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return f"`{name}`" + (" …" if action.nargs in ("*", "+") else "")
    value = "" if action.nargs == 0 else f" {name}"
    return f"`{', '.join(action.option_strings)}{value}`"


def section(parser: argparse.ArgumentParser, told: str | None, level: int) -> Iterator[str]:
    """A command: its heading, what it does, its arguments, its own commands."""
    yield f"{'#' * level} {parser.prog}\n\n{sentence(parser.description or told)}\n"
    listed = [
        one
        for one in parser._actions
        if not isinstance(one, argparse._HelpAction | argparse._SubParsersAction)
    ]
    if listed:
        listed.sort(key=lambda one: bool(one.option_strings))
        rows = [f"| {argument(one)} | {sentence(one.help)} |" for one in listed]
        yield "\n".join(("| argument | what it does |", "|---|---|", *rows)) + "\n"
    for one, help_ in commands(parser):
        yield from section(one, help_, level + 1)


def page() -> str:
    """The whole page."""
    return "\n".join((HEAD, *(part for one in commands(_parser()) for part in section(*one, 2))))


if __name__ == "__main__":
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        sys.exit(0)
    if "--check" in sys.argv:
        print(f"{PAGE.relative_to(ROOT)} is stale: run make cli", file=sys.stderr)
        sys.exit(1)
    PAGE.write_text(page(), encoding="utf-8")
