"""`prefect-kie batch`: what it says, asks, makes and leaves behind."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.variables import Variable
from rich.console import Console

from prefect_kie.batches.progress import Standing, watching
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli import batch as batching
from prefect_kie.cli import main as cli
from prefect_kie.cli.batch import BatchOptions, run_batch
from prefect_kie.flows import BatchResult
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK

SECONDS = 120
BLOCK = "batch-cli"
# As the installed command; but it looks at its jobs as often as jobs of a fraction of a second want.
PROGRAM = """
import sys
import prefect_kie.api
prefect_kie.api.next_poll = lambda *_, **__: 0.1
from prefect_kie.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
ANIMALS = "animal,n_frames\nyak,\nfox,15\ncat,\n"
UNPRICED = "the Prefect variable kie_prices has no price for sora-2-text-to-video (3)."
GOES_ON = "goes on at Kie, and is charged if it succeeds."
AGAIN = "Started again, it goes on where it was: nothing is paid twice."
PROMPT = "prompt=a {animal} in the fog"


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


class Desk:
    """Somebody at a terminal, who runs the command in this process."""

    def __init__(self, folder: Path, credentials: KieCredentials) -> None:
        self.manifest = folder / "animals.csv"
        self.manifest.write_text(ANIMALS)
        self._parameters: dict[str, Any] = {
            "credentials": credentials,
            "directory": folder / "videos",
            "defaults": {"model": "sora-2-text-to-video", "prompt": "a {animal} in the fog"},
            "poll": QUICK,
        }

    def run(self, *, terminal: bool = False, **options: Any) -> tuple[int, str]:
        """The exit code, and what was printed."""
        said = io.StringIO()
        console = Console(file=said, width=200, force_terminal=terminal, color_system=None)
        code = run_batch(console, BatchOptions(self.manifest, self._parameters, **options))
        return code, said.getvalue()


@pytest.fixture
def desk(tmp_path: Path, credentials: KieCredentials) -> Desk:
    return Desk(tmp_path, credentials)


@pytest.fixture
def prices() -> Iterator[None]:
    Variable.set("kie_prices", {"sora-2-text-to-video": 30}, overwrite=True)
    yield
    Variable.unset("kie_prices")


# In a process


@pytest.mark.server
async def test_it_makes_the_videos_and_prints_nothing_else(
    credentials: KieCredentials, kie: SimulatorServer, tmp_path: Path
) -> None:
    await credentials.asave(BLOCK, overwrite=True)
    (tmp_path / "animals.csv").write_text(ANIMALS)
    words = ("animals.csv", "--model", "sora-2-text-to-video", "--set", PROMPT, "--credentials", BLOCK)
    refused = await asyncio.to_thread(batch, *words, folder=tmp_path)
    assert (refused.returncode, refused.stderr) == (1, "")
    assert refused.stdout.splitlines() == [
        "3 videos: 3 to submit.",
        f"What it will cost is not known: {UNPRICED}",
        "The account has 1000 credits.",
        "Nobody is there to be asked before paying; say --yes. Nothing was submitted.",
    ]
    assert kie.stats()["created"] == 0

    made = await asyncio.to_thread(batch, *words, "--yes", "--directory", "videos", folder=tmp_path)
    assert (made.returncode, made.stderr) == (0, ""), made.stdout
    results = tmp_path / "videos/animals.results.csv"
    *progress, end = made.stdout.splitlines()[3:]
    assert [re.sub("; done about .*", "", line) for line in progress] == [
        "1 of 3 saved",
        "2 of 3 saved",
        "3 of 3 saved",
    ]
    assert end == f"3 videos, 90 credits. All rows: {results}"
    assert results.read_text().count("\n") == 4
    assert len(list((tmp_path / "videos").glob("*.mp4"))) == 3
    assert (kie.stats()["created"], kie.stats()["charged"]) == (3, 90)


# In this one


@pytest.mark.server
def test_errors_are_shown_with_row_and_column(desk: Desk, kie: SimulatorServer) -> None:
    desk.manifest.write_text("animal,n_frames,seed\nyak,12,\nfox,15,7\n")
    for options in ({"dry_run": True}, {"yes": True}):
        code, said = desk.run(**options)
        assert code == 1
        assert said.splitlines()[0] == "animals.csv has 2 errors:"
        assert "- row 1 (line 2), column n_frames: Input should be '10' or '15'; it is '12'" in said
        assert "- row 2 (line 3), column seed: is no field of sora-2-text-to-video" in said
        assert said.splitlines()[-1].endswith("Correct the manifest and run again; nothing was submitted.")
    assert kie.stats()["created"] == 0


@pytest.mark.server
def test_a_dry_run_tells_what_it_would_cost_and_what_is_paid_already(
    desk: Desk, kie: SimulatorServer, prices: None
) -> None:
    told = "3 videos: 3 to submit, at most 90 credits.\nThe account has 1000 credits.\n"
    assert desk.run(dry_run=True) == (0, told)
    assert kie.stats()["created"] == 0
    assert desk.run(yes=True)[0] == 0
    with desk.manifest.open("a") as file:
        file.write("owl,\n")
    assert desk.run(dry_run=True)[1].splitlines() == [
        "4 videos: 1 to submit, at most 30 credits.",
        "The account has 910 credits.",
        "3 were submitted before and are not paid again.",
    ]
    assert kie.stats()["created"] == 3
    end = desk.run(yes=True)[1].splitlines()[-1]
    assert end.startswith("4 videos, 120 credits (90 of them for earlier runs). All rows: ")


@pytest.mark.server
def test_an_account_that_will_not_do_is_told_before_paying(desk: Desk, kie: SimulatorServer) -> None:
    Variable.set("kie_prices", {"sora-2-text-to-video": 400}, overwrite=True)
    try:
        code, said = desk.run(dry_run=True)
    finally:
        Variable.unset("kie_prices")
    assert code == 0
    assert said.splitlines() == [
        "3 videos: 3 to submit, at most 1200 credits.",
        "The account has 1000 credits, which will not do: add credits at kie.ai.",
    ]


@pytest.mark.server
@pytest.mark.parametrize(("answer", "code", "created"), [("n", 1, 0), ("y", 0, 3)])
def test_at_a_terminal_it_asks_before_paying_and_shows_a_bar(
    answer: str, code: int, created: int, desk: Desk, kie: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", keyboard)
    ended, said = desk.run(terminal=True)
    assert (ended, kie.stats()["created"]) == (code, created)
    assert "Submit and pay? [y/n] (n): " in said
    assert ("Nothing was submitted." in said) == (answer == "n")
    assert ("━" in said) == (answer == "y")


@pytest.mark.server
def test_only_a_person_or_a_word_of_its_own_pays_again(
    desk: Desk, kie: SimulatorServer, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.run(yes=True)[0] == 0
    (results / "kie-submissions").rename(results / "lost")
    code, said = desk.run(yes=True)
    assert (code, kie.stats()["created"]) == (1, 3)
    assert "says that 3 of its rows are paid, but no submission of the batch 'animals'" in said
    assert "--pay-again" in said
    keyboard = io.StringIO("y\n")
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", keyboard)
    code, said = desk.run(terminal=True)
    assert (code, kie.stats()["created"]) == (0, 6)
    assert said.index("all of it would be paid again") < said.index("Submit and pay?")


@pytest.mark.server
def test_what_is_missing_in_the_end_is_named_and_how_to_go_on(desk: Desk, kie: SimulatorServer) -> None:
    desk.manifest.write_text(ANIMALS + "gore,\n")
    code, said = desk.run(yes=True)
    assert code == 1
    end = said.splitlines()[-3:]
    assert end[0].startswith("3 of 4 saved, 1 rejected. All rows: ")
    assert end[1].startswith("- row 4: rejected: sora-2-text-to-video 'a gore in the fog': ")
    assert end[2].startswith("Run again with the same manifest, or with job_key='animals'")


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (
            Standing(10, {"saved": 3}, None, on_their_way=1, results="a"),
            f"Stopped at 3 of 10 saved. 1 job {GOES_ON} {AGAIN} All rows: a",
        ),
        (
            None,
            f"Stopped before anything was submitted. {AGAIN}",
        ),
    ],
)
def test_stopped_by_ctrl_c_it_says_what_goes_on_at_kie(
    seen: Standing | None, said: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answers() -> None: ...

    async def interrupted(manifest: Path, arguments: dict[str, Any]) -> BatchResult:
        if arguments.get("dry_run"):
            return BatchResult(job_key="", counts={"to submit": 10, "submitted before": 0}, credits=300)
        watcher = watching.get()
        if seen is not None and watcher is not None:
            watcher(seen)
        raise KeyboardInterrupt

    monkeypatch.setattr(batching, "_connected", answers)
    monkeypatch.setattr(batching, "_run", interrupted)
    code, printed = desk.run(yes=True)
    assert (code, printed.splitlines()[-1]) == (130, said)


def test_a_fallback_that_is_no_model_is_told_in_a_sentence(desk: Desk) -> None:
    code, said = desk.run(fallback=("sora-3",))
    assert code == 1
    assert said.startswith("'sora-3' is none of the typed models (sora-2-text-to-video, ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--max-concurrency", "0"],
        ["--max-concurrency", "many"],
        ["--tries", "11"],
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
