"""The contact sheet: frames of their moments, bounded, and never in the way."""

from __future__ import annotations

import io
import re
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_kie.api import Job, JobResult, JobState, ResultFile
from prefect_kie.media import pictures as sheets
from prefect_kie.media.pictures import contact_sheet_jpeg, moments
from prefect_kie.media.slices import suggested
from prefect_kie.run_page.sections import contact_sheet_markdown
from prefect_kie.simulator.jobs import Clip
from prefect_kie.simulator.rendering import render
from tests.videos import made_video

Image = pytest.importorskip("PIL.Image")
ImageColor = pytest.importorskip("PIL.ImageColor")
av = pytest.importorskip("av")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 10 s whose brightness tells the time: a second is 20 of 256."""
    return brightening(tmp_path_factory.mktemp("sheets") / "grey.mp4", 320, 180)


def brightening(path: Path, width: int, height: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(100):
            image = Image.new("RGB", (width, height), (2 * number,) * 3)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
    return path


def opened(jpeg: bytes) -> Any:
    return Image.open(io.BytesIO(jpeg))


@given(st.floats(0.01, 100_000))
def test_moments_are_at_least_half_a_second_apart_and_few(seconds: float) -> None:
    times = moments(seconds)
    assert times[0] == 0
    assert 1 <= len(times) <= sheets.MAX_FRAMES
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(times))
    assert times[-1] < seconds
    assert seconds - times[-1] <= (times[1] - times[0] if len(times) > 1 else 0.5)


def test_each_frame_is_of_its_moment(video: Path) -> None:
    sheet = opened(contact_sheet_jpeg(video, 10.0))
    width, height = sheets.WIDTH, 180
    for number, second in enumerate(moments(10.0)):
        left = number % sheets.COLUMNS * (width + sheets.GAP)
        top = number // sheets.COLUMNS * (height + sheets.BAND + sheets.GAP)
        grey = sheet.getpixel((left + width // 2, top + height // 2))[0]
        assert grey == pytest.approx(second * 20, abs=8)
        band = sheet.crop((left, top + height, left + width, top + height + sheets.BAND))
        assert band.convert("L").getextrema()[1] > 200  # its time stands below it


def test_upright_videos_have_upright_frames(tmp_path: Path) -> None:
    sheet = opened(contact_sheet_jpeg(brightening(tmp_path / "tall.mp4", 90, 160), 10.0))
    assert sheet.width == sheets.COLUMNS * (sheets.WIDTH + sheets.GAP) - sheets.GAP
    assert sheet.height == 5 * (round(320 * 160 / 90) + sheets.BAND + sheets.GAP) - sheets.GAP


def test_the_suggested_frames_are_marked(video: Path) -> None:
    sheet = opened(contact_sheet_jpeg(video, 10.0, (3.5, 6.5)))
    orange = ImageColor.getrgb(sheets.MARK)
    marked = []
    for number, second in enumerate(moments(10.0)):
        left = number % sheets.COLUMNS * (sheets.WIDTH + sheets.GAP)
        top = number // sheets.COLUMNS * (180 + sheets.BAND + sheets.GAP)
        for place in ((left + 2, top + 90), (left + 20, top + 180 + 10)):  # its edge, and the band below it
            if sheet.getpixel(place) == pytest.approx(orange, abs=40):
                marked.append(second)
    assert marked == sorted(2 * [3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5])


@pytest.mark.parametrize(
    ("seconds", "part"), [(10.0, (3.5, 6.5)), (4.0, (0.5, 3.5)), (2.0, (0.0, 2.0)), (15.04, (6.0, 9.0))]
)
def test_the_middle_of_a_video_is_suggested(seconds: float, part: tuple[float, float]) -> None:
    assert suggested(seconds) == part


def test_rather_fewer_frames_than_small_ones(tmp_path: Path) -> None:
    """Frames whose clear pictures together are above the limit."""

    def noise(second: float) -> Any:
        return Image.effect_noise((320, 570), 40).convert("RGB")

    file = made_video(tmp_path / "noise.mp4", 10, size=(320, 570), fps=2, picture=noise)
    content = contact_sheet_jpeg(file, 10.0)
    sheet = opened(content)
    assert len(content) <= sheets.SHEET_BYTES
    assert sheet.width == sheets.COLUMNS * (sheets.WIDTH + sheets.GAP) - sheets.GAP
    assert sheet.height < 5 * (570 + sheets.BAND + sheets.GAP) - sheets.GAP


def test_the_worst_that_can_be_pressed_into_a_jpeg_is_small_too(tmp_path: Path) -> None:
    file = tmp_path / "noise.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=2, options={"crf": "1", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for seed in range(16):
            noise = Image.effect_noise((320, 180), 200 + seed).convert("RGB")
            container.mux(stream.encode(av.VideoFrame.from_image(noise)))
        container.mux(stream.encode(None))
    assert len(contact_sheet_jpeg(file, 8.0)) <= sheets.SHEET_BYTES


def test_a_video_shorter_than_it_says_has_no_frame_twice(video: Path) -> None:
    whole, longer = opened(contact_sheet_jpeg(video, 10.0)), opened(contact_sheet_jpeg(video, 30.0))
    assert longer.height <= whole.height + 180  # one row more at the most: the very last frame


def test_frames_that_last_longer_than_a_step_do_not_end_the_sheet(tmp_path: Path) -> None:
    file = tmp_path / "slow.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(5):
            image = Image.new("RGB", (320, 180), (50 * number,) * 3)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
    rows = opened(contact_sheet_jpeg(file, 5.0)).height / (180 + sheets.BAND + sheets.GAP)
    assert round(rows) == 2  # five frames


def test_decoding_that_takes_too_long_ends_the_sheet(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "SHEET_SECONDS", -1.0)
    assert opened(contact_sheet_jpeg(video, 10.0)).width == sheets.WIDTH


@pytest.mark.parametrize("content", [b"", b"no medium", b"\0\0\0\x18ftypmp42" + b"\0" * 100])
async def test_what_cannot_be_read_has_no_sheet(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.mp4"
    file.write_bytes(content)
    assert await sheets.contact_sheet(file, 10.0) is None


def test_a_video_of_the_simulator_has_a_sheet(tmp_path: Path) -> None:
    file = tmp_path / "cat.mp4"
    file.write_bytes(render(Clip("a cat", "m", 10), height=180, fps=4))
    assert opened(contact_sheet_jpeg(file, 10.0)).width > 900


def job(url: str, prompt: str = "a cat") -> Job:
    now = datetime.now(timezone.utc)
    return Job(
        task_id="t1",
        model="sora-2-text-to-video",
        state=JobState.SUCCESS,
        raw_state="success",
        created_at=now,
        completed_at=now,
        result=JobResult(files=(ResultFile(url=url),)),
        request_body={"model": "sora-2-text-to-video", "input": {"prompt": prompt}},
    )


def test_the_artifact_says_what_to_do_and_nothing_of_others_acts() -> None:
    text = contact_sheet_markdown(
        job("https://kie.example/a.mp4", "<script>alert(1)</script> [x](javascript:1)"),
        10.0,
        "data:x",
        (3.5, 6.5),
    )
    assert "3.5 to 6.5 s, which the form suggests" in text
    assert "Choose a few seconds" in text
    assert "![Frames with their times in seconds](data:x)" in text
    assert "https://kie.example/a.mp4" in text
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)\]\(javascript", text)


def test_without_a_sheet_it_says_why_and_links_the_video() -> None:
    text = contact_sheet_markdown(job("https://kie.example/a.mp4"), None, None)
    assert "prefect-kie[pictures]" in text
    assert "Play the video" in text
    assert "Play the video" not in contact_sheet_markdown(job("ftp://x/y"), None, None)
