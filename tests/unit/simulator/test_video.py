"""The rendered files, decoded again."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import av as pyav
import pytest
from PIL import Image

from prefect_kie.simulator import RendererMissing, check_renderer
from prefect_kie.simulator.files import RenderingStopped
from prefect_kie.simulator.jobs import Clip
from prefect_kie.simulator.rendering import render

# PyAV's own types are incomplete.
av: Any = pyav

CLIP = Clip("a dog", "sora-2-text-to-video", 10)
SHORT = replace(CLIP, seconds=1)


def rendered(path: Path, clip: Clip, height: int = 72, fps: int = 4, image: bytes | None = None) -> Path:
    path.write_bytes(render(clip, height, fps, image))
    return path


def picture_at(path: Path, index: int) -> Image.Image:
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                picture: Image.Image = frame.to_image()
                return picture
    raise AssertionError(f"no picture {index}")


@pytest.mark.parametrize("seconds", [10, 15, 25])
@pytest.mark.parametrize("portrait", [False, True])
def test_a_video_has_the_asked_length_and_orientation(tmp_path: Path, seconds: int, portrait: bool) -> None:
    clip = replace(CLIP, seconds=seconds, ratio=9 / 16 if portrait else None)
    path = rendered(tmp_path / "v.mp4", clip, height=36, fps=2)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == ((36, 64) if portrait else (64, 36))
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert container.duration == seconds * av.time_base
        assert sum(1 for _ in container.decode(stream)) == seconds * 2


@pytest.mark.parametrize(
    ("portrait", "height", "size"),
    [(False, 360, (640, 360)), (True, 360, (360, 640)), (False, 37, (64, 36))],
)
def test_sizes_are_even_and_16_to_9(
    tmp_path: Path, portrait: bool, height: int, size: tuple[int, int]
) -> None:
    clip = replace(SHORT, ratio=9 / 16 if portrait else 16 / 9)
    assert picture_at(rendered(tmp_path / "v.mp4", clip, height), 0).size == size


def test_the_time_code_runs(tmp_path: Path) -> None:
    path = rendered(tmp_path / "v.mp4", CLIP)
    assert picture_at(path, 4).tobytes() != picture_at(path, 30).tobytes()


@pytest.mark.parametrize(
    "change",
    [{"prompt": "a cat"}, {"model": "kling"}, {"watermark": True}, {"prompt": "word " * 400}],
    ids=["prompt", "model", "watermark", "long"],
)
def test_what_was_asked_for_is_seen(tmp_path: Path, change: dict[str, Any]) -> None:
    one = rendered(tmp_path / "one.mp4", SHORT)
    other = rendered(tmp_path / "other.mp4", replace(SHORT, **change))
    assert picture_at(one, 0).tobytes() != picture_at(other, 0).tobytes()


def test_a_given_picture_is_the_background(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (50, 30), (255, 0, 0)).save(file, "PNG")
    path = rendered(tmp_path / "v.mp4", SHORT, image=file.getvalue())
    red, green, blue = picture_at(path, 0).resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert red > 100
    assert green < 60
    assert blue < 60


def test_a_picture_that_cannot_be_read_is_left_out() -> None:
    plain = render(SHORT, height=72, fps=4)
    assert render(SHORT, height=72, fps=4, image=b"no picture") == plain


def test_rendering_can_be_given_up() -> None:
    with pytest.raises(RenderingStopped):
        render(CLIP, height=72, fps=4, stopped=lambda: True)


@pytest.mark.parametrize("library", ["av", "PIL"])
def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(RendererMissing, match=r"prefect-kie\[simulator\]"):
        check_renderer()
