"""Asking a person in the middle of a run: the slice of a character, and a yes before paying."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.variables import Variable

from prefect_kie.api import (
    Slice,
    Sora2TextToVideo,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import CharacterTraits, create_character
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK
from tests.flows.test_flows import finished_job

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
TRAITS = CharacterTraits(character_prompt="a calm cat", character_user_name="sofa_cat")
SECOND_HOURS = 1.01 / 3600


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefect_kie.flows.questions.LOOK_SECONDS", 0.05)


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
            assert run.state is not None
            keyset = run.state.state_details.run_input_keyset
            assert keyset is not None
            async with get_client() as client:
                form, text = [await read_input(run, keyset[what]) for what in ("schema", "description")]
                self.forms.append(form)
                self.texts.append(text)
                result = await client.resume_flow_run(run.id, run_input=answer)
                if result.status.value != "ACCEPT":
                    self.refusals.append(str(result.details))


async def read_input(run: FlowRun, key: str) -> Any:
    """As the UI reads it: a run says that it is paused a moment before its form is there."""
    async with get_client() as client:
        while True:
            for found in await client.filter_flow_run_input(run.id, key, 1, set()):
                return found.decoded_value
            await asyncio.sleep(0.02)


async def paused() -> FlowRun:
    """The run that waits for an answer."""
    states = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    async with get_client() as client:
        for _ in range(500):
            found = await client.read_flow_runs(flow_run_filter=states)
            if found:
                return found[0]
            await asyncio.sleep(0.02)
    raise AssertionError("no run asks anything")


async def artifact(key: str) -> str:
    """The text of the latest artifact of a key."""
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=wanted)
    return str(found[-1].data) if found else ""


# The slice


async def test_a_slice_is_picked_on_a_contact_sheet(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    origin = await finished_job(credentials)
    person = Person({"start": 2, "end": 4.5})
    character, _ = await asyncio.gather(
        create_character(origin, TRAITS, credentials=credentials, poll=QUICK), person()
    )
    assert character.slice == Slice(start=2, end=4.5)
    assert kie.stats()["jobs"][-1]["input"]["timestamps"] == "2.0,4.5"
    (form,) = person.forms
    assert (form["properties"]["start"]["default"], form["properties"]["end"]["default"]) == (3.5, 6.5)
    assert form["properties"]["end"]["maximum"] == pytest.approx(10, abs=0.1)
    key = f"kie-contact-sheet-{origin}"
    assert key in person.texts[0]
    assert "data:image/jpeg;base64," in await artifact(key)
