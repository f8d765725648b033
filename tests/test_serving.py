"""`prefect-kie serve`: what it serves, and a run of it from start to Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import LocalServer
from prefect_kie.cli.serve import DEPLOYMENTS, SERVED, FlowDeployment, _prepared
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK

WRITTEN: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent.parent / "prefect.yaml").read_text())[
    "deployments"
]


@pytest.mark.parametrize(
    ("written", "one"),
    list(zip(WRITTEN, DEPLOYMENTS, strict=True)),
    ids=lambda one: getattr(one, "full_name", ""),
)
def test_it_serves_what_prefect_yaml_deploys(written: dict[str, Any], one: FlowDeployment) -> None:
    served = one.for_runner()
    assert (served.name, served.entrypoint) == (written["name"], written["entrypoint"])
    assert served.description == written["description"]
    assert served.parameters == written["parameters"]
    assert served.tags == written["tags"]
    assert served.concurrency_limit == written["concurrency_limit"]["limit"]
    assert served.concurrency_options is not None
    assert served.concurrency_options.collision_strategy == written["concurrency_limit"]["collision_strategy"]
    schedules = [
        {"slug": schedule.slug, "active": "{{ switched_on }}", **when(schedule.schedule)}
        for schedule in served.schedules or []
    ]
    assert schedules == written.get("schedules", [])
    assert not any(schedule.active for schedule in served.schedules or [])  # until it is switched on
    if schedules:
        assert written["build"] == [{"prefect_kie.cli.serve.switched_on": {"deployment": one.full_name}}]


def when(schedule: Any) -> dict[str, Any]:
    """When a schedule fires, as prefect.yaml writes it."""
    if isinstance(schedule, CronSchedule):
        return {"cron": schedule.cron, "timezone": schedule.timezone}
    return {"interval": schedule.interval.total_seconds()}


def test_no_name_is_one_of_prefect_yaml() -> None:
    deployed = {one.full_name for one in DEPLOYMENTS}
    served = {one.served().full_name for one in DEPLOYMENTS}
    assert len(served) == len(DEPLOYMENTS)
    assert not deployed & served


class Serving:
    """A running `prefect-kie serve`, in a session of its own so that its whole family can be counted."""

    def __init__(self, home: Path) -> None:
        # Prefect asks every 10 seconds for runs unless told otherwise.
        environment = {**os.environ, "HOME": str(home), "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
        environment["PREFECT_RESULTS_LOCAL_STORAGE_PATH"] = str(home / "results")
        self._log = home / "serve.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "prefect_kie.cli", "serve"],
                env=environment,
                cwd=home,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self, sent: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, or what a service manager sends; its exit code."""
        self._process.send_signal(sent)
        return self._process.wait(30)

    def family(self) -> list[int]:
        """Processes of its session that still live."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self._process.pid and fields[0] != "Z":
                found.append(int(process.name))
        return found

    def kill(self) -> None:
        if not self.ended():
            self._process.kill()
            self._process.wait(10)
        for one in self.family():
            os.kill(one, signal.SIGKILL)


@pytest.fixture
async def client(prefect_server: LocalServer) -> AsyncIterator[PrefectClient]:
    """A client of the session's server."""
    async with get_client() as client:
        yield client


async def deployment_id(client: PrefectClient, name: str, serving: Serving) -> Any:
    """The deployment's id, once it is served."""
    end = time.monotonic() + 60
    while time.monotonic() < end and not serving.ended():
        try:
            return (await client.read_deployment_by_name(name)).id
        except ObjectNotFound:
            await asyncio.sleep(0.2)
    raise AssertionError(serving.log)


async def finished(client: PrefectClient, run: FlowRun, serving: Serving) -> FlowRun:
    """The run, once it is in its last state."""
    end = time.monotonic() + 90
    while time.monotonic() < end and not serving.ended():
        run = await client.read_flow_run(run.id)
        if run.state is not None and run.state.is_final():
            return run
        await asyncio.sleep(0.3)
    raise AssertionError(f"{run.state}\n{serving.log}")


@pytest.mark.server
async def test_a_served_run_pays_once_and_ctrl_c_ends_it(
    client: PrefectClient, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await credentials.asave("serve-test", overwrite=True)
    serving = Serving(tmp_path)
    try:
        served = await deployment_id(client, "generate-video/kie-serve", serving)
        parameters = {
            "credentials": "serve-test",
            "request": {"prompt": "A paper boat"},
            "directory": str(tmp_path / "videos"),
            "poll": QUICK.model_dump(mode="json"),
        }
        run = await client.create_flow_run_from_deployment(served, parameters=parameters)
        run = await finished(client, run, serving)
        assert run.state is not None
        assert run.state.is_completed(), run.state
        assert kie.stats()["created"] == 1
        assert len(list((tmp_path / "videos").glob("*.mp4"))) == 1
        assert serving.stop() in (0, 130), serving.log
        assert serving.family() == []
        assert "Traceback" not in serving.log
        assert "Stopped." in serving.log
        # Nobody serves it, so nothing is scheduled that would run late, all at once, one day.
        assert (await client.read_deployment_by_name("generate-video/kie-serve-daily")).paused
    finally:
        serving.kill()


@pytest.mark.server
async def test_a_service_managers_sigterm_ends_it_as_ctrl_c_does(
    client: PrefectClient, tmp_path: Path
) -> None:
    serving = Serving(tmp_path)
    try:
        while "Start runs in the UI" not in serving.log and not serving.ended():
            await asyncio.sleep(0.1)
        assert serving.stop(signal.SIGTERM) in (0, 130), serving.log
        assert serving.family() == []
        assert "Traceback" not in serving.log
        assert "Stopped." in serving.log
        assert (await client.read_deployment_by_name("generate-video/kie-serve-daily")).paused
    finally:
        serving.kill()


@pytest.mark.server
async def test_a_schedule_that_was_switched_on_stays_on_when_it_is_served_again(
    client: PrefectClient,
) -> None:
    async def served_again() -> DeploymentResponse:
        (daily,) = [one for one in await _prepared() if one.name == f"{SERVED}-daily"]
        return await client.read_deployment(await daily.for_runner().aapply())

    daily = await served_again()
    try:
        (schedule,) = daily.schedules
        assert not schedule.active
        await client.update_deployment_schedule(daily.id, schedule.id, active=True)
        daily = await served_again()
        (schedule,) = daily.schedules
        assert schedule.active
        assert not daily.paused
    finally:
        await client.delete_deployment(daily.id)
