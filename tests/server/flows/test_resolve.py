"""resolve_submission: what is in doubt is listed, and bound or released by a person's word or by proof."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from prefect.exceptions import ParameterTypeError
from prefect.filesystems import LocalFileSystem
from prefect.settings import PREFECT_DEFAULT_RESULT_STORAGE_BLOCK, temporary_settings

from prefect_kie.api import InvalidRequest, JobHandle, KieClient, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import Output, ResolvedSubmission, Scope, generate_video, resolve_submission
from prefect_kie.flows.resolve import ARTIFACT
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions import store
from prefect_kie.submissions.store import FOLDER
from prefect_kie.tasks import sora_2_text_to_video
from tests.conftest import QUICKLY
from tests.left_behind import forget_the_outcome

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")


async def submit(credentials: KieCredentials, job_key: str = "one", take: int = 1) -> str:
    """Submit CAT in a flow run of its own; the job's id."""

    @flow(name="pipeline", flow_run_name="tuesday")
    async def pipeline() -> str:
        return (await sora_2_text_to_video(CAT, credentials, job_key=job_key, take=take)).task_id

    return await pipeline()


async def doubt(
    kie: SimulatorServer, credentials: KieCredentials, *, created: bool = True, **call: Any
) -> SubmissionInDoubt:
    """A submission in doubt, for which Kie created a job or did not."""
    kie.fault("create", reset=True, accept=created)
    with pytest.raises(SubmissionInDoubt) as caught:
        await submit(credentials, **call)
    return caught.value


async def resolve(credentials: KieCredentials, **choice: Any) -> tuple[ResolvedSubmission, ...]:
    return (await resolve_submission(credentials=credentials, **choice)).submissions


def change_record(results: Path, **changes: Any) -> str:
    """The only record, changed; its key."""
    (file,) = (results / FOLDER).glob("*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return file.stem


async def test_what_is_in_doubt_is_listed_with_all_a_person_needs(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    error = await doubt(kie, credentials)
    await submit(credentials, job_key="a settled one")

    (listed,) = await resolve(credentials)
    assert listed.submission == error.submission
    assert listed.status == "in doubt"
    assert (listed.model, listed.prompt) == (CAT.model_name, CAT.prompt)
    assert listed.flow_run_name == "tuesday"
    assert abs(listed.begun_at - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert f"{error.submission}: in doubt, sent on" in caplog.text

    async with get_client() as client:
        (artifact,) = await client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[ARTIFACT]))
        )
    (row,) = json.loads(str(artifact.data))
    assert (row["submission"], row["flow run"]) == (error.submission, "tuesday")
    assert "with its task_id if the job is there" in str(artifact.description)


async def test_nothing_in_doubt_is_told(
    credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    await submit(credentials)
    assert await resolve(credentials) == ()
    assert "No submission is in doubt" in caplog.text


async def test_a_person_binds_it_to_its_job_and_the_run_goes_on_with_it(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("create", reset=True, accept=True)
    with pytest.raises(RunIncomplete, match=r"resolve_submission with submission='(kie-\w+)'") as caught:
        await generate_video(
            CAT,
            credentials,
            output=Output(directory=tmp_path / "v"),
            scope=Scope(job_key="one"),
            waiting=QUICKLY,
        )
    (outcome,) = caught.value.result.videos
    (job,) = kie.stats()["jobs"]

    (listed,) = await resolve(credentials)
    (bound,) = await resolve(credentials, submission=f" {listed.submission} ", task_id=f" {job['task_id']} ")
    assert (bound.status, bound.task_id) == ("bound", job["task_id"])
    assert listed.submission in outcome.error
    assert listed.job_key == "one"
    assert await resolve(credentials) == ()

    made = await generate_video(
        CAT,
        credentials,
        output=Output(directory=tmp_path / "v"),
        scope=Scope(job_key="one"),
        waiting=QUICKLY,
    )
    assert [video.task_id for video in made.videos] == [job["task_id"]]
    assert kie.stats()["created"] == 1


async def test_a_person_releases_it_and_it_is_submitted_anew(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = await doubt(kie, credentials, created=False)
    monkeypatch.setattr(store, "OUTCOME_SECONDS", 0.0)  # some minutes later
    (released,) = await resolve(credentials, submission=error.submission, release=True)
    assert released.status == "released"
    assert kie.stats()["created"] == 0
    await submit(credentials)
    assert kie.stats()["created"] == 1


def _records() -> list[Path]:
    from prefect.settings import get_current_settings

    return list((Path(get_current_settings().results.local_storage_path) / FOLDER).glob("*.json"))


NOBODYS = f"kie-{'0' * 32}"
CHOICES: list[tuple[dict[str, Any], str]] = [
    ({"submission": NOBODYS, "task_id": "a", "release": True}, "not both"),
    ({"task_id": "a"}, "which submission is meant"),
    ({"release": True}, "which submission is meant"),
    ({"submission": NOBODYS}, f"no record of a submission '{NOBODYS}'"),
]


@pytest.mark.parametrize(("choice", "refusal"), CHOICES, ids=lambda value: str(value)[:40])
async def test_a_senseless_choice_is_refused(
    choice: dict[str, Any], refusal: str, credentials: KieCredentials
) -> None:
    with pytest.raises(InvalidRequest, match=refusal):
        await resolve(credentials, **choice)


@pytest.mark.recorded
async def test_listing_settles_what_is_proven_by_now(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    task_id = await submit(credentials)
    forget_the_outcome(results)
    for _ in range(100):  # until the server has the event
        (listed,) = await resolve(credentials)
        if listed.status == "bound":
            break
        await asyncio.sleep(0.05)
    assert (listed.status, listed.task_id) == ("bound", task_id)
    assert await resolve(credentials) == ()


async def test_records_elsewhere_are_found_by_their_storage(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    storage = LocalFileSystem(basepath=str(tmp_path / "elsewhere"))
    await storage.asave("resolve-test", overwrite=True)
    kie.fault("create", reset=True)
    elsewhere = PREFECT_DEFAULT_RESULT_STORAGE_BLOCK, "local-file-system/resolve-test"
    with temporary_settings(dict([elsewhere])), pytest.raises(SubmissionInDoubt) as caught:
        await submit(credentials)
    assert await resolve(credentials) == ()
    (listed,) = await resolve(credentials, records_storage="local-file-system/resolve-test")
    assert listed.submission == caught.value.submission


@pytest.mark.parametrize("submission", ["../secret", "kie-1", f"{NOBODYS}/../x"])
async def test_what_is_no_key_is_no_path(submission: str, credentials: KieCredentials) -> None:
    with pytest.raises(ParameterTypeError, match="should match pattern"):
        await resolve(credentials, submission=submission)


async def test_a_call_that_this_very_process_has_out_is_left_alone(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, may_end = KieClient.create_job, threading.Event()

    async def held_up(*args: Any, **kwargs: Any) -> JobHandle:
        while not may_end.is_set():
            await asyncio.sleep(0.01)
        return await create(*args, **kwargs)

    monkeypatch.setattr(KieClient, "create_job", held_up)
    call = asyncio.ensure_future(submit(credentials))
    while not _records():
        await asyncio.sleep(0.01)
    (listed,) = await resolve(credentials)
    assert listed.status == "being submitted"
    may_end.set()
    await call
    assert kie.stats()["created"] == 1
    assert await resolve(credentials) == ()
