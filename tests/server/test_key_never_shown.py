"""A key in the place of a block or its name reaches no record: no run, log, event, state, error or pickle."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from pydantic import SecretStr

from prefect_kie.api import AuthenticationFailed, InvalidRequest
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.blocks.credentials import check_credentials_value
from prefect_kie.flows import (
    CharacterTraits,
    Output,
    character_series,
    collect_job,
    create_character,
    generate_batch,
    generate_video,
    resolve_submission,
)
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video
from tests.conftest import HOME, QUICK, QUICKLY, grouped, send_what_is_left
from tests.server.flows.test_questions import Deployed, stored

pytestmark = [pytest.mark.server, pytest.mark.recorded]

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
TRAITS = CharacterTraits(character_prompt="a calm cat")

FLOWS: dict[str, Callable[[Any], Any]] = {
    "generate_video": lambda key: generate_video(CAT, key),
    "with_options": lambda key: generate_video.with_options(retries=1)(CAT, credentials=key),
    "generate_batch": lambda key: generate_batch([{"prompt": "a", "model": CAT.model}], key),
    "character_series": lambda key: character_series(CAT, TRAITS, ["a"], credentials=key),
    "create_character": lambda key: create_character("t" * 32, TRAITS, credentials=key),
    "collect_job": lambda key: collect_job("t" * 32, key),
    "resolve_submission": lambda key: resolve_submission(credentials=key),
}


def new_key() -> str:
    """A key as Kie's are: 32 hexadecimal digits."""
    return uuid4().hex


SHAPES: dict[str, Callable[[str], Any]] = {
    "as a dictionary": lambda key: {"api_key": key},
    "as the name": lambda key: key,
    "as a name that begins with sk-": lambda key: f"sk-{key[:12]}",
    "as a name with capitals": lambda key: f"KEY{key}",
    "as bytes": lambda key: key.encode(),
}


async def left_of(keys: list[str], caplog: pytest.LogCaptureFixture, results: Path) -> list[str]:
    """Where one of the keys (its first 12 characters) is found."""
    await asyncio.to_thread(send_what_is_left)
    found: list[str] = []
    starts = [key[:12] for key in keys]
    for file in (*results.rglob("*"), *(HOME / "server").rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            found += [str(file) for start in starts if start.encode() in content]
    for told in (*(repr(record.__dict__) for record in caplog.records), caplog.text):
        found += [told for start in starts if start in told]
    return found


async def test_a_key_as_a_parameter_makes_no_run(results: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys: list[str] = []
    for flow, shape in product(FLOWS.values(), SHAPES.values()):
        keys.append(key := new_key())
        with pytest.raises(InvalidRequest, match=r"credentials is .*nothing was submitted") as caught:
            await flow(shape(key))
        shown = [str(caught.value), repr(caught.value), *traceback.format_exception_only(caught.value)]
        assert not any(key[:12] in text for text in shown)
        assert key[:12].encode() not in pickle.dumps(caught.value)
    assert await left_of(keys, caplog, results) == []


async def test_the_server_refuses_a_deployments_run_with_a_key(
    results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = {shape: new_key() for shape in ("as a dictionary", "as the name", "as a name with capitals")}
    async with get_client() as client:
        flow_id = await client.create_flow(generate_video)
        schema = generate_video.parameters.model_dump()
        deployment = await client.create_deployment(
            flow_id, f"key-{new_key()}", parameter_openapi_schema=schema, enforce_parameter_schema=True
        )
        for shape, key in keys.items():
            with pytest.raises(PrefectHTTPStatusError, match="409"):
                await client.create_flow_run_from_deployment(
                    deployment, parameters={"request": CAT.model_dump(), "credentials": SHAPES[shape](key)}
                )
    assert await left_of([*keys.values()], caplog, results) == []


async def test_a_block_that_was_chosen_its_name_and_its_value_are_the_same_submission(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    name = await stored(credentials)
    block = await KieCredentials.aload(name)
    form = {"directory": str(tmp_path), "poll": QUICK.model_dump(), "job_key": "mine"}
    given = grouped(request=CAT.model_dump(), **form)
    async with get_client() as client:
        flow_id = await client.create_flow(generate_video)
        deployment = await client.create_deployment(
            flow_id,
            f"taken-{name}",
            parameter_openapi_schema=generate_video.parameters.model_dump(),
            enforce_parameter_schema=True,
        )
        chosen = {"$ref": {"block_document_id": str(block._block_document_id)}}
        for value in (chosen, name, f"kie-credentials/{name}"):
            run = await client.create_flow_run_from_deployment(
                deployment, parameters={**given, "credentials": value}
            )
            assert (await Deployed(generate_video, run).work()).name == "Completed"
    for same in (credentials, block):
        await generate_video(CAT, same, **grouped(**form))
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize("shape", ["as a dictionary", "as the name"])
async def test_where_no_server_refused_it_the_run_says_what_to_do(
    shape: str, kie: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    key = new_key()
    given = {"request": CAT.model_dump(), "credentials": SHAPES[shape](key)}
    deployed = await Deployed.of(generate_video, given)  # of a schema that knows no better
    state = await deployed.work()
    assert state.is_failed()
    assert "Delete this run, and replace that key at kie.ai/api-key" in (state.message or "")
    assert key not in (state.message or "")
    assert key not in caplog.text
    assert kie.stats()["created"] == 0


async def test_a_block_that_is_not_stored_is_masked_in_the_parameters(
    kie: SimulatorServer, tmp_path: Path, results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = new_key()
    block = KieCredentials(api_key=SecretStr(key), base_url=kie.url, upload_url=kie.url)
    await generate_video(CAT, block, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert await left_of([key], caplog, results) == []


async def test_a_task_refuses_it_too(kie: SimulatorServer, caplog: pytest.LogCaptureFixture) -> None:
    key = new_key()
    for value in ({"api_key": key}, key):
        with pytest.raises(InvalidRequest) as caught:
            await load_credentials(value)  # type: ignore[arg-type]
        assert key not in str(caught.value)
    task: Any = sora_2_text_to_video
    with pytest.raises(InvalidRequest, match="a text of 32 characters that is no block's name"):
        await task(CAT, key)
    assert key not in caplog.text
    assert kie.stats()["created"] == 0


@pytest.mark.parametrize(
    "name", ["kie", "kie-prod", "team-7-video-production-key", "kie-credentials/20250101key0123456789"]
)
async def test_a_blocks_name_is_a_name(name: str) -> None:
    check_credentials_value(name)
    with pytest.raises(AuthenticationFailed, match="has no KieCredentials block named"):
        await load_credentials(f"{name}-nowhere")  # another test of this server may have saved one "kie"
