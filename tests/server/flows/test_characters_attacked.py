"""Characters that you keep, under mishaps: two runs at once, what is deleted, what is no video, storages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prefect.filesystems import LocalFileSystem, RemoteFileSystem
from prefect.variables import Variable

from prefect_kie.api import InvalidRequest, KieError
from prefect_kie.blocks import KieCharacter, KieCredentials
from prefect_kie.characters import CastMember, cast
from prefect_kie.errors import DownloadFailed
from prefect_kie.flows import (
    Approval,
    Character,
    Episodes,
    NewCharacter,
    Output,
    Retry,
    Scope,
    character_series,
    create_character,
    generate_video,
)
from prefect_kie.media import uploading
from prefect_kie.models import Kling30Video, MarketModel, Slice, Wan30Video, registry
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICKLY
from tests.videos import made_video

pytestmark = pytest.mark.server

SLICE = Slice(start=1, end=4)
ORIGINAL = Wan30Video(prompt="a calm cat on a red sofa", duration=5)
WAN = Episodes(model="wan/3-0-video", input={"duration": 3})


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of a video that nobody has made at Kie, with sound."""
    path = tmp_path_factory.mktemp("footage") / "mia.mp4"
    return made_video(path, 10, size=(640, 360), loudness=lambda _: 0.5)


def new(handle: str, **more: Any) -> NewCharacter:
    return NewCharacter(handle=handle, description="a calm grey cat", **more)


async def test_of_two_runs_at_once_with_one_handle_one_makes_it(
    kie: SimulatorServer, credentials: KieCredentials, video: Path, tmp_path: Path
) -> None:
    async def made(handle: str, part: Slice) -> Character | Exception:
        try:
            return await create_character(
                str(video), new(handle), part, credentials, Output(directory=tmp_path)
            )
        except InvalidRequest as error:
            return error

    first, second = await asyncio.gather(made("twin", SLICE), made("twin", SLICE))
    assert first == second
    assert isinstance(first, Character)

    ends = await asyncio.gather(made("rival", SLICE), made("rival", Slice(start=5, end=8)))
    (kept,) = [one for one in ends if isinstance(one, Character)]
    (refused,) = [one for one in ends if isinstance(one, InvalidRequest)]
    assert "another character @rival" in str(refused)
    assert Character.kept(await KieCharacter.aload("rival")) == kept
    assert kie.stats()["created"] == 0


async def test_what_is_deleted_between_runs_is_made_again_or_asked_for_and_pays_nothing(
    kie: SimulatorServer,
    credentials: KieCredentials,
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(video.parent)  # a name that says the same file is the same origin

    async def series() -> Any:
        return await character_series(
            "./mia.mp4",
            new("lost"),
            ["{character} surfs"],
            SLICE,
            WAN,
            credentials=credentials,
            output=Output(directory=tmp_path),
            waiting=QUICKLY,
            scope=Scope(job_key="lost"),
        )

    made = await series()
    assert (await series()).paths == made.paths
    await KieCharacter.adelete("lost")
    assert (await series()).paths == made.paths  # the same files again, and so the same job
    assert kie.stats()["created"] == 1

    with monkeypatch.context() as patch:  # a day later, when Kie has deleted the uploads
        patch.setattr(uploading, "REUSED_FOR", timedelta(0))
        patch.setattr(uploading, "EXPIRY_MARGIN", timedelta(days=30))
        assert (await series()).paths == made.paths
    assert kie.stats()["created"] == 1

    Path(made.character.stills[0]).unlink()
    with pytest.raises(InvalidRequest, match="a file of the character @lost cannot be read"):
        await series()
    where = Output(directory=tmp_path)
    kept = await create_character("./mia.mp4", new("lost"), SLICE, credentials, where)
    assert not Path(kept.stills[0]).exists()  # it is another's machine, perhaps, that has them
    again = await create_character("./mia.mp4", new("lost", replace=True), SLICE, credentials, where)
    assert (again, Path(again.stills[0]).exists()) == (kept, True)
    assert (await series()).paths == made.paths
    assert kie.stats()["created"] == 1


async def test_what_is_no_video_or_no_slice_of_it_is_an_error_that_says_so(
    kie: SimulatorServer, credentials: KieCredentials, video: Path, tmp_path: Path
) -> None:
    short = made_video(tmp_path / "short.mp4", 0.5, size=(640, 360))
    picture, page = tmp_path / "still.jpg", tmp_path / "page.mp4"
    picture.write_bytes(a_picture())
    page.write_text("<html>not found</html>")
    (tmp_path / "empty.mp4").touch()
    sources: dict[str, tuple[type[KieError], str]] = {
        str(short): (InvalidRequest, "the video is 0.48 s long, and a slice at least 1 s"),
        str(picture): (InvalidRequest, "still.jpg|page.mp4|empty.mp4"),
        str(page): (InvalidRequest, "still.jpg|page.mp4|empty.mp4"),
        str(tmp_path / "empty.mp4"): (InvalidRequest, "still.jpg|page.mp4|empty.mp4"),
        str(tmp_path): (InvalidRequest, "there is no video"),
        str(tmp_path / "none.mp4"): (InvalidRequest, "there is no video"),
        f"{kie.url}/files/none.mp4": (DownloadFailed, "404"),
        f"{kie.url}/api/v1/chat/credit": (KieError, "video"),  # JSON, no video
    }
    for source, (kind, told) in sources.items():
        with pytest.raises(kind, match=told) as error:
            await create_character(
                source, new("nobody_yet"), Slice(start=0, end=1), credentials, Output(directory=tmp_path)
            )
        assert error.value.billed == "no", (source, error.value)
    with pytest.raises(InvalidRequest, match="10"):
        await create_character(str(video), new("nobody_yet"), Slice(start=9, end=12), credentials)
    assert kie.stats()["created"] == 0


def a_picture() -> bytes:
    """A small JPEG."""
    content = BytesIO()
    Image.new("RGB", (640, 360), "red").save(content, "JPEG")
    return content.getvalue()


async def test_files_in_a_storage_block_are_found_there_by_every_run(
    kie: SimulatorServer, credentials: KieCredentials, video: Path, tmp_path: Path
) -> None:
    await LocalFileSystem(basepath=str(tmp_path / "shelf")).asave("shelf", overwrite=True)
    await RemoteFileSystem(basepath="memory://bucket/kept").asave("bucket", overwrite=True)
    for number, name in enumerate(("local-file-system/shelf", "remote-file-system/bucket"), start=1):
        handle = f"shelved_{number}"
        await create_character(str(video), new(handle), SLICE, credentials, Output(storage=name))
        block: KieCharacter = await KieCharacter.aload(handle.replace("_", "-"))
        assert (block.storage, block.stills[0].startswith(f"characters/{handle}/")) == (name, True)
        again = await generate_video(
            Kling30Video(prompt=f"@{handle} waves", duration="3", mode="std"),
            credentials,
            output=Output(directory=tmp_path),
            waiting=QUICKLY,
        )
        assert again.videos[0].status == "saved"
        assert kie.stats()["created"] == number
    made = await character_series(
        str(video),
        new("shelved_1"),
        ["{character} surfs"],
        SLICE,
        WAN,
        credentials=credentials,
        output=Output(storage="local-file-system/shelf"),
        waiting=QUICKLY,
    )
    assert [one.status for one in made.episodes] == ["saved"]
    unnamed = Output(storage=LocalFileSystem(basepath=str(tmp_path / "shelf")))
    with pytest.raises(InvalidRequest, match="no name to be found by"):
        await character_series(
            ORIGINAL, new("unnamed"), ["hi"], SLICE, WAN, credentials=credentials, output=unnamed
        )
    assert kie.stats()["created"] == 3


@pytest.fixture
def prices(prefect_server: object) -> Iterator[None]:
    """Each job of Wan costs 30 credits."""
    Variable.set("kie_prices", {"wan/3-0-video": 30}, overwrite=True)
    yield
    Variable.unset("kie_prices")


async def test_what_cannot_become_episodes_is_refused_before_the_original_is_paid(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, prices: None
) -> None:
    for prompt, episodes, approval, told in (
        ("{character} and @stranger dance", WAN, Approval(), "no character @stranger"),
        (
            "{character} dances",
            Episodes(model="wan/3-0-video", input={"last_frame_url": "https://files.example/1.jpg"}),
            Approval(),
            "last_frame_url",
        ),
        ("{character} dances", WAN, Approval(max_credits=80), "80"),
    ):
        with pytest.raises(KieError, match=told):
            await character_series(
                ORIGINAL,
                new("dear"),
                [prompt, prompt],
                SLICE,
                episodes,
                credentials=credentials,
                output=Output(directory=tmp_path),
                approval=approval,
                waiting=QUICKLY,
            )
    assert kie.stats()["created"] == 0
    kie.change(video_height=360, video_fps=8)  # an original that can be looked at
    for _ in range(2):  # what is enough for the original and both episodes is enough when run again, too
        made = await character_series(
            ORIGINAL,
            new("dear"),
            ["{character} dances", "{character} sings"],
            SLICE,
            WAN,
            credentials=credentials,
            output=Output(directory=tmp_path),
            approval=Approval(max_credits=90),
            waiting=QUICKLY,
            scope=Scope(job_key="dear"),
        )
        assert [one.status for one in made.episodes] == ["saved", "saved"]
        assert kie.stats()["created"] == 3


async def test_a_fallback_and_a_newer_request_get_the_characters_in_their_own_way(
    kie: SimulatorServer, credentials: KieCredentials, video: Path, tmp_path: Path
) -> None:
    output = Output(directory=tmp_path)
    await create_character(str(video), new("spare"), SLICE, credentials, output)
    kie.fault("job", fail={"failCode": "500", "failMsg": "heavy load, try again"})
    made = await generate_video(
        Wan30Video(prompt="@spare surfs", duration=3),
        credentials,
        retry=Retry(fallbacks=(Kling30Video(prompt="@spare surfs", duration="3", mode="std"),)),
        output=output,
        waiting=QUICKLY,
    )
    assert made.videos[0].status == "saved"
    first, second = kie.stats()["jobs"]
    assert [first["model"], second["model"]] == ["wan/3-0-video", "kling-3.0/video"]
    assert all(str(job["input"]).count("http") >= 2 for job in (first, second))

    # As one whose fields are newer than this package: its body is not typed, its characters are the same.
    body = {"model": "wan/3-0-video-prime", "input": {"prompt": "@spare surfs", "duration": 3}}
    newer = MarketModel.model_validate(body, context=registry._NEWER)  # pyright: ignore[reportPrivateUsage]
    untyped = await generate_video(newer, credentials, output=output, waiting=QUICKLY)
    assert untyped.videos[0].status == "saved"
    third = kie.stats()["jobs"][2]
    assert str(third["input"]).count("http") == str(first["input"]).count("http")
    assert kie.stats()["created"] == 3


def test_a_newer_request_gets_a_single_picture_where_its_model_takes_one() -> None:
    body = {
        "model": "wan/2-7-videoedit",
        "input": {"prompt": "@mia waves", "video_url": "https://files.example/1.mp4"},
    }
    newer = MarketModel.model_validate(body, context=registry._NEWER)  # pyright: ignore[reportPrivateUsage]
    mia = CastMember(handle="mia", name="Mia", stills=("https://files.example/1.jpg",))
    assert cast(newer, [mia]).input_fields()["reference_image"] == "https://files.example/1.jpg"
