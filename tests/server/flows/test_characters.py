"""A character that you keep: from a slice of any video to episodes by any model, and a film."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from prefect import flow
from pydantic import ValidationError

from prefect_kie.api import InvalidRequest
from prefect_kie.blocks import KieCharacter, KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import (
    Character,
    CharacterTraits,
    Episodes,
    EpisodeSettings,
    Film,
    NewCharacter,
    Output,
    Scope,
    SeriesResult,
    _episodes,
    character_series,
    create_character,
    generate_image,
    generate_video,
)
from prefect_kie.media.footage import look
from prefect_kie.media.slices import last_frame
from prefect_kie.models import KlingV3TurboTextToVideo, NanoBanana2, Slice, Wan30Video
from prefect_kie.run_page.sections import redo_offer
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.conftest import QUICKLY, unhurried
from tests.server.flows.test_questions import Deployed, artifact

pytestmark = pytest.mark.server

ORIGINAL = Wan30Video(prompt="a calm cat on a red sofa", duration=5)
SLICE = Slice(start=1, end=4)
PROMPTS = ["{character} surfs at dawn", "a boat sails past {character} , who waves"]
SERIES = {
    "kling-3.0/video": {"duration": "3", "mode": "std"},
    "bytedance/seedance-2-mini": {"duration": 4},
    "wan/3-0-video": {"duration": 3},
    "pixverse-v6/reference-to-video": {"duration": 3},
    "kling-3.0-omni/text-to-video": {"duration": 3},
}


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


async def series(
    kie: KieCredentials,
    directory: Path,
    handle: str,
    model: str,
    *,
    film: str = "no",
    key: str = "series",
    prompts: list[str] = PROMPTS,
    **draft: Any,
) -> SeriesResult:
    return await character_series(
        ORIGINAL,
        NewCharacter(handle=handle, description="a calm grey cat"),
        prompts,
        SLICE,
        Episodes(model=model, input=SERIES[model], **draft),
        Film.model_validate({"join": film}),
        credentials=kie,
        output=Output(directory=directory),
        waiting=QUICKLY,
        scope=Scope(job_key=key),
    )


async def test_a_series_with_a_kept_character_is_one_change_of_a_parameter(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    for number, model in enumerate(SERIES):
        prompts = PROMPTS if number == 0 else PROMPTS[:1]
        before = len(kie.stats()["jobs"])
        made = await series(credentials, tmp_path, "cat", model, prompts=prompts)
        assert {one.status for one in made.episodes} == {"saved"}
        assert made.character is not None
        assert (made.character.block, made.character.slice) == ("cat", SLICE)
        jobs = kie.stats()["jobs"]
        assert jobs[0]["model"] == "wan/3-0-video"  # the original, once for all
        episodes = jobs[max(1, before) :]
        assert [job["model"] for job in episodes] == [model] * len(prompts)
        assert all("http" in str(job["input"]) for job in episodes), episodes
        assert not kie.stats()["violations"]

    again = await series(credentials, tmp_path, "cat", model, prompts=prompts)
    assert again.paths == made.paths
    assert len(kie.stats()["jobs"]) == len(jobs)

    # It is kept, and stars without an original.
    wan = Episodes(model="wan/3-0-video", input={"duration": 3})
    output = Output(directory=tmp_path)
    made = await character_series(
        None, "cat", PROMPTS, episodes=wan, credentials=credentials, output=output, waiting=QUICKLY
    )
    assert made.original is None
    assert [one.status for one in made.episodes] == ["saved", "saved"]


async def test_a_character_is_made_once_from_a_job_a_file_or_an_address_and_costs_nothing(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await generate_video(ORIGINAL, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    where = {"task": made.saved.task_id, "file": made.path, "address": made.saved.url or ""}
    before = kie.stats()["created"]
    for name, source in where.items():
        new = NewCharacter(handle=f"from_{name}", description="a calm grey cat")
        output = Output(directory=tmp_path / "kept")
        character = await create_character(source, new, SLICE, credentials, output, waiting=QUICKLY)
        files = [Path(one) for one in character.stills]
        assert 2 <= len(files) <= 4
        assert all(one.stat().st_size for one in files)
        assert 409_600 <= (clip := look(Path(character.clip or ""))).width * clip.height <= 927_408
        block = await KieCharacter.aload(new.handle.replace("_", "-"))
        assert Character.kept(block) == character
        times = [one.stat().st_mtime_ns for one in files]
        again = await create_character(source, new, SLICE, credentials, output, waiting=QUICKLY)
        assert again == character
        assert [one.stat().st_mtime_ns for one in files] == times
        with pytest.raises(InvalidRequest, match=f"another character @from_{name}"):
            await create_character(source, new, Slice(start=2, end=4), credentials, output, waiting=QUICKLY)
    assert kie.stats()["created"] == before


async def test_a_character_of_pictures_is_used_by_its_handle_in_any_prompt(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = await generate_video(ORIGINAL, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    first = NewCharacter(handle="mira", name="Mira", description="a calm grey cat")
    kept = await create_character(made.path, first, SLICE, credentials, Output(directory=tmp_path))
    otto = NewCharacter(handle="otis", name="Otis")
    await create_character(list(kept.stills[:1]), otto, credentials=credentials)

    request = Wan30Video(prompt="@otis and @mira dance", duration=3)
    both = await generate_video(request, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert both.videos[0].prompt == "@otis and @mira dance"
    assert "The prompt with its characters: Image1 shows Otis." in caplog.text
    uploaded = caplog.text.count("Uploaded ") - caplog.text.count(" before: ")
    assert uploaded == len(kept.stills) + 1  # with the voice; the first still, which both have, goes once

    # A character sheet by a picture model becomes another picture of it, and making it again changes nothing.
    prompt = "A character sheet of @otis on white: front, side and back"
    where: dict[str, Any] = {"output": Output(directory=tmp_path), "waiting": QUICKLY}
    sheet = await generate_image(NanoBanana2(prompt=prompt), credentials, **where)
    block = await KieCharacter.aload("otis")
    block.stills = [*block.stills[:3], sheet.path]
    await block.asave("otis", overwrite=True)
    again = await create_character(list(kept.stills[:1]), otto, credentials=credentials)
    assert again.stills == (kept.stills[0], sheet.path)
    await generate_video(Wan30Video(prompt="@otis sleeps", duration=3), credentials, **where)
    assert len(kie.stats()["jobs"][-1]["input"]["reference_image_urls"]) == 2
    assert kie.stats()["created"] == 4


async def test_what_cannot_be_done_is_said_before_anything_is_paid(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await KieCharacter(handle="ann", name="Ann", stills=["https://files.example/ann.jpg"]).asave(
        "ann", overwrite=True
    )
    output = Output(directory=tmp_path)
    for request, told in (
        (Wan30Video(prompt="@nobody dances", duration=3), "there is no character @nobody"),
        (KlingV3TurboTextToVideo(prompt="@ann dances", duration="5"), "keeps no characters"),
        (
            Wan30Video(prompt="@ann dances", duration=3, first_frame_url="https://files.example/1.jpg"),
            "first_frame_url",
        ),
    ):
        with pytest.raises(InvalidRequest, match=told):
            await generate_video(request, credentials, output=output)
    sora = CharacterTraits(character_prompt="a calm cat")
    ours = NewCharacter(handle="cat", description="a calm cat")
    for traits, episodes, original, told in (
        (sora, Episodes(model="wan/3-0-video"), ORIGINAL, "Sora's own characters"),
        (ours, EpisodeSettings(), ORIGINAL, "Sora's own characters"),
        (ours, Episodes(model="wan/3-0-video"), None, "without an original"),
        ("nobody", Episodes(model="wan/3-0-video"), None, "there is no character @nobody"),
        (ours, Episodes(model="wan/2-6-text-to-video"), ORIGINAL, "keeps no characters"),
    ):
        with pytest.raises(InvalidRequest, match=told):
            await character_series(original, traits, PROMPTS, SLICE, episodes, credentials=credentials)
    assert kie.stats()["created"] == 0


async def test_a_film_is_made_of_episodes_that_are_saved(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    made = await series(credentials, tmp_path, "star", "wan/3-0-video", film="when whole", key="film")
    assert made.film is not None
    film = Path(made.film)
    assert look(film).seconds == pytest.approx(6, abs=0.1)
    assert film.with_suffix(".srt").read_text().count("-->") == 2
    assert film.with_suffix(".otio").is_file()
    again = await series(credentials, tmp_path, "star", "wan/3-0-video", film="when whole", key="film")
    assert again.film == made.film
    assert len(kie.stats()["jobs"]) == 3

    # One episode redone: a new take and a new film; the other episode and the old files stay.
    prompts = [PROMPTS[0], "{character} sleeps on a boat"]
    redone = await series(
        credentials, tmp_path, "star", "wan/3-0-video", film="when whole", key="film", prompts=prompts
    )
    assert kie.stats()["created"] == 4
    assert redone.paths[0] == made.paths[0]
    assert redone.paths[1] != made.paths[1]
    assert redone.film not in (None, made.film)
    assert all(Path(one).is_file() for one in (*made.paths, *redone.paths, made.film, str(redone.film)))
    offer = "with `scope=Scope(job_key='film')`. Only what changes is made and paid for, once"
    assert offer in await artifact("kie-overview")
    assert "sleeps on a boat" in Path(str(redone.film)).with_suffix(".srt").read_text()


async def test_drafts_and_finals_are_paid_once_each(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    mini = "bytedance/seedance-2-mini"
    draft = {"draft_model": mini, "draft_input": SERIES[mini]}
    for _ in range(2):
        drafts = await series(credentials, tmp_path, "extra", "wan/3-0-video", key="takes", **draft)
        assert [one.model for one in drafts.episodes] == [mini, mini]
        assert kie.stats()["created"] == 3
    draft["draft_model"] = ""  # as a form that is emptied sends it
    for _ in range(2):
        finals = await series(credentials, tmp_path, "extra", "wan/3-0-video", key="takes", **draft)
        assert [one.model for one in finals.episodes] == ["wan/3-0-video"] * 2
        assert kie.stats()["created"] == 5
    assert finals.character == drafts.character
    assert len({*drafts.paths, *finals.paths}) == 4
    with pytest.raises(ValidationError, match="duration"):
        Episodes(model="wan/3-0-video", draft_model=mini, draft_input={"duration": 99})


async def continued(
    credentials: KieCredentials, directory: Path, original: Any, character: Any, part: Slice | None = None
) -> SeriesResult:
    """Three episodes, of which each begins with the last picture of the one before."""
    return await character_series(
        original,
        character,
        [*PROMPTS, "{character} sleeps"],
        part,
        Episodes(model="wan/2-7-r2v", input={"duration": 3}),
        Film(continuity="last frame"),
        credentials=credentials,
        output=Output(directory=directory),
        waiting=QUICKLY,
        scope=Scope(job_key="continued"),
    )


async def test_episodes_continue_each_other_from_the_last_frame(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walker = NewCharacter(handle="walker", description="a calm grey cat")
    made = partial(continued, credentials, tmp_path, ORIGINAL, walker, SLICE)

    first = await made()
    frames = [job["input"].get("first_frame") for job in kie.stats()["jobs"]][1:]
    assert [frame is not None for frame in frames] == [False, True, True]
    assert len(set(frames)) == 3
    # As another machine, or a newer Pillow, makes it of the same picture.
    monkeypatch.setattr(_episodes, "last_frame", lambda file: last_frame(file) + b"\0")
    assert (await made()).paths == first.paths
    assert len(kie.stats()["jobs"]) == 4
    with pytest.raises(InvalidRequest, match="takes no first frame beside a character"):
        Film(continuity="last frame").frame_of("wan/3-0-video")


async def test_an_episode_whose_last_picture_cannot_be_made_ends_what_follows_it(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = partial(continued, credentials, tmp_path, None, "stopped")

    stopped = KieCharacter(handle="stopped", name="Mia", stills=["https://files.example/1.jpg"])
    await stopped.asave("stopped", overwrite=True)
    looked_at: list[Path] = []

    def second_is_broken(file: Path) -> bytes:
        looked_at.append(file)
        if len(looked_at) > 1:
            raise ValueError("no picture in it")
        return last_frame(file)

    monkeypatch.setattr(_episodes, "last_frame", second_is_broken)
    with pytest.raises(RunIncomplete, match="no picture in it") as caught:
        await made()
    assert [one.status for one in caught.value.result.episodes] == ["saved", "saved", "failed"]
    assert caught.value.result.episodes[2].billed == "no"
    assert kie.stats()["created"] == 2
    monkeypatch.setattr(_episodes, "last_frame", last_frame)
    assert len((await made()).paths) == kie.stats()["created"] == 3
    assert len(looked_at) == 2  # nothing follows the last episode


async def test_a_deployed_run_offers_a_form_with_its_values_to_redo_an_episode(
    credentials: KieCredentials,
) -> None:
    @flow(persist_result=True)
    async def ends(prompts: list[str], more: dict[str, Any] | None = None) -> str:
        return redo_offer("100 % mine", continued=True)

    given: dict[str, Any] = {"prompts": ['50 % [of](x) `it` & "more" + é', "%41 *"]}
    text = str(await (await (await Deployed.of(ends, given)).work()).aresult())
    (address,) = re.findall(r"\[the form of a new run with the same values\]\((\S+)\)", text)
    parts = urlsplit(address)
    assert re.fullmatch(r"/deployments/deployment/[0-9a-f-]{36}/run", parts.path)
    values = unquote(parts.query.removeprefix("parameters="))
    # The newer UI takes them as they are, the classic one decodes them once more.
    expected = {**given, "more": {"scope": {"job_key": "100 % mine"}}}
    assert json.loads(values) == json.loads(unquote(values)) == expected
    assert "Those after it" in text

    long = {"prompts": ["long" * 2000]}
    text = str(await (await (await Deployed.of(ends, long)).work()).aresult())
    assert "**Copy to new run**, with the job key `100 % mine`" in text
