"""The characters of the Prefect server: which of their files are uploaded, and what a request is known by."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from prefect_kie.api import InvalidRequest, JobRequest, UploadedFile
from prefect_kie.api.uploads import checksum, unique_name
from prefect_kie.blocks import KieCharacter, KieCredentials
from prefect_kie.characters import keeping
from prefect_kie.keys import submission_key
from prefect_kie.models import (
    Kling30Video,
    NanoBanana2,
    Sora2TextToVideo,
    Wan26VideoToVideo,
    Wan30Video,
)

from .data import address, asked


class Uploads:
    """Kie's store, where every upload has another address."""

    def __init__(self) -> None:
        self.uploaded: list[str] = []

    async def __call__(self, file: Path | str, kie: KieCredentials, scope: str) -> Any:
        path = Path(file)
        if not path.exists():
            raise ValueError(f"there is no file {path.name!r}")
        self.uploaded.append(path.name)
        with path.open("rb") as opened:
            name = unique_name(path.name, checksum(opened))
        return UploadedFile(url=address(name), file_name=name)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Uploads, dict[str, KieCharacter]]:
    """Uploads, and the characters that the server has: mia and, with ids of its own, otto."""
    store, blocks = Uploads(), dict[str, KieCharacter]()
    for handle, native in (("mia", dict[str, str]()), ("otto", {"gemini": "c-1", "sora-2": "otto.x"})):
        for name in ("1.jpg", "2.jpg", "3.jpg", "clip.mp4", "voice.mp3"):
            (tmp_path / f"{handle}-{name}").write_text(f"{handle} {name}")
        place = str(tmp_path / handle)
        blocks[handle] = KieCharacter(
            handle=handle,
            name=handle.title(),
            stills=[f"{place}-{number}.jpg" for number in (1, 2, 3)],
            clip=f"{place}-clip.mp4",
            voice=f"{place}-voice.mp3",
            voice_seconds=6,
            native=native,
        )

    async def load(handle: str) -> KieCharacter | None:
        return blocks.get(handle)

    monkeypatch.setattr(keeping, "upload", store)
    monkeypatch.setattr(keeping, "load_character", load)
    return store, blocks


Kept = tuple[Uploads, dict[str, KieCharacter]]
CREDENTIALS = KieCredentials(api_key=SecretStr("sk-test"))


@pytest.mark.parametrize(
    ("request_", "files"),
    [
        (Wan30Video(prompt="@mia"), ["1.jpg", "2.jpg", "3.jpg", "voice.mp3"]),
        (Kling30Video(prompt="@mia", multi_prompt=[]), ["1.jpg", "2.jpg", "3.jpg", "voice.mp3"]),
        (asked("pixverse-v6/reference-to-video", ["mia"]), ["1.jpg"]),
        (asked("gemini-omni-video", ["mia"]), ["1.jpg", "2.jpg"]),
        (Wan26VideoToVideo(prompt="@mia"), ["clip.mp4"]),
        (NanoBanana2(prompt="@mia"), ["1.jpg", "2.jpg", "3.jpg"]),
        (Wan30Video(prompt="no one"), []),
    ],
    ids=lambda value: getattr(value, "model_name", ""),
)
async def test_what_the_model_takes_is_uploaded(kept: Kept, request_: JobRequest, files: list[str]) -> None:
    made = await keeping.with_characters(request_, CREDENTIALS, "run")
    assert sorted(kept[0].uploaded) == [f"mia-{name}" for name in files]
    assert sorted(set(re.findall(r"mia-(\w+)-pk", json.dumps(made.input_fields())))) == sorted(
        name.partition(".")[0] for name in files
    )


async def test_a_voice_that_does_not_fit_stays_here(kept: Kept) -> None:
    kept[1]["mia"].voice_seconds = 40
    await keeping.with_characters(Wan30Video(prompt="@mia"), CREDENTIALS, "run")
    assert "mia-voice.mp3" not in kept[0].uploaded


async def test_what_has_an_id_at_kie_is_not_uploaded(kept: Kept) -> None:
    for request in (asked("gemini-omni-video", ["otto"]), Sora2TextToVideo(prompt="@otto @nobody")):
        made = await keeping.with_characters(request, CREDENTIALS, "run")
        assert "c-1" in str(made.input_fields()) or "@otto.x @nobody" in str(made.input_fields())
    assert kept[0].uploaded == []


async def test_nothing_is_uploaded_for_a_prompt_that_names_someone_unknown(kept: Kept) -> None:
    with pytest.raises(InvalidRequest, match="there is no character @nobody"):
        await keeping.with_characters(Wan30Video(prompt="@mia and @nobody"), CREDENTIALS, "run")
    assert kept[0].uploaded == []


async def test_a_file_that_is_missing_is_told_with_its_block(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "mia-2.jpg").unlink()
    with pytest.raises(InvalidRequest, match=r"no file 'mia-2\.jpg'") as caught:
        await keeping.with_characters(Wan30Video(prompt="@mia"), CREDENTIALS, "run")
    assert "kie-character/mia" in str(caught.value.next_step)


async def test_a_request_is_known_by_what_its_pictures_show(kept: Kept, tmp_path: Path) -> None:
    async def key(request: JobRequest) -> str:
        made = await keeping.with_characters(request, CREDENTIALS, "run")
        bodies.append(json.dumps(made.body()))
        return submission_key(CREDENTIALS, "run", made, 0)

    for request in (Wan30Video(prompt="@mia runs"), Kling30Video(prompt="@mia runs", multi_prompt=[])):
        (tmp_path / "mia-2.jpg").write_text("as it was")
        bodies: list[str] = []
        first, again = await key(request), await key(request)
        assert first == again
        assert bodies[0] != bodies[1]  # the uploads have other addresses
        (tmp_path / "mia-2.jpg").write_text("another picture")
        assert await key(request) != first
