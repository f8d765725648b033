"""How long jobs usually take, from this Prefect server's own history of finished ones."""

import time
from collections.abc import Mapping
from typing import Any

from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.events.schemas.events import ResourceSpecification
from prefect.logging import get_logger
from prefect.settings import PREFECT_API_URL

from prefect_kie.api.polling import Duration, learned
from prefect_kie.models import request_class
from prefect_kie.run_page.events import JOB_SUCCEEDED, LENGTH, length_of
from prefect_kie.runtime.best_effort import best_effort
from prefect_kie.runtime.loop import per_process

MAX_JOBS = 50  # so many a server gives at once; the newest
MIN_ALIKE = 5  # from so many jobs of the same length on, only those count
KEPT_SECONDS = 600.0
LIMIT_SECONDS = 3.0

Known = list[tuple[str, float]]  # length and seconds of each finished job


@per_process
def _known() -> dict[tuple[str, str], tuple[float, Known]]:
    """Until when each model's history counts, and what it is, by server and model."""
    return {}


async def usual_duration(model: str, fields: Mapping[str, Any]) -> Duration:
    """How long a job usually takes, by its input where that is known (jobs of the same length tell most);
    asked of the server now and then, best-effort.
    """
    guess = request_class(model).usual_seconds
    url, now = str(PREFECT_API_URL.value()), time.monotonic()
    until, known = _known().get((url, model), (0.0, []))
    if now >= until:
        try:
            known = await best_effort(lambda: _finished(model), LIMIT_SECONDS)
        except Exception as error:
            get_logger("prefect_kie").debug("How long %s takes is not known: %r", model, error)
        _known()[url, model] = now + KEPT_SECONDS, known
    alike = [seconds for length, seconds in known if length == length_of(fields)]
    return learned(alike if len(alike) >= MIN_ALIKE else [seconds for _, seconds in known], guess)


async def _finished(model: str) -> Known:
    wanted = EventFilter(
        event=EventNameFilter(name=[JOB_SUCCEEDED]),
        resource=EventResourceFilter(labels=ResourceSpecification({"kie.model": model})),
    )
    async with get_client() as client:
        found = (await client.read_events(wanted, limit=MAX_JOBS)).events
    # One job may be reported by several runs.
    jobs = {event.resource.id: event.payload for event in found}
    return [
        (str(payload.get(LENGTH) or ""), float(payload["seconds"]))
        for payload in jobs.values()
        if isinstance(payload.get("seconds"), int | float)
    ]
