"""`prefect-kie collect`: what a job made, from its task id alone, on the configured server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect.exceptions import ParameterTypeError
from rich.console import Console
from rich.text import Text

from prefect_kie.api import KieError
from prefect_kie.cli.connection import connected
from prefect_kie.flows import CollectedJob, Output, collect_job


def run_collect(
    console: Console,
    errors: Console,
    task_id: str,
    *,
    credentials: str,
    directory: Path | None,
    storage: str | None,
) -> int:
    """Fetch what a job made, and print where its files are, one a line; pays nothing.

    Args:
        console: Where to print that.
        errors: Where to say why it was not fetched.
        task_id: Kie's id of the job.
        credentials: Name of the credentials block.
        directory: Where to save; None: kie-videos in the home directory.
        storage: Instead of a directory, a storage block as type/name.

    Returns:
        The exit code: 0 when everything is fetched, else 1.

    Raises:
        ServerMissing: when there is no Prefect server.
    """
    try:
        with errors.status(Text(f"Job {task_id}: waiting for it, and fetching it"), spinner="line"):
            collected = asyncio.run(_collected(task_id, credentials, directory, storage))
    except (KieError, ParameterTypeError) as error:
        errors.print(Text(str(error), style="red"), soft_wrap=True)
        return 1
    if (character := collected.character) is not None:
        handle = f"@{character.character_user_name}, " if character.character_user_name else ""
        console.print(Text(f"Character {handle}id {character.character_id}"), soft_wrap=True)
    if collected.video is not None:
        for file in collected.video.files:
            console.print(Text(file.path), soft_wrap=True)
    return 0


async def _collected(
    task_id: str, credentials: str, directory: Path | None, storage: str | None
) -> CollectedJob:
    async with connected():
        pass
    run: Any = collect_job  # which has many forms for a type checker, by whether it returns a state
    collected: CollectedJob = await run(task_id, credentials, Output(directory=directory, storage=storage))
    return collected
