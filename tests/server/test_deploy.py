"""`prefect-kie deploy`: a form of one model's fields, by which the server refuses before a run exists."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.deploy import deploy
from prefect_kie.cli.terminal import CommandFailed
from prefect_kie.simulator import SimulatorServer

INVENTED = {
    "kind": "text-to-image",
    "fields": {
        "prompt": {"required": True, "type": "string", "max_length": 100},
        "mood": {"required": False, "type": "string", "enum": ["calm", "wild"]},
    },
}


@pytest.fixture
async def client(kie: SimulatorServer, credentials: KieCredentials) -> Any:
    """A client of the server, which has a work pool and credentials of the simulated Kie."""
    await credentials.asave("deploys", overwrite=True)
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name="deploys", type="process"))
        yield client


async def refusal(client: PrefectClient, name: str, request: dict[str, Any]) -> str:
    """What the server says of a run with this request; empty where it takes it."""
    deployment = await client.read_deployment_by_name(name)
    try:
        await client.create_flow_run_from_deployment(deployment.id, parameters={"request": request})
    except httpx.HTTPStatusError as error:
        return error.response.text
    return ""


@pytest.mark.server
@pytest.mark.parametrize(
    ("model", "name", "good", "bad"),
    [
        (
            "kling-3.0/video",
            "generate-video/kling-3.0-video",
            {"prompt": "a yak", "duration": "7"},
            [{"promt": "a yak"}, {"prompt": "a yak", "duration": "99"}, {"prompt": "a yak", "sond": True}],
        ),
        (
            "ai-music-api/generate",
            "generate-audio/ai-music-api-generate",
            {"prompt": "a waltz", "duration": 30},
            [{"prompt": "a waltz", "duration": 5}, {"prompt": "a waltz", "model_version": "V99"}],
        ),
        (
            "nano-banana-pro",
            "generate-image/nano-banana-pro",
            {"prompt": "a boat"},
            [{"prompt": ""}, {"prompt": "a boat", "resolution": "8K"}],
        ),
    ],
)
async def test_the_server_takes_what_the_model_does_and_refuses_the_rest(
    model: str, name: str, good: dict[str, Any], bad: list[dict[str, Any]], client: PrefectClient
) -> None:
    assert (await deploy(client, model, "deploys", "deploys")).outcome in ("created", "updated")
    assert (await deploy(client, model, "deploys", "deploys")).outcome == "updated"
    assert await refusal(client, name, {"model": model, **good}) == ""
    for one in bad:
        assert await refusal(client, name, {"model": model, **one}), one


@pytest.mark.server
async def test_a_model_that_only_kie_knows_has_a_form_too(
    client: PrefectClient, kie: SimulatorServer
) -> None:
    kie.change(extra_models={"acme/moods": INVENTED}, catalog_per_second=None)
    await deploy(client, "acme/moods", "deploys", "deploys")
    name = "generate-image/acme-moods"
    form = (await client.read_deployment_by_name(name)).parameter_openapi_schema
    assert form is not None
    assert "calm" in json.dumps(form["properties"]["request"]["properties"]["input"])
    assert not await refusal(client, name, {"model": "acme/moods", "input": {"prompt": "a", "mood": "calm"}})
    assert "mood" in await refusal(
        client, name, {"model": "acme/moods", "input": {"prompt": "a", "mood": "?"}}
    )
    with pytest.raises(CommandFailed, match="no schema"):
        await deploy(client, "acme/nobody-knows", "deploys", "deploys")
