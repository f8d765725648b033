"""`prefect-kie batch`: what it says, asks, makes and leaves behind."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.variables import Variable

from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer
from tests.unit.test_batching import ANIMALS, Desk, batch

BLOCK = "batch-cli"


UNPRICED = (
    "the Prefect variable kie_prices has no price for sora-2-text-to-video (3). "
    "`prefect-kie models show sora-2-text-to-video` tells Kie's."
)


PROMPT = "prompt=a {animal} in the fog"


@pytest.fixture
def desk(tmp_path: Path, credentials: KieCredentials) -> Desk:
    return Desk(tmp_path, credentials)


@pytest.fixture
def prices() -> Iterator[None]:
    Variable.set("kie_prices", {"sora-2-text-to-video": 30}, overwrite=True)
    yield
    Variable.unset("kie_prices")


@pytest.mark.server
async def test_it_makes_the_videos_and_prints_nothing_else(
    credentials: KieCredentials, kie: SimulatorServer, tmp_path: Path
) -> None:
    await credentials.asave(BLOCK, overwrite=True)
    (tmp_path / "animals.csv").write_text(ANIMALS)
    words = ("animals.csv", "--model", "sora-2-text-to-video", "--set", PROMPT, "--credentials", BLOCK)
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
        "3 submitted before, not paid again.",
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
def test_where_nobody_can_be_asked_it_does_not_pay(
    desk: Desk, kie: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, said = desk.run()
    assert (code, kie.stats()["created"]) == (1, 0)
    assert said.splitlines() == [
        "3 videos: 3 to submit.",
        f"What it will cost is not known: {UNPRICED}",
        "The account has 1000 credits.",
        "Nobody is there to be asked before paying; say --yes. Nothing was submitted.",
    ]


@pytest.mark.server
def test_at_a_terminal_it_asks_before_paying_and_before_paying_again(
    desk: Desk, kie: SimulatorServer, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer, expected, created in (("n", 1, 0), ("y", 0, 3)):
        keyboard = io.StringIO(f"{answer}\n")
        monkeypatch.setattr(keyboard, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", keyboard)
        code, said = desk.run(terminal=True)
        assert (code, kie.stats()["created"]) == (expected, created)
        assert "Submit and pay? [y/n] (n): " in said
        assert ("Nothing was submitted." in said) == (answer == "n")
        assert ("━" in said) == (answer == "y")

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
