"""`prefect-kie batch`: the videos of a manifest, from the command line, on the configured server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.exceptions import ParameterTypeError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.prompt import Confirm
from rich.text import Text

from prefect_kie.api import KieError
from prefect_kie.batches.progress import Standing, watching
from prefect_kie.batches.results import told_counts, told_videos
from prefect_kie.blocks import PRICES
from prefect_kie.cli.connection import connected
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import BatchResult, BatchRetry, generate_batch
from prefect_kie.models.registry import TYPED
from prefect_kie.outcomes.endings import summary

LINES = 10
"""So many lines tell how far it is where no terminal is."""


@dataclass(frozen=True)
class BatchOptions:
    """What the command line says.

    Attributes:
        manifest: The file.
        parameters: What is passed on to the flow as it is.
        fallback: Models to go to when one fails, in this order.
        tries: How often a job that failed for a passing reason is submitted again.
        dry_run: Only check and estimate.
        yes: Do not ask before paying.
    """

    manifest: Path
    parameters: Mapping[str, Any]
    fallback: tuple[str, ...] = ()
    tries: int = 1
    dry_run: bool = False
    yes: bool = False


def run_batch(console: Console, options: BatchOptions) -> int:
    """Show what will be submitted, ask, make it, and tell what became of it.

    Args:
        console: Where to tell it.
        options: What the command line says.

    Returns:
        The exit code: 0 when every video is there (or, on a dry run, the manifest is right), else 1.

    Raises:
        ServerMissing: when there is no Prefect server.
    """
    if unknown := [model for model in options.fallback if model not in TYPED]:
        return _refused(console, f"{unknown[0]!r} is none of the typed models ({', '.join(TYPED)})")
    try:
        fallbacks = tuple({"model": model} for model in options.fallback)
        retry = BatchRetry(attempts=options.tries + 1, fallbacks=fallbacks)
        arguments = {**options.parameters, "retry": retry}
        asyncio.run(_connected())
        plan = asyncio.run(_run(options.manifest, {**arguments, "dry_run": True}))
    except (KieError, ParameterTypeError) as error:
        return _refused(console, str(error))
    _print_plan(console, plan)
    if options.dry_run:
        return 0
    if plan.counts["to submit"] and not options.yes:
        if not _allowed(console):
            return 1
        if plan.unrecorded:  # a person has read so, and said yes
            arguments["pay_again"] = True
    return _make(console, options.manifest, arguments)


def _refused(console: Console, text: str) -> int:
    # Text and soft_wrap: brackets are no markup, and a line of ours stays one.
    console.print(Text(text, style="red"), soft_wrap=True)
    return 1


def _make(console: Console, manifest: Path, arguments: Mapping[str, Any]) -> int:
    seen: list[Standing] = []
    try:
        with _told(console, seen):
            result = asyncio.run(_run(manifest, arguments))
    except KeyboardInterrupt:
        console.print(Text(_stopped(seen)), soft_wrap=True)
        return 130
    except RunIncomplete as error:
        console.print(Text(error.message), soft_wrap=True)
        return 1
    except KieError as error:
        return _refused(console, str(error))
    before = f" ({result.credits_before:g} of them for earlier runs)" if result.credits_before else ""
    console.print(Text(f"{summary(result.videos)}{before}. All rows: {result.results}"), soft_wrap=True)
    return 0


def _stopped(seen: Sequence[Standing]) -> str:
    """What is to be known of a batch that was stopped."""
    again = "Started again, it goes on where it was: nothing is paid twice."
    if not seen:
        return f"Stopped before anything was submitted. {again}"
    last = seen[-1]
    way = ""
    if last.on_their_way == 1:
        way = " 1 job goes on at Kie, and is charged if it succeeds."
    elif last.on_their_way:
        way = f" {last.on_their_way:,} jobs go on at Kie, and are charged if they succeed."
    return f"Stopped at {told_counts(last.counts, last.total)}.{way} {again} All rows: {last.results}"


@contextmanager
def _told(console: Console, seen: list[Standing]) -> Generator[None, None, None]:
    """Tell how far it is: in a bar, or where no terminal is, in a line for each tenth.

    Args:
        console: Where.
        seen: Holds the last standing afterwards.
    """
    bar = Progress(
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task("", total=None)
    told = 0

    def watch(standing: Standing) -> None:
        nonlocal told
        seen[:] = [standing]
        bar.update(task, total=standing.total, completed=standing.done, description=standing.line)
        part = standing.done * LINES // standing.total
        if bar.disable and part > told:
            told = part
            console.print(Text(standing.line), soft_wrap=True)

    token = watching.set(watch)
    try:
        with bar:
            yield
    finally:
        watching.reset(token)


async def _run(manifest: Path, arguments: Mapping[str, Any]) -> BatchResult:
    run: Any = generate_batch  # which has many forms for a type checker, by whether it returns a state
    made: BatchResult = await run(manifest, **arguments)
    return made


async def _connected() -> None:
    async with connected():
        pass


def _print_plan(console: Console, plan: BatchResult) -> None:
    to_submit, before = plan.counts["to submit"], plan.counts["submitted before"]
    price = f", at most {plan.credits:g} credits" if plan.credits is not None and to_submit else ""
    videos = told_videos(to_submit + before)
    console.print(Text(f"{videos}: {to_submit:,} to submit{price}."), soft_wrap=True)
    if plan.unpriced:
        models = ", ".join(f"{model} ({count:,})" for model, count in plan.unpriced.items())
        told = f"What it will cost is not known: the Prefect variable {PRICES} has no price for {models}."
        console.print(Text(told), soft_wrap=True)
    if plan.account and to_submit:
        console.print(Text(plan.account), soft_wrap=True)
    if plan.unrecorded:
        told = (
            f"The results file of an earlier run says that {plan.unrecorded:,} of its rows are paid, but no "
            f"submission of the batch {plan.job_key!r} is on record here: all of it would be paid again."
        )
        console.print(Text(told, style="red"), soft_wrap=True)
    if before:
        were, are = ("was", "is") if before == 1 else ("were", "are")
        console.print(f"{before:,} {were} submitted before and {are} not paid again.", soft_wrap=True)


def _allowed(console: Console) -> bool:
    if not sys.stdin.isatty():
        console.print(
            "Nobody is there to be asked before paying; say --yes. Nothing was submitted.", soft_wrap=True
        )
        return False
    if Confirm.ask("Submit and pay?", console=console, default=False):
        return True
    console.print("Nothing was submitted.")
    return False
