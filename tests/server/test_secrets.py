"""The key appears nowhere but in its block and in the one header: everything a run leaves is searched."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import pytest
from prefect import flow
from pydantic import SecretStr

from prefect_kie.api import KieError
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import Output, collect_job, generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video
from tests.conftest import HOME, QUICKLY, send_what_is_left

pytestmark = [pytest.mark.server, pytest.mark.recorded]

SEARCHED = "sk-look-for-me-everywhere-7f3a9b"

FAULTS = [
    ("create", {"code": 401, "msg": f"invalid key {SEARCHED}"}),
    ("create", {"status": 403, "body": f"<html>Bearer {SEARCHED} is not allowed</html>"}),
    ("create", {"accept": True, "reset": True}),
    ("poll", {"code": 401, "msg": f"Bearer {SEARCHED}", "times": None}),
    ("file", {"status": 500, "times": None}),
]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and everything it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def test_the_key_appears_nowhere(
    kie: SimulatorServer, tmp_path: Path, results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credentials = KieCredentials(api_key=SecretStr(SEARCHED), base_url=kie.url, upload_url=kie.url)
    await credentials.asave("searched", overwrite=True)
    shown = [repr(credentials), str(credentials), repr(credentials.get_client())]

    async def attempt(on: str, fault: dict[str, object]) -> None:
        kie.fault(on, **fault)
        try:
            await generate_video(
                Sora2TextToVideo(prompt=f"{on} {fault}".replace(SEARCHED, "")),
                credentials,
                output=Output(directory=tmp_path / "videos"),
                waiting=QUICKLY,
            )
        except RunIncomplete as error:
            shown.extend(repr(link) + str(link) for link in chain(error))
            shown.append("".join(traceback.format_exception(error)))
            pickles.extend([pickle.dumps(error), cloudpickle.dumps(error)])
        kie.simulator.faults.clear()

    pickles: list[bytes] = []
    for on, fault in FAULTS:
        await attempt(on, fault)

    @flow(persist_result=True)
    async def persisted() -> object:
        handle = await sora_2_text_to_video(Sora2TextToVideo(prompt="a cat"), "searched")
        return await collect_job(
            handle.task_id,
            "searched",
            output=Output(directory=tmp_path / "videos"),
            waiting=QUICKLY,
        )

    await persisted()
    kie.fault("create", code=402)
    with pytest.raises(KieError) as caught:
        await sora_2_text_to_video(Sora2TextToVideo(prompt="no money"), credentials)
    pickles.append(pickle.dumps(caught.value))
    await asyncio.to_thread(send_what_is_left)

    for text in [*shown, caplog.text, *(repr(record.__dict__) for record in caplog.records)]:
        assert SEARCHED not in text
    left = [*results.rglob("*"), *(tmp_path / "videos").rglob("*"), *(HOME / "server").rglob("*")]
    contents = {str(file): file.read_bytes() for file in left if file.is_file()}
    assert any(name.endswith("prefect.db") for name in contents)
    assert any("kie-submissions" in name for name in contents)
    for name, content in [*contents.items(), *((f"pickle {i}", p) for i, p in enumerate(pickles))]:
        assert SEARCHED.encode() not in content, name


async def test_the_key_never_reaches_a_files_host(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await generate_video(
        Sora2TextToVideo(prompt="a cat"),
        credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
    )
    requests = kie.simulator.file_requests
    assert requests
    assert not any("authorization" in request["headers"] for request in requests)
