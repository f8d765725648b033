"""The command `prefect-kie`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from prefect_kie.cli.terminal import CommandFailed, forgive_output, say

# What imports Prefect is imported by the commands themselves: `--help` has to come at once, and the demo
# chooses Prefect's home first.

# Commands that leave logs to the server, where the UI shows them; the terminal has what they print.
QUIET = ("batch", "collect", "costs", "models", "submissions")


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
    from prefect_kie.simulator import RendererMissing

    if isinstance(error, httpx.HTTPError):  # of the Prefect server: those of Kie are errors of ours
        return str(server_missing(error))
    if isinstance(error, ValidationError):  # of a name that is no model it says besides that it is no object
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return str(error) if isinstance(error, KieError | ParameterTypeError | RendererMissing) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prefect-kie",
        description="Kie AI's models on Prefect: you pay for each result exactly once, and never lose one.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    block = argparse.ArgumentParser(add_help=False)
    block.add_argument("--credentials", default="kie", metavar="NAME", help="credentials block")
    places = argparse.ArgumentParser(add_help=False, parents=[block])
    places.add_argument("--directory", type=Path, help="where to save (default: ~/kie-videos)")
    places.add_argument("--storage", metavar="TYPE/NAME", help="instead of a directory, a storage block")

    def command(name: str, what: str, *parents: argparse.ArgumentParser) -> Callable[..., argparse.Action]:
        return commands.add_parser(name, help=what, description=what, parents=parents).add_argument

    option = command("demo", "the main job, end to end, on a Prefect server of its own and a simulated Kie")
    option("--stay", action="store_true", help="keep the Prefect UI up until Ctrl-C")
    option("--live", action="store_true", help="one picture by the real Kie with KIE_API_KEY, for a cent")
    option("--yes", action="store_true", help="with --live: do not ask before paying")
    option("--directory", type=Path, default=Path("kie-demo"), help="for videos and the server's data")

    option = commands.add_parser(
        "simulate",
        help="a local Kie to try things on: same addresses, quirks and limits, real files, no cost",
        description="Serves all of Kie's models, and Sora 2, with videos, pictures and sound of its own. "
        "Words in a prompt make things go wrong for its job: [sim: fail], [sim: moderated], [sim: slow] (ten "
        "times as long), [sim: stuck], [sim: no file], [sim: lost job], [sim: lost answer], "
        "[sim: no credits], [sim: paused], [sim: dead link].",
    ).add_argument
    option("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    option("--port", type=int, default=4210, help="port to listen on (default: 4210)")
    option("--duration", type=float, default=20, metavar="SECONDS", help="how long a job takes (default: 20)")
    credits = "balance at the start (default: 1000); jobs that run reserve their price"
    option("--credits", type=float, default=1000, help=credits)
    option("--key", help="accept only this API key (default: any key)")
    option("--paused", action="store_true", help="refuse all of Sora 2 as paused, as the real Kie does today")
    option("--signing-key", help="sign callbacks with this key (default: unsigned)")
    state = "keep jobs, credits and uploads in this file (default: forget them when it stops)"
    option("--state", type=Path, metavar="FILE", help=state)

    option = command("deploy", "make deployments whose forms have exactly one model's fields", block)
    option("models", nargs="+", metavar="MODEL", help="a model's name at Kie, as in docs/models.md")
    option("--pool", default="kie", metavar="NAME", help="the work pool that runs them (default: kie)")

    option = command("setup", "make what a fleet needs on the connected Prefect server; leaves what exists")
    option("--credits", type=_number(int), metavar="N", help="budget of all runs, kie-credits")
    option("--kie", metavar="URL", help="make the block 'kie' for a simulated Kie at this address")
    notify = "tell people what needs them through this notification block, as slack-webhook/team; or none"
    option("--notify", metavar="BLOCK", help=notify)

    command("doctor", "check that all is in place; changes nothing on the server, spends nothing", block)

    option = command(
        "batch", "make the videos of a manifest, one per row; again, only what is missing", places
    )
    option("manifest", type=Path, metavar="FILE", help="the manifest: CSV, TSV, JSON or JSON Lines")
    option("--dry-run", action="store_true", help="only check the manifest and show the cost")
    option("--yes", action="store_true", help="do not ask before paying")
    option("--model", help="model of the rows that name none")
    pair: dict[str, Any] = {"action": "append", "type": _pair, "default": []}
    option(
        "--set", **pair, metavar="FIELD=VALUE", help="default for empty cells; {column} is the row's value"
    )
    option("--column", **pair, metavar="COLUMN=FIELD", help="which field a column holds; COLUMN= ignores it")
    option("--max-credits", type=_number(float), metavar="N", help="budget of all its runs")
    option("--name", help="the batch's name, by which it knows what is paid (default: the file's)")
    option("--pay-again", action="store_true", help="pay anew for paid rows whose records are not here")
    at_once = "jobs on their way at once (default: 100)"
    option("--max-concurrency", type=_number(int, 1, 10_000), default=100, metavar="N", help=at_once)
    attempts = "submissions of a job at most, if they fail, uncharged, for a passing reason (default: 2)"
    option("--attempts", type=_number(int, 1, 11), default=2, metavar="N", help=attempts)
    option("--fallback", action="append", default=[], metavar="MODEL", help="model to go to after a failure")

    option = command("collect", "fetch what a job made, from its task id alone; pays nothing", places)
    task = "Kie's id of the job, from a log, an error or Kie's logs page"
    option("task_id", metavar="TASK_ID", help=task)

    lost = "list submissions whose answer was lost, and say what became of them (kie.ai/logs); pays nothing"
    submissions = commands.add_parser("submissions", help=lost, description=lost)
    records = argparse.ArgumentParser(add_help=False, parents=[block])
    records.add_argument("--storage", metavar="TYPE/NAME", help="where the records are")
    records.set_defaults(submissions=[None], task_id=None)
    acts = submissions.add_subparsers(required=True, metavar="ACT", dest="act")
    acts.add_parser("list", parents=[records], help="list what is in doubt")
    bind = acts.add_parser("bind", parents=[records], help="a submission became this job")
    bind.add_argument("submissions", nargs=1, metavar="KEY", help="the submission's key, as listed")
    bind.add_argument("task_id", metavar="TASK_ID", help=task)
    release = acts.add_parser(
        "release", parents=[records], help="no such job exists: submit it, and pay, anew"
    )
    release.add_argument("submissions", nargs="+", metavar="KEY", help="the submissions' keys, as listed")

    option = command("costs", "what was wanted, what came of it and what it cost; pays nothing", block)
    groups = ("scope", "model", "day", "tag")
    option("--by", choices=groups, default="scope", help="what the numbers are grouped by (default: scope)")
    for name, which in (("--since", "first"), ("--until", "last")):
        option(name, type=_day, metavar="DATE", help=f"the {which} day of submission, UTC, as 2026-11-29")
    option("--scope", metavar="NAME", help="only this job_key, batch, or outermost run's id")
    option("--csv", type=Path, metavar="FILE", help="write a row for each submission into this file")
    option("--json", action="store_true", help="print all of it as JSON")
    option("--storage", metavar="TYPE/NAME", help="where the records are")

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

    option = command("callbacks", "take Kie's callbacks, so that waiting runs hear at once of a job's end")
    instead = "only print the template of a Prefect Cloud webhook that takes them instead"
    option("act", nargs="?", choices=["template"], metavar="template", help=instead)
    option("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    option("--port", type=int, default=4280, help="port to listen on (default: 4280)")
    option(
        "--block", metavar="NAME", help="a KieCallbacks block (default: that of the credentials block 'kie')"
    )
    return parser


def _number(kind: type[int] | type[float], least: int = 0, most: int = 10**9) -> Callable[[str], float]:
    """An argument's type: a number within bounds."""

    def checked(text: str) -> float:
        with suppress(ValueError):
            if least <= (found := kind(text)) <= most:
                return found
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:,} to {most:,}")

    return checked


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-11-29") from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
