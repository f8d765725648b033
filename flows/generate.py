"""`generate_video`: any request, once or in several variations."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from prefect_kie.api import KieError, PollPolicy
from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._before_paying import check_before_paying
from prefect_kie.flows._kie_flow import kie_flow
from prefect_kie.flows._runner import DEFAULT_POLL, JobRunner, MaxCredits, run_name
from prefect_kie.flows._suspension import Wait
from prefect_kie.human_input.approval import ApproveOver, approved
from prefect_kie.human_input.questions import DEFAULT_HOURS, AnswerHours, check_can_ask
from prefect_kie.models import VideoRequest
from prefect_kie.outcomes.endings import complete_or_failed, failed
from prefect_kie.outcomes.results import GeneratedVideos
from prefect_kie.outcomes.totals import table, told
from prefect_kie.retry_policy import NO_SECOND_TRIES, SecondTries
from prefect_kie.run_page.artifacts import show_overview
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.storage.destination import StorageBlock


@kie_flow(name="generate-video", flow_run_name=run_name, persist_result=True)
async def generate_video(
    request: VideoRequest,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    count: Annotated[int, Field(ge=1, le=100)] = 1,
    directory: Path | None = None,
    storage: StorageBlock = None,
    job_key: str | None = None,
    poll: PollPolicy = DEFAULT_POLL,
    wait: Wait = "poll",
    approve_over: ApproveOver = None,
    answer_hours: AnswerHours = DEFAULT_HOURS,
    second_tries: SecondTries = NO_SECOND_TRIES,
    max_credits: MaxCredits = None,
) -> GeneratedVideos:
    """Make a video (or several variations of it) and save it.

    Run again, this run goes on where it was: the same jobs, nothing paid twice.

    Args:
        request: What to make, with which model.
        credentials: The Kie Credentials block, or its name.
        count: How many variations of it; each is a job of its own and paid.
        directory: Where to save; by default kie-videos in the home directory.
        storage: Instead of a directory, a storage block as type/name.
        job_key: Whose jobs these are; runs with the same key share them. By default each run has its own.
        poll: How patiently to wait for each job.
        wait: poll: the run's process waits for its jobs. suspend, for deployed runs: no process does; the run
            goes on when Kie has called back, or by the deployment resume-waiting.
        approve_over: Ask in the UI before submitting what costs more than this many credits, or nobody knows
            what (prices: the variable kie_prices). None: never ask; 0: whenever it costs
            anything.
        answer_hours: For how long a question in the UI waits before the run ends.
        second_tries: When a job that failed, uncharged, is submitted anew, or goes to another model.
        max_credits: What all of it may cost together, by the prices of the variable kie_prices; what would
            pass it is not submitted.

    Returns:
        One outcome per video.

    Raises:
        RunIncomplete: when a video is missing in the end; its `result` holds every outcome.
        KieError: when the credentials or the storage are not to be had, or it is not approved; nothing was
            paid.
    """
    keep_alive()
    jobs = [(request, take) for take in range(1, count + 1)]
    try:
        if approve_over is not None:
            await check_can_ask()
        runner = await JobRunner.prepare(
            credentials, job_key, poll, directory, storage, wait, second_tries, max_credits
        )
        second_tries.requests(request)
        await check_before_paying(runner, jobs)
        await approved(
            jobs,
            over=approve_over,
            kie=runner.credentials,
            job_key=runner.job_key,
            hours=answer_hours,
            second_tries=second_tries,
            max_credits=max_credits,
        )
    except KieError as error:
        return failed(error, GeneratedVideos)
    videos = await runner.videos(jobs)
    if count > 1:
        await show_overview(table(videos), told(videos))
    return complete_or_failed(GeneratedVideos(videos=videos), videos, "videos", runner.job_key)
