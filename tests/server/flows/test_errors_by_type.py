"""Errors are caught by their type, name the server that does not answer, and say how to go on."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_kie.api import (
    ContentRejected,
    InsufficientCredits,
    JobFailed,
    KieError,
    ServiceUnavailable,
    SubmissionInDoubt,
)
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.cli.local_server import free_port
from prefect_kie.errors import DownloadFailed, RunIncomplete
from prefect_kie.flows import Output, Scope, VideoOutcome, generate_batch, generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICKLY

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")


@pytest.mark.parametrize(
    ("on", "fault", "error"),
    [
        ("job", {"fail": {"failCode": "500", "failMsg": "it is cursed"}}, JobFailed),
        ("job", {"fail": {"failCode": "400", "failMsg": "content policy violation"}}, ContentRejected),
        ("create", {"code": 402}, InsufficientCredits),
        ("create", {"accept": True, "reset": True}, SubmissionInDoubt),
        ("file", {"status": 500, "times": None}, DownloadFailed),
    ],
)
@pytest.mark.server
async def test_what_failed_is_told_apart_by_its_type(
    on: str,
    fault: dict[str, Any],
    error: type[KieError],
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
) -> None:
    kie.fault(on, **fault)
    with pytest.raises(RunIncomplete) as caught:
        await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    (one,) = caught.value.errors
    assert type(one) is error
    persisted = VideoOutcome.model_validate_json(caught.value.result.videos[0].model_dump_json())
    for again in (pickle.loads(pickle.dumps(one)), persisted.exception):
        assert (type(again), again.task_id, again.code) == (error, one.task_id, one.code)
        assert again is not None
        assert again.line == persisted.error
        assert (again.billed, again.next_step) == (one.billed, one.next_step)
    with pytest.raises(error):
        _ = persisted.saved
    if isinstance(persisted.exception, SubmissionInDoubt):
        assert persisted.exception.submission is not None


@pytest.mark.server
async def test_a_batchs_errors_are_those_of_its_rows(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    rows = [{"prompt": prompt, "model": CAT.model} for prompt in ("gore", "a yak", "a fox")]
    kie.fault("job", prompt="a fox", fail={"failCode": "500", "failMsg": "it is cursed"})
    with pytest.raises(RunIncomplete) as caught:
        await generate_batch(rows, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert [type(error) for error in caught.value.errors] == [ContentRejected, JobFailed]
    assert caught.value.result.videos[1].saved


@pytest.mark.server
async def test_a_server_that_does_not_answer_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    secret = url.replace("//", "//somebody:secret@")
    with temporary_settings({PREFECT_API_URL: secret}), pytest.raises(ServiceUnavailable) as caught:
        await load_credentials("kie")
    assert f"the Prefect server at {url} could not be asked" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "Charged: no" in str(caught.value)


@pytest.mark.server
async def test_a_script_is_told_how_to_go_on_and_does_without_paying_again(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", skip=1, times=1, fail={"failCode": "500", "failMsg": "heavy load"})

    @flow
    async def script(job_key: str | None = None) -> None:
        await generate_video(
            CAT,
            credentials,
            count=2,
            output=Output(directory=tmp_path),
            waiting=QUICKLY,
            scope=Scope(job_key=job_key),
        )

    with pytest.raises(RunIncomplete, match="start a new run with job_key='") as caught:
        await script()
    key = str(caught.value).partition("job_key='")[2].partition("'")[0]
    with pytest.raises(RunIncomplete):  # what failed stays so; nothing is paid anew
        await script(key)
    assert kie.stats()["created"] == 2
