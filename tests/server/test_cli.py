"""The command line: what it says, starts and stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefect_kie.cli.local_server import local_server


@pytest.mark.server
def test_a_server_that_does_not_start_says_where_its_log_is(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"server\.log"),
        local_server(tmp_path, settings={"PREFECT_SERVER_DATABASE_TIMEOUT": "nonsense"}),
    ):
        raise AssertionError("it started")
    assert (tmp_path / "server.log").stat().st_size > 0
