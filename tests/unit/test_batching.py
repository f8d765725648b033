"""`prefect-kie batch`: what it says, asks, makes and leaves behind."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.batches.results import BatchProgress, watching
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli import batch as batching
from prefect_kie.cli import main as cli
from prefect_kie.flows import BatchResult
from tests.conftest import QUICK, grouped

SECONDS = 120


# As the installed command; but it looks at its jobs as often as jobs of a fraction of a second want.
PROGRAM = """
import sys
import prefect_kie.api
prefect_kie.api.next_poll = lambda *_, **__: 0.1
from prefect_kie.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


ANIMALS = "animal,n_frames\nyak,\nfox,15\ncat,\n"


GOES_ON = "Jobs that go on at Kie, and are charged if they succeed: "


AGAIN = "Started again, it goes on where it was: nothing is paid twice."


def batch(*words: str, folder: Path, server: bool = True) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, where nobody sits at a terminal."""
    environment = {name: os.environ[name] for name in os.environ if server or name != "PREFECT_API_URL"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "batch", *words],
        cwd=folder,
        env={**environment, "PREFECT_LOCAL_STORAGE_PATH": str(folder / "results")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Screen(io.StringIO):
    """What is printed to a terminal."""

    def isatty(self) -> bool:
        return True


class Desk:
    """Somebody at a terminal, who runs the command in this process."""

    def __init__(self, folder: Path, credentials: KieCredentials) -> None:
        self.manifest = folder / "animals.csv"
        self.manifest.write_text(ANIMALS)
        self._parameters: dict[str, Any] = {
            "credentials": credentials,
            "defaults": {"model": "sora-2-text-to-video", "prompt": "a {animal} in the fog"},
            **grouped(directory=folder / "videos", poll=QUICK),
        }

    def run(self, *, terminal: bool = False, **options: Any) -> tuple[int, str]:
        """The exit code, and what was printed."""
        said = Screen() if terminal else io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            try:
                code = batching.make(self.manifest, self._parameters, **options)
            except Exception as error:
                code, explanation = 1, cli.explained(error)
                assert explanation is not None
                print(explanation)
        return code, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.getvalue())  # no colours, no moves


@pytest.fixture
def desk(tmp_path: Path, credentials: KieCredentials) -> Desk:
    return Desk(tmp_path, credentials)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (
            BatchProgress(10, (), 60, "a", Counter(saved=3), {3}),
            f"Stopped at 3 of 10 saved. {GOES_ON}1. {AGAIN} All rows: a",
        ),
        (
            None,
            f"Stopped before anything was submitted. {AGAIN}",
        ),
    ],
)
def test_stopped_by_ctrl_c_it_says_what_goes_on_at_kie(
    seen: BatchProgress | None, said: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(flow: object, manifest: Path, dry_run: bool = False, **_: object) -> BatchResult:
        if dry_run:
            return BatchResult(job_key="", counts={"to submit": 10, "submitted before": 0}, credits=300)
        watcher = watching.get()
        if seen is not None and watcher is not None:
            watcher(seen)
        raise KeyboardInterrupt

    monkeypatch.setattr(batching, "run_flow", interrupted)
    code, printed = desk.run(yes=True)
    assert (code, printed.splitlines()[-1]) == (130, said)


def test_a_fallback_that_is_no_model_is_told_in_a_sentence(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["batch", str(desk.manifest), "--fallback", "sora-3"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "'sora-3' is none of the models that prefect-kie knows: see prefect-kie models list"
    )
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--max-concurrency", "0"],
        ["--max-concurrency", "many"],
        ["--attempts", "12"],
        ["--max-credits", "-1"],
        ["--set", "prompt"],
    ],
)
def test_words_that_cannot_be_right_are_refused_at_once(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["batch", "animals.csv", *words])
    assert caught.value.code == 2
    assert f"argument {words[0]}: {words[1]!r} is no" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 60])
def test_the_bar_fits_a_terminal_and_breaks_no_word(
    width: int, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = BatchProgress(1000, range(1000), 180, counts=Counter(saved=412, failed=3))

    def watched(flow: object, manifest: Path, dry_run: bool = False, **_: object) -> BatchResult:
        if not dry_run and (watcher := watching.get()) is not None:
            watcher(progress)
        counts = {"to submit": 10, "submitted before": 0}
        return BatchResult(job_key="", counts=counts, credits=None, results="/videos/animals.results.csv")

    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(batching, "run_flow", watched)
    code, said = desk.run(yes=True, terminal=True)
    lines = [line.rstrip() for line in said.splitlines()]
    assert code == 0, said
    assert "412 of 1,000 saved, 3 failed; done about" in " ".join(said.split())
    assert max(len(line) for line in lines if "━" in line) <= width
    assert lines[-1].endswith("All rows: /videos/animals.results.csv")
