"""The command line: what it says, starts and stops."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from prefect_kie.cli import demo
from prefect_kie.cli.local_server import free_port
from prefect_kie.cli.main import main
from tests.unit.test_terminals import COMMANDS

COMMAND = [sys.executable, "-m", "prefect_kie.cli"]


def test_it_tells_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"  {command}" in shown for command in COMMANDS)


def test_help_comes_at_once() -> None:
    loaded = "import sys; from prefect_kie.cli.main import main, _parser; _parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert not {"prefect", "httpx", "pydantic", "rich"} & set(done.stdout.split())


@pytest.mark.parametrize("credits", ["-5", "1.5", "many"])
def test_a_budget_is_a_whole_number_of_credits(credits: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["setup", f"--credits={credits}"])
    assert "is no number from 0 to 1,000,000,000" in capsys.readouterr().err


def test_the_simulator_serves_until_it_is_stopped() -> None:
    command = [*COMMAND, "simulate", "--port", str(free_port()), "--duration", "0.1", "--credits", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = process.stdout.readline()
        url = re.findall(r"http://\S+?(?=\. )", told)[0]
        answer = httpx.get(f"{url}/api/v1/chat/credit", headers={"Authorization": "Bearer any"})
        assert answer.json()["data"] == 7
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_ctrl_c_ends_a_command_with_a_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupted)
    assert main(["demo"]) == 130
    assert "Stopped." in capsys.readouterr().err


def test_a_live_demo_wants_a_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KIE_API_KEY", raising=False)
    assert main(["demo", "--live", "--directory", str(tmp_path)]) == 1
    assert "KIE_API_KEY" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_live_demo_with_nobody_to_ask_pays_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "any")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["demo", "--live", "--directory", str(tmp_path)]) == 1
    assert "--yes" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
