"""`prefect-kie submissions`: what is in doubt, and what a person knows of it."""

import argparse

from prefect.exceptions import ParameterTypeError

from prefect_kie.api import KieError
from prefect_kie.cli.connection import run_flow
from prefect_kie.cli.terminal import say
from prefect_kie.flows import ResolvedSubmission, resolve_submission


def run(options: argparse.Namespace) -> int:
    failed = False
    found: list[ResolvedSubmission] = []
    for key in options.submissions:
        try:
            resolved = run_flow(
                resolve_submission,
                submission=key,
                task_id=options.task_id,
                release=options.act == "release",
                credentials=options.credentials,
                records_storage=options.storage,
            )
            found += resolved.submissions
        except (KieError, ParameterTypeError) as error:  # the others are done all the same
            say(f"{key or 'submissions'}: {error}", "red", error=True)
            failed = True
    # Lines and not a table: keys and ids are copied from here, and must not break.
    for one in found:
        say(f"{one.submission} {one.status}{f', job {one.task_id}' if one.task_id else ''}")
        say(f"  {one.model}: {' '.join(one.prompt.split())[:60]}")
        sender = f" by flow run {one.flow_run_name or one.flow_run_id}" if one.flow_run_id else ""
        say(f"  {one.begun_at:%Y-%m-%d %H:%M:%S} UTC{sender}")
    if any(one.status == "in doubt" for one in found):
        say(
            "Look for them at kie.ai/logs. If the job exists: prefect-kie submissions bind KEY TASK_ID. "
            "If not: prefect-kie submissions release KEY."
        )
    if options.act == "list" and not found and not failed:
        say("No submission is in doubt.")
    return int(failed)
