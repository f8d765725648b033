"""Without what it needs to render videos, nothing begins that would be charged and then answer 503."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from prefect_kie.cli.main import main


@pytest.mark.parametrize("module", ["av", "PIL"])
@pytest.mark.parametrize("command", [["simulate", "--port", "0"], ["demo", "--directory", "kie-demo"]])
def test_it_does_not_start_and_says_what_to_install(
    command: list[str],
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert main(command) == 1
    printed = capsys.readouterr()
    assert 'run pip install "prefect-kie[simulator]".' in " ".join((printed.out + printed.err).split())
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["simulate", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"Cannot listen on 127.0.0.1 port {port}: ")
