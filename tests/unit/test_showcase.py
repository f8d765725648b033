"""The demo on the real Kie: what it shows and asks before it pays."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.prompt import Confirm

from prefect_kie.cli import showcase
from prefect_kie.cli.showcase import Showcase
from prefect_kie.simulator import SimulatorServer


def shown_by(kie: SimulatorServer, tmp_path: Path) -> tuple[Showcase, io.StringIO]:
    """A showcase whose Kie is simulated, and what it prints."""
    printed = io.StringIO()
    console = Console(file=printed, width=160)
    return Showcase(console, tmp_path, "any", simulator=kie.url), printed


@pytest.mark.parametrize("answer", [True, False])
def test_everything_that_would_be_paid_is_shown_and_asked_for(
    answer: bool, kie: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Confirm, "ask", lambda *_, **__: answer)
    demo, printed = shown_by(kie, tmp_path)
    assert demo.asked_and_allowed() is answer
    text = printed.getvalue()
    assert "The account holds 1,000.00 credits" in text
    plan = showcase._plan()
    assert len(plan) == 6  # as many as the simulated demo creates
    assert all(model in text and what[:40] in text for model, what in plan)
    assert kie.stats()["created"] == 0


def test_a_refused_key_is_told_and_nothing_is_asked(kie: SimulatorServer, tmp_path: Path) -> None:
    kie.fault("credits", code=401)
    demo, printed = shown_by(kie, tmp_path)
    assert demo.asked_and_allowed() is False
    assert "Check the key at kie.ai/api-key" in " ".join(printed.getvalue().split())
    assert kie.stats()["created"] == 0


def test_the_live_demo_uses_kies_own_address_and_patience(tmp_path: Path) -> None:
    demo = Showcase(Console(file=io.StringIO()), tmp_path, "any", simulator=None)
    assert demo._credentials.base_url == "https://api.kie.ai"
    assert demo._poll.min_gap_seconds == 2


def test_the_showcase_without_a_yes_submits_nothing(
    kie: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "any")
    monkeypatch.setattr("sys.argv", ["showcase", str(tmp_path)])
    monkeypatch.setattr(Showcase, "asked_and_allowed", lambda self: False)
    assert showcase.main() == 1
    assert "Nothing was submitted." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
