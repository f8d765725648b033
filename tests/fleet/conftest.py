"""One PostgreSQL, one Prefect server on it and one S3 store for all tests here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from benchmarks.postgres import QUICK, postgres
from prefect_kie.local_server import local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.fleet.fleet import TROUBLE, Fleet
from tests.s3_store import s3_store

SETTINGS = SimulatorSettings(
    duration_seconds=1, video_height=36, video_fps=2, create_per_10s=None, looks_per_second=None
)

RACED = "duplicate key value violates unique constraint"
"""PostgreSQL logs that as an error; Prefect's server writes the task run again, and says nothing."""


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The fleet's server, set up; its log and the database's are without trouble in the end."""
    home = tmp_path_factory.mktemp("fleet")
    with (
        SimulatorServer(SETTINGS) as kie,
        s3_store() as s3,
        postgres(**QUICK) as database,
        local_server(home / "server", ui=False, settings=database.settings) as server,
    ):
        made = Fleet(server, kie, home, s3)
        made.prepare()
        try:
            yield made
        finally:
            made.stop()
        check_log((home / "server" / "server.log").read_text().splitlines())
        check_log(line for line in database.log.read_text().splitlines() if RACED not in line)


def check_log(lines: Iterable[str]) -> None:
    """Make sure that nothing would worry an operator."""
    assert not [line for line in lines if any(word in line for word in TROUBLE)]


@pytest.fixture
def kie(fleet: Fleet) -> SimulatorServer:
    """The simulated Kie, as it was at the start."""
    fleet.kie.reset()
    return fleet.kie
