"""prefect.yaml: every flow is deployed, from any directory, and no key can get into a deployment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect import flows as prefect_flows
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from prefect_kie import flows
from prefect_kie.api import Sora2TextToVideo
from prefect_kie.cli.automations import RECOVERY_TAG
from prefect_kie.cli.doctor.checks import DEPLOYMENTS

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "prefect.yaml").read_text()


def test_every_flow_has_a_deployment_and_only_a_switch_is_templated() -> None:
    assert "{{" not in TEXT.replace('active: "{{ switched_on }}"', "")
    entrypoints = {one["entrypoint"] for one in yaml.safe_load(TEXT)["deployments"]}
    public = {
        f"prefect_kie.flows.{name}"
        for name in flows.__all__
        if isinstance(getattr(flows, name), prefect_flows.Flow)
    }
    assert entrypoints == public


def test_doctor_looks_for_each_deployment() -> None:
    found = yaml.safe_load(TEXT)["deployments"]
    flow_names = {name: getattr(flows, name).name for name in flows.__all__ if name.islower()}
    assert [f"{flow_names[one['entrypoint'].rpartition('.')[2]]}/{one['name']}" for one in found] == list(
        DEPLOYMENTS
    )


@pytest.mark.parametrize("name", [name for name in flows.__all__ if name.islower()])
def test_the_server_takes_what_a_form_is_filled_with(name: str) -> None:
    schema = parameter_schema(getattr(flows, name).fn).model_dump()
    filled_in = {key: field["default"] for key, field in schema["properties"].items() if "default" in field}
    assert validate(filled_in, schema, ignore_required=True) == []


@pytest.mark.server
async def test_they_deploy_from_any_directory(tmp_path: Path) -> None:
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    run_prefect(tmp_path, "work-pool", "create", "kie", "--type", "process")
    run_prefect(tmp_path, "deploy", "--all")
    async with get_client() as client:
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
        await check_switches(client, tmp_path)


def run_prefect(directory: Path, *words: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *words]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def check_switches(client: PrefectClient, directory: Path) -> None:
    """A schedule stays as it was switched in the UI when its deployment is deployed again."""
    for name, on in (("generate-video/kie-daily", True), ("resume-waiting/kie", False)):
        deployment = await client.read_deployment_by_name(name)
        (schedule,) = deployment.schedules
        assert not schedule.active  # at first, nobody pays unasked
        await client.update_deployment_schedule(deployment.id, schedule.id, active=on)
    run_prefect(directory, "deploy", "--all")
    for name, on in (("generate-video/kie-daily", True), ("resume-waiting/kie", False)):
        (schedule,) = (await client.read_deployment_by_name(name)).schedules
        assert schedule.active is on, name


async def check_daily(client: PrefectClient) -> None:
    """One schedule, in its own time zone, off; the jobs of each of its runs are that run's own."""
    daily = await client.read_deployment_by_name("generate-video/kie-daily")
    (schedule,) = daily.schedules
    assert isinstance(schedule.schedule, CronSchedule)
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 6 * * *", "Europe/Berlin")
    assert not schedule.active
    assert not schedule.parameters
    assert "job_key" not in daily.parameters  # it would make every day's video the first day's
    # The form takes it as it is: a run of it needs no further parameter.
    parameters = flows.generate_video.validate_parameters(daily.parameters)
    assert isinstance(parameters["request"], Sora2TextToVideo)
    assert (parameters["count"], parameters["job_key"]) == (1, None)
