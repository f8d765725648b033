"""What can be known before paying is known before paying, in every flow: no job is created for it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.filesystems import LocalFileSystem

from prefect_kie.api import InvalidRequest, KieError
from prefect_kie.blocks import KieCharacter, KieCredentials
from prefect_kie.flows import (
    CharacterTraits,
    Episodes,
    Film,
    NewCharacter,
    Output,
    Scope,
    character_series,
    create_character,
    generate_batch,
    generate_video,
)
from prefect_kie.flows._before_paying import check_addresses
from prefect_kie.models import MarketModel, Slice, Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, QUICKLY, grouped
from tests.videos import made_video

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
TRAITS = CharacterTraits(character_prompt="a calm cat")
SLICE = Slice(start=1, end=3)

Runs = Callable[..., Awaitable[Any]]


async def video(**options: Any) -> None:
    await generate_video(CAT, **grouped(poll=QUICK, **options))


async def batch(**options: Any) -> None:
    await generate_batch([{"prompt": "a yak", "model": CAT.model}], **grouped(poll=QUICK, **options))


async def series(**options: Any) -> None:
    await character_series(CAT, TRAITS, ["{character} surfs"], SLICE, **grouped(poll=QUICK, **options))


THAT_SAVE = [video, batch, series]


def a_file_in_its_place(folder: Path) -> dict[str, Any]:
    (folder / "videos").write_text("a file")
    return {"directory": folder / "videos"}


def proc(folder: Path) -> dict[str, Any]:
    return {"directory": Path("/proc/videos")}


def a_full_disk(folder: Path) -> dict[str, Any]:
    (folder / "videos").symlink_to("/dev/full")
    return {"directory": folder / "videos" / "of-today"}


def a_blocks_file(folder: Path) -> dict[str, Any]:
    (folder / "videos").write_text("a file")
    return {"storage": LocalFileSystem(basepath=str(folder / "videos"))}


@pytest.mark.server
@pytest.mark.parametrize(
    ("runs", "destination"),
    [
        *((video, place) for place in (a_file_in_its_place, proc, a_full_disk, a_blocks_file)),
        *((runs, a_file_in_its_place) for runs in (batch, series)),
    ],
)
async def test_a_place_where_nothing_can_be_saved_is_not_paid_for(
    runs: Runs,
    destination: Callable[[Path], dict[str, Any]],
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidRequest, match=r"cannot be stored in .*nothing was submitted"):
        await runs(credentials=credentials, **destination(tmp_path))
    assert kie.stats()["created"] == 0


@pytest.mark.server
@pytest.mark.parametrize("runs", THAT_SAVE)
async def test_a_block_that_is_missing_is_not_paid_for(
    runs: Runs, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    for wrong in (
        {"credentials": "nobody", "directory": tmp_path},
        {"credentials": credentials, "storage": "local-file-system/nowhere"},
        {"credentials": credentials, "storage": "local-file-system/a", "directory": tmp_path},
    ):
        with pytest.raises(KieError):
            await runs(**wrong)
    assert kie.stats()["created"] == 0


@pytest.mark.server
async def test_a_slice_that_nobody_can_see_is_not_paid_for(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    options: dict[str, Any] = {"credentials": credentials, "waiting": QUICKLY}
    with pytest.raises(InvalidRequest, match=r"(?s)PyAV is not installed.*prefect-kie\[pictures\]"):
        await character_series(
            CAT, TRAITS, ["{character} surfs"], output=Output(directory=tmp_path), **options
        )
    with pytest.raises(InvalidRequest, match=r"PyAV is not installed"):
        await create_character("a" * 32, TRAITS, **options)
    assert kie.stats()["created"] == 0


@pytest.mark.server
@pytest.mark.parametrize("module", ["av", "PIL"])
async def test_a_character_that_cannot_be_kept_is_not_paid_for(
    module: str,
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where: dict[str, Any] = {"credentials": credentials, "output": Output(directory=tmp_path)}
    who, part = NewCharacter(handle="unseen", description="a calm cat"), Slice(start=1, end=3)
    file = made_video(tmp_path / "video.mp4", 4)
    monkeypatch.setitem(sys.modules, module, None)
    told = r"(?s)not installed.*prefect-kie\[pictures\]"
    with pytest.raises(InvalidRequest, match=told):
        await create_character(str(file), who, part, **where)
    episodes = Episodes(model="wan/2-7-r2v", input={"duration": 3})
    with pytest.raises(InvalidRequest, match=told):
        await character_series(CAT, who, ["{character} surfs"], part, episodes, **where)
    await KieCharacter(handle="seen", name="Mia", stills=["https://files.example/1.jpg"]).asave(
        "seen", overwrite=True
    )
    film = Film(continuity="last frame")
    with pytest.raises(InvalidRequest, match=told):
        await character_series(None, "seen", ["surfs", "sleeps"], part, episodes, film, **where)
    assert kie.stats()["created"] == 0


@pytest.mark.server
async def test_a_file_of_this_machine_is_no_address(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    request = MarketModel(model="acme/any-video", input={"image_urls": ["~/cat.png"]})
    with pytest.raises(InvalidRequest, match=r"must be an address that Kie can fetch.*nothing was submitted"):
        await generate_video(request, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert kie.stats()["created"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"image_url": "file:///home/me/cat.png"},
        {"first_frame_url": "C:\\pictures\\cat.png"},
        {"video_urls": ["cat.mp4"]},
        {"elements": [{"image": "./cat.jpg"}]},
    ],
)
def test_no_file_of_this_machine_is_an_address(asked: dict[str, Any]) -> None:
    request = MarketModel(model="acme/any-video", input={"prompt": "a cat", **asked})
    with pytest.raises(InvalidRequest, match=r"must be an address that Kie can fetch.*nothing was submitted"):
        check_addresses(request)


@pytest.mark.server
async def test_other_texts_of_an_input_are_left_alone(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    asked = {"prompt": "/imagine cat.png", "image_size": "16:9", "image_url": "https://a.example/cat.png"}
    request = MarketModel(model="acme/any-video", input=asked)
    await generate_video(request, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_what_is_paid_for_is_fetched_wherever_it_may_go(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await generate_video(
        CAT,
        credentials,
        output=Output(directory=tmp_path / "videos"),
        scope=Scope(job_key="mine"),
        waiting=QUICKLY,
    )
    (tmp_path / "videos").chmod(0o555)
    made = await generate_video(
        CAT,
        credentials,
        output=Output(directory=tmp_path / "videos"),
        scope=Scope(job_key="mine"),
        waiting=QUICKLY,
    )
    assert made.videos[0].status == "saved"
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_a_dry_run_writes_nothing_but_sees_a_wrong_address(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    row = {"model": "acme/any-video", "prompt": "a yak", "input": {"image_url": "cat.png"}}
    with pytest.raises(InvalidRequest, match="must be an address"):
        await generate_batch([row], credentials, output=Output(directory=tmp_path / "videos"), dry_run=True)
    assert not (tmp_path / "videos").exists()
    assert kie.stats()["created"] == 0
