"""Waits for the same jobs by `wait_for_job`, on a Prefect server and a simulated Kie of its own.

    python -m benchmarks.peers.ours polling|callbacks SIGMA SCALE JOBS SEED

Prints, as JSON, for each job the delay in seconds and the looks.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

from benchmarks.apart import plain_environment
from prefect_kie.cli.local_server import local_server


def main(way: str, sigma: float, scale: float, count: int, seed: int) -> None:
    """Wait for the jobs as `make bench` does."""
    with (
        tempfile.TemporaryDirectory(prefix="prefect-kie-peers-") as name,
        local_server(Path(name) / "prefect", ui=False) as server,
    ):
        # Before anything imports Prefect.
        os.environ |= {**server.environment, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}
        from benchmarks.waiting.tasks import Laboratory, receiver

        key, environment = secrets.token_hex(), {**plain_environment(), **server.environment}
        with receiver(key, environment, Path(name) / "receiver.log") as url:
            made = Laboratory(url, key, scale=scale, count=count, seed=seed)
            waits = made.trial(sigma, callbacks=way == "callbacks")
    print(json.dumps([(wait.delay, wait.looks) for wait in waits]))


if __name__ == "__main__":
    way, *numbers = sys.argv[1:]
    main(way, float(numbers[0]), float(numbers[1]), int(numbers[2]), int(numbers[3]))
