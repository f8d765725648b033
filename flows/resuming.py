"""`resume_waiting`: runs that are suspended until their jobs have ended go on when these have."""

from collections.abc import Collection

from prefect import flow, get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateName
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import SetStateStatus
from prefect.logging import get_logger
from pydantic import ValidationError

from prefect_kie.api import KieError
from prefect_kie.blocks import load_credentials
from prefect_kie.flows._suspension import WAITS, Awaited, unfinished
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.runtime.logs import shown_error

PAGE = 200


@flow(name="resume-waiting")
async def resume_waiting() -> int:
    """Resume the runs that are suspended until their jobs have ended, where these have. Pays nothing.

    For a schedule, where no callbacks come in; and where they do, for those that were lost.

    Returns:
        How many runs it resumed.
    """
    keep_alive()
    resumed = await resume_finished()
    get_run_logger().info("Resumed: %s", ", ".join(run.name for run in resumed) or "no run")
    return len(resumed)


async def resume_finished(jobs: Collection[str] | None = None) -> list[FlowRun]:
    """Resume each suspended run whose jobs have all ended, or that has waited long enough.

    Args:
        jobs: Only runs that wait for one of these jobs; None: all runs.

    Returns:
        The runs that it resumed.

    Raises:
        httpx.HTTPError: when the Prefect server does not answer.
    """
    resumed: list[FlowRun] = []
    async with get_client() as client:
        for run in await _suspended(client):
            awaited = await _awaited(client, run)
            if awaited is None or (jobs is not None and not set(awaited.jobs) & set(jobs)):
                continue
            try:
                if not awaited.is_over:
                    kie = await load_credentials(awaited.credentials)
                    if await unfinished(awaited, kie):
                        continue
            except KieError as error:
                get_logger("prefect_kie").warning("Run %s stays suspended: %s", run.name, shown_error(error))
                continue
            if (await client.resume_flow_run(run.id)).status is SetStateStatus.ACCEPT:
                resumed.append(run)
    return resumed


async def _suspended(client: PrefectClient) -> list[FlowRun]:
    """The runs that are suspended until their jobs have ended, and for no person's answer."""
    wanted = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Suspended"])))
    found: list[FlowRun] = []
    while True:
        page = await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found))
        found += page
        if len(page) < PAGE:
            break
    return [run for run in found if _key(run).startswith(WAITS)]


async def _awaited(client: PrefectClient, run: FlowRun) -> Awaited | None:
    try:
        for written in await client.filter_flow_run_input(run.id, _key(run), 10, set()):
            if written.key == _key(run):
                return Awaited.model_validate_json(written.value)
    except ValidationError as error:
        get_logger("prefect_kie").warning(
            "What run %s waits for cannot be read: %s", run.name, shown_error(error)
        )
    return None


def _key(run: FlowRun) -> str:
    return (run.state and run.state.state_details.pause_key) or ""
