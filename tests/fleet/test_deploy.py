"""deploy/: what can be known of it without a Docker daemon and without a cluster."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import kubernetes_validate
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.workers.base import BaseWorker

from deploy.base_job_template import base_job_template
from tests.fleet.fleet import Fleet
from tests.unit.test_packaging import ROOT, modules

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
KUBERNETES = kubernetes_validate.latest_version()


def template(kind: str) -> dict[str, Any]:
    return base_job_template(kind, json.loads((DEPLOY / f"{kind}.json").read_text()))


def test_what_the_image_copies_makes_the_whole_package(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *names, target = words.split()
        for name in names:
            (source / target).mkdir(parents=True, exist_ok=True)
            copy = [
                "cp",
                "-R",
                f"{ROOT / name}{'/.' if (ROOT / name).is_dir() else ''}",
                str(source / target),
            ]
            subprocess.run(copy, check=True)
    # The image's build fetches setuptools by itself; here it is there already.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", str(tmp_path), "."], cwd=source, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert modules() <= set(zipfile.ZipFile(wheel).namelist())
    # Pip takes what an extra needs from a path with [pictures] behind it, as the image does.
    assert "[pictures]" in DOCKERFILE


def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "hadolint", DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
async def test_the_deployments_fit_a_pool_of_containers(fleet: Fleet, kind: str) -> None:
    pool, worker = f"kie-{kind}", BaseWorker.get_worker_class_from_type(kind)
    with temporary_settings({PREFECT_API_URL: f"{fleet.server.url}/api"}):
        async with get_client() as client:
            await client.create_work_pool(
                WorkPoolCreate(name=pool, type=kind, base_job_template=template(kind))
            )
            flow = await client.create_flow_from_name("generate-video")
            deployment = await client.create_deployment(flow, pool, work_pool_name=pool)
            variables = (await client.read_deployment(deployment)).job_variables
            kept = (await client.read_work_pool(pool)).base_job_template
            assert worker is not None
            made: Any = await worker.job_configuration.from_template_and_values(
                kept, variables, client=client
            )
        # What the worker makes of a run, up to where it asks Docker or the cluster for it.
        made.prepare_for_flow_run(FlowRun(id=uuid4(), name="a boat", flow_id=flow))
    # Not the worker's own, which a container does not have.
    assert made.env["PREFECT_HOME"] == "/home/kie/.prefect"
    CHECKS[kind](made)


def check_docker(made: Any) -> None:
    assert (made.image, made.volumes, made.auto_remove) == ("prefect-kie", ["prefect-kie:/home/kie"], True)


def check_kubernetes(made: Any) -> None:
    pod = made.job_manifest["spec"]["template"]["spec"]
    for misplaced in ("completions", "parallelism"):  # by Prefect's template; a cluster passes over them
        del pod[misplaced]
    kubernetes_validate.validate(made.job_manifest, KUBERNETES, strict=True)
    (container,) = pod["containers"]
    assert container["image"] == "registry.example.com/prefect-kie:0.1.0"
    assert container["args"][:2] == ["prefect", "flow-run"]
    assert "command" not in container  # it would replace the image's tini
    assert pod["securityContext"]["runAsNonRoot"]
    assert made.job_manifest["spec"]["backoffLimit"] == 0


CHECKS: dict[str, Callable[[Any], None]] = {"docker": check_docker, "kubernetes": check_kubernetes}


def test_a_choice_that_no_template_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="docker has no variable imgae; it has auto_remove"):
        base_job_template("docker", {"variables": {"imgae": "prefect-kie"}})


def test_what_is_applied_to_a_cluster_is_valid() -> None:
    manifests = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    for manifest in manifests:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    labels = [
        one["spec"]["template"]["metadata"]["labels"] for one in manifests if one["kind"] == "Deployment"
    ]
    (service,) = (one for one in manifests if one["kind"] == "Service")
    assert service["spec"]["selector"] in labels
    assert not [one for one in manifests if one["kind"] == "Secret"]
