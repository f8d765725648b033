"""`generate_batch`: a manifest with one row per video, made side by side, each paid once."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from prefect import get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from prefect_kie.api import InvalidRequest, JobHandle, KieError, PollPolicy
from prefect_kie.batches.manifest import Row, load_table, parse_table
from prefect_kie.batches.progress import BatchProgress
from prefect_kie.batches.results import BatchResult, ResultsFile, told_videos
from prefect_kie.blocks import DEFAULT_CREDENTIALS, load_prices
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows._before_paying import check_before_paying
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._runner import DEFAULT_POLL, JobRunner, MaxCredits
from prefect_kie.flows._suspension import Wait
from prefect_kie.human_input.approval import ApproveOver, Estimate, approved, not_submitted
from prefect_kie.human_input.questions import DEFAULT_HOURS, AnswerHours, check_can_ask
from prefect_kie.keys import submission_key
from prefect_kie.outcomes.endings import completed, failed, incomplete
from prefect_kie.outcomes.results import VideoOutcome
from prefect_kie.outcomes.totals import table, told
from prefect_kie.retry_policy import SecondTries
from prefect_kie.run_context import run_budgets
from prefect_kie.run_page.artifacts import show_markdown, show_table
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.storage.destination import DEFAULT_DIRECTORY, StorageBlock, load_storage
from prefect_kie.storage.fsspec import storage_for

TAB = "\t"
PLAN = "kie-batch-plan"
MAX_SHOWN = 1000
"""So many rows the table artifact has; the results file has all."""
ONCE_MORE = SecondTries(times=1)


def _run_name() -> str:
    parameters = flow_run.get_parameters()
    manifest, plan = parameters.get("manifest"), " (plan)" if parameters.get("dry_run") else ""
    return f"generate-batch{plan}: {_title(manifest) if manifest is not None else ''}"


@kie_flow(name="generate-batch", flow_run_name=_run_name, persist_result=True)
async def generate_batch(
    manifest: Path | list[dict[str, Any]],
    credentials: Credentials = DEFAULT_CREDENTIALS,
    defaults: dict[str, Any] | None = None,
    columns: dict[str, str | None] | None = None,
    manifest_storage: StorageBlock = None,
    directory: Path | None = None,
    storage: StorageBlock = None,
    job_key: str | None = None,
    max_concurrency: Annotated[int, Field(ge=1, le=10_000)] = 100,
    second_tries: SecondTries = ONCE_MORE,
    max_credits: MaxCredits = None,
    poll: PollPolicy = DEFAULT_POLL,
    wait: Wait = "poll",
    approve_over: ApproveOver = None,
    answer_hours: AnswerHours = DEFAULT_HOURS,
    pay_again: bool = False,
    dry_run: bool = False,
) -> BatchResult:
    """Make the videos of a manifest, one per row, and save them beside a file that tells what became of each.

    The manifest is checked whole before anything is submitted. Started again with the same manifest, only
    what is missing is made, and paid.

    Args:
        manifest: A CSV, TSV, JSONL or JSON file with one row per video, or the rows themselves.
        credentials: The Kie Credentials block, or its name.
        defaults: What counts where a row gives nothing, by field: {"model": "sora-2-text-to-video"}. In
            texts, {column} stands for the row's own value.
        columns: Which column holds which field, where their names differ; null: a column that is not used.
        manifest_storage: The storage block in which the manifest is, as type/name. By default it is a file of
            the machine that runs this.
        directory: Where to save; by default kie-videos in the home directory.
        storage: Instead of a directory, a storage block as type/name.
        job_key: The batch's name; runs of one name share their jobs. By default it is the file's, without
            its suffix, wherever it is; for rows it is made of their content.
        max_concurrency: How many videos may be on their way at the same time.
        second_tries: When a job that failed, uncharged, is submitted anew, or goes to another model.
        max_credits: What all of it may cost together, by the prices of the variable kie_prices; a batch that
            would cost more is not begun.
        poll: How patiently to wait for each job.
        wait: poll: the run's process waits for its jobs. suspend, for deployed runs: no process does; the run
            goes on when Kie has called back, or by the deployment resume-waiting.
        approve_over: Ask in the UI before submitting what costs more than this many credits all together, or
            nobody knows what (prices: the variable kie_prices). None: never ask; 0: whenever it costs
            anything.
        answer_hours: For how long a question in the UI waits before the run ends.
        pay_again: Pay anew although the results file of an earlier run says that rows are paid, and not one
            submission of this batch is on record here.
        dry_run: Only check the manifest and tell what it would cost; nothing is submitted.

    Returns:
        One outcome per row, and the sum of them.

    Raises:
        RunIncomplete: when a video is missing in the end; its `result` holds every outcome.
        ManifestError: when the manifest is not right; nothing was submitted.
        BudgetExceeded: when it would cost more than is left of a budget; says what is left. Nothing was
            submitted.
        InvalidRequest: when all of it seems to be paid already, and its records are not here; see pay_again.
        KieError: when the credentials or the storage are not to be had, or it is not approved; nothing was
            submitted.
    """
    keep_alive()
    try:
        if approve_over is not None and not dry_run:
            await check_can_ask()
        table = await load_table(manifest, await load_storage(manifest_storage))
        title = "the manifest" if isinstance(manifest, list) else manifest.name
        rows = await anyio.to_thread.run_sync(parse_table, table, defaults, columns, title)
        key = job_key if job_key is not None else _name(manifest)
        runner = await JobRunner.prepare(
            credentials, key, poll, directory, storage, wait, second_tries, max_credits
        )
        jobs = [(row.request, row.take) for row in rows]
        left = await not_submitted(jobs, key, runner.credentials)
        await check_before_paying(runner, jobs, saves=not dry_run)
        results = ResultsFile(
            storage_for(runner.storage or runner.directory or DEFAULT_DIRECTORY),
            f"{_file_stem(key)}.results.{'tsv' if table.delimiter == TAB else 'csv'}",
            [row.values for row in rows],
            table.delimiter,
            table.prefix,
        )
        is_new = len(left) == len(rows) and not pay_again
        unrecorded = await results.paid_rows() if is_new else 0
        estimate = Estimate.of(list(left.values()), await load_prices(), second_tries)
        estimate = await estimate.with_balance(runner.credentials)
        await _show_plan(rows, estimate)
        await (await run_budgets()).check(runner.job_key, max_credits, left)
        if dry_run:
            return _planned(rows, estimate, key, unrecorded)
        if unrecorded:
            raise _paid_elsewhere(unrecorded, key, results.address)
        await approved(
            jobs,
            over=approve_over,
            kie=runner.credentials,
            job_key=key,
            hours=answer_hours,
            second_tries=second_tries,
        )
    except KieError as error:
        return failed(error, BatchResult)
    new = {place for place, job in enumerate(jobs) if submission_key(runner.credentials, key, *job) in left}
    usual = poll.usual_seconds or max(row.request.usual_seconds for row in rows)
    progress = BatchProgress(len(rows), new, usual, results.address)
    await progress.begin()
    try:
        videos = await runner.videos(
            jobs, new=new, max_concurrency=max_concurrency, teller=_Told(results, progress)
        )
    finally:
        await results.write()
    result = BatchResult.of(videos, key, results.address, new)
    await show_table(_shown(result))
    if all(video.status == "saved" for video in videos):
        get_run_logger().info("%s. All rows: %s", result.summary, result.results)
        return completed(result, told(videos))
    return failed(incomplete(RunIncomplete(result.story), result, videos), BatchResult)


@dataclass(frozen=True)
class _Told:
    """Who is told how the videos get on."""

    results: ResultsFile
    progress: BatchProgress

    async def submitted(self, place: int, job: JobHandle, tries: int) -> None:
        await self.results.submitted(place, job, tries)
        self.progress.submitted(place)

    async def ended(self, place: int, outcome: VideoOutcome) -> None:
        await self.results.take(place, outcome)
        await self.progress.take(place, outcome)


def _name(manifest: Path | list[dict[str, Any]]) -> str:
    """A batch's name: the same for the same file, wherever it is and whatever rows are added or changed."""
    if isinstance(manifest, Path):
        return manifest.stem
    content = json.dumps(manifest, sort_keys=True, default=str)
    return f"batch-{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _file_stem(name: str) -> str:
    """A batch's name as a file's, different for different names."""
    stem = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "-", name)[:40]
    return stem if stem == name else f"{stem}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _title(manifest: Path | list[dict[str, Any]]) -> str:
    return f"{len(manifest)} rows" if isinstance(manifest, list) else Path(manifest).name


def _paid_elsewhere(count: int, key: str, address: str) -> InvalidRequest:
    return InvalidRequest(
        f"{address} says that {count:,} of its rows are paid, but no submission of the batch {key!r} is on "
        "record here (or every row has changed); all of it would be paid again",
        next_step="Run it with the result storage that has its records (PREFECT_LOCAL_STORAGE_PATH or "
        "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK), or with pay_again (--pay-again) to pay anew. Nothing was "
        "submitted.",
    )


async def _show_plan(rows: Sequence[Row], estimate: Estimate) -> None:
    before = len(rows) - len(estimate.requests)
    price = estimate.total if estimate.unpriced else f"at most {estimate.total}"
    planned = f"{len(estimate.requests):,} to submit, {price}" if estimate.requests else "none to submit"
    done = f"; {before:,} submitted before, which are not paid again" if before else ""
    description = f"{told_videos(len(rows))}: {planned}{done}"
    get_run_logger().info("%s. %s", description, estimate.account)
    await show_markdown(PLAN, description, estimate.markdown if estimate.requests else f"{description}.\n")


def _planned(rows: Sequence[Row], estimate: Estimate, key: str, unrecorded: int) -> BatchResult:
    to_submit = len(estimate.requests)
    return BatchResult(
        job_key=key,
        counts={"to submit": to_submit, "submitted before": len(rows) - to_submit},
        credits=None if estimate.unpriced else estimate.credits,
        unrecorded=unrecorded,
        unpriced=estimate.unpriced,
        account=estimate.account,
    )


def _shown(result: BatchResult) -> list[dict[str, str]]:
    """The table's rows; of very many, those that are missing come first."""
    rows = list(enumerate(result.videos, start=1))
    if len(rows) > MAX_SHOWN:
        rows.sort(key=lambda row: row[1].status == "saved")
    shown = [{"row": str(number), **video.row} for number, video in rows[:MAX_SHOWN]]
    return [*shown, {"row": "", **table(result.videos)[-1]}]
