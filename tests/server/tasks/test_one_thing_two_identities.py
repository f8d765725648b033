"""Whoever wants the same thing gets the same job, whatever it is written like and whoever asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.filesystems import LocalFileSystem, RemoteFileSystem
from prefect.runtime import flow_run
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from prefect_kie.api import JobHandle
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import SubmissionNotRecorded
from prefect_kie.models import MarketModel, Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage import run_storage
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.submissions import store
from prefect_kie.tasks import run_model, sora_2_text_to_video
from tests.unit.tasks.test_one_thing_two_identities import COMPOSED, DECOMPOSED

CAT = Sora2TextToVideo(prompt="a cat")


@pytest.mark.server
async def test_equal_numbers_in_a_market_models_input_are_paid_once(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    @flow
    async def pipeline() -> list[str]:
        requests = (MarketModel(model="acme/any-video", input={"prompt": "a", "n": n}) for n in (5, 5.0))
        return [(await run_model(request, credentials)).task_id for request in requests]

    assert len(set(await pipeline())) == 1
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_a_job_key_is_the_same_in_both_forms_and_without_blanks(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    for job_key in (COMPOSED, DECOMPOSED, f" {COMPOSED} "):
        await submit(credentials, job_key)
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_a_batch_tried_on_a_simulator_and_meant_for_another_kie_is_made_there(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with SimulatorServer() as real:
        there = credentials.model_copy(update={"base_url": real.url, "upload_url": real.url})
        tried = await submit(credentials, "spring")
        meant = await submit(there, "spring")
        assert (kie.stats()["created"], real.stats()["created"]) == (1, 1)
        assert tried.task_id != meant.task_id
        assert (await submit(there, "spring")).task_id == meant.task_id


@pytest.mark.server
async def test_a_block_by_name_and_by_value_is_one(kie: SimulatorServer, credentials: KieCredentials) -> None:
    await credentials.asave("identity-test", overwrite=True)
    for named in ("identity-test", await KieCredentials.aload("identity-test"), credentials):
        await submit(named, "by name and by value")
    assert kie.stats()["created"] == 1


async def submit(credentials: KieCredentials | str, job_key: str | None = "one", **options: Any) -> JobHandle:
    """One call in a flow run of its own, with a flow's and a task's options."""
    of_task = {name: options.pop(name) for name in ("task_storage",) if name in options}
    task = sora_2_text_to_video
    if of_task:
        task = task.with_options(result_storage=of_task["task_storage"], persist_result=True)

    @flow(**options)
    async def pipeline() -> JobHandle:
        return await task(CAT, credentials, job_key=job_key)

    return await pipeline()


@pytest.mark.server
async def test_a_flow_or_a_task_with_a_storage_of_its_own_shares_the_records(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, tmp_path: Path
) -> None:
    own = LocalFileSystem(basepath=str(tmp_path / "own"))
    await own.asave("own-storage", overwrite=True)
    await submit(credentials)
    await submit(credentials, result_storage=own, persist_result=True)
    await submit(credentials, task_storage="local-file-system/own-storage")
    assert kie.stats()["created"] == 1
    assert len(list((results / store.FOLDER).glob("*.json"))) == 1
    assert not (tmp_path / "own" / store.FOLDER).exists()


@pytest.mark.server
async def test_a_shared_storage_of_its_own_beside_a_local_default_is_refused(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    block = RemoteFileSystem(basepath="memory://shared")
    await block.asave("shared-storage", overwrite=True)
    with pytest.raises(SubmissionNotRecorded, match="on this machine's disk") as caught:
        await submit(credentials, result_storage=block, persist_result=True)
    assert "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK" in caught.value.next_step
    assert kie.stats()["created"] == 0


@pytest.mark.server
async def test_a_relative_path_is_refused(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = temporary_settings({PREFECT_LOCAL_STORAGE_PATH: Path("results")})
    with relative, pytest.raises(SubmissionNotRecorded, match="relative path"):
        await submit(credentials)
    assert kie.stats()["created"] == 0


@pytest.mark.server
async def test_a_storage_without_exclusive_creation_is_refused(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = RemoteFileSystem(basepath="memory://shared")

    async def default() -> RemoteFileSystem:
        return block

    monkeypatch.setattr(run_storage, "_default_storage", default)
    with pytest.raises(SubmissionNotRecorded, match="exactly one of two writers") as caught:
        await submit(credentials)
    assert "S3, Google or Azure" in caught.value.next_step
    assert kie.stats()["created"] == 0
    assert await storage_for(block).names(store.FOLDER) == []


@pytest.mark.server
async def test_a_subflow_whose_parent_was_deleted_knows_whose_its_jobs_are(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployed run that is part of another remembers the outermost one by a label of its own."""
    labels: dict[str, Any] = {}

    @flow
    async def pipeline() -> tuple[str, str]:
        context = run_storage.FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        run = context.flow_run
        monkeypatch.setattr(run, "deployment_id", uuid4())
        run.labels.update(labels)
        handle = await sora_2_text_to_video(CAT, credentials)
        async with get_client() as client:
            labels.update((await client.read_flow_run(run.id)).labels)
        return handle.task_id, str(flow_run.get_id())

    outermost = str(uuid4())
    with monkeypatch.context() as parent:
        parent.setattr(run_storage.flow_run, "get_root_flow_run_id", lambda: outermost)
        first, run = await pipeline()
    assert labels[run_storage.ROOT_LABEL] == outermost
    # Its parent is deleted, and Prefect takes the run for the outermost one.
    again, other = await pipeline()
    assert (first, run != other) == (again, True)
    assert kie.stats()["created"] == 1


@pytest.mark.server
@pytest.mark.parametrize("nested", ["a task", "a flow", "a task in a task"])
async def test_a_task_outside_of_flows_that_prefect_retries_pays_once(
    kie: SimulatorServer, credentials: KieCredentials, nested: str
) -> None:
    """Each try of it gives the runs in it new ids."""
    jobs: list[str] = []

    @flow
    async def inner_flow() -> str:
        return (await sora_2_text_to_video(CAT, credentials)).task_id

    @task
    async def inner_task() -> str:
        return (await sora_2_text_to_video(CAT, credentials)).task_id

    @task(retries=1)
    async def outermost() -> None:
        if nested == "a task":
            jobs.append((await sora_2_text_to_video(CAT, credentials)).task_id)
        else:
            jobs.append(await (inner_flow if nested == "a flow" else inner_task)())
        if len(jobs) == 1:
            raise RuntimeError("after the submission")

    await outermost()
    assert (len(jobs), len(set(jobs))) == (2, 1)
    assert kie.stats()["created"] == 1
    await outermost()
    assert kie.stats()["created"] == 2  # another run, another job
