"""The demo on the real Kie: what it shows and asks before it pays, and its table afterwards."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path

import pytest

from prefect_kie.api import JobFailed, JobRequest
from prefect_kie.cli import showcase
from prefect_kie.flows import VideoOutcome
from prefect_kie.media.saved import SavedFile, SavedResult
from prefect_kie.outcomes.results import Character, Wanted
from prefect_kie.simulator import SimulatorServer


class Keyboard(io.StringIO):
    """A person at a terminal who has typed this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "allowed"), [("y\n", True), ("n\n", False)])
def test_what_would_be_paid_is_shown_and_asked_for(
    answer: str,
    allowed: bool,
    kie: SimulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", Keyboard(answer))
    credentials, _ = showcase.how(kie.url, "")
    assert showcase.allowed(credentials) is allowed
    shown = capsys.readouterr().out
    assert "z-image: A paper boat" in shown
    assert "The account holds 1,000.00 credits" in shown
    assert ("Nothing was submitted." in shown) is not allowed
    assert kie.stats()["created"] == 0


def test_a_refused_key_is_told_and_nothing_is_asked(
    kie: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kie.fault("credits", code=401)
    how = showcase.how(kie.url, "")
    monkeypatch.setattr(showcase, "how", lambda *_: how)
    assert showcase.main([str(tmp_path)]) == 1
    assert "Check the key at kie.ai/api-key" in capsys.readouterr().out
    assert kie.stats()["created"] == 0
    assert list(tmp_path.iterdir()) == []


def test_the_live_demo_uses_kies_own_address_and_patience() -> None:
    credentials, poll = showcase.how(None, "any")
    assert credentials.base_url == "https://api.kie.ai"
    assert poll.min_gap_seconds == 2


def test_the_showcase_without_a_yes_submits_nothing(
    kie: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    how = showcase.how(kie.url, "")
    monkeypatch.setattr(showcase, "how", lambda *_: how)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert showcase.main([str(tmp_path)]) == 1
    assert "Nothing was submitted." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


ID = "281e5b0f39b9a7c4d2f0281e5b0f39b9"


def saved(request: JobRequest) -> VideoOutcome:
    """A saved result whose file has as long a name as any."""
    name = f"a-cheerful-robot-barista-with-a-green-apron-pours-a-latte-in_{request.model_name}_{ID}.mp4"
    name = name.replace("/", "-")
    file = SavedFile(name=name, path=f"/videos/{name}", url=None, size=1, sha256="0" * 64, seconds=10.0)
    now = datetime.now(timezone.utc)
    result = SavedResult(
        task_id=ID,
        model=request.model_name,
        request={},
        credits=30.0,
        created_at=now,
        completed_at=now,
        saved_at=now,
        files=(file,),
    )
    return VideoOutcome.of(Wanted(request), result, ID)


@pytest.mark.parametrize("width", [80, 60])
def test_the_table_fits_a_terminal_and_breaks_no_name(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    failed = VideoOutcome.of(Wanted(showcase.SONG), JobFailed("The GPU is on fire"), ID)
    character = Character(handle="latte_bot", origin=ID, slice=showcase.SLICE, block="latte-bot", credits=0)
    made: showcase.Made = {
        "picture": saved(showcase.PICTURE),
        "song": failed,
        "original": saved(showcase.ORIGINAL),
        "character": character,
    }
    showcase.show(made, 12.0, "/videos/film-0123456789ab.mp4")
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "2 of 3 results, 1 character, 60 credits, in 12 s"
    table = [line for line in lines if ".mp4" not in line and "song:" not in line]
    assert max(map(len, table)) <= width
    assert any("wan/3-0-video" in line and "10" in line for line in table)
    assert any("@latte_bot" in line and line.rstrip().endswith("0") for line in table)
    assert "film-0123456789ab.mp4 (both episodes)" in lines
    assert sum(line.endswith(f"{ID}.mp4") for line in lines) == 2
    assert any(line.startswith("song: The GPU is on fire") for line in lines)
