"""Output to anything: an encoding that lacks letters, a pipe whose reader has gone, a disk that is full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer
from tests.unit.test_terminals import NARROW, run


def broken_pipe() -> int:
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.fixture(autouse=True)
def _block(prefect_server: object, credentials: KieCredentials) -> None:
    credentials.save("terminals", overwrite=True)


@pytest.mark.server
def test_a_batch_tells_of_any_letters_in_a_narrow_encoding(kie: SimulatorServer, tmp_path: Path) -> None:
    manifest = tmp_path / "tiere.csv"
    manifest.write_text("model,prompt\nsora-2-text-to-video,Ein Bär \u2014 夜\n", encoding="utf-8")
    words = ["batch", manifest.name, "--yes", "--credentials", "terminals", "--directory", "videos"]
    done = run(words, tmp_path, NARROW["C"])
    assert (done.returncode, done.stderr) == (0, b""), done.stdout
    assert b"1 video, 30 credits. All rows: " in done.stdout
    assert kie.stats()["created"] == 1


@pytest.mark.server
@pytest.mark.parametrize("locale", NARROW)
def test_words_that_the_locale_lacks_are_a_sentence(locale: str, tmp_path: Path) -> None:
    done = run(["batch", "tiere-夜.csv", "--credentials", "terminals"], tmp_path, NARROW[locale])
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert b"Traceback" not in said
    assert (b"PYTHONUTF8=1" if locale == "C" else b"tiere-\\u591c.csv") in said


@pytest.mark.server
@pytest.mark.parametrize(
    "command",
    [["--help"], ["batch", "animals.csv", "--dry-run", "--credentials", "terminals"]],
)
def test_a_reader_that_has_gone_is_no_error(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "animals.csv").write_text("model,prompt\nsora-2-text-to-video,A yak\n")
    pipe = broken_pipe()
    try:
        done = run(command, tmp_path, {}, output=pipe)
    finally:
        os.close(pipe)
    assert done.stderr == b""
    assert done.returncode in (0, 1)


@pytest.mark.server
def test_a_batch_is_made_though_nobody_reads_what_it_prints(kie: SimulatorServer, tmp_path: Path) -> None:
    (tmp_path / "animals.csv").write_text("prompt\nA yak\nA fox\n")
    words = ["batch", "animals.csv", "--yes", "--model", "sora-2-text-to-video", "--credentials", "terminals"]
    with Path("/dev/full").open("wb") as full:
        done = run([*words, "--directory", "videos"], tmp_path, {}, output=full.fileno())
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(list((tmp_path / "videos").glob("*.mp4"))) == 2
    assert kie.stats()["created"] == 2
