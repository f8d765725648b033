"""The cheapest benchmark: the polling schedule alone, without a server, is as good as it has to be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_polling_schedule_is_near_the_best_of_any() -> None:
    words = [sys.executable, "-m", "benchmarks.waiting", "--jobs", "2000", "--tasks", "0"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 requirements not met" in done.stdout
