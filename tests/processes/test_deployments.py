"""prefect.yaml: every flow is deployed, from any directory, and no key can get into a deployment."""

from __future__ import annotations

import inspect
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.schedules import CronSchedule

from prefect_kie import flows
from prefect_kie.cli.automations import RECOVERY_TAG
from prefect_kie.models import Kling26TextToVideo
from tests.unit.test_deployments import ROOT, TEXT


@pytest.mark.server
async def test_they_deploy_from_any_directory(tmp_path: Path) -> None:
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="kie", type="process"))
        run_prefect(tmp_path, ["deploy", "--all"])
        for one in yaml.safe_load(TEXT)["deployments"]:
            name = one["entrypoint"].rsplit(".", 1)[1].replace("_", "-")
            deployment = await client.read_deployment_by_name(f"{name}/{one['name']}")
            assert deployment.parameters == one["parameters"]
            takes_them = "credentials" in getattr(flows, name.replace("-", "_")).parameters.properties
            assert deployment.parameters.get("credentials") == ("kie" if takes_them else None)
            assert deployment.pull_steps in ([], None)
            assert deployment.entrypoint == one["entrypoint"]
            # By this the automations of `prefect-kie setup` know its runs.
            assert deployment.tags == [RECOVERY_TAG]
            assert deployment.job_variables == {}
            # One run too many waits for its turn; cancelled, its video would be missing.
            assert deployment.global_concurrency_limit is not None
            assert deployment.global_concurrency_limit.limit == one["concurrency_limit"]["limit"]
            assert deployment.concurrency_options is not None
            assert deployment.concurrency_options.collision_strategy == "ENQUEUE"
        await check_daily(client)
        await check_switches_and_sdk(client, tmp_path)


PREFECT = """
import json, runpy, sys
for words in json.loads(sys.argv[1]):
    sys.argv = ["prefect", "--no-prompt", *words]
    try:
        runpy.run_module("prefect", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""


def run_prefect(directory: Path, *commands: list[str]) -> None:
    """Commands of Prefect, one after the other in one process, which takes seconds to start."""
    command = [sys.executable, "-c", PREFECT, json.dumps(commands)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def check_switches_and_sdk(client: PrefectClient, directory: Path) -> None:
    """A schedule stays as it was switched in the UI when its deployment is deployed again.

    And Prefect's typed SDK of the deployments has each of them, with the parameters of its flow.
    """
    name = "generate-video/kie-daily"
    deployment = await client.read_deployment_by_name(name)
    (schedule,) = deployment.schedules
    assert not schedule.active  # at first, nobody pays unasked
    await client.update_deployment_schedule(deployment.id, schedule.id, active=True)
    run_prefect(directory, ["deploy", "--name", "kie-daily"], ["sdk", "generate", "--output", "kie_sdk.py"])
    (schedule,) = (await client.read_deployment_by_name(name)).schedules
    assert schedule.active

    deployments = runpy.run_path(str(directory / "kie_sdk.py"))["deployments"]
    for one in yaml.safe_load(TEXT)["deployments"]:
        flow = one["entrypoint"].rsplit(".", 1)[1]
        run = deployments.from_name(f"{flow.replace('_', '-')}/{one['name']}").run
        assert set(inspect.signature(run).parameters) == set(getattr(flows, flow).parameters.properties)


async def check_daily(client: PrefectClient) -> None:
    """One schedule, in its own time zone, off; the jobs of each of its runs are that run's own."""
    daily = await client.read_deployment_by_name("generate-video/kie-daily")
    (schedule,) = daily.schedules
    assert isinstance(schedule.schedule, CronSchedule)
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 6 * * *", "Europe/Berlin")
    assert not schedule.active
    assert not schedule.parameters
    assert "scope" not in daily.parameters  # it would make every day's video the first day's
    # The form takes it as it is: a run of it needs no further parameter.
    parameters = flows.generate_video.validate_parameters(daily.parameters)
    assert isinstance(parameters["request"], Kling26TextToVideo)
    assert (parameters["count"], parameters["scope"].job_key) == (1, None)
