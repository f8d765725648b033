from __future__ import annotations

import asyncio

import pytest
from prefect import flow
from prefect_kie.api import Sora2TextToVideo
from prefect_kie.tasks import sora_2_text_to_video
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer


async def test_two_equal_calls_in_one_run_are_one_job(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    request = Sora2TextToVideo(prompt="a cat")

    @flow
    async def pipeline() -> list[str]:
        handles = await asyncio.gather(*(sora_2_text_to_video(request, credentials) for _ in range(5)))
        return [handle.task_id for handle in handles]

    assert len(set(await pipeline())) == 1
    assert kie.stats()["created"] == 1
