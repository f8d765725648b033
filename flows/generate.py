"""`generate_video`, `generate_image`, `generate_audio`: any request, once or in several variations."""

from typing import Annotated, Any

from prefect.runtime import flow_run
from pydantic import Field

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.blocks.credentials import Credentials
from prefect_kie.flows._kie_flow import kie_flow, run_name
from prefect_kie.flows._options import Approval, Output, Retry, Scope, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.models import AudioRequest, ImageRequest, VideoRequest
from prefect_kie.outcomes import results
from prefect_kie.outcomes.endings import complete, summary, table
from prefect_kie.outcomes.results import GeneratedAudio, GeneratedImages, GeneratedVideos, Wanted
from prefect_kie.run_page.artifacts import show_overview
from prefect_kie.tasks import SavedResult


@kie_flow(name="generate-video", flow_run_name=run_name, persist_result=True)
async def generate_video(
    request: VideoRequest,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    count: Annotated[int, Field(ge=1, le=100)] = 1,
    output: Output = Output(),
    approval: Approval = Approval(),
    retry: Retry = Retry(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
) -> GeneratedVideos:
    """Make a video (or several variations of it) and save it.

    Run again, this run goes on where it was: the same jobs, nothing paid twice.

    Args:
        request: What to make, with which model.
        credentials: The Kie Credentials block, or its name.
        count: How many variations of it; each is a job of its own, and paid.
        output: Where to save; by default kie-videos in the home directory.
        approval: What may be paid, and from which price on a person is asked.
        retry: When a job that failed without a charge is submitted again, or another request instead.
        waiting: How to wait for the jobs.
        scope: What makes a job the same in another run.

    Returns:
        One outcome per video.

    Raises:
        RunIncomplete: when a video is missing in the end; its `result` holds every outcome.
        KieError: when the credentials or the storage cannot be used, or it is not approved; nothing was
            paid.

    Example:
        ```python
        made = await generate_video(
            Sora2TextToVideo(prompt="a paper boat"), count=2, approval=Approval(max_credits=100)
        )
        print(made.paths, made.credits)
        ```
    """
    made, key = await _made(request, count, retry, credentials, output, approval, waiting, scope)
    return complete(GeneratedVideos(videos=made), made, "videos", key)


@kie_flow(name="generate-image", flow_run_name=run_name, persist_result=True, like=generate_video)
async def generate_image(
    request: ImageRequest,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    count: Annotated[int, Field(ge=1, le=100)] = 1,
    output: Output = Output(),
    approval: Approval = Approval(),
    retry: Retry = Retry(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
) -> GeneratedImages:
    """Make a picture (or several variations of it) and save it; as `generate_video` otherwise.

    Example:
        ```python
        made = await generate_image(NanoBananaPro(prompt="a paper boat", aspect_ratio="16:9"))
        print(made.path, made.credits)
        ```
    """
    made, key = await _made(request, count, retry, credentials, output, approval, waiting, scope)
    return complete(GeneratedImages(images=made), made, "pictures", key)


@kie_flow(name="generate-audio", flow_run_name=run_name, persist_result=True, like=generate_video)
async def generate_audio(
    request: AudioRequest,
    credentials: Credentials = DEFAULT_CREDENTIALS,
    count: Annotated[int, Field(ge=1, le=100)] = 1,
    output: Output = Output(),
    approval: Approval = Approval(),
    retry: Retry = Retry(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
) -> GeneratedAudio:
    """Make a song, speech or another sound and save it; as `generate_video` otherwise.

    Example:
        ```python
        song = SunoGenerate(custom_mode=False, instrumental=True, prompt="a slow waltz for a music box")
        made = await generate_audio(song)
        print(*(file.path for file in made.saved.files))
        ```
    """
    made, key = await _made(request, count, retry, credentials, output, approval, waiting, scope)
    return complete(GeneratedAudio(audio=made), made, "sounds", key)


async def _made(
    request: JobRequest, count: int, retry: Retry, *options: Any
) -> tuple[tuple[results.VideoOutcome, ...], str]:
    runner = await JobRunner.prepare(*options, attempts=retry.attempts)
    jobs = await runner.cast([Wanted(request, take, retry.fallbacks) for take in range(1, count + 1)])
    new = await runner.check(jobs)
    await runner.approve(jobs, new)
    outcomes = await runner.videos(jobs, new=new)
    if count > 1:
        await show_overview(table(outcomes), summary(outcomes))
    return outcomes, runner.job_key


async def make(
    request: JobRequest,
    credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
    *,
    take: int = 1,
    max_credits: float | None = None,
    output: Output = Output(),
    retry: Retry = Retry(),
    waiting: Waiting = Waiting(),
    scope: Scope = Scope(),
) -> SavedResult:
    """Make one result and save it; raises where there is none, so that you gather results in your own way.

    Args:
        request: What to make, with which model.
        credentials: The Kie Credentials block, or its name.
        take: 1, 2, 3 … for deliberate variations of one request; each is a job of its own, and paid.
        max_credits: What all jobs of the scope may cost together, credits.
        output: Where to save.
        retry: When a job that failed without a charge is submitted again.
        waiting: How to wait for the job.
        scope: What makes the job the same in another run; by default the outermost run.

    Returns:
        The saved files.

    Raises:
        InvalidRequest: outside of a flow, when `scope` names no `job_key`; nothing was submitted.
        KieError: when there is no result in the end; says what was charged and what to run next.

    Example:
        ```python
        @flow
        async def two_cats():
            cats = [Sora2TextToVideo(prompt=f"a {color} cat") for color in ("red", "blue")]
            return await asyncio.gather(*(make(cat) for cat in cats), return_exceptions=True)
        ```
    """
    if scope.job_key is None and flow_run.get_id() is None:
        raise InvalidRequest(
            "outside of a flow nothing says which job this is; nothing was submitted",
            next_step='Give scope=Scope(job_key="a name of your own"), or call make in a flow.',
        )
    approval = Approval(max_credits=max_credits)
    runner = await JobRunner.prepare(credentials, output, approval, waiting, scope, attempts=retry.attempts)
    jobs = await runner.cast([Wanted(request, take, retry.fallbacks)])
    (outcome,) = await runner.videos(jobs, new=await runner.check(jobs))
    return outcome.saved
