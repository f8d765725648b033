"""`resume_waiting`: runs that are suspended until their jobs have ended go on when these have."""

from collections.abc import Collection
from datetime import datetime, timezone

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
    """Resume each suspended run whose jobs have all ended, or that has waited long enough; returns these.

    With `jobs`, only runs that wait for one of them.
    """
    resumed: list[FlowRun] = []
    wanted = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Suspended"])))
    async with get_client() as client:
        found: list[FlowRun] = []
        while page := await client.read_flow_runs(flow_run_filter=wanted, limit=200, offset=len(found)):
            found += page
        for run in found:
            try:
                awaited = await _awaited(client, run)
                if awaited is None or (jobs is not None and not set(awaited.jobs) & set(jobs)):
                    continue
                is_over = datetime.now(timezone.utc) >= awaited.until
                if not is_over and await unfinished(awaited, await load_credentials(awaited.credentials)):
                    continue
            except (KieError, ValidationError) as error:
                get_logger("prefect_kie").warning("Run %s stays suspended: %s", run.name, shown_error(error))
                continue
            if (await client.resume_flow_run(run.id)).status is SetStateStatus.ACCEPT:
                resumed.append(run)
    return resumed


async def _awaited(client: PrefectClient, run: FlowRun) -> Awaited | None:
    """What a suspended run waits for; None where it is a person's answer."""
    key = (run.state and run.state.state_details.pause_key) or ""
    if key.startswith(WAITS):
        for written in await client.filter_flow_run_input(run.id, key, 10, set()):
            if written.key == key:
                return Awaited.model_validate_json(written.value)
    return None
