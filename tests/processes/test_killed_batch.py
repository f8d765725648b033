"""A short `python -m benchmarks.killed_batch`: a batch is killed twice, and each video is paid once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.killed_batch import KilledBatch
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer

pytestmark = pytest.mark.server


def test_killed_and_started_again_it_pays_once_for_each_video(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    credentials.save("killed-batch", overwrite=True)
    kie.change(duration_seconds=2.0)  # however late a kill is, it is not over yet
    batch = KilledBatch(kie, "killed-batch", results.parent, rows=6, max_concurrency=2, longest=1.0, seed=1)
    environment = {**os.environ, "PREFECT_LOCAL_STORAGE_PATH": str(results)}
    assert batch.run(2, environment) == []
    assert len(batch.kills) == 2
    assert batch.kills[0].created < 6  # it was not over when it was killed
    assert (kie.stats()["created"], kie.stats()["charged"]) == (6, 180)
