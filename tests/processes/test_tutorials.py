"""Each tutorial, as a newcomer walks it: its files are written, its commands run, in their order."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.main import main
from prefect_kie.simulator import SimulatorServer

TUTORIALS = Path(__file__).parents[2] / "docs/tutorials"
FENCE = re.compile(r"(<!-- fails -->\n)?^```(\w+)(?: title=\"(\S+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RESULTS: dict[str, dict[str, Any]] = {
    "first-video": {"created": 4, "failed": 2},
    "first-series": {"created": 4, "failed": 0},
    "first-batch": {"created": 6, "failed": 2},
    "first-schedule": {"created": 1, "failed": 0},
}
"""What Kie counts in the end."""


class Walk:
    """A newcomer with a directory, who has the server and the simulator running."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory, self.stack = directory, stack

    def do(self, language: str, title: str, text: str, fails: bool) -> None:
        if title:
            # A worker's process cannot be told to poll earlier than its deployment says.
            (self.directory / title).write_text(text.replace("usual_seconds: 20", "usual_seconds: 0.2"))
        elif language == "console":
            for line in re.findall(r"^\$ (.*)$", text.replace("\\\n", ""), re.MULTILINE):
                self.run(shlex.split(line), fails)

    def run(self, words: list[str], fails: bool) -> None:
        command, *rest = words
        if command == "python":
            path = self.directory / rest[0]
            exec(compile(path.read_text(), str(path), "exec"), {"__name__": "example"})
        elif command == "prefect-kie":
            assert main(rest) == int(fails), words
        elif rest[:2] == ["worker", "start"]:
            self.start_worker(rest)
        else:
            assert command == "prefect"
            module = [sys.executable, "-m", "prefect"]
            done = subprocess.run([*module, *rest], cwd=self.directory, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr

    def start_worker(self, rest: list[str]) -> None:
        quick = ["env", "PREFECT_WORKER_QUERY_SECONDS=1", sys.executable, "-m", "prefect"]
        log = self.stack.enter_context((self.directory / "worker.log").open("wb"))
        process = subprocess.Popen([*quick, *rest], cwd=self.directory, stdout=log, stderr=log)
        self.stack.callback(process.wait, 60)
        self.stack.callback(process.send_signal, signal.SIGTERM)


@pytest.mark.server
@pytest.mark.parametrize(
    "name",  # a worker and Prefect's own commands take a minute
    [pytest.param(name, marks=[pytest.mark.slow] * ("schedule" in name)) for name in sorted(RESULTS)],
)
def test_each_tutorial_works_as_it_is_written(
    name: str, kie: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("prefect_kie.tasks.wait.next_poll", lambda *_, **__: 0.1)
    here = {"base_url": kie.url, "upload_url": kie.url}
    KieCredentials.model_validate({"api_key": "any", **here}).save("kie", overwrite=True)
    page = (TUTORIALS / f"{name}.md").read_text()
    with ExitStack() as stack:
        forget()
        stack.callback(forget)
        walk = Walk(tmp_path, stack)
        for fails, language, title, text in FENCE.findall(page):
            walk.do(language, title, text, bool(fails))
    stats = kie.stats()
    assert {key: stats[key] for key in RESULTS[name]} == RESULTS[name]
    assert stats["violations"] == 0


def forget() -> None:
    """Delete from the session's server what a tutorial makes there, and what other tests have left of it."""
    with get_client(sync_client=True) as client:
        with suppress(ObjectNotFound):
            deployment = client.read_deployment_by_name("generate-video/every-morning")
            client.delete_deployment(deployment.id)
        with suppress(httpx.HTTPStatusError):
            client.request("DELETE", "/work_pools/{name}", path_params={"name": "kie"})


def test_every_tutorial_is_walked() -> None:
    assert {page.stem for page in TUTORIALS.glob("*.md")} == set(RESULTS)
