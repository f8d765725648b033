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
from prefect_kie.run_page.sections import contact_sheet_markdown
from prefect_kie.simulator.video import render_video

Image = pytest.importorskip("PIL.Image")
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
    columns, width = sheets.LANDSCAPE
    height = round(width * 180 / 320)
    for number, second in enumerate(moments(10.0)):
        left = number % columns * (width + sheets.GAP)
        top = number // columns * (height + sheets.BAND + sheets.GAP)
        grey = sheet.getpixel((left + width // 2, top + height // 2))[0]
        assert grey == pytest.approx(second * 20, abs=8)
        band = sheet.crop((left, top + height, left + width, top + height + sheets.BAND))
        assert band.convert("L").getextrema()[1] > 200  # its time stands below it


def test_upright_videos_have_upright_frames(tmp_path: Path) -> None:
    sheet = opened(contact_sheet_jpeg(brightening(tmp_path / "tall.mp4", 90, 160), 10.0))
    columns, width = sheets.PORTRAIT
    assert sheet.width == columns * (width + sheets.GAP) - sheets.GAP
    assert sheet.height == 3 * (round(width * 160 / 90) + sheets.BAND + sheets.GAP) - sheets.GAP


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
    columns, width = sheets.LANDSCAPE
    assert columns == 5
    assert opened(contact_sheet_jpeg(file, 5.0)).width == 5 * (width + sheets.GAP) - sheets.GAP


def test_decoding_that_takes_too_long_ends_the_sheet(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "SHEET_SECONDS", -1.0)
    assert opened(contact_sheet_jpeg(video, 10.0)).width == sheets.LANDSCAPE[1]


@pytest.mark.parametrize("content", [b"", b"no medium", b"\0\0\0\x18ftypmp42" + b"\0" * 100])
async def test_what_cannot_be_read_has_no_sheet(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.mp4"
    file.write_bytes(content)
    assert await sheets.contact_sheet(file, 10.0) is None


def test_a_video_of_the_simulator_has_a_sheet(tmp_path: Path) -> None:
    file = render_video(
        tmp_path / "cat.mp4", prompt="a cat", model="m", seconds=10, portrait=False, height=180, fps=4
    )
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
        job("https://kie.example/a.mp4", "<script>alert(1)</script> [x](javascript:1)"), 10.0, "data:x"
    )
    assert "Choose 1 to 4 seconds" in text
    assert "![Frames with their times in seconds](data:x)" in text
    assert "https://kie.example/a.mp4" in text
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)\]\(javascript", text)


def test_without_a_sheet_it_says_why_and_links_the_video() -> None:
    text = contact_sheet_markdown(job("https://kie.example/a.mp4"), None, None)
    assert "prefect-kie[pictures]" in text
    assert "Play the video" in text
    assert "Play the video" not in contact_sheet_markdown(job("ftp://x/y"), None, None)
