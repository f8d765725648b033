"""`prefect-kie costs`: what was paid, by scope, in a terminal, as a table and as JSON."""

from __future__ import annotations

import asyncio
import csv
import time
from pathlib import Path

import pytest

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.main import main
from prefect_kie.flows import CostReport
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video

BLOCK = "cost-report"


@pytest.mark.server
def test_the_command_prints_it_and_writes_a_row_for_each_submission(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials.save(BLOCK, overwrite=True)
    for animal in ("cat", "dog"):
        request = Sora2TextToVideo(prompt=f"a {animal}")
        asyncio.run(sora_2_text_to_video(request, credentials, job_key="spring"))
    while not all(job["state"] == "success" for job in kie.stats()["jobs"]):
        time.sleep(0.05)
    file = tmp_path / "costs.csv"
    command = ["costs", "--since", "2026-01-01", "--credentials", BLOCK]
    capsys.readouterr()
    assert main([*command, "--csv", str(file)]) == 0
    numbers = "     2    2      0       0        0       0         0        0        60       0"
    assert capsys.readouterr().out.splitlines()[1:] == [
        *("spring", numbers, "total, of 1 by scope", numbers),
        "No price in kie_prices, so not estimated: 2 sora-2-text-to-video.",
        f"2 submissions in {file}",
    ]
    with file.open(encoding="utf-8-sig", newline="") as opened:
        assert [(row["prompt"], row["charged"]) for row in csv.DictReader(opened)] == [
            ("a cat", "30"),
            ("a dog", "30"),
        ]
    assert main([*command, "--json"]) == 0
    assert CostReport.model_validate_json(capsys.readouterr().out).total.charged == kie.stats()["charged"]
    assert main([*command, "--until", "2020-01-01"]) == 0
    assert capsys.readouterr().out == "Nothing was submitted.\n"
