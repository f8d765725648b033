"""The receiver of Kie's callbacks: an ASGI app that turns each genuine one into the event `kie.job.rang`.

`prefect-kie callbacks` serves it; it runs under any ASGI server as well, behind a proxy, several copies at
once:

    app = create_app(KieCallbacks.load("callbacks"))

Kie signs a job's id and the time, not the body. So a callback proves that Kie called about a job, and
nothing it says is believed but that; the job itself is then polled.
"""

from prefect_kie.callbacks.receiver.app import HEALTHY, create_app
from prefect_kie.callbacks.receiver.reading import Ring

__all__ = ["HEALTHY", "Ring", "create_app"]
