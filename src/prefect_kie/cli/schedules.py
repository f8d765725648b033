"""A build step for prefect.yaml: a schedule stays as it was switched, however often it is deployed."""

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound


async def switched_on(deployment: str) -> dict[str, bool]:
    """Whether a deployment's schedule is on, for its `active`; off where `flow/deployment` is new.

    Prefect itself switches a schedule on at each deploy, or off, or, where the file leaves that out, on when
    it makes it: then the first deploy would begin to pay.
    """
    async with get_client() as client:
        try:
            known = await client.read_deployment_by_name(deployment)
        except ObjectNotFound:
            return {"switched_on": False}
    return {"switched_on": any(one.active for one in known.schedules)}
