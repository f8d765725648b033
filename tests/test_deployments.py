"""prefect.yaml: every flow is deployed, from any directory, and no key can get into a deployment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect import flows as prefect_flows
from prefect.client.orchestration import get_client

from prefect_kie import flows
from prefect_kie.provisioning_automations import HEARTBEAT_SECONDS, HEARTBEAT_TAG, RECOVERY_TAG

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "prefect.yaml").read_text()


def test_every_flow_has_a_deployment_and_nothing_is_templated() -> None:
    assert "{{" not in TEXT
    entrypoints = {one["entrypoint"] for one in yaml.safe_load(TEXT)["deployments"]}
    public = {
        f"prefect_kie.flows.{name}"
        for name in flows.__all__
        if isinstance(getattr(flows, name), prefect_flows.Flow)
    }
    assert entrypoints == public


@pytest.mark.server
async def test_they_deploy_from_any_directory(tmp_path: Path) -> None:
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    for words in (["work-pool", "create", "kie", "--type", "process"], ["deploy", "--all"]):
        done = subprocess.run([*prefect, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    async with get_client() as client:
        for one in yaml.safe_load(TEXT)["deployments"]:
            name = one["entrypoint"].rsplit(".", 1)[1].replace("_", "-")
            deployment = await client.read_deployment_by_name(f"{name}/kie")
            assert deployment.parameters == {"credentials": "kie"}
            assert deployment.pull_steps in ([], None)
            assert deployment.entrypoint == one["entrypoint"]
            # By these the automations of `prefect-kie setup` know its runs, and that they live.
            assert set(deployment.tags) == {RECOVERY_TAG, HEARTBEAT_TAG}
            heartbeat = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS)}
            assert deployment.job_variables == {"env": heartbeat}
