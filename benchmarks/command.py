"""What the benchmarks are as commands: `--write`, and an end that says whether all that is required is so."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.apart import ROOT

MOST_SHOWN = 20


def command(
    name: str, description: str | None = None, document: str = "docs/benchmarks.md"
) -> argparse.ArgumentParser:
    """The parser of a benchmark, with `--write`; each adds options of its own.

    Args:
        name: The benchmark's module.
        description: What it measures.
        document: Where its table stands, between its marks.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    put = f"put the table into {document}"
    parser.add_argument("--write", action="store_const", const=ROOT / document, help=put)
    return parser


def ended(
    console: Console,
    below: str,
    broken: Sequence[str] | None,
    write: Callable[[Path, str], None],
    document: Path | None,
) -> int:
    """Say what was measured on and what is not as required; write the figures where all is.

    Args:
        console: Where to say it.
        below: What stands below the figures, such as the machine.
        broken: What is required and not so, a sentence each; None: nothing is required.
        write: Puts the figures into a document, with a sentence below.
        document: Where they go; None: nowhere.

    Returns:
        The exit code.
    """
    console.print(below, markup=False)
    if broken is not None:
        console.print(f"{len(broken)} requirements not met", *broken[:MOST_SHOWN], sep="\n", markup=False)
    if document is not None and not broken:
        write(document, below)
    return 1 if broken else 0
