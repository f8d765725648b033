"""Asking a person in the middle of a run: the slice of a character, and a yes before paying."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect import Flow, State, flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import ArtifactSort
from prefect.deployments import run_deployment
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_async
from prefect.states import AwaitingRetry, Failed, Scheduled
from prefect.variables import Variable

from prefect_kie.api import InvalidRequest
from prefect_kie.blocks import KieCharacter, KieCredentials
from prefect_kie.errors import NotAnswered, NotApproved, SubmissionNotRecorded
from prefect_kie.flows import (
    Approval,
    CharacterTraits,
    Episodes,
    Output,
    Scope,
    character_series,
    create_character,
    generate_video,
)
from prefect_kie.media.saved import artifact_key
from prefect_kie.models import Slice, Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, QUICKLY, grouped
from tests.server.flows.test_flows import finished_job

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("nobody_asks")]

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
TRAITS = CharacterTraits(character_prompt="a calm cat", character_user_name="sofa_cat")
SLICE_OF_TWO = Slice(start=1, end=3)
SECOND_HOURS = 1.01 / 3600


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefect_kie.human_input.questions.POLL_SECONDS", 0.2)


@pytest.fixture
def prices() -> Iterator[None]:
    """A price for one model."""
    Variable.set(
        "kie_prices",
        {"sora-2-text-to-video": [{"n_frames": 15, "credits": 40}, {"credits": 30}]},
        overwrite=True,
    )
    yield
    Variable.unset("kie_prices")


async def stored(credentials: KieCredentials) -> str:
    """The name of a block with these credentials."""
    name = f"asks-{uuid4().hex[:8]}"
    await credentials.asave(name)
    return name


async def for_a_character(credentials: KieCredentials, **others: Any) -> dict[str, Any]:
    """A form's parameters of `create_character`, of a video that is finished."""
    return {
        "source": await finished_job(credentials),
        "traits": TRAITS.model_dump(),
        "credentials": await stored(credentials),
        **grouped(poll=QUICK.model_dump(), **others),
    }


class Person:
    """Somebody at the Prefect UI: reads what a paused run asks, and answers.

    Args:
        answers: One per question; None leaves the form as it stands.
    """

    def __init__(self, *answers: dict[str, Any] | None) -> None:
        self.answers = list(answers)
        self.forms: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.refusals: list[str] = []

    async def __call__(self) -> None:
        for answer in self.answers:
            run = await paused()
            self.forms.append(await asked(run, "schema"))
            self.texts.append(await asked(run, "description"))
            async with get_client() as client:
                result = await client.resume_flow_run(run.id, run_input=answer)
                if result.status.value != "ACCEPT":
                    self.refusals.append(str(result.details))


async def asked(run: FlowRun, what: str) -> Any:
    """What a paused run asks, its form (`schema`) or the text above it (`description`).

    As the UI reads it: a run says that it is paused a moment before its form is there.
    """
    assert run.state is not None
    keyset = run.state.state_details.run_input_keyset
    assert keyset is not None
    async with get_client() as client:
        while True:
            for found in await client.filter_flow_run_input(run.id, keyset[what], 1, set()):
                return found.decoded_value
            await asyncio.sleep(0.1)


async def paused() -> FlowRun:
    """The run that waits for an answer."""
    states = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    async with get_client() as client:
        for _ in range(200):
            found = await client.read_flow_runs(flow_run_filter=states)
            if found:
                return found[0]
            await asyncio.sleep(0.1)
    raise AssertionError("no run asks anything")


async def all_paused(count: int) -> list[FlowRun]:
    """So many runs that wait for an answer, their forms saved."""
    states = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    async with get_client() as client:
        while len(runs := await client.read_flow_runs(flow_run_filter=states)) < count:
            await asyncio.sleep(0.1)
    for run in runs:
        await asked(run, "schema")
    return runs


async def artifact(key: str) -> str:
    """The text of the latest artifact of a key."""
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return str(found[0].data) if found else ""


# The slice


async def test_a_slice_is_picked_on_a_contact_sheet(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    origin = await finished_job(credentials)
    person = Person({"start": 2, "end": 4.5})
    character, _ = await asyncio.gather(
        create_character(origin, TRAITS, credentials=credentials, waiting=QUICKLY), person()
    )
    assert character.slice == Slice(start=2, end=4.5)
    assert kie.stats()["jobs"][-1]["input"]["timestamps"] == "2.0,4.5"
    (form,) = person.forms
    assert (form["properties"]["start"]["default"], form["properties"]["end"]["default"]) == (3.5, 6.5)
    assert form["properties"]["end"]["maximum"] == pytest.approx(10, abs=0.1)
    key = artifact_key("contact-sheet", origin)
    assert key in person.texts[0]
    assert "data:image/jpeg;base64," in await artifact(key)


async def test_a_bad_slice_is_refused_or_asked_again_with_the_reason_and_never_paid(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    origin = await finished_job(credentials)
    outside: list[dict[str, Any] | None] = [
        {"start": 8, "end": 11},
        {"start": -1, "end": 2},
        {"start": "a", "end": 2},
    ]
    person = Person(*outside, {"start": 1, "end": 8}, {"start": 6, "end": 3}, {"start": 4, "end": 4.5})
    last = Person({"start": 3, "end": 5})

    async def answering() -> int:
        await person()
        await paused()
        created: int = kie.stats()["created"]
        await last()
        return created

    character, created = await asyncio.gather(
        create_character(origin, TRAITS, credentials=credentials, waiting=QUICKLY), answering()
    )
    assert created == 1  # the original: no bad answer was ever submitted
    assert character.slice == Slice(start=3, end=5)
    assert (kie.stats()["created"], kie.stats()["violations"]) == (2, 0)
    # What is outside the video does not leave the form.
    assert ["greater than the maximum" in person.refusals[0], len(person.refusals)] == [True, 3]
    assert [text.splitlines()[0] for text in (*person.texts[4:], *last.texts)] == [
        "**The slice from 1.0 s to 8.0 s is 7.0 s long; it must be 1 to 4 s, end after start.**",
        "**The slice from 6.0 s to 3.0 s is -3.0 s long; it must be 1 to 4 s, end after start.**",
        "**The slice from 4.0 s to 4.5 s is 0.5 s long; it must be 1 to 4 s, end after start.**",
    ]
    assert "Traceback" not in caplog.text


async def test_nobody_answering_ends_the_run_and_tells_how_to_go_on(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    origin = await finished_job(credentials)
    state = await create_character(
        origin,
        TRAITS,
        credentials=credentials,
        waiting=QUICKLY,
        approval=Approval(answer_hours=SECOND_HOURS),
        return_state=True,
    )
    with pytest.raises(NotAnswered, match=f"nobody picked a slice of the video {origin}") as caught:
        await state.aresult()
    assert f"create_character with '{origin}'" in caught.value.next_step
    assert caught.value.billed == "yes"
    assert kie.stats()["created"] == 1
    assert state.state_details.flow_run_id is not None
    async with get_client() as client:
        run = await client.read_flow_run(state.state_details.flow_run_id)
    assert run.state is not None
    assert run.state.message == str(caught.value)
    assert "Traceback" not in caplog.text

    # Later, from the task id: the video is not paid again.
    assert (
        await create_character(origin, TRAITS, Slice(start=1, end=3), credentials, waiting=QUICKLY)
    ).handle
    assert kie.stats()["created"] == 2


async def test_a_good_answer_is_kept_for_the_run_and_for_the_job_key(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    async def series(traits: CharacterTraits = TRAITS) -> Slice | None:
        made = await character_series(
            CAT,
            traits,
            ["{character} surfs"],
            credentials=credentials,
            output=Output(directory=tmp_path),
            waiting=QUICKLY,
            scope=Scope(job_key="surfer"),
            approval=Approval(answer_hours=SECOND_HOURS * 10),
        )
        return made.character.slice if made.character else None

    first, _ = await asyncio.gather(series(), Person({"start": 0, "end": 1})())
    assert first == Slice(start=0, end=1)
    assert await series() == first
    assert kie.stats()["created"] == 3
    # Another character of the same video has a slice of its own.
    other = CharacterTraits(character_prompt="the sofa")
    second, _ = await asyncio.gather(series(other), Person({"start": 5, "end": 6})())
    assert second == Slice(start=5, end=6)


async def test_of_two_runs_of_one_job_key_the_first_answer_counts_for_both(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    origin = await finished_job(credentials)

    async def one() -> Slice:
        made = await create_character(
            origin, TRAITS, credentials=credentials, waiting=QUICKLY, scope=Scope(job_key="both")
        )
        return made.slice

    async def two_people() -> None:
        first, second = await all_paused(2)
        async with get_client() as client:
            await client.resume_flow_run(first.id, run_input={"start": 1, "end": 3})
            await client.resume_flow_run(second.id, run_input={"start": 5, "end": 7})

    one_slice, other_slice, _ = await asyncio.gather(one(), one(), two_people())
    assert one_slice == other_slice
    assert kie.stats()["created"] == 2  # the original, and one character
    assert "Another run with the same job_key was answered first" in caplog.text


async def test_a_damaged_answer_is_asked_anew(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    async def character() -> Slice:
        made = await create_character(
            origin, TRAITS, credentials=credentials, waiting=QUICKLY, scope=Scope(job_key="cat")
        )
        return made.slice

    origin = await finished_job(credentials)
    await asyncio.gather(character(), Person({"start": 1, "end": 3})())
    (kept,) = (results / "kie-answers").iterdir()
    kept.write_text("{}")  # other damages: tests/unit/test_questions.py
    again, _ = await asyncio.gather(character(), Person({"start": 1, "end": 3})())
    assert again == await character() == Slice(start=1, end=3)
    assert kie.stats()["created"] == 2


async def test_a_subflow_made_anew_by_its_parents_retry_does_not_ask_twice(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    tries = 0

    @flow(retries=1)
    async def parent() -> str:
        nonlocal tries
        tries += 1
        character = await create_character(origin, TRAITS, credentials=credentials, waiting=QUICKLY)
        if tries == 1:
            raise RuntimeError("a later step fails")
        return character.task_id

    origin = await finished_job(credentials)
    await asyncio.gather(parent(), Person({"start": 2, "end": 4})())
    assert tries == 2
    assert kie.stats()["created"] == 2


async def test_a_video_too_short_is_told_and_nobody_asked(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_kie.tasks.files.length_of", lambda path: 0.8)
    origin = await finished_job(credentials)
    with pytest.raises(InvalidRequest, match=r"0.8 s long, too short for a character"):
        await create_character(origin, TRAITS, credentials=credentials, waiting=QUICKLY)


async def test_where_the_originals_file_is_gone_its_asked_length_bounds_the_slice_and_the_form(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    origin = await finished_job(credentials)
    kie.fault("file", times=None, status=410)
    with pytest.raises(InvalidRequest, match=r"10\.00 s long"):
        await create_character(origin, TRAITS, Slice(start=8, end=11), credentials, waiting=QUICKLY)
    assert "checked against the asked length, 10 s" in caplog.text
    person = Person(None)
    character, _ = await asyncio.gather(
        create_character(origin, TRAITS, credentials=credentials, waiting=QUICKLY), person()
    )
    assert person.forms[0]["properties"]["end"]["maximum"] == 10
    assert character.slice == Slice(start=3.5, end=6.5)  # the form as it stood
    assert character.character_id


# A run of a deployment is suspended


class Deployed:
    """A deployment of a flow, and a worker that runs one of its runs when told to.

    Args:
        run_id: The run.
        run_it: The flow.
    """

    def __init__(self, flow: Flow[..., Any], run: FlowRun) -> None:
        self.flow = flow
        self.run = run

    @classmethod
    async def of(cls, flow: Flow[..., Any], parameters: dict[str, Any], **options: Any) -> Deployed:
        async with get_client() as client:
            flow_id = await client.create_flow(flow)
            deployment = await client.create_deployment(flow_id, name=f"asks-{uuid4().hex[:8]}", **options)
            run = await client.create_flow_run_from_deployment(deployment, parameters=parameters)
        return cls(flow, run)

    async def work(self) -> State[Any]:
        """Run it from its beginning, as a new process of a worker does; the state it comes to."""
        async with get_client() as client:
            run = await client.read_flow_run(self.run.id)
            with suppress(Pause):
                await run_flow_async(self.flow, flow_run=run, parameters=run.parameters, return_type="state")
            after = (await client.read_flow_run(self.run.id)).state
        assert after is not None
        return after

    async def resume(self, answer: dict[str, Any]) -> None:
        async with get_client() as client:
            assert (await client.resume_flow_run(self.run.id, run_input=answer)).status.value == "ACCEPT"

    async def text(self) -> str:
        """What stands above the form."""
        return str(await asked(await paused(), "description"))

    async def retry(self) -> None:
        """As the UI's Retry."""
        async with get_client() as client:
            await client.set_flow_run_state(self.run.id, AwaitingRetry())


async def test_a_deployed_run_is_suspended_and_goes_on_in_another_process_after_nobody_answered_too(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    parameters = {
        "original": {"model": "sora-2-text-to-video", "prompt": "a cat"},
        "traits": TRAITS.model_dump(),
        "prompts": ["{character} surfs"],
        "credentials": await stored(credentials),
        **grouped(directory=str(tmp_path), poll=QUICK.model_dump()),
    }
    deployed = await Deployed.of(character_series, parameters)

    assert (await deployed.work()).name == "Suspended"
    assert kie.stats()["created"] == 1
    await deployed.resume({"start": 5, "end": 3})
    assert (await deployed.work()).name == "Suspended"
    assert (await deployed.text()).startswith("**The slice from 5.0 s to 3.0 s is -2.0 s long")
    async with get_client() as client:  # as the server does when the time is over
        await client.set_flow_run_state(deployed.run.id, Failed(message="never resumed"), force=True)
    await deployed.retry()
    assert (await deployed.work()).name == "Suspended"
    assert (await deployed.text()).startswith("**Which part of the video")
    assert kie.stats()["created"] == 1
    await deployed.resume({"start": 3, "end": 5})
    state = await deployed.work()

    assert state.is_completed()
    result = await state.aresult()  # for whoever started it with run_deployment
    assert result.character.slice == Slice(start=3, end=5)
    assert kie.stats()["created"] == 3
    assert kie.stats()["violations"] == 0
    async with get_client() as client:
        sheets = await client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[artifact_key("contact-sheet", result.original.task_id)])
            )
        )
    assert len(sheets) == 1


async def test_a_run_that_crashes_after_its_answer_does_not_ask_again(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    deployed = await Deployed.of(create_character, await for_a_character(credentials))
    await deployed.work()
    await deployed.resume({"start": 1, "end": 3})
    kie.fault("job", times=1, fail={"failCode": "500", "failMsg": "heavy load"})
    assert (await deployed.work()).is_failed()
    await deployed.retry()
    # The failed job stays what this run made; what matters here is that nobody was asked.
    assert (await deployed.work()).is_failed()
    assert kie.stats()["created"] == 2


async def test_a_run_that_cannot_wait_for_an_answer_says_so_before_paying(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    parameters = {
        "request": {"model": "sora-2-text-to-video", "prompt": "a cat"},
        "credentials": await stored(credentials),
        "approval": {"ask_above": 0},
    }
    async with get_client() as client:
        flow_id = await client.create_flow(generate_video)
        deployment = await client.create_deployment(
            flow_id, name=f"asks-{uuid4().hex[:8]}", concurrency_limit=1
        )

        @flow
        async def parent() -> FlowRun:
            return await run_deployment(deployment, parameters=parameters, timeout=0)  # type: ignore[no-any-return,misc]

        deployed = Deployed(generate_video, await parent())
    state = await deployed.work()
    assert state.is_failed()
    assert "as_subflow=False" in str(state.message)
    assert kie.stats()["created"] == 0


# A yes before paying


async def generated(credentials: KieCredentials, folder: Path, **options: Any) -> int:
    made = await generate_video(
        CAT,
        credentials,
        **grouped(directory=folder, poll=QUICK, answer_hours=SECOND_HOURS * 20, **options),
    )
    return len(made.videos)


def to_approve(name: str, folder: Path) -> dict[str, Any]:
    return {
        "request": CAT.model_dump(exclude_none=True),
        "credentials": name,
        **grouped(directory=str(folder), poll=QUICK.model_dump(), ask_above=10),
    }


@pytest.mark.usefixtures("prices")
async def test_what_costs_no_more_is_not_asked(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await generated(credentials, tmp_path, count=2, ask_above=60) == 2
    assert "2 to submit, estimated at 60 credits: not over 60" in caplog.text


@pytest.mark.usefixtures("prices")
async def test_what_costs_more_waits_for_a_yes_once(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    person = Person({}, {"decision": "maybe"}, {"decision": "yes"})
    made, _ = await asyncio.gather(
        generated(credentials, tmp_path, count=3, ask_above=60, job_key="cats"), person()
    )
    assert made == 3
    assert len(person.refusals) == 2  # neither an empty form nor another word is a yes
    assert person.texts[-1].startswith("**3 to submit, estimated at 90 credits.**")
    shown = await artifact("kie-approval")
    assert "| `sora-2-text-to-video` | 3 | 30 | 90 |" in shown
    assert "1. `sora-2-text-to-video` a cat on a red sofa" in shown

    # Run again, and with one more: only that one is asked for.
    await generated(credentials, tmp_path, count=3, ask_above=0, job_key="cats")
    person = Person({"decision": "yes"})
    await asyncio.gather(generated(credentials, tmp_path, count=4, ask_above=0, job_key="cats"), person())
    assert person.texts[0].startswith("**1 to submit, estimated at 30 credits.**")
    assert kie.stats()["created"] == 4


@pytest.mark.usefixtures("prices")
async def test_nothing_is_paid_without_a_yes_to_its_price_and_a_retry_asks_again(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    deployed = await Deployed.of(generate_video, to_approve(await stored(credentials), tmp_path))
    assert (await deployed.work()).name == "Suspended"
    await deployed.resume({"decision": "no"})
    state = await deployed.work()
    with pytest.raises(NotApproved, match="not approved: 1 to submit, estimated at 30 credits"):
        await state.aresult()

    await deployed.retry()
    assert (await deployed.work()).name == "Suspended"
    async with get_client() as client:  # as an automation, or somebody in the UI, may do
        await client.set_flow_run_state(deployed.run.id, Scheduled())
    state = await deployed.work()
    with pytest.raises(NotAnswered, match="nobody approved 1 to submit, estimated at 30 credits"):
        await state.aresult()

    # A price that rises while somebody decides is another question.
    await deployed.retry()
    assert (await deployed.work()).name == "Suspended"
    await deployed.resume({"decision": "yes"})
    await asyncio.to_thread(Variable.set, "kie_prices", {"sora-2-text-to-video": 3000}, overwrite=True)
    assert (await deployed.work()).name == "Suspended"
    assert (await deployed.text()).startswith("**1 to submit, estimated at 3000 credits.**")
    assert kie.stats()["created"] == 0
    await deployed.resume({"decision": "yes"})
    assert (await deployed.work()).is_completed()
    assert kie.stats()["created"] == 1


@pytest.mark.usefixtures("prices")
async def test_an_unknown_price_is_asked_whatever_the_limit(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    person = Person({"decision": "no"})
    with pytest.raises(NotApproved):
        await asyncio.gather(
            character_series(
                CAT,
                TRAITS,
                ["{character} surfs", "{character} reads"],
                SLICE_OF_TWO,
                credentials=credentials,
                output=Output(directory=tmp_path),
                waiting=QUICKLY,
                approval=Approval(ask_above=1000),
            ),
            person(),
        )
    assert person.texts[0].startswith("**4 to submit, estimated at 90 credits and 1 job of unknown price.**")
    assert "| `sora-2-characters-pro` | 1 | unknown | unknown |" in await artifact("kie-approval")
    assert kie.stats()["created"] == 0


@pytest.mark.usefixtures("prices")
async def test_of_a_series_that_is_run_again_only_the_new_episode_is_asked(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await KieCharacter(handle="asked", name="A", stills=["https://files.example/a.jpg"]).asave(
        "asked", overwrite=True
    )

    async def series(second: str, *answers: dict[str, Any]) -> list[str]:
        person = Person(*answers)
        made, _ = await asyncio.gather(
            character_series(
                None,
                "asked",
                ["{character} surfs", second],
                episodes=Episodes(model="wan/3-0-video", input={"duration": 3}),
                credentials=credentials,
                output=Output(directory=tmp_path),
                waiting=QUICKLY,
                scope=Scope(job_key="asked"),
                approval=Approval(ask_above=0),
            ),
            person(),
        )
        assert len(made.paths) == 2
        return person.texts

    (text,) = await series("{character} reads", {"decision": "yes"})
    assert text.startswith("**2 to submit, estimated at unknown price (2 jobs).**")
    await series("{character} reads")
    (text,) = await series("{character} sleeps", {"decision": "yes"})
    assert text.startswith("**1 to submit, estimated at unknown price (1 job).**")
    assert kie.stats()["created"] == 3


async def test_without_any_price_everything_is_asked(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    with pytest.raises(NotAnswered, match="nobody approved 1 to submit, estimated at unknown price"):
        await generate_video(
            CAT,
            credentials,
            output=Output(directory=tmp_path),
            approval=Approval(ask_above=5, answer_hours=SECOND_HOURS),
        )
    assert kie.stats()["created"] == 0


async def test_a_price_table_that_is_none_is_told_before_paying(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, prices: None
) -> None:
    await asyncio.to_thread(Variable.set, "kie_prices", {"sora-2-text-to-video": "cheap"}, overwrite=True)
    with pytest.raises(InvalidRequest, match="'kie_prices' is no price table") as caught:
        await generated(credentials, tmp_path, ask_above=5)
    assert "Variables, kie_prices" in caught.value.next_step
    assert kie.stats()["created"] == 0


async def test_a_result_storage_in_trouble_is_told_before_anything_is_asked(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    origin = await finished_job(credentials)
    results.mkdir(exist_ok=True)
    (results / "kie-answers").write_text("no directory")
    with pytest.raises(SubmissionNotRecorded, match="result storage, where answers are kept") as caught:
        await create_character(origin, TRAITS, credentials=credentials, waiting=QUICKLY)
    assert caught.value.__cause__ is None  # it may quote a password
