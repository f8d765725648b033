"""`prefect-kie deploy`: a deployment per model, whose form in the UI has exactly the fields of that model."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.exceptions import ObjectNotFound

from prefect_kie.api import JobRequest
from prefect_kie.cli.automations import RECOVERY_TAG
from prefect_kie.cli.connection import connected
from prefect_kie.cli.terminal import CommandFailed, Finding
from prefect_kie.flows import generate_audio, generate_image, generate_video
from prefect_kie.flows._kie_flow import KieFlow
from prefect_kie.models import MarketModel, request_class

FLOWS: dict[str, KieFlow[..., Any]] = {
    "video": generate_video,
    "image": generate_image,
    "audio": generate_audio,
}
"""The flow for each kind of result; generate_video makes any other, too."""
SHOWN = ("count",)
"""The flow's own parameters that the form has beside the model's fields."""
MAX_RUNS = 10


def run(options: argparse.Namespace) -> int:
    """Make or update a deployment of each model."""
    return asyncio.run(_deploy(options.models, options.pool, options.credentials))


async def _deploy(models: list[str], pool: str, credentials: str) -> int:
    async with connected() as client:
        try:
            await client.read_work_pool(pool)
        except ObjectNotFound:
            raise CommandFailed(
                f"There is no work pool {pool!r}: name another with --pool, or run "
                f"prefect work-pool create {pool} --type process."
            ) from None
        for model in models:
            (await deploy(client, model, pool, credentials)).show()
    return 0


async def deploy(client: PrefectClient, model: str, pool: str, credentials: str) -> Finding:
    """Make a model's deployment, or bring it up to date."""
    cls = request_class(model)
    if cls is MarketModel:
        raise CommandFailed(f"{model!r} is no model that this version knows: see prefect-kie models list.")
    flow = FLOWS.get(cls.result_kind, generate_video)
    deployment = f"{flow.name}/{slug(model)}"
    try:
        await client.read_deployment_by_name(deployment)
        outcome = "updated"
    except ObjectNotFound:
        outcome = "created"
    await client.create_deployment(
        flow_id=await client.create_flow_from_name(flow.name),
        name=slug(model),
        entrypoint=f"prefect_kie.flows.{flow.fn.__name__}",
        description=cls.__doc__,
        tags=[RECOVERY_TAG],
        parameters={"credentials": credentials},
        parameter_openapi_schema=form_of(flow, cls),
        enforce_parameter_schema=True,
        concurrency_limit=MAX_RUNS,
        concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        work_pool_name=pool,
        pull_steps=[],  # the flow is found in the installed package
    )
    return Finding("created" if outcome == "created" else "updated", f"deployment {deployment}")


def slug(model: str) -> str:
    """A deployment's name: the model's, as a path of one part."""
    return model.replace("/", "-")


def form_of(flow: KieFlow[..., Any], cls: type[JobRequest]) -> dict[str, Any]:
    """The flow's parameters with one model's fields in the place of any request."""
    whole: dict[str, Any] = flow.parameters.model_dump_for_openapi()
    request = cls.model_json_schema(ref_template="#/definitions/{model}")
    definitions = request.pop("$defs", {})
    properties = {name: whole["properties"][name] for name in SHOWN}
    properties["request"] = {**request, "title": cls.model_config.get("title", "Request"), "position": 0}
    form = {"title": "Parameters", "type": "object", "properties": properties, "required": ["request"]}
    return {**form, "definitions": definitions}
