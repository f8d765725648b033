"""A short `make crash`: twenty kills, at every moment and at random."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.crash.moments import MOMENTS
from benchmarks.crash.table import HEADS, markdown, rows, show
from benchmarks.crash.trials import kill, laboratory, violations
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer

pytestmark = pytest.mark.server


async def test_killed_runs_pay_once_and_lose_nothing(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await credentials.asave("crash-test", overwrite=True)
    wanted = {name: 1 if moment.install else 9 for name, moment in MOMENTS.items()}
    async with laboratory(kie, "crash-test", tmp_path, seed=1) as made:
        trials = await kill(made, wanted, at_once=2, tell=lambda trial: None)

    assert violations(trials) == []
    assert sum(trial.kills for trial in trials) >= 20
    # Those whose call was out are the ones a person has to settle: the kills did strike where they should.
    assert {trial.moment.name for trial in trials if trial.in_doubt} >= {
        "during the call, before Kie accepts",
        "during the call, after Kie accepted",
    }
    logs = "".join(log.read_text() for log in (tmp_path / "logs").glob("*.log"))
    assert "submitted before as job" in logs
    assert "Traceback" not in logs
    lines = rows(trials)
    assert len(lines) == len(MOMENTS) + 1
    assert all(len(line) == len(HEADS) for line in lines)
    assert markdown(lines).count("\n") == len(lines) + 2
    show(Console(quiet=True), lines)
