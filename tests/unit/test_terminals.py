"""Output to anything: an encoding that lacks letters, a pipe whose reader has gone, a disk that is full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_kie.cli.terminal import Finding, say

COMMANDS = ("demo", "simulate", "setup", "doctor", "batch", "collect", "submissions", "models", "callbacks")


# As the installed command; but it looks at its jobs as often as jobs of a fraction of a second want.
PROGRAM = """
import sys
import prefect_kie.api
prefect_kie.api.next_poll = lambda *_, **__: 0.1
from prefect_kie.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


HELP = """
import contextlib, sys
from prefect_kie.cli.main import main
for command in sys.argv[1:]:
    with contextlib.suppress(SystemExit):
        main([command, "--help"])
"""


# A locale without UTF-8 as Python takes it by itself, and as scheduled jobs and old terminals set it.
NARROW = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1": {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
}


def run(
    words: list[str],
    folder: Path,
    environment: dict[str, str],
    output: int = subprocess.PIPE,
    program: str = PROGRAM,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env={**os.environ, "PREFECT_LOCAL_STORAGE_PATH": str(folder / "results"), **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )


def test_words_of_others_do_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b]0;title\x07b\x1b[2Jc\x9b31md\re\n\tö 👋"
    say(evil)
    Finding("error", evil, evil).show()
    assert not set(capsys.readouterr().out) & {"\x1b", "\x07", "\x9b", "\r"}


def test_help_in_a_narrow_encoding_and_for_every_command(tmp_path: Path) -> None:
    done = run([*COMMANDS], tmp_path, NARROW["C"], program=HELP)
    assert (done.returncode, done.stderr) == (0, b"")
    for command in COMMANDS:
        assert f"usage: prefect-kie {command}".encode() in done.stdout
