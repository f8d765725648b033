"""The words of the commands that have many: `batch`, `collect` and `submissions`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

N = TypeVar("N", int, float)


def add_batch(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> argparse.ArgumentParser:
    batch = commands.add_parser(
        "batch",
        help="make the videos of a manifest, one per row; started again, only what is missing",
        description=(
            "Checks a CSV, TSV, JSONL or JSON file with one row per video, shows what it will cost, asks, "
            "and makes the videos on the configured Prefect server. A results file beside them tells what "
            "became of each row."
        ),
    )
    batch.add_argument("manifest", type=Path, metavar="FILE")
    batch.add_argument("--dry-run", action="store_true", help="only check the manifest and tell the cost")
    batch.add_argument("--yes", action="store_true", help="do not ask before paying")
    batch.add_argument("--model", help="model of the rows that name none")
    batch.add_argument(
        "--set",
        action="append",
        type=_pair,
        default=[],
        metavar="FIELD=VALUE",
        help="the default for empty cells; in a text, {column} is the row's own value",
    )
    batch.add_argument(
        "--column",
        action="append",
        type=_pair,
        default=[],
        metavar="COLUMN=FIELD",
        help="a column that holds a field of another name; COLUMN= is one that is not used",
    )
    _add_places(batch)
    batch.add_argument(
        "--max-credits",
        type=number(float, 0.0, sys.float_info.max, "number of credits"),
        metavar="CREDITS",
        help="what all of it may cost together, in all its runs; what would cost more is not begun",
    )
    batch.add_argument(
        "--name",
        help="the batch's name (default: the file's, without its suffix); started again under the same name, "
        "it pays only for what is missing",
    )
    batch.add_argument(
        "--pay-again",
        action="store_true",
        help="pay anew although a results file says that rows are paid, and their records are not here",
    )
    batch.add_argument(
        "--max-concurrency",
        type=number(whole, 1, 10_000, "number from 1 to 10,000"),
        default=100,
        metavar="N",
        help="on their way at once (default: 100)",
    )
    batch.add_argument(
        "--tries",
        type=number(whole, 0, 10, "number from 0 to 10"),
        default=1,
        metavar="N",
        help="how often a job is made again that failed, uncharged, for a passing reason (default: 1)",
    )
    batch.add_argument(
        "--fallback", action="append", default=[], metavar="MODEL", help="model to go to when one has failed"
    )
    return batch


def add_collect(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> argparse.ArgumentParser:
    collect = commands.add_parser(
        "collect",
        help="fetch what a job made, from its task id alone; pays nothing",
        description=(
            "Waits for a job where it is not finished, saves what it made, and prints where each file is. It "
            "takes any job of the key's account, whoever submitted it, and pays nothing."
        ),
    )
    collect.add_argument(
        "task_id", metavar="TASK_ID", help="Kie's id of the job, from a log, an error or Kie's logs page"
    )
    _add_places(collect)
    return collect


def add_submissions(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> argparse.ArgumentParser:
    submissions = commands.add_parser(
        "submissions",
        help="list submissions whose answer was lost, and say what became of them; pays nothing",
        description=(
            "Lists submissions in doubt, and settles those for which there is evidence by now. Look for the "
            "others at kie.ai/logs: bind those whose job is there, release those whose job is not."
        ),
    )
    acts = submissions.add_subparsers(required=True, metavar="ACT", dest="act")
    shown = acts.add_parser("list", help="list what is in doubt")
    shown.set_defaults(submissions=[])
    bind = acts.add_parser("bind", help="a submission became this job, which is checked first")
    bind.add_argument("submissions", nargs=1, metavar="KEY", help="the submission's key, as listed")
    bind.add_argument("task_id", metavar="TASK_ID", help="Kie's id of the job, from kie.ai/logs")
    release = acts.add_parser(
        "release", help="there is no such job at Kie: let it be submitted, and paid, anew"
    )
    release.add_argument("submissions", nargs="+", metavar="KEY", help="the submissions' keys, as listed")
    for act in (shown, bind, release):
        act.add_argument(
            "--credentials", default="kie", metavar="NAME", help="credentials block (default: kie)"
        )
        act.add_argument(
            "--storage", metavar="TYPE/NAME", help="where the records are (default: Prefect's result storage)"
        )
    for act in (shown, release):
        act.set_defaults(task_id=None)
    return submissions


def _add_places(command: argparse.ArgumentParser) -> None:
    """Whose key is used, and where to save."""
    command.add_argument(
        "--credentials", default="kie", metavar="NAME", help="credentials block (default: kie)"
    )
    command.add_argument(
        "--directory", type=Path, help="where to save (default: kie-videos in the home directory)"
    )
    command.add_argument("--storage", metavar="TYPE/NAME", help="instead of a directory, a storage block")


def number(read: Callable[[str], N], least: N, most: N, wanted: str) -> Callable[[str], N]:
    """An argument's type: what `read` makes of it, within bounds."""

    def checked(text: str) -> N:
        with suppress(ValueError):
            if least <= (found := read(text)) <= most:
                return found
        raise argparse.ArgumentTypeError(f"{text!r} is no {wanted}")

    return checked


def whole(text: str) -> int:
    """A number in decimal digits alone.

    Raises:
        ValueError: when it is none.
    """
    if not text.isdecimal():  # int() takes 1_000 and +1 as well
        raise ValueError(text)
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
