"""The command `prefect-kie`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from prefect_kie.cli.arguments import add_batch, add_collect, add_submissions, number, whole
from prefect_kie.cli.terminal import forgive_output

# What imports Prefect is imported by the commands themselves: the demo chooses Prefect's home first.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Its words; the process's own by default.

    Returns:
        The exit code: 0 when all went well, 1 when something failed or could not begin, 130 when stopped by
        Ctrl-C.
    """
    forgive_output()
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except Exception as error:
        if (sentence := _about_the_locale(error) or _about_the_server(error)) is None:
            raise
        print(sentence, file=sys.stderr)
        return 1


def _about_the_locale(error: Exception) -> str | None:
    """What to do where a word of the command line or of the environment has letters the locale has not."""
    if not isinstance(error, UnicodeEncodeError):
        return None
    word = error.object.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return (
        f"This locale ({sys.getfilesystemencoding()}) does not have all letters of {word!r}: set "
        "PYTHONUTF8=1, and run this again."
    )


def _about_the_server(error: Exception) -> str | None:
    """What is wrong with the Prefect server; None where the error is another one."""
    import httpx

    from prefect_kie.cli.connection import ServerMissing, server_missing

    if isinstance(error, httpx.HTTPError):  # of the server: those of Kie are errors of ours
        error = server_missing(error)
    return str(error) if isinstance(error, ServerMissing) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prefect-kie",
        description="Kie AI's models on Prefect: you pay for each result exactly once, and never lose one.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="the main job, end to end: a video, a character from a slice of it, new videos with it",
        description=(
            "Runs character_series, a stable and an image model on a Prefect server of its own: against a "
            "simulated Kie, for free, or with --live against the real one."
        ),
    )
    demo.add_argument("--stay", action="store_true", help="keep the Prefect UI up until Ctrl-C")
    demo.add_argument("--live", action="store_true", help="use the real Kie with KIE_API_KEY; costs credits")
    demo.add_argument("--yes", action="store_true", help="with --live: do not ask before paying")
    demo.add_argument(
        "--directory",
        type=Path,
        default=Path("kie-demo"),
        help="where videos and the server's data go (default: ./kie-demo)",
    )
    demo.set_defaults(run=_demo)

    simulate = commands.add_parser(
        "simulate",
        help="a local Kie for trying out: same addresses, quirks and limits, real MP4 files, no cost",
    )
    simulate.add_argument("--host", default="127.0.0.1")
    simulate.add_argument("--port", type=int, default=4210)
    simulate.add_argument(
        "--duration", type=float, default=20.0, metavar="SECONDS", help="how long a job takes (default: 20)"
    )
    simulate.add_argument("--credits", type=float, default=1000.0, help="balance at the start")
    simulate.add_argument(
        "--paused", action="store_true", help="refuse all of Sora 2 as paused, as the real Kie does today"
    )
    simulate.add_argument("--signing-key", help="sign callbacks with this key")
    simulate.set_defaults(run=_simulate)

    setup = commands.add_parser(
        "setup",
        help="make what a fleet needs on the connected Prefect server; says what it made and what was there",
        description=(
            "Registers the block types, and makes where they do not exist: the credentials block 'kie' from "
            "KIE_API_KEY, the concurrency limit that keeps submissions below Kie's, and the automations that "
            "run a crashed flow run again. Run it as often as you like: what is there is left as it is."
        ),
    )
    setup.add_argument(
        "--credits",
        type=number(whole, 0, 1_000_000_000, "number from 0 to 1,000,000,000"),
        metavar="N",
        help="also make the concurrency limit kie-credits: what all runs together may pay, in credits",
    )
    setup.set_defaults(run=_setup)

    doctor = commands.add_parser(
        "doctor",
        help="check that everything is in place; changes nothing on the server, spends nothing",
        description=(
            "Checks versions, server, key and balance, what setup makes, result storage (with a small file "
            "that it deletes again), work pool, worker and deployments, and says for each what to run."
        ),
    )
    doctor.add_argument(
        "--credentials", default="kie", metavar="NAME", help="name of the credentials block (default: kie)"
    )
    doctor.set_defaults(run=_doctor)

    add_batch(commands).set_defaults(run=_batch)
    add_collect(commands).set_defaults(run=_collect)
    add_submissions(commands).set_defaults(run=_submissions)

    callbacks = commands.add_parser(
        "callbacks",
        help="take Kie's callbacks, so that waiting runs know at once when a job has ended",
        description=(
            "Takes the callbacks that Kie posts when a job ends or makes progress, makes sure that they are "
            "Kie's, and tells the Prefect server; a proxy of yours has to make it reachable for Kie."
        ),
    )
    callbacks.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    callbacks.add_argument("--port", type=int, default=4280, help="port to listen on (default: 4280)")
    callbacks.add_argument(
        "--block",
        metavar="NAME",
        help="name of a KieCallbacks block (default: the callbacks of the credentials block 'kie')",
    )
    callbacks.set_defaults(run=_callbacks)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from prefect_kie.cli.demo import run_demo

    return run_demo(options.directory, live=options.live, yes=options.yes, stay=options.stay)


def _simulate(options: argparse.Namespace) -> int:
    from prefect_kie.simulator import RendererMissing, SimulatorSettings, check_renderer, serve
    from prefect_kie.simulator.settings import PAUSED_TODAY

    settings = SimulatorSettings(
        duration_seconds=options.duration,
        credits=options.credits,
        paused_models=PAUSED_TODAY if options.paused else (),
        signing_key=options.signing_key,
    )
    try:
        check_renderer()
        serve(settings, options.host, options.port, on_start=_tell)
    except RendererMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot listen on {options.host} port {options.port}: {error}", file=sys.stderr)
        return 1
    return 0


def _setup(options: argparse.Namespace) -> int:
    from rich.console import Console

    from prefect_kie.cli.setup import run_setup

    return run_setup(Console(), options.credits)


def _doctor(options: argparse.Namespace) -> int:
    from rich.console import Console

    from prefect_kie.cli.doctor.checks import run_doctor

    return run_doctor(Console(), options.credentials)


def _batch(options: argparse.Namespace) -> int:
    _log_to_the_server()
    from rich.console import Console

    from prefect_kie.cli.batch import BatchOptions, run_batch
    from prefect_kie.flows import Approval, Output, Scope, Table

    model = {"model": options.model} if options.model else {}
    parameters = {
        "credentials": options.credentials,
        "defaults": {**model, **dict(options.set)},
        "table": Table(columns={column: field or None for column, field in options.column}),
        "output": Output(directory=options.directory, storage=options.storage),
        "scope": Scope(job_key=options.name),
        "approval": Approval(max_credits=options.max_credits),
        "pay_again": options.pay_again,
        "max_concurrency": options.max_concurrency,
    }
    return run_batch(
        Console(),
        BatchOptions(
            options.manifest,
            parameters,
            tuple(options.fallback),
            options.tries,
            dry_run=options.dry_run,
            yes=options.yes,
        ),
    )


def _collect(options: argparse.Namespace) -> int:
    _log_to_the_server()
    from rich.console import Console

    from prefect_kie.cli.collect import run_collect

    return run_collect(
        Console(),
        Console(stderr=True),
        options.task_id,
        credentials=options.credentials,
        directory=options.directory,
        storage=options.storage,
    )


def _submissions(options: argparse.Namespace) -> int:
    _log_to_the_server()
    from rich.console import Console

    from prefect_kie.cli.submissions import run_submissions

    return run_submissions(Console(), Console(stderr=True), options)


def _log_to_the_server() -> None:
    """Leave logs to the server, where the UI shows them; the terminal has what the command prints."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _callbacks(options: argparse.Namespace) -> int:
    from rich.console import Console

    from prefect_kie.cli.callbacks import run_callbacks

    return run_callbacks(Console(), options.host, options.port, options.block)


def _tell(url: str) -> None:
    print(
        f"Simulated Kie at {url}. In a KieCredentials block, give this as both addresses and any key. "
        f"Counters: {url}/_sim/stats. Ctrl-C stops it.",
        flush=True,
    )
