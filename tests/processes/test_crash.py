"""A short `make crash`: one kill at every moment, and some at random."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.crash.moments import MOMENTS
from benchmarks.crash.trials import figures_of, kill, laboratory, violations
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer

pytestmark = pytest.mark.server


async def test_killed_runs_pay_once_and_lose_nothing(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await credentials.asave("crash-test", overwrite=True)
    wanted = dict.fromkeys(MOMENTS, 1)
    async with laboratory(kie, "crash-test", tmp_path, seed=1) as made:
        trials = await kill(made, wanted, at_once=2, tell=lambda trial: None)

    assert violations(trials) == []
    assert sum(trial.kills for trial in trials) >= sum(wanted.values())
    # Those whose call was out are the ones a person has to settle: the kills did strike where they should.
    assert {trial.moment.name for trial in trials if trial.in_doubt} >= {
        "during the call, before Kie accepts",
        "during the call, after Kie accepted",
    }
    logs = "".join(log.read_text() for log in (tmp_path / "logs").glob("*.log"))
    assert "submitted before as job" in logs
    assert "Traceback" not in logs
    document = tmp_path / "guarantees.md"
    document.write_text("<!-- crash: begin -->\n<!-- crash: end -->\n")
    figures_of(trials).write(document, "On this machine.")
    videos = len(trials)
    assert re.search(
        rf"\| all \| \d+ \| {videos} \| 1 \| {videos} \| {videos} \| {videos} \|", document.read_text()
    )
