"""The command `prefect-kie`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from prefect_kie.cli.terminal import CommandFailed, forgive_output, say

# What imports Prefect is imported by the commands themselves: `--help` has to come at once, and the demo
# chooses Prefect's home first.

# Commands that leave logs to the server, where the UI shows them; the terminal has what they print.
QUIET = ("batch", "collect", "models", "submissions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: 0 when all is well, 1 when something failed or could not begin, 130 at Ctrl-C."""
    forgive_output()
    options = _parser().parse_args(arguments)
    if options.command in QUIET:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    try:
        return int(import_module(f"prefect_kie.cli.{options.command}").run(options))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except Exception as error:
        if (said := explained(error)) is None:
            raise
        say(said, "red", error=True)
        return 1


def explained(error: Exception) -> str | None:
    """What the user has to know of an error that a command raised; None where it is a bug of ours."""
    if isinstance(error, UnicodeEncodeError):
        word = error.object.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return (
            f"This locale ({sys.getfilesystemencoding()}) does not have all letters of {word!r}: set "
            "PYTHONUTF8=1, and run this again."
        )
    if isinstance(error, CommandFailed):
        return str(error)
    import httpx
    from prefect.exceptions import ParameterTypeError
    from pydantic import ValidationError

    from prefect_kie.api import KieError
    from prefect_kie.cli.connection import server_missing

    if isinstance(error, httpx.HTTPError):  # of the Prefect server: those of Kie are errors of ours
        return str(server_missing(error))
    if isinstance(error, ValidationError):  # of a name that is no model it says besides that it is no object
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return str(error) if isinstance(error, KieError | ParameterTypeError) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prefect-kie",
        description="Kie AI's models on Prefect: you pay for each result exactly once, and never lose one.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    block = argparse.ArgumentParser(add_help=False)
    block.add_argument(
        "--credentials", default="kie", metavar="NAME", help="credentials block (default: kie)"
    )
    places = argparse.ArgumentParser(add_help=False, parents=[block])
    places.add_argument("--directory", type=Path, help="where to save (default: ~/kie-videos)")
    places.add_argument("--storage", metavar="TYPE/NAME", help="instead of a directory, a storage block")

    option = commands.add_parser(
        "demo",
        help="the main job, end to end: a video, a character from a slice of it, new videos with it",
        description="Runs character_series, a stable and an image model on a Prefect server of its own: "
        "against a simulated Kie, for free, or with --live against the real one.",
    ).add_argument
    option("--stay", action="store_true", help="keep the Prefect UI up until Ctrl-C")
    option("--live", action="store_true", help="use the real Kie with KIE_API_KEY; costs credits")
    option("--yes", action="store_true", help="with --live: do not ask before paying")
    files = "where videos and the server's data go (default: ./kie-demo)"
    option("--directory", type=Path, default=Path("kie-demo"), help=files)

    option = commands.add_parser(
        "simulate",
        help="a local Kie for trying out: same addresses, quirks and limits, real MP4 files, no cost",
    ).add_argument
    option("--host", default="127.0.0.1")
    option("--port", type=int, default=4210)
    option("--duration", type=float, default=20, metavar="SECONDS", help="how long a job takes (default: 20)")
    option("--credits", type=float, default=1000, help="balance at the start")
    option("--paused", action="store_true", help="refuse all of Sora 2 as paused, as the real Kie does today")
    option("--signing-key", help="sign callbacks with this key")

    option = commands.add_parser(
        "setup",
        help="make what a fleet needs on the connected Prefect server; says what it made and what exists",
        description="Registers the block types, and makes where they do not exist: the credentials block "
        "'kie' from KIE_API_KEY, the concurrency limits that keep calls below Kie's, and the automations "
        "that run a crashed flow run again. Run it as often as you like: what exists is left as it is.",
    ).add_argument
    budget = "also make the concurrency limit kie-credits: what all runs together may pay, in credits"
    option("--credits", type=_number(int, 0, 1_000_000_000), metavar="N", help=budget)

    commands.add_parser(
        "doctor",
        parents=[block],
        help="check that everything is in place; changes nothing on the server, spends nothing",
        description="Checks versions, server, key and balance, what setup makes, result storage (with a "
        "small file that it deletes again), work pool, worker and deployments, and says what to run.",
    )

    option = commands.add_parser(
        "batch",
        parents=[places],
        help="make the videos of a manifest, one per row; started again, only what is missing",
        description="Checks a CSV, TSV, JSONL or JSON file with one row per video, shows what it will cost, "
        "asks, and makes the videos on the configured Prefect server. A results file beside them says what "
        "became of each row.",
    ).add_argument
    option("manifest", type=Path, metavar="FILE")
    option("--dry-run", action="store_true", help="only check the manifest and show the cost")
    option("--yes", action="store_true", help="do not ask before paying")
    option("--model", help="model of the rows that name none")
    pair: dict[str, Any] = {"action": "append", "type": _pair, "default": []}
    cells = "the default for empty cells; in a text, {column} is the row's own value"
    option("--set", **pair, metavar="FIELD=VALUE", help=cells)
    column = "a column that holds a field of another name; COLUMN= is one that is not used"
    option("--column", **pair, metavar="COLUMN=FIELD", help=column)
    most = "what all of it may cost together, in all its runs; what would cost more is not begun"
    option("--max-credits", type=_number(float, 0, sys.float_info.max), metavar="CREDITS", help=most)
    name = "the batch's name (default: the file's, without its suffix); started again under the same name, "
    option("--name", help=f"{name}it pays only for what is missing")
    again = "pay anew although a results file says that rows are paid, and their records are not here"
    option("--pay-again", action="store_true", help=again)
    at_once = "jobs on their way at once (default: 100)"
    option("--max-concurrency", type=_number(int, 1, 10_000), default=100, metavar="N", help=at_once)
    tries = "how often a job is made again that failed, uncharged, for a passing reason (default: 1)"
    option("--tries", type=_number(int, 0, 10), default=1, metavar="N", help=tries)
    fallback = "model to go to when one has failed"
    option("--fallback", action="append", default=[], metavar="MODEL", help=fallback)

    option = commands.add_parser(
        "collect",
        parents=[places],
        help="fetch what a job made, from its task id alone; pays nothing",
        description="Waits for a job where it is not finished, saves what it made, and prints where each "
        "file is. It takes any job of the key's account, whoever submitted it, and pays nothing.",
    ).add_argument
    task = "Kie's id of the job, from a log, an error or Kie's logs page"
    option("task_id", metavar="TASK_ID", help=task)

    submissions = commands.add_parser(
        "submissions",
        help="list submissions whose answer was lost, and say what became of them; pays nothing",
        description="Lists submissions in doubt, and settles those for which there is evidence by now. Look "
        "for the others at kie.ai/logs: bind those whose job exists, release those whose job does not.",
    )
    records = argparse.ArgumentParser(add_help=False, parents=[block])
    place = "where the records are (default: Prefect's result storage)"
    records.add_argument("--storage", metavar="TYPE/NAME", help=place)
    records.set_defaults(submissions=[], task_id=None)
    acts = submissions.add_subparsers(required=True, metavar="ACT", dest="act")
    acts.add_parser("list", parents=[records], help="list what is in doubt")
    became = "a submission became this job, which is checked first"
    option = acts.add_parser("bind", parents=[records], help=became).add_argument
    option("submissions", nargs=1, metavar="KEY", help="the submission's key, as listed")
    option("task_id", metavar="TASK_ID", help=task)
    anew = "no such job exists at Kie: let it be submitted, and paid, anew"
    option = acts.add_parser("release", parents=[records], help=anew).add_argument
    option("submissions", nargs="+", metavar="KEY", help="the submissions' keys, as listed")

    models = commands.add_parser(
        "models",
        help="the models Kie serves: list them, show what one takes and costs; pays nothing",
        description="Asks Kie's catalogue, once a second at most, and remembers its answers for a day. "
        "Without a key, or without Kie, it says what this package knows.",
    )
    acts = models.add_subparsers(required=True, metavar="ACT", dest="act")
    option = acts.add_parser("list", parents=[block], help="list the models").add_argument
    option("words", nargs="*", metavar="WORD", help="only those with these words")
    option("--kind", metavar="KIND", help="only those of this kind: video, text-to-image, music …")
    option("--family", metavar="FAMILY", help="only those of this family: kling, suno …")
    one = "its fields, its price, how its jobs did today, and an example"
    option = acts.add_parser("show", parents=[block], help=one).add_argument
    option("model", metavar="MODEL", help="the model's name at Kie")
    differs = "what Kie's catalogue has that this package has not, and the other way round"
    option = acts.add_parser("diff", parents=[block], help=differs).add_argument
    option("models", nargs="*", metavar="MODEL", help="only these (default: all, which takes minutes)")
    anew = "for maintainers: write catalog.json of a source checkout anew from Kie's schemas"
    option = acts.add_parser("refresh", parents=[block], help=anew).add_argument
    option("--checkout", type=Path, default=Path(), metavar="DIR", help="the checkout (default: here)")

    option = commands.add_parser(
        "callbacks",
        help="take Kie's callbacks, so that waiting runs know at once when a job has ended",
        description="Takes the callbacks that Kie posts when a job ends or makes progress, makes sure that "
        "they are Kie's, and reports them to the Prefect server; a proxy of yours has to lead Kie to it.",
    ).add_argument
    option("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    option("--port", type=int, default=4280, help="port to listen on (default: 4280)")
    names = "name of a KieCallbacks block (default: the callbacks of the credentials block 'kie')"
    option("--block", metavar="NAME", help=names)
    return parser


def _number(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], float]:
    """An argument's type: a number within bounds."""

    def checked(text: str) -> float:
        with suppress(ValueError):
            # int() takes 1_000 and +1 as well.
            if (kind is float or text.isdecimal()) and least <= (found := kind(text)) <= most:
                return found
        wanted = f"number from {least:,} to {most:,}" if kind is int else "number from 0 up"
        raise argparse.ArgumentTypeError(f"{text!r} is no {wanted}")

    return checked


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
