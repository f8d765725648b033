"""`generate_batch`: a manifest with one row per video, made side by side, each paid once."""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from prefect import get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from prefect_kie.api import InvalidRequest, JobHandle
from prefect_kie.batches.manifest import load_table, parse_table
from prefect_kie.batches.results import BatchProgress, BatchResult, ResultsFile, videos_text
from prefect_kie.blocks import DEFAULT_CREDENTIALS, load_prices
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._options import Approval, BatchRetry, Output, Scope, Table, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.human_input.approval import Estimate
from prefect_kie.outcomes.endings import completed, incomplete, summary, table
from prefect_kie.outcomes.results import VideoOutcome, Wanted
from prefect_kie.run_page.artifacts import show, show_table
from prefect_kie.run_page.events import emit_batch_finished
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.storage.run_storage import DEFAULT_DIRECTORY, load_storage

MAX_SHOWN = 1000  # rows of the table artifact; the results file has all
NO_DEFAULTS: dict[str, Any] = {}


def _run_name() -> str:
    parameters: dict[str, Any] = flow_run.get_parameters()
    manifest, plan = parameters.get("manifest", ""), " (plan)" if parameters.get("dry_run") else ""
    what = Path(manifest).name if isinstance(manifest, str | Path) else f"{len(manifest)} rows"
    return f"generate-batch{plan}: {what}"


@kie_flow(name="generate-batch", flow_run_name=_run_name, persist_result=True)
async def generate_batch(
    manifest: Path | list[dict[str, Any]],
    credentials: Credentials = DEFAULT_CREDENTIALS,
    defaults: dict[str, Any] = NO_DEFAULTS,
    output: Output = Output(),
    approval: Approval = Approval(),
    dry_run: bool = False,
    max_concurrency: Annotated[int, Field(ge=1, le=10_000)] = 100,
    table: Table = Table(),
    retry: BatchRetry = BatchRetry(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
    pay_again: bool = False,
) -> BatchResult:
    """Make the videos of a manifest, one per row, and save them beside a file that says what became of each.

    The manifest is checked whole before anything is submitted. Started again with the same manifest, only
    what is missing is made, and paid.

    Args:
        manifest: A CSV, TSV, JSONL or JSON file with one row per video, or the rows themselves.
        credentials: The Kie Credentials block, or its name.
        defaults: What counts where a row gives nothing, by field: {"model": "sora-2-text-to-video"}. In
            texts, {column} stands for the row's own value.
        output: Where to save; by default kie-videos in the home directory.
        approval: What may be paid, and from which price on a person is asked. A batch that would cost more
            is not begun.
        dry_run: Only check the manifest and estimate its cost; nothing is submitted.
        max_concurrency: How many videos may be on their way at the same time.
        table: How the manifest is read.
        retry: When a row's job that failed without a charge is submitted again, or goes to another model.
        waiting: How to wait for the jobs.
        scope: The batch's name; runs of one name share their jobs. By default it is the file's, without
            its suffix, wherever it is; for rows it is made of their content.
        pay_again: Pay anew although the results file of an earlier run says that rows are paid, and not one
            submission of this batch is on record here.

    Returns:
        One outcome per row, and the sum of them.

    Raises:
        RunIncomplete: when a video is missing in the end; its `result` holds every outcome.
        ManifestError: when the manifest is not right; nothing was submitted.
        BudgetExceeded: when it would cost more than is left of a budget; nothing was submitted.
        InvalidRequest: when all of it seems to be paid already, and its records are not here; see pay_again.
        KieError: when the credentials or the storage cannot be used, or it is not approved; nothing was
            submitted.

    Example:
        ```python
        made = await generate_batch(
            [{"animal": "yak"}, {"animal": "fox"}],
            defaults={"model": "sora-2-text-to-video", "prompt": "a {animal} in the fog"},
        )
        print(made.summary, made.results)
        ```
    """
    key = scope.job_key if scope.job_key is not None else _name(manifest)
    # The plan asks nobody, so a run that cannot ask may still plan.
    asked = approval.model_copy(update={"ask_above": None}) if dry_run else approval
    scope = Scope(job_key=key)
    runner = await JobRunner.prepare(credentials, output, asked, waiting, scope, attempts=retry.attempts)
    read = await load_table(manifest, await load_storage(table.storage))
    title = "the manifest" if isinstance(manifest, list) else manifest.name
    rows = await anyio.to_thread.run_sync(parse_table, read, defaults, table.columns, title, retry.fallbacks)
    jobs = await runner.cast([Wanted(row.request, row.take, row.fallbacks) for row in rows])
    new = await runner.check(jobs, saves=not dry_run)
    results = ResultsFile(
        storage_for(runner.storage or runner.directory or DEFAULT_DIRECTORY),
        f"{_file_stem(key)}.results.{'tsv' if read.delimiter == chr(9) else 'csv'}",
        [row.values for row in rows],
        read.delimiter,
        read.prefix,
    )
    unrecorded = await results.paid_rows() if len(new) == len(rows) and not pay_again else 0
    estimate = Estimate.of([jobs[n] for n in new], await load_prices())
    estimate = await estimate.with_balance(runner.credentials)
    await _show_plan(len(rows), estimate)
    if dry_run:
        return BatchResult(
            job_key=key,
            counts={"to submit": len(new), "submitted before": len(rows) - len(new)},
            credits=None if estimate.unpriced else estimate.credits,
            unrecorded=unrecorded,
            unpriced=estimate.unpriced,
            account=estimate.account,
        )
    if unrecorded:
        raise InvalidRequest(
            f"{results.address} says that {unrecorded:,} of its rows are paid, but no submission of the "
            f"batch {key!r} is on record here (or every row has changed); all of it would be paid again",
            next_step="Run it with the result storage that has its records (PREFECT_LOCAL_STORAGE_PATH or "
            "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK), or with pay_again (--pay-again) to pay anew. Nothing was "
            "submitted.",
        )
    await runner.approve(jobs, new)
    usual = runner.poll.usual_seconds or max(row.request.usual_seconds for row in rows)
    progress = BatchProgress(len(rows), set(new), usual, results.address)

    async def on_submitted(place: int, job: JobHandle, tries: int) -> None:
        await results.submitted(place, job, tries)
        progress.submitted(place)

    async def on_ended(place: int, outcome: VideoOutcome) -> None:
        await results.take(place, outcome)
        await progress.take(place, outcome)

    await progress.begin()
    try:
        videos = await runner.videos(
            jobs, new=new, max_concurrency=max_concurrency, on_submitted=on_submitted, on_ended=on_ended
        )
    finally:
        await results.write()
    result = BatchResult.of(videos, key, results.address, set(new))
    await show_table(_shown(result))
    cost = {"credits": result.credits, "credits_before": result.credits_before}
    await emit_batch_finished(key, result.counts, results.address, result.summary, **cost)
    if all(video.status == "saved" for video in videos):
        get_run_logger().info("%s. All rows: %s", result.summary, result.results)
        return completed(result, summary(videos))
    raise incomplete(result.story, result, videos)


def _name(manifest: Path | list[dict[str, Any]]) -> str:
    """A batch's name: the same for the same file, wherever it is and whatever rows are added or changed."""
    if isinstance(manifest, Path):
        return manifest.stem
    content = json.dumps(manifest, sort_keys=True, default=str)
    return f"batch-{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _file_stem(name: str) -> str:
    stem = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "-", name)[:40]
    return stem if stem == name else f"{stem}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


async def _show_plan(rows: int, estimate: Estimate) -> None:
    to_submit = len(estimate.jobs)
    price = estimate.total if estimate.unpriced else f"at most {estimate.total}"
    planned = f"{to_submit:,} to submit, {price}" if to_submit else "none to submit"
    before = f"; {rows - to_submit:,} submitted before, which are not paid again" if rows > to_submit else ""
    description = f"{videos_text(rows)}: {planned}{before}"
    get_run_logger().info("%s. %s", description, estimate.account)
    await show("kie-batch-plan", description, estimate.markdown if to_submit else f"{description}.\n")


def _shown(result: BatchResult) -> list[dict[str, str]]:
    """The table's rows; of very many, those that are missing come first."""
    rows = list(enumerate(result.videos, start=1))
    if len(rows) > MAX_SHOWN:
        rows.sort(key=lambda row: row[1].status == "saved")
    shown = [{"row": str(number), **video.row} for number, video in rows[:MAX_SHOWN]]
    return [*shown, {"row": "", **table(result.videos)[-1]}]
