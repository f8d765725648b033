"""Waiting without a process: runs that are suspended until their jobs have ended."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Failed

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import (
    Output,
    Scope,
    Waiting,
    character_series,
    create_character,
    generate_batch,
    generate_video,
    resume_waiting,
)
from prefect_kie.flows.resuming import WAITS, Awaited, resume_finished
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, QUICKLY, grouped
from tests.server.flows.test_questions import TRAITS, Deployed, for_a_character, stored

pytestmark = pytest.mark.server

CAT = {"model": "sora-2-text-to-video", "prompt": "a cat"}
HELD = 300.0
"""How long jobs take, seconds by Kie's clock, which a test sets forward: however busy this machine is, none
ends before its run is suspended."""


@pytest.fixture(autouse=True)
def _held(kie: SimulatorServer) -> None:
    kie.change(duration_seconds=HELD)


def parameters(name: str, folder: Path, **others: Any) -> dict[str, Any]:
    """A form's parameters of a run that is to be suspended."""
    poll = {**QUICK.model_dump(), "deadline_seconds": 60}
    form: dict[str, Any] = {"directory": str(folder), "poll": poll, "mode": "suspend"}
    return grouped(request=CAT, credentials=name, **(form | others))


def set_forward(kie: SimulatorServer, seconds: float = HELD) -> None:
    """Set Kie's clock forward: by default, so that every job has ended."""
    now = kie.simulator.clock
    kie.simulator.clock = lambda: now() + seconds


async def suspended(deployed: Deployed, kie: SimulatorServer) -> int:
    """Have a run work, which suspends it for its jobs; resume it when they have ended.

    Returns:
        How many jobs there were while it was suspended.
    """
    assert (await deployed.work()).name == "Suspended"
    created: int = kie.stats()["created"]
    set_forward(kie)
    assert len(await resume_finished()) == 1
    return created


async def test_no_process_waits_and_the_run_goes_on_when_all_jobs_have_ended(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", skip=1, times=1, duration=2 * HELD)
    deployed = await Deployed.of(generate_video, parameters(await stored(credentials), tmp_path, count=2))
    assert (await deployed.work()).name == "Suspended"
    assert kie.stats()["created"] == 2

    first, second = [job["task_id"] for job in kie.stats()["jobs"]]
    assert await resume_finished([first]) == []  # neither has ended
    set_forward(kie)
    assert await resume_finished([first]) == []  # the other one has not
    set_forward(kie)
    assert await resume_finished(["a job of somebody else"]) == []
    (resumed,) = await resume_finished([second])
    assert resumed.id == deployed.run.id
    assert await resume_finished() == []

    state = await deployed.work()
    assert state.is_completed()
    assert [outcome.status for outcome in (await state.aresult()).videos] == ["saved", "saved"]
    assert kie.stats()["created"] == 2


async def test_a_series_is_suspended_for_each_of_its_steps(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, results: Path
) -> None:
    asked = {
        "original": CAT,
        "traits": TRAITS.model_dump(),
        "prompts": ["{character} surfs", "{character} reads"],
    }
    given = parameters(await stored(credentials), tmp_path, **asked, slice={"start": 1, "end": 3})
    del given["request"]
    deployed = await Deployed.of(character_series, given)
    created = [await suspended(deployed, kie) for _ in range(3)]
    assert (await deployed.work()).is_completed()
    assert created == [1, 2, 4]
    assert kie.stats()["created"] == 4
    # Each job's end is noted; that a resumed run finds its jobs again has saved nothing.
    noted = [file.name for file in (results / "kie-costs").iterdir()]
    assert (len(noted), [name for name in noted if ".found-" in name]) == (4, [])


async def test_a_batch_is_suspended_for_all_its_videos_and_for_a_second_try(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", prompt="a fox", times=1, fail={"failCode": "500", "failMsg": "heavy load"})
    manifest = tmp_path / "animals.csv"
    manifest.write_text("prompt\na yak\na fox\n")
    given = parameters(
        await stored(credentials), tmp_path, manifest=str(manifest), defaults={"model": CAT["model"]}
    )
    del given["request"]
    deployed = await Deployed.of(generate_batch, given)
    created = [await suspended(deployed, kie) for _ in range(2)]
    state = await deployed.work()
    assert state.is_completed()
    made = await state.aresult()
    assert (made.summary, [video.tries for video in made.videos]) == ("2 of 2 saved", [1, 2])
    assert (tmp_path / "animals.results.csv").read_text().count("saved") == 2
    assert created == [2, 3]
    assert (kie.stats()["created"], kie.stats()["charged"]) == (3, 60)


async def test_jobs_that_have_ended_already_suspend_nothing(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.change(duration_seconds=0.2)
    given = parameters(await stored(credentials), tmp_path, job_key="known")
    await generate_video(
        Sora2TextToVideo(prompt="a cat"),
        credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
        scope=Scope(job_key="known"),
    )
    deployed = await Deployed.of(generate_video, given)
    assert (await deployed.work()).is_completed()
    assert kie.stats()["created"] == 1


async def test_the_flow_resumes_them_as_a_schedule_does(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.change(duration_seconds=0.2)  # of the earlier video
    given = await for_a_character(credentials, slice={"start": 1, "end": 3}, mode="suspend")
    kie.change(duration_seconds=HELD)
    deployed = await Deployed.of(create_character, given)
    assert (await deployed.work()).name == "Suspended"
    set_forward(kie)
    assert await resume_waiting() == 1
    assert (await deployed.work()).is_completed()


async def test_a_failed_job_resumes_its_run_which_tries_again_and_tells_the_last_failure(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", times=2, fail={"failCode": "500", "failMsg": "heavy load, try again later"})
    given = parameters(await stored(credentials), tmp_path, retry={"attempts": 2})
    deployed = await Deployed.of(generate_video, given)
    assert [await suspended(deployed, kie) for _ in range(2)] == [1, 2]
    with pytest.raises(RunIncomplete, match="heavy load"):
        await (await deployed.work()).aresult()
    assert (kie.stats()["created"], kie.stats()["charged"]) == (2, 0)


async def test_a_job_without_an_end_is_given_up_at_the_deadline(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", times=1, stuck=True)
    poll = {**QUICK.model_dump(), "deadline_seconds": 2}
    deployed = await Deployed.of(generate_video, parameters(await stored(credentials), tmp_path, poll=poll))
    assert (await deployed.work()).name == "Suspended"
    assert await resume_finished() == []
    for _ in range(200):
        if await resume_finished():
            break
        await asyncio.sleep(0.05)
    state = await deployed.work()
    assert "deadline 2 s" in str(state.message)
    assert "collect_job" in str(state.message)


async def test_a_run_that_waits_for_a_person_is_not_resumed(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    given = parameters(await stored(credentials), tmp_path, ask_above=0)
    deployed = await Deployed.of(generate_video, given)
    assert (await deployed.work()).name == "Suspended"
    assert await resume_finished() == []
    await deployed.resume({"decision": "no"})
    assert (await deployed.work()).is_failed()
    assert kie.stats()["created"] == 0


async def test_without_a_deployment_it_waits_and_says_why(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kie.change(duration_seconds=0.2)
    made = await generate_video(
        Sora2TextToVideo(prompt="a cat"),
        credentials,
        output=Output(directory=tmp_path),
        waiting=Waiting(poll=QUICK, mode="suspend"),
    )
    assert made.videos[0].status == "saved"
    assert "is not suspended while its jobs run, but waits: it belongs to no deployment" in caplog.text


async def test_resumed_or_run_again_too_early_it_is_suspended_again(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    name = await stored(credentials)
    deployed = await Deployed.of(generate_video, parameters(name, tmp_path))
    assert (await deployed.work()).name == "Suspended"
    async with get_client() as client:
        (written,) = await client.filter_flow_run_input(deployed.run.id, WAITS, 10, set())
        assert credentials.api_key.get_secret_value() not in written.value
        awaited = Awaited.model_validate_json(written.value)
        assert awaited.credentials == name
        assert list(awaited.jobs) == [kie.stats()["jobs"][0]["task_id"]]
        assert timedelta(0) < awaited.until - datetime.now(timezone.utc) < timedelta(seconds=61)

        await client.set_flow_run_state(deployed.run.id, Failed(message="by hand"), force=True)
    await deployed.retry()
    assert (await deployed.work()).name == "Suspended"
    await deployed.resume({})
    assert (await deployed.work()).name == "Suspended"

    set_forward(kie)
    kie.fault("poll", times=1, status=503)
    assert await resume_finished() == []  # it cannot be looked at for now
    refusal = "You do not have access permissions"
    kie.fault("poll", times=1, code=401, msg=refusal)  # for good: the run itself tells it
    assert len(await resume_finished()) == 1
    assert (await deployed.work()).is_completed()
    assert kie.stats()["created"] == 1
