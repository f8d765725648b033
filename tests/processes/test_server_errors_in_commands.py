"""A Prefect server that is missing, a stranger or closed: one sentence, the same in every command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_kie.cli.local_server import LocalServer, local_server
from tests.conftest import with_tables
from tests.unit.test_server_errors_in_commands import COMMANDS, Terminal

PASSWORD = "admin:a-long-password"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A real Prefect server that wants a password."""
    settings = {"PREFECT_SERVER_API_AUTH_STRING": PASSWORD}
    home = with_tables(tmp_path_factory.mktemp("guarded"))
    with local_server(home, ui=True, settings=settings) as server:
        yield server


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # which batch sets for itself
    (tmp_path / "animals.csv").write_text("animal\nyak\n")
    return Terminal(capsys)


@pytest.mark.server
@pytest.mark.parametrize("command", COMMANDS)
def test_a_password_that_is_missing_or_wrong(command: str, guarded: LocalServer, terminal: Terminal) -> None:
    url = f"{guarded.url}/api"
    assert terminal.sentence(command, url) == (
        f"The Prefect server at {url} wants a password, and none is set (401): set PREFECT_API_AUTH_STRING "
        "(for Prefect Cloud, PREFECT_API_KEY); then run this again."
    )
    assert terminal.sentence(command, url, "admin:not-this-one") == (
        f"The Prefect server at {url} wants a password, and does not take the one in PREFECT_API_AUTH_STRING "
        "(401): set PREFECT_API_AUTH_STRING; then run this again."
    )


@pytest.mark.server
def test_the_right_password_lets_in(guarded: LocalServer, terminal: Terminal) -> None:
    _, said = terminal.run("setup", f"{guarded.url}/api", PASSWORD)
    assert said[0] == f"Prefect server {guarded.url}/api"
    assert any(line.startswith("created  concurrency limit") for line in said)


@pytest.mark.server
def test_the_log_holds_no_more_than_the_sentence(guarded: LocalServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect_kie.cli", *COMMANDS["collect"]],
        cwd=tmp_path,
        env={**os.environ, "PREFECT_API_URL": f"{guarded.url}/api", "PREFECT_API_AUTH_STRING": "no:pass"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "(401)" in done.stderr


@pytest.mark.server
def test_the_address_of_the_ui_lacks_its_end(guarded: LocalServer, terminal: Terminal) -> None:
    assert "ends in /api" in terminal.sentence("setup", guarded.url, PASSWORD)
