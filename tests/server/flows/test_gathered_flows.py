"""Flows that a user gathers: one that fails leaves no sibling running, and floods no terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.runtime import flow_run

from prefect_kie.api import JobFailed
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import GeneratedVideos, generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, grouped

pytestmark = pytest.mark.server

ANIMALS = ("a yak", "a fox", "a cat")


@pytest.mark.parametrize("with_states", [False, True])
async def test_one_failing_flow_leaves_its_siblings_to_their_end(
    with_states: bool,
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kie.fault("job", prompt="a fox", duration=0.05, fail={"failCode": "500", "failMsg": "it is cursed"})
    parents: list[str] = []

    @flow
    async def films() -> list[GeneratedVideos]:
        parents.append(str(flow_run.get_id()))
        run: Any = generate_video
        options = grouped(credentials=credentials, directory=tmp_path, poll=QUICK)
        if with_states:
            calls = [run(Sora2TextToVideo(prompt=name), return_state=True, **options) for name in ANIMALS]
            made = [await state.aresult(raise_on_failure=False) for state in await asyncio.gather(*calls)]
        else:
            calls = [run(Sora2TextToVideo(prompt=name), **options) for name in ANIMALS]
            made = await asyncio.gather(*calls, return_exceptions=True)
        for one in made:
            if isinstance(one, BaseException):
                raise one
        return made

    with pytest.raises(RunIncomplete, match="it is cursed") as caught:
        await films()
    assert JobFailed.__name__ not in str(caught.value.result.videos[0].error)

    async with get_client() as client:
        of_parent = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=parents))
        runs = await client.read_flow_runs(flow_run_filter=of_parent)
    states = sorted((run.state.name or "") if run.state else "" for run in runs)
    assert states == ["Completed", "Completed", "Failed"]
    assert len(list(tmp_path.glob("*.mp4"))) == 2
    assert kie.stats()["created"] == 3
    assert caplog.text.count("Traceback") <= 1  # the user's own flow's, which Prefect writes
