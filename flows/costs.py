"""`report_costs`: what was wanted, what came of it, and what it cost."""

from datetime import date

from prefect import get_run_logger
from prefect.artifacts import acreate_table_artifact

from prefect_kie.blocks import DEFAULT_CREDENTIALS, load_credentials, load_prices
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.run_context import run_submissions
from prefect_kie.run_page.markdown import escaped
from prefect_kie.storage.run_storage import StorageBlock, load_storage, submission_scope
from prefect_kie.submissions.cost_reader import CostReader
from prefect_kie.submissions.cost_report import CostGrouping, CostReport

ARTIFACT = "kie-costs"
MAX_SHOWN = 1000  # groups in the table artifact; the result has all


@kie_flow(name="report-costs", flow_run_name="report-costs: by {by}")
async def report_costs(
    by: CostGrouping = "scope",
    since: date | None = None,
    until: date | None = None,
    scope: str | None = None,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    records_storage: StorageBlock = None,
) -> CostReport:
    """Report what was wanted, made, failed, refused and is in doubt, and what it cost. Pays nothing.

    The numbers are those of the submissions' own records. A job whose end no run has seen is polled once.

    Args:
        by: What the numbers are grouped by: the scope (job_key, or the run), the model, the day (UTC) of the
            submission, or the tags of its flow run.
        since: The first day, UTC; empty for all.
        until: The last day, UTC; empty for all.
        scope: Only this job_key, or this outermost run's id; empty for all.
        credentials: The Kie Credentials block, or its name.
        records_storage: Where the records are, as type/name; by default this run's own result storage.

    Returns:
        The groups, their total, and one entry for each submission.

    Raises:
        KieError: when the credentials, the prices or the records cannot be read.

    Example:
        ```python
        report = await report_costs(by="model")
        print(report.total.charged, report.total.saved)
        ```
    """
    storage = await load_storage(records_storage)
    submissions = await run_submissions(await load_credentials(credentials), storage)
    key = await submission_scope(scope) if scope else None
    reader = CostReader(submissions, await load_prices())
    report = await reader.report(by, since=since, until=until, scope=key)
    shown = [*report.groups[:MAX_SHOWN], report.total]
    description = " ".join([report.total.line, *report.remarks])
    get_run_logger().info("%s", description)
    await acreate_table_artifact(
        table=[group.row for group in shown], key=ARTIFACT, description=f"By {by}. {escaped(description)}"
    )
    return report
