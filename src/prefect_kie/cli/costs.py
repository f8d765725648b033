"""`prefect-kie costs`: what was wanted, what came of it and what it cost, on the configured server."""

import argparse
from collections.abc import Iterator

from prefect_kie.cli.connection import run_flow
from prefect_kie.cli.terminal import CommandFailed, say
from prefect_kie.flows import CostGroup, CostReport, report_costs

COUNTS = {"wanted": 6, "made": 5, "failed": 7, "refused": 8, "in_doubt": 9, "running": 8}
CREDITS = {"estimated": 10, "reserved": 9, "charged": 10, "saved": 8}
"""The columns and their widths: 80 in all."""


def run(options: argparse.Namespace) -> int:
    report: CostReport = run_flow(
        report_costs,
        by=options.by,
        since=options.since,
        until=options.until,
        scope=options.scope,
        credentials=options.credentials,
        records_storage=options.storage,
    )
    if options.csv is not None:
        try:
            options.csv.write_bytes(report.csv.encode(errors="replace"))
        except OSError as error:
            raise CommandFailed(f"{options.csv} cannot be written: {error}") from None
    if options.json:
        print(report.model_dump_json(indent=1))
        return 0
    for line in lines(report):
        say(line)
    if options.csv is not None:
        say(f"{len(report.submissions):,} submissions in {options.csv}")
    return 0


def lines(report: CostReport) -> Iterator[str]:
    """The report, at most 80 columns wide but for names: of each group its name, and its numbers below."""
    if not report.submissions:
        yield "Nothing was submitted."
    else:
        yield "".join(name.replace("_", " ").rjust(width) for name, width in (COUNTS | CREDITS).items())
        for group in report.groups:
            yield " ".join(group.name.split())
            yield _numbers(group)
        yield f"total, of {len(report.groups):,} by {report.by}"
        yield _numbers(report.total)
    yield from report.remarks


def _numbers(group: CostGroup) -> str:
    counts = (f" {getattr(group, name):,}".rjust(width) for name, width in COUNTS.items())
    return "".join([*counts, *(_credits(getattr(group, name), width) for name, width in CREDITS.items())])


def _credits(credits: float, width: int) -> str:
    exact = f" {credits:,.10g}"
    return (exact if len(exact) <= width else f" {credits:,.0f}").rjust(width)
