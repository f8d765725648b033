"""A model that Kie has paused is refused, unpaid: a second model makes the video, and a batch goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefect_kie.api import ModelNotSupported
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import BatchRetry, Output, Retry, generate_batch, generate_video
from prefect_kie.models import MarketModel, Sora2TextToVideo, Sora2TextToVideoStable
from prefect_kie.simulator import SimulatorServer
from prefect_kie.simulator.settings import PAUSED_TODAY
from tests.conftest import QUICKLY

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
KLING = MarketModel(model="acme/any-video", input={"prompt": "a cat on a red sofa", "duration": "5"})
STABLE = Sora2TextToVideoStable(prompt="a cat on a red sofa")
TO_KLING = {"model": KLING.model, "input": {"prompt": "{prompt}", "duration": "5"}}
PAID = 15.0


@pytest.fixture
def kie(kie: SimulatorServer) -> SimulatorServer:
    """A simulated Kie that answers as the real one does today."""
    kie.change(paused_models=PAUSED_TODAY)
    return kie


def counted(kie: SimulatorServer) -> tuple[int, float]:
    stats: dict[str, Any] = kie.stats()
    return stats["created"], stats["charged"]


async def test_a_paused_model_costs_nothing_and_the_error_says_what_to_do(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    with pytest.raises(RunIncomplete) as caught:
        await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    (outcome,) = caught.value.result.videos
    assert "temporarily paused" in outcome.error
    assert "Charged: no. Next: " in outcome.error
    assert ModelNotSupported.default_next_step in outcome.error
    assert outcome.status == "failed"  # no doubt: nothing is left for a person to settle
    assert counted(kie) == (0, 0)


async def test_another_model_makes_the_video(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await generate_video(
        CAT,
        credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
        retry=Retry(fallbacks=(STABLE, KLING)),
    )
    assert [video.status for video in made.videos] == ["saved"]
    assert [job["model"] for job in kie.stats()["jobs"]] == [KLING.model]
    assert len(list(tmp_path.rglob("*.mp4"))) == 1
    assert counted(kie) == (1, PAID)


async def test_the_fault_alone_does_the_same(
    credentials: KieCredentials, kie: SimulatorServer, tmp_path: Path
) -> None:
    kie.change(paused_models=())
    kie.fault("create", code=500, msg="This interface is temporarily paused")
    again = Retry(fallbacks=(STABLE,))
    await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY, retry=again)
    assert [job["model"] for job in kie.stats()["jobs"]] == ["sora-2-text-to-video-stable"]


async def test_each_row_of_a_batch_goes_to_the_other_model(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    rows = [{"prompt": f"a cat, take {number}"} for number in range(3)]
    await generate_batch(
        rows,
        credentials=credentials,
        defaults={"model": CAT.model_name},
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
        retry=BatchRetry(fallbacks=(TO_KLING,)),
    )
    assert {job["model"] for job in kie.stats()["jobs"]} == {KLING.model}
    assert counted(kie) == (3, 3 * PAID)
