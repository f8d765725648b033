"""When a failed job is made again, and by which model: the policy, and a suspended run that follows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import generate_video
from prefect_kie.simulator import SimulatorServer
from tests.server.flows.test_questions import Deployed, stored
from tests.server.flows.test_suspending import parameters, suspended


@pytest.mark.server
async def test_a_suspended_run_makes_its_second_try_and_is_suspended_again(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", times=1, fail={"failCode": "500", "failMsg": "heavy load, try again later"})
    given = parameters(await stored(credentials), tmp_path, count=2, retry={"attempts": 2})
    deployed = await Deployed.of(generate_video, given)
    created = [await suspended(deployed, kie) for _ in range(2)]
    state = await deployed.work()
    assert state.is_completed()
    assert created == [2, 3]
    assert sorted(video.tries for video in (await state.aresult()).videos) == [1, 2]
    assert (kie.stats()["created"], kie.stats()["charged"]) == (3, 60)
