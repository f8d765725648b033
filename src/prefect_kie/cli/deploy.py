"""`prefect-kie deploy`: a deployment per model, whose form in the UI has exactly the fields of that model."""

import argparse
import asyncio
from contextlib import suppress
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.exceptions import ObjectNotFound

from prefect_kie.api.forms import close_rare_fields
from prefect_kie.blocks import load_credentials
from prefect_kie.cli.automations import RECOVERY_TAG
from prefect_kie.cli.connection import connected
from prefect_kie.cli.terminal import CommandFailed, Finding, Outcome
from prefect_kie.flows import generate_audio, generate_image, generate_video
from prefect_kie.flows._kie_flow import KieFlow
from prefect_kie.models import MarketModel, request_class
from prefect_kie.runtime.live_catalog import LiveCatalog

FLOWS: dict[str, KieFlow[..., Any]] = {
    "video": generate_video,
    "image": generate_image,
    "audio": generate_audio,
}
"""The flow for each kind of result; generate_video makes any other, too."""
WORDS = {"image": "to-image", "audio": "speech"}  # in the catalogue's kinds of models; else it is a video
IN_FORM = "#/definitions/{model}"
SHOWN = ("count",)  # the flow's own parameters that the form has beside the model's fields
MAX_RUNS = 10


def run(options: argparse.Namespace) -> int:
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
    cls = request_class(model)
    kind, what, form = cls.result_kind, cls.__doc__, cls.model_json_schema(ref_template=IN_FORM)
    if cls is MarketModel:  # newer than this version
        kind, what, form = await _of_catalogue(model, credentials)
    else:
        close_rare_fields(form, alone=True)
    flow = FLOWS.get(kind, generate_video)
    deployment = f"{flow.name}/{slug(model)}"
    outcome: Outcome = "created"
    with suppress(ObjectNotFound):
        await client.read_deployment_by_name(deployment)
        outcome = "updated"
    await client.create_deployment(
        flow_id=await client.create_flow_from_name(flow.name),
        name=slug(model),
        entrypoint=f"prefect_kie.flows.{flow.fn.__name__}",
        description=what,
        tags=[RECOVERY_TAG],
        parameters={"credentials": credentials},
        parameter_openapi_schema=form_of(flow, form),
        enforce_parameter_schema=True,
        concurrency_limit=MAX_RUNS,
        concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        work_pool_name=pool,
        pull_steps=[],  # the flow is found in the installed package
    )
    return Finding(outcome, f"deployment {deployment}")


def slug(model: str) -> str:
    return model.replace("/", "-")


async def _of_catalogue(model: str, credentials: str) -> tuple[str, str, dict[str, Any]]:
    """What Kie's live catalogue says of a model: what it makes, in words too, and the form of its request."""
    catalog = LiveCatalog(await load_credentials(credentials))
    schema = await catalog.schema(model)
    if schema is None or schema.input is None:
        raise CommandFailed(f"Kie's catalogue has no schema of {model!r} yet: run it by run_model.")
    known = next((one for one in await catalog.models() if one.model == model), None)
    tasks = " ".join(known.kinds) if known else ""
    kind = next((kind for kind, word in WORDS.items() if word in tasks), "video")
    name = {"const": model, "default": model, "title": "Model", "type": "string"}
    fields = {"model": name, "input": {"title": "Input", **schema.input}}
    form = {"type": "object", "title": model, "properties": fields, "required": ["model", "input"]}
    return kind, (known and known.title) or model, form


def form_of(flow: KieFlow[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    """The flow's parameters with one model's fields in the place of any request."""
    whole: dict[str, Any] = flow.parameters.model_dump_for_openapi()
    properties = {name: whole["properties"][name] for name in SHOWN}
    fields = {name: part for name, part in request.items() if name != "$defs"}
    properties["request"] = {**fields, "position": 0}
    form = {"title": "Parameters", "type": "object", "properties": properties, "required": ["request"]}
    return {**form, "definitions": request.get("$defs", {})}
