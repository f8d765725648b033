"""`prefect-kie collect`: what a job made, from its task id alone, on the configured server."""

import argparse

from rich.console import Console
from rich.text import Text

from prefect_kie.cli.connection import run_flow
from prefect_kie.cli.terminal import say
from prefect_kie.flows import CollectedJob, Output, collect_job


def run(options: argparse.Namespace) -> int:
    waiting = Text(f"Job {options.task_id}: waiting for it, and fetching it")
    with Console(stderr=True).status(waiting, spinner="line"):
        collected: CollectedJob = run_flow(
            collect_job,
            options.task_id,
            options.credentials,
            Output(directory=options.directory, storage=options.storage),
        )
    if (character := collected.character) is not None:
        handle = f"@{character.character_user_name}, " if character.character_user_name else ""
        say(f"Character {handle}id {character.character_id}")
    for file in collected.video.files if collected.video is not None else ():
        say(file.path)
    return 0
