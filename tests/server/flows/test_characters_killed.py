"""A series with a character that you keep, killed at each step: each job is created and charged once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.blocks import KieCharacter, KieCredentials
from prefect_kie.characters import keeping
from prefect_kie.flows import (
    Character,
    Episodes,
    Film,
    NewCharacter,
    Output,
    Scope,
    SeriesResult,
    character_series,
)
from prefect_kie.flows._runner import JobRunner
from prefect_kie.media.footage import look
from prefect_kie.models import Slice, Wan30Video
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.storage.base import LocalStorage
from tests.conftest import QUICKLY, unhurried

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[3]


class Killed(BaseException):
    """What ends a run as the end of its process does: nothing of the run catches it."""


@pytest.fixture
def kie() -> Iterator[SimulatorServer]:
    """A simulated Kie whose videos are large enough to be looked at."""
    settings = SimulatorSettings(
        duration_seconds=0.1, video_height=360, video_fps=8, create_per_10s=None, polls_per_second=None
    )
    with SimulatorServer(settings) as simulator:
        yield simulator


@pytest.fixture
def credentials(kie: SimulatorServer) -> KieCredentials:
    return unhurried(kie)


async def series(kie: KieCredentials | str, directory: Path, handle: str) -> SeriesResult:
    return await character_series(
        Wan30Video(prompt="a calm cat on a red sofa", duration=5),
        NewCharacter(handle=handle, description="a calm grey cat"),
        ["{character} surfs at dawn", "a boat sails past {character} , who waves"],
        Slice(start=1, end=4),
        Episodes(model="kling-3.0/video", input={"duration": "3", "mode": "std"}),
        Film(join="when whole"),
        credentials=kie,
        output=Output(directory=directory),
        waiting=QUICKLY,
        scope=Scope(job_key=handle),
    )


def prompt_of(given: tuple[Any, ...]) -> str:
    return str(given[1].attempts.request.prompt)


STEPS: dict[str, tuple[Any, str, str, Callable[..., bool]]] = {
    # What is wrapped, whether it is killed before or after that, and which of its calls it is.
    "the original is submitted": (JobRunner, "_submitted", "after", lambda *_: True),
    "the original is saved": (JobRunner, "_saved", "after", lambda *_: True),
    "some of the character's files are written": (
        LocalStorage,
        "put",
        "before",
        lambda *given: given[2].endswith("still-2.jpg"),
    ),
    "all of them are written": (KieCharacter, "asave", "before", lambda *_: True),
    "its block is saved": (KieCharacter, "asave", "after", lambda *_: True),
    "an upload is on its way": (
        keeping,
        "upload",
        "before",
        lambda *given: str(given[0]).endswith("still-2.jpg"),
    ),
    "the first episode is submitted": (
        JobRunner,
        "_submitted",
        "after",
        lambda *given: "surfs" in prompt_of(given),
    ),
    "the film is whole, and not in its place": (
        LocalStorage,
        "put",
        "before",
        lambda *given: given[2].startswith("film-"),
    ),
}


def kill(patch: pytest.MonkeyPatch, step: str) -> None:
    owner, name, when, which = STEPS[step]
    true = getattr(owner, name)

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        if which(*args) and when == "before":
            raise Killed
        result = await true(*args, **kwargs)
        if which(*args):
            raise Killed
        return result

    patch.setattr(owner, name, wrapped)


async def check_whole(made: SeriesResult, kie: SimulatorServer, handle: str) -> None:
    """Make sure that all was made, once."""
    stats = kie.stats()
    assert [job["model"] for job in stats["jobs"]] == ["wan/3-0-video", *["kling-3.0/video"] * 2]
    assert (stats["created"], stats["charged"]) == (3, sum(job["credits"] for job in stats["jobs"]))
    assert not stats["violations"]
    assert [one.status for one in made.episodes] == ["saved", "saved"]
    assert look(Path(made.film or "")).seconds == pytest.approx(6, abs=0.1)
    assert made.character is not None
    assert made.character == Character.kept(await KieCharacter.aload(handle))
    for still in made.character.stills:
        assert Path(still).read_bytes().endswith(b"\xff\xd9")
    assert look(Path(made.character.clip or "")).seconds == pytest.approx(3, abs=0.1)
    folder = Path(made.character.stills[0]).parent
    files = [*made.character.stills, made.character.clip, made.character.voice]
    assert {str(one) for one in folder.iterdir()} == {one for one in files if one}


async def test_killed_at_each_step_and_run_again_it_makes_everything_once(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    blocks: list[KieCharacter] = []
    for step in STEPS:  # one after the other: each run goes on where the one before was killed
        with pytest.MonkeyPatch.context() as patch:
            kill(patch, step)
            with pytest.raises(Killed):
                await series(credentials, tmp_path, "felix")
        if step in list(STEPS)[4:]:
            blocks.append(await KieCharacter.aload("felix"))
        else:
            assert kie.stats()["created"] == 1
    made = await series(credentials, tmp_path, "felix")
    await check_whole(made, kie, "felix")
    last: KieCharacter = await KieCharacter.aload("felix")
    assert all(one.model_dump() == last.model_dump() for one in blocks)
    assert len(list(tmp_path.glob("film-*.mp4"))) == 1
