"""Small pictures of videos: bounded, at the right moment, and never in the way."""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.media.pictures import jpegs, pictures, poster
from prefect_kie.simulator.jobs import Clip
from prefect_kie.simulator.rendering import render

Image = pytest.importorskip("PIL.Image")
av = pytest.importorskip("av")


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 10 s with a running time code."""
    path = tmp_path_factory.mktemp("pictures") / "cat.mp4"
    path.write_bytes(render(Clip("a cat", "m", 10), height=180, fps=4))
    return path


def opened(uri: str) -> Any:
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content, validate=True)))


async def test_a_poster_is_a_small_jpeg(video: Path) -> None:
    uri = await poster(video)
    assert uri is not None
    assert len(uri) <= 30 * 1024
    picture = opened(uri)
    assert (picture.format, picture.size) == ("JPEG", (320, 180))


async def test_a_poster_of_noise_upright_and_large_is_small_too(tmp_path: Path) -> None:
    """The worst that can be pressed into a JPEG."""
    file = tmp_path / "noise.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=2, options={"crf": "1", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 720, 1280, "yuv420p"
        for seed in range(4):
            noise = Image.effect_noise((720, 1280), 200 + seed).convert("RGB")
            container.mux(stream.encode(av.VideoFrame.from_image(noise)))
        container.mux(stream.encode(None))
    uri = await poster(file)
    assert uri is not None
    assert len(uri) <= 30 * 1024


async def test_pictures_are_of_their_moments(video: Path) -> None:
    first, same, later, past = await pictures(video, [1.0, 1.0, 7.5, 99.0], width=64, max_bytes=7000)
    assert first == same
    assert len({first, later, past}) == 3
    assert opened(past).size == (64, 36)


async def test_a_picture_has_its_poster_too(tmp_path: Path) -> None:
    file = tmp_path / "cat.png"
    Image.new("RGB", (640, 640), "orange").save(file)
    uri = await poster(file)
    assert uri is not None
    assert opened(uri).size == (320, 320)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no medium",
        b"\0\0\0\x18ftypmp42" + b"\0" * 100,
        b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    ],
    ids=["empty", "text", "a video's head alone", "a playlist that leads elsewhere"],
)
async def test_what_cannot_be_read_has_no_poster(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.mp4"
    file.write_bytes(content)
    assert await poster(file) is None


async def test_a_file_that_is_not_here_has_no_poster(tmp_path: Path) -> None:
    assert await poster(tmp_path / "gone.mp4") is None
    assert await poster(Path("s3-bucket/videos: cat.mp4")) is None


async def test_a_cut_video_has_the_pictures_that_are_left_or_none(video: Path, tmp_path: Path) -> None:
    for share in (0.3, 0.6, 0.9):
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(video.read_bytes()[: int(video.stat().st_size * share)])
        assert len(await pictures(cut, [9.0], width=64, max_bytes=7000)) in (0, 1)


@pytest.mark.parametrize("missing", ["av", "PIL"])
async def test_without_the_extra_there_are_no_pictures(
    missing: str, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == missing or name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert await poster(video) is None


def test_a_huge_picture_is_not_decoded(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefect_kie.media.footage.MAX_PIXELS", 1000)
    with pytest.raises(ValueError, match="not decoded"):
        jpegs(video, [1.0], width=320, max_bytes=20_000)


def test_decoding_takes_no_longer_than_its_budget(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefect_kie.media.pictures.MAX_DECODING_SECONDS", -1.0)
    assert jpegs(video, [9.0], width=64, max_bytes=7000)  # the first picture it meets
