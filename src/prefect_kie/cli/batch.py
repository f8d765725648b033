"""`prefect-kie batch`: the videos of a manifest, from the command line, on the configured server."""

import argparse
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from prefect_kie.batches.results import BatchProgress, counts_text, videos_text, watching
from prefect_kie.blocks import PRICES
from prefect_kie.cli.connection import run_flow
from prefect_kie.cli.terminal import CommandFailed, confirmed, say
from prefect_kie.flows import Approval, BatchResult, BatchRetry, Output, Scope, Table, generate_batch
from prefect_kie.models.index import MODELS
from prefect_kie.outcomes.endings import summary


def run(options: argparse.Namespace) -> int:
    """Show what will be submitted, ask, make it, and say what became of it: 0 when every video is made."""
    if unknown := [model for model in options.fallback if model not in MODELS]:
        raise CommandFailed(
            f"{unknown[0]!r} is none of the models that prefect-kie knows: see prefect-kie models list"
        )
    model = {"model": options.model} if options.model else {}
    parameters = {
        "credentials": options.credentials,
        "defaults": {**model, **dict(options.set)},
        "table": Table(columns={column: field or None for column, field in options.column}),
        "output": Output(directory=options.directory, storage=options.storage),
        "scope": Scope(job_key=options.name),
        "approval": Approval(max_credits=options.max_credits),
        "retry": BatchRetry(
            attempts=options.attempts, fallbacks=tuple({"model": model} for model in options.fallback)
        ),
        "pay_again": options.pay_again,
        "max_concurrency": options.max_concurrency,
    }
    return make(options.manifest, parameters, dry_run=options.dry_run, yes=options.yes)


def make(manifest: Path, parameters: dict[str, Any], *, dry_run: bool = False, yes: bool = False) -> int:
    """As `run`, with the flow's own parameters."""
    plan: BatchResult = run_flow(generate_batch, manifest, **{**parameters, "dry_run": True})
    _show_plan(plan)
    if dry_run:
        return 0
    if plan.counts["to submit"] and not yes:
        if not confirmed("Submit and pay?"):
            return 1
        if plan.unrecorded:  # a person has read so, and said yes
            parameters = {**parameters, "pay_again": True}
    progress: list[BatchProgress] = []
    try:
        with _shown(progress):
            result: BatchResult = run_flow(generate_batch, manifest, **parameters)
    except KeyboardInterrupt:
        say(_stopped(*progress))
        return 130
    before = f" ({result.credits_before:g} of them for earlier runs)" if result.credits_before else ""
    say(f"{summary(result.videos)}{before}. All rows: {result.results}")
    return 0


def _show_plan(plan: BatchResult) -> None:
    to_submit, before = plan.counts["to submit"], plan.counts["submitted before"]
    price = f", at most {plan.credits:g} credits" if plan.credits is not None and to_submit else ""
    say(f"{videos_text(to_submit + before)}: {to_submit:,} to submit{price}.")
    if plan.unpriced:
        models = ", ".join(f"{model} ({count:,})" for model, count in plan.unpriced.items())
        say(
            f"What it will cost is not known: the Prefect variable {PRICES} has no price for {models}. "
            f"`prefect-kie models show {next(iter(plan.unpriced))}` tells Kie's."
        )
    if plan.account and to_submit:
        say(plan.account)
    if plan.unrecorded:
        say(
            f"The results file of an earlier run says that {plan.unrecorded:,} of its rows are paid, but no "
            f"submission of the batch {plan.job_key!r} is on record here: all of it would be paid again.",
            "red",
        )
    if before:
        say(f"{before:,} submitted before, not paid again.")


def _stopped(last: BatchProgress | None = None) -> str:
    """What the user has to know of a batch that was stopped."""
    again = "Started again, it goes on where it was: nothing is paid twice."
    if last is None:
        return f"Stopped before anything was submitted. {again}"
    jobs = len(last.on_their_way)
    way = f" Jobs that go on at Kie, and are charged if they succeed: {jobs:,}." if jobs else ""
    return f"Stopped at {counts_text(last.counts, last.total)}.{way} {again} All rows: {last.results}"


@contextmanager
def _shown(last: list[BatchProgress]) -> Generator[None, None, None]:
    """Show how far it is in a bar, or without a terminal in a line for each tenth; keeps the last."""
    console = Console()
    bar = Progress(
        BarColumn(bar_width=12),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column()),  # it may wrap
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task("", total=None)
    tenths = 0

    def watch(progress: BatchProgress) -> None:
        nonlocal tenths
        last[:] = [progress]
        bar.update(task, total=progress.total, completed=progress.done, description=progress.line)
        before, tenths = tenths, progress.done * 10 // progress.total
        if bar.disable and tenths > before:
            say(progress.line)

    token = watching.set(watch)
    try:
        with bar:
            yield
    finally:
        watching.reset(token)
