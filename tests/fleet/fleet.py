"""A Prefect server on PostgreSQL, and machines that share nothing but it and an S3 store."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.recovery import Bench, environments
from benchmarks.report import ROOT
from prefect_kie.cli.local_server import LocalServer
from prefect_kie.simulator import SimulatorServer
from tests.s3_store import S3Store
from tests.ui.fleet import eventually

QUICK = {"usual_seconds": 1, "min_gap_seconds": 0.5, "max_gap_seconds": 2}
"""A policy for jobs of some seconds."""

TROUBLE = ("Traceback", "WARNING", "ERROR", "CRITICAL", "deadlock")
"""What the log of a fleet without trouble does not say."""


@dataclass(frozen=True)
class Machine:
    """A machine with a worker.

    Attributes:
        name: The worker's name.
        home: The machine's disk.
        worker: The worker's process.
    """

    name: str
    home: Path
    worker: subprocess.Popen[bytes]

    def wait_until_up(self) -> None:
        """Until its worker looks for runs."""
        eventually(lambda: "started!" in self.log or None, f"{self.name} starts", lambda: self.log)

    def took(self, run: str) -> bool:
        """Whether a run was executed here; a worker that comes second lets it be."""
        return f"/runs/flow-run/{run}" in self.log

    @property
    def log(self) -> str:
        """What the worker and its runs said."""
        return (self.home / "worker.log").read_text()

    def die(self) -> None:
        """The machine loses its power: nothing of it can clean up."""
        self.worker.kill()  # first, or it would see its runs die
        self.worker.wait()
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def processes(self) -> list[int]:
        """All that runs on it."""
        mark = f"PREFECT_HOME={self.home / 'prefect'}".encode()
        return [process for process, environment in environments() if mark in environment.split(b"\0")]


class Fleet(Bench):
    """The server, the simulated Kie, the store, and what an operator does."""

    def __init__(self, server: LocalServer, kie: SimulatorServer, home: Path, s3: S3Store) -> None:
        super().__init__(server, kie, home)
        self.server = server
        self._blocks = {"results": s3.block(), "videos": s3.block()}
        self._s3 = s3
        self._machines: dict[str, Machine] = {}
        self.kie = kie

    def prepare(self) -> None:
        """The server set up as docs/fleet.md says."""
        super().prepare()
        blocks = {
            name: {"basepath": one.basepath, "settings": one.settings} for name, one in self._blocks.items()
        }
        save = f"for name, told in {blocks!r}.items(): RemoteFileSystem(**told).save(name)"
        self._run("-c", f"from prefect.filesystems import RemoteFileSystem\n{save}")
        self.do("experimental", "result-storage", "set", "remote-file-system/results")

    def do(self, *words: str, directory: Path = ROOT) -> None:
        """A command of Prefect's, as the operator gives it."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *words],
            env=self._environment,
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def machines(self) -> tuple[Machine, Machine]:
        """Both machines, each with a worker that takes one run at a time; whichever is down is started."""
        first, second = (self._up(name) for name in ("first", "second"))
        first.wait_until_up()
        second.wait_until_up()
        return first, second

    def _up(self, name: str) -> Machine:
        machine = self._machines.get(name)
        if machine is None or machine.worker.poll() is not None:
            machine = self._machines[name] = self._start(f"{name}-{uuid4().hex[:4]}")
        return machine

    def _start(self, name: str) -> Machine:
        home = self.home / name
        home.mkdir()
        words = ["worker", "start", "--pool", "kie", "--name", name, "--limit", "1"]
        with (home / "worker.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "prefect", "--no-prompt", *words],
                env=self.environment(home),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return Machine(name, home, worker)

    def stop(self) -> None:
        """Tell all workers to stop."""
        for machine in self._machines.values():
            machine.worker.send_signal(signal.SIGTERM)
        for machine in self._machines.values():
            try:
                machine.worker.wait(20)
            except subprocess.TimeoutExpired:
                machine.die()

    def environment(self, home: Path) -> dict[str, str]:
        """What a process on a machine with this disk knows: where the server is, and nothing else."""
        address = {"PREFECT_API_URL": self._environment["PREFECT_API_URL"]}
        path = {name: value for name, value in self._environment.items() if not name.startswith("PREFECT_")}
        # Else a worker asks every 10 seconds for runs.
        return {
            **path,
            **address,
            "HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }

    def order(self, prompt: str, **parameters: Any) -> str:
        """A run of generate_video that no worker has taken yet."""
        deployment = self.ask("GET", "/deployments/name/generate-video/kie")
        told = {
            "request": {"model": "sora-2-text-to-video", "prompt": prompt},
            "output": {"storage": "remote-file-system/videos"},
            "waiting": {"poll": QUICK},
            **parameters,
        }
        path = f"/deployments/{deployment['id']}/create_flow_run"
        return str(self.ask("POST", path, json={"parameters": told})["id"])

    def states(self, run: str) -> list[dict[str, Any]]:
        """All states of a run so far, the first one first."""
        found = self.ask("GET", "/flow_run_states/", params={"flow_run_id": run})
        return sorted(found, key=lambda state: str(state["timestamp"]))

    def names(self, run: str) -> list[str]:
        """Their names."""
        return [str(state["name"]) for state in self.states(run)]

    def completed(self, *runs: str) -> None:
        """Wait until all these runs have completed."""

        def so() -> bool | None:
            last = [self.states(run)[-1] for run in runs]
            assert not [state for state in last if state["type"] in ("FAILED", "CANCELLED")], told()
            return all(state["type"] == "COMPLETED" for state in last) or None

        def told() -> str:
            logs = [machine.log for machine in self._machines.values()]
            return "\n".join([*(str(self.names(run)) for run in runs), *logs])

        eventually(so, "all runs complete", told)

    def saved(self, task_id: str) -> dict[str, bytes]:
        """What is in the store of a job's files, by address."""
        bucket, _, folder = self._blocks["videos"].basepath.removeprefix("s3://").partition("/")
        anybody = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request"}
        with httpx.Client(base_url=f"{self._s3.url}/{bucket}", headers=anybody, trust_env=False) as http:
            listed = http.get("", params={"list-type": 2, "prefix": folder}).text
            keys = [key for key in re.findall("<Key>(.*?)</Key>", listed) if task_id in key]
            return {f"s3://{bucket}/{key}": http.get(f"/{key}").content for key in keys}

    def limit(self) -> Mapping[str, float]:
        """The concurrency limit that paces submissions."""
        found: Mapping[str, float] = self.ask("GET", "/v2/concurrency_limits/kie-create")
        return found


def seconds(since: str, until: str) -> float:
    """Between two of the server's times."""
    first, last = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (since, until))
    return (last - first).total_seconds()
