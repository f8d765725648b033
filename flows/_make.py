"""`make`: one result, as a coroutine for flows and scripts of your own."""

from prefect.runtime import flow_run

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.flows._options import Approval, Output, Retry, Scope, Waiting
from prefect_kie.flows._runner import JobRunner
from prefect_kie.outcomes.results import Wanted
from prefect_kie.tasks import SavedResult


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
        scope: What makes the job the same in another run; by default the outermost flow run.

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
