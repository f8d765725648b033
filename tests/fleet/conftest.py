"""One PostgreSQL, one Prefect server on it and one S3 store for all tests here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from benchmarks.postgres import QUICK, postgres
from prefect_kie.cli.local_server import local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.fleet.fleet import TROUBLE, Fleet
from tests.s3_store import s3_store

SETTINGS = SimulatorSettings(
    duration_seconds=1, video_height=36, video_fps=2, create_per_10s=None, polls_per_second=None
)

HARMLESS = (
    # PostgreSQL logs that as an error; Prefect's server writes the task run again, and says nothing.
    "duplicate key value violates unique constraint",
    # Prefect's server tidies up what it counts of a run while that run's last event comes: it counts again.
    # Where it has missed the end, the automation on silent runs asks 90 seconds later, and is refused.
    "Could not refresh instance '<AutomationBucket",
    "Failed to set state: Run is already in terminal state COMPLETED.",
)
"""Seen on PostgreSQL on a busy machine (docs/fleet.md)."""


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
        check_log((home / "server" / "server.log").read_text())
        check_log(database.log.read_text())


def check_log(text: str) -> None:
    """Make sure that nothing in it would worry an operator who has read docs/fleet.md."""
    entries = re.split(r"^(?=\d+[-:]\d+[-:]\d+)", text, flags=re.MULTILINE)  # each begins with its time
    said = [entry for entry in entries if not any(words in entry for words in HARMLESS)]
    assert not [entry for entry in said if any(word in entry for word in TROUBLE)]


@pytest.fixture
def kie(fleet: Fleet) -> SimulatorServer:
    """The simulated Kie, as it was at the start."""
    fleet.kie.reset()
    return fleet.kie
