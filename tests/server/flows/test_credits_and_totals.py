"""Money that is seen: the balance beside the estimate, one refusal for a whole account, totals of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.states import State
from prefect.variables import Variable

from prefect_kie.api import InsufficientCredits
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import (
    CharacterTraits,
    Output,
    character_series,
    create_character,
    generate_batch,
    generate_video,
)
from prefect_kie.models import Slice, Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, QUICKLY, grouped

pytestmark = pytest.mark.server

MODEL = "sora-2-text-to-video"
CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
TRAITS = CharacterTraits(character_prompt="a calm cat")


@pytest.fixture
def prices() -> Iterator[None]:
    Variable.set("kie_prices", {MODEL: 30}, overwrite=True)
    yield
    Variable.unset("kie_prices")


def rows(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"yak {number}", "model": MODEL} for number in range(count)]


async def artifacts(key: str) -> list[Any]:
    async with get_client() as client:
        return await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"code": 402}, "Credits insufficient"),
        ({"code": 401}, "401"),
        ({"code": 433}, "usage limit"),
    ],
)
async def test_one_refusal_of_the_account_ends_all_submissions(
    fault: dict[str, Any], told: str, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("create", times=None, **fault)
    with pytest.raises(RunIncomplete) as caught:
        await generate_batch(rows(20), credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert (kie.stats()["created"], kie.stats()["rejected"]) == (0, 1)
    result = caught.value.result
    assert result.counts == {"not submitted": 20}
    assert {(video.billed, video.credits) for video in result.videos} == {("no", 0.0)}
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("- 20 of 20 not submitted: ")
    assert told in lines[1]


async def test_what_was_submitted_before_is_fetched_from_an_empty_account(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    options = grouped(directory=tmp_path, poll=QUICK, job_key="mine")
    await generate_batch(rows(2), credentials, **options)
    kie.change(credits=0)
    with pytest.raises(RunIncomplete) as caught:
        await generate_batch(rows(5), credentials, **options)
    assert caught.value.result.counts == {"saved": 2, "not submitted": 3}
    assert all(isinstance(error, InsufficientCredits) for error in caught.value.errors)
    assert (kie.stats()["created"], kie.stats()["rejected"]) == (2, 1)


async def test_an_account_that_runs_dry_pays_for_what_it_can(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.change(credits=65)
    with pytest.raises(RunIncomplete) as caught:
        await generate_batch(
            rows(6),
            credentials,
            output=Output(directory=tmp_path),
            waiting=QUICKLY,
            max_concurrency=1,
        )
    assert caught.value.result.counts == {"saved": 2, "not submitted": 4}
    assert (kie.stats()["created"], kie.stats()["rejected"]) == (2, 1)


async def test_one_refused_row_is_no_refusal_of_the_account(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("create", code=422, msg="prompt is not allowed", prompt="yak 0", times=None)
    with pytest.raises(RunIncomplete) as caught:
        await generate_batch(rows(4), credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert caught.value.result.counts == {"failed": 1, "saved": 3}


@pytest.mark.usefixtures("prices")
@pytest.mark.parametrize(("credits", "told"), [(100, "100 credits."), (50, "50 credits, which will not do")])
async def test_the_balance_stands_beside_the_estimate(
    credits: int, told: str, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.change(credits=credits)
    plan = await generate_batch(rows(2), credentials, output=Output(directory=tmp_path), dry_run=True)
    assert f"The account has {told}" in plan.account
    assert any(plan.account in str(plan_of.data) for plan_of in await artifacts("kie-batch-plan"))


async def test_a_balance_that_is_not_told_stands_in_nobodys_way(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("credits", status=500, times=None)
    assert (
        await generate_batch(rows(1), credentials, output=Output(directory=tmp_path), dry_run=True)
    ).account == ""


async def test_a_run_says_what_it_made_and_what_it_cost(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    run: Any = generate_video
    state: State[Any] = await run(
        CAT, credentials, count=3, **grouped(directory=tmp_path, poll=QUICK), return_state=True
    )
    made = await state.aresult()
    assert made.credits == kie.stats()["charged"] == 90
    assert (state.name, state.message) == ("Completed", "3 videos, 90 credits")
    overviews = await artifacts("kie-overview")
    (overview,) = [found.data for found in overviews if str(made.videos[0].task_id) in str(found.data)]
    assert str(overview).startswith("**3 videos, 90 credits**")
    assert "| total | 3 videos |" in str(overview)


async def test_a_series_counts_its_character(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.change(prices={MODEL: 30, "sora-2-characters-pro": 5})
    run: Any = character_series
    options = grouped(directory=tmp_path, poll=QUICK, return_state=True, credentials=credentials)
    prompts = ["{character} surfs", "{character} reads"]
    state: State[Any] = await run(CAT, TRAITS, prompts, Slice(start=1, end=3), **options)
    made = await state.aresult()
    assert made.credits == kie.stats()["charged"] == 95
    assert state.message == "3 videos, 1 character, 95 credits"
    assert made.character.credits == 5

    again: State[Any] = await (create_character)(  # type: ignore[call-overload]
        made.original.task_id,
        TRAITS,
        Slice(start=2, end=4),
        credentials,
        waiting=QUICKLY,
        return_state=True,
    )
    assert again.message is not None
    assert again.message.endswith(", 5 credits")


async def test_a_paid_video_that_cannot_be_fetched_counts(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("file", status=500, times=None)
    with pytest.raises(RunIncomplete) as caught:
        await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert caught.value.result.credits == kie.stats()["charged"] == 30
