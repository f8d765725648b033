"""The events of jobs: what a process remembers of them."""

from __future__ import annotations

import pytest

from prefect_kie.run_page import events


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_REMEMBERED", 3)
    monkeypatch.setattr(events, "_reported", type(events._reported)())
    assert all(events.first_time(str(number)) for number in range(9))
    assert len(events._reported) == 3
    assert not events.first_time("8")
