"""A run that waits says for what in its state's message."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateName
from prefect.client.schemas.objects import FlowRun

from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import CharacterTraits, character_series, generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, grouped
from tests.server.flows.test_questions import Deployed, Person, paused, stored

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("nobody_asks")]

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
TRAITS = CharacterTraits(character_prompt="a calm cat")


async def saying(beginning: str) -> FlowRun:
    """The running run whose state says this."""
    running = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Running"])))
    async with get_client() as client:
        while True:
            for run in await client.read_flow_runs(flow_run_filter=running):
                if run.state is not None and (run.state.message or "").startswith(beginning):
                    return run
            await asyncio.sleep(0.05)


async def test_a_running_run_says_how_many_jobs_it_waits_for(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_kie.run_page.artifacts.FIRST_SECONDS", 0.1)
    monkeypatch.setattr("prefect_kie.run_page.artifacts.MAX_SECONDS", 0.1)
    kie.fault("job", times=1, duration=4.0)
    run: Any = generate_video
    going = asyncio.ensure_future(
        run(CAT, credentials, count=2, **grouped(directory=tmp_path, poll=QUICK), return_state=True)
    )
    said = await saying("Waits for Kie: 1 of 2 jobs")
    state = await going
    assert state.message == "2 videos, 60 credits"
    async with get_client() as client:
        after = await client.read_flow_run(said.id)
    assert after.state_name == "Completed"
    assert after.run_count == 1  # what is told is no try of the run
    assert not after.empirical_policy.resuming


async def test_what_is_told_takes_no_retry_away(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_kie.run_page.artifacts.FIRST_SECONDS", 0.05)
    kie.fault("job", times=1, duration=2.0, fail={"failCode": "500", "failMsg": "cursed"})
    kie.fault("file", status=404, times=None)
    patient = generate_video.with_options(retries=1, retry_delay_seconds=0)
    run: Any = patient
    options = grouped(directory=tmp_path, poll=QUICK, return_state=True)
    going = asyncio.ensure_future(run(CAT, credentials, **options))
    said = await saying("Waits for Kie: 1 of 1 jobs")
    await going
    async with get_client() as client:
        assert (await client.read_flow_run(said.id)).run_count == 2


async def test_a_question_is_the_states_message(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    told: list[str | None] = []

    async def person() -> None:
        run = await paused()
        told.append(run.state.message if run.state else None)
        await Person({"decision": "yes"})()

    run: Any = generate_video
    going = asyncio.ensure_future(
        run(CAT, credentials, **grouped(directory=tmp_path, poll=QUICK, ask_above=0), return_state=True)
    )
    await person()
    assert (await going).message == "1 video, 30 credits"
    assert told == ["Waits for your answer: submit and pay? 1 to submit, estimated at unknown price (1 job)"]


async def test_suspended_runs_say_it_too(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.change(duration_seconds=3.0)
    given: dict[str, Any] = {
        "credentials": await stored(credentials),
        "directory": str(tmp_path),
        "poll": {**QUICK.model_dump(), "deadline_seconds": 60},
    }
    asked = grouped(**given, request=CAT.model_dump(), mode="suspend", count=2)
    state = await (await Deployed.of(generate_video, asked)).work()
    assert (state.name, state.message) == ("Suspended", "Waits for Kie: 2 of 2 jobs")

    kie.change(duration_seconds=0.2)
    asked = grouped(**given, original=CAT.model_dump(), traits=TRAITS.model_dump(), prompts=["a"])
    state = await (await Deployed.of(character_series, asked)).work()
    assert (state.name, state.message) == ("Suspended", "Waits for your answer: which slice?")
