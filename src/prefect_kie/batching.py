"""`prefect-kie batch`: the videos of a manifest, from the command line, on the configured server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.prompt import Confirm
from rich.text import Text

from prefect_kie.api import KieError, RunIncomplete
from prefect_kie.flows import BatchResult, SecondTries, generate_batch
from prefect_kie.flows.batch_progress import Standing, watching
from prefect_kie.provisioning import ServerMissing, check_server, server_url


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
    """
    try:
        asyncio.run(_server_answers())
        arguments = _arguments(options)
        plan = asyncio.run(_run(options.manifest, {**arguments, "dry_run": True}))
    except (ServerMissing, KieError, ValueError) as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        return 1
    _print_plan(console, plan)
    if options.dry_run:
        return 0
    if plan.counts["to submit"] and not options.yes and not _allowed(console):
        return 1
    return _make(console, options.manifest, arguments)


def _arguments(options: BatchOptions) -> dict[str, Any]:
    second_tries = SecondTries.model_validate({"times": options.tries, "models": options.fallback})
    return {**options.parameters, "second_tries": second_tries}


def _make(console: Console, manifest: Path, arguments: Mapping[str, Any]) -> int:
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
    )
    task = bar.add_task("", total=None)

    def watch(standing: Standing) -> None:
        bar.update(task, total=standing.total, completed=standing.done, description=standing.line)

    watching.set(watch)
    try:
        with bar:
            result = asyncio.run(_run(manifest, arguments))
    except KeyboardInterrupt:
        console.print("Stopped. Started again, it goes on where it was: nothing is paid twice.")
        return 130
    except RunIncomplete as error:
        console.print(Text(error.message), soft_wrap=True)
        return 1
    except KieError as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        return 1
    cost = f", {result.credits:g} credits" if result.credits else ""
    console.print(Text(f"{result.summary}{cost}. All rows: {result.results}"), soft_wrap=True)
    return 0


async def _run(manifest: Path, arguments: Mapping[str, Any]) -> BatchResult:
    run: Any = generate_batch  # which has many forms for a type checker, by whether it returns a state
    made: BatchResult = await run(manifest, **arguments)
    return made


async def _server_answers() -> None:
    async with get_client() as client:
        await check_server(client, server_url())


def _print_plan(console: Console, plan: BatchResult) -> None:
    to_submit, before = plan.counts["to submit"], plan.counts["submitted before"]
    price = (
        "for some of them the Prefect variable kie_prices has no price"
        if plan.credits is None
        else f"at most {plan.credits:g} credits by the Prefect variable kie_prices"
    )
    console.print(
        f"{to_submit + before:,} videos: {to_submit:,} to submit{f', {price}' if to_submit else ''}."
    )
    if before:
        console.print(f"{before:,} were submitted before and are not paid again.")


def _allowed(console: Console) -> bool:
    if not sys.stdin.isatty():
        console.print("Nobody is there to be asked before paying; say --yes. Nothing was submitted.")
        return False
    if Confirm.ask("Submit and pay?", console=console, default=False):
        return True
    console.print("Nothing was submitted.")
    return False
