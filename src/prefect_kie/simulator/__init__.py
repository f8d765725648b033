"""A local Kie for demos, development and tests: same URLs, quirks, limits, callbacks and real MP4 files.

    with SimulatorServer(SimulatorSettings(duration_seconds=0.5)) as kie:
        ...  # kie.url is both the base URL and the upload URL

It shares no code with `prefect_kie.api`: what a request may hold is written down here a second time, from
the provider's documentation, so that a mistake in one of the two shows up. Videos need the extra
`prefect-kie[simulator]`; all the rest runs without.
"""

from prefect_kie.simulator.app import create_app
from prefect_kie.simulator.faults import Fault
from prefect_kie.simulator.files import RendererMissing, check_renderer
from prefect_kie.simulator.server import SimulatorServer, serve
from prefect_kie.simulator.settings import SimulatorSettings
from prefect_kie.simulator.state import Simulator

__all__ = [
    "Fault",
    "RendererMissing",
    "Simulator",
    "SimulatorServer",
    "SimulatorSettings",
    "check_renderer",
    "create_app",
    "serve",
]
