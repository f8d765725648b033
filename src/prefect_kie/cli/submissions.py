"""`prefect-kie submissions`: what is in doubt, and what a person knows of it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from prefect.exceptions import ParameterTypeError
from rich.console import Console
from rich.text import Text

from prefect_kie.api import KieError
from prefect_kie.cli.connection import connected
from prefect_kie.flows import ResolvedSubmission, ResolvedSubmissions, resolve_submission


def run_submissions(console: Console, errors: Console, options: argparse.Namespace) -> int:
    """List submissions in doubt, bind one to its job, or release some; pays nothing.

    Args:
        console: Where to print each submission.
        errors: Where to say why one was left as it is; the others are done all the same.
        options: `act` (`list`, `bind`, `release`), `submissions` (keys), `task_id`, `credentials`, `storage`.

    Returns:
        The exit code: 0 when everything asked for is done, else 1.

    Raises:
        ServerMissing: when there is no Prefect server.
    """
    asyncio.run(_reach_the_server())
    failed = False
    found: list[ResolvedSubmission] = []
    for key in options.submissions or [None]:
        parameters = {
            "submission": key,
            "task_id": options.task_id,
            "release": options.act == "release",
            "credentials": options.credentials,
            "records_storage": options.storage,
        }
        try:
            found += asyncio.run(_resolved(parameters)).submissions
        except (KieError, ParameterTypeError) as error:
            errors.print(Text(f"{key or 'submissions'}: {error}", style="red"), soft_wrap=True)
            failed = True
    _show(console, found)
    if options.act == "list" and not found and not failed:
        console.print("No submission is in doubt.")
    return int(failed)


async def _reach_the_server() -> None:
    async with connected():
        pass


async def _resolved(parameters: dict[str, Any]) -> ResolvedSubmissions:
    run: Any = resolve_submission  # which has many forms for a type checker
    resolved: ResolvedSubmissions = await run(**parameters)
    return resolved


def _show(console: Console, found: Sequence[ResolvedSubmission]) -> None:
    """Lines and not a table: keys and ids are copied from here, and must not break."""
    for one in found:
        job = f", job {one.task_id}" if one.task_id else ""
        console.print(Text(one.submission), Text(f"{one.status}{job}"), soft_wrap=True)
        console.print(Text(f"  {one.model}: {' '.join(one.prompt.split())[:60]}"), soft_wrap=True)
        sender = f" by flow run {one.flow_run_name or one.flow_run_id}" if one.flow_run_id else ""
        console.print(Text(f"  {one.begun_at:%Y-%m-%d %H:%M:%S} UTC{sender}"), soft_wrap=True)
    if any(one.status == "in doubt" for one in found):
        console.print(
            "Look for them at kie.ai/logs. A job that is there: prefect-kie submissions bind KEY TASK_ID. "
            "None: prefect-kie submissions release KEY.",
            soft_wrap=True,
        )
