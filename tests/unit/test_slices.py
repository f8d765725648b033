"""A character's stills, clip and voice: what models take, of the asked slice and nothing else."""

from __future__ import annotations

import io
import sys
import wave
from array import array
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_kie.media import footage
from prefect_kie.media.footage import length_of, look
from prefect_kie.media.kinds import mp4_seconds
from prefect_kie.media.slices import clip, last_frame, stills, voice, widened
from tests.videos import grey, greys, heard, made_video

Image = pytest.importorskip("PIL.Image")
ImageChops = pytest.importorskip("PIL.ImageChops")
ImageDraw = pytest.importorskip("PIL.ImageDraw")
ImageFilter = pytest.importorskip("PIL.ImageFilter")
ImageStat = pytest.importorskip("PIL.ImageStat")
pytest.importorskip("av")


def opened(content: bytes) -> Any:
    return Image.open(io.BytesIO(content))


def brightness(content: bytes) -> float:
    picture = opened(content).convert("L")
    return float(picture.getpixel((picture.width // 2, picture.height // 2)))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 s whose brightness tells the time; a tone from 4 to 5 s, else silence."""
    path = tmp_path_factory.mktemp("slices") / "grey.mp4"
    return made_video(path, 10, size=(320, 180), loudness=lambda second: 0.5 * (4 <= second < 5))


# The clip


@pytest.mark.parametrize(
    ("asked", "bounds"),
    [
        ((3.8, 4.6), (3.8, 4.6)),
        ((4.48, 5.28), (4.48, 5.28)),
        ((4, 4.4), (3.8, 4.6)),
        ((0, 0.2), (0, 0.8)),
        ((9.9, 10.05), (9.2, 10)),
    ],
)
def test_a_clip_shows_its_slice_to_the_frame(
    asked: tuple[float, float], bounds: tuple[float, float], video: Path, tmp_path: Path
) -> None:
    made = clip(video, *asked, tmp_path / "clip.mp4", min_seconds=0.8)
    assert (made.start, made.end) == pytest.approx(bounds)
    shown = greys(made.path)
    assert len(shown) == 20
    for number in (0, len(shown) // 2, -1):
        second = bounds[0] + range(20)[number] / 25
        assert shown[number] == pytest.approx(grey(second), abs=3)
    peaks, samples = heard(made.path)
    for tenth, peak in enumerate(peaks[:7]):
        second = bounds[0] + tenth / 10
        if 4.1 <= second <= 4.8:
            assert peak == pytest.approx(0.5, abs=0.06)
        elif not 3.8 < second < 5.1:
            assert peak < 0.02
    assert samples / 48000 == pytest.approx(bounds[1] - bounds[0], abs=1 / 24)


@pytest.mark.parametrize(
    ("size", "fps", "out", "rate"),
    [
        ((1920, 1080), 24, (1280, 720), 24),
        ((1080, 1920), 24, (720, 1280), 24),
        ((1280, 720), Fraction(30000, 1001), (1280, 720), Fraction(30000, 1001)),
        ((640, 360), 12, (854, 480), 24),
        ((360, 640), 90, (480, 854), 60),
        ((960, 960), 25, (960, 960), 25),
    ],
)
def test_a_clip_has_the_size_and_rate_that_models_take(
    size: tuple[int, int], fps: Fraction, out: tuple[int, int], rate: Fraction, tmp_path: Path
) -> None:
    file = made_video(tmp_path / "video.mp4", 0.1, size=size, fps=fps)
    made = clip(file, 0, 0.08, tmp_path / "clip.mp4", min_seconds=0.08)
    seen = look(made.path)
    assert (seen.width, seen.height) == out
    assert 409_600 <= seen.width * seen.height <= 927_408
    assert seen.rate == rate
    assert not seen.sound
    assert made.path.read_bytes()[4:8] == b"ftyp"
    assert abs(seen.seconds - 0.08) <= float(1 / rate)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (8, 11, "no part of grey.mp4, which is 10.00 s long"),
        (-1, 2, "no part of"),
        (5, 5, "no part of"),
        (float("nan"), 5, "no part of"),
    ],
)
def test_a_slice_that_cannot_be_used_is_a_sentence(
    start: float, end: float, said: str, video: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        clip(video, start, end, tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_video_too_short_for_a_clip_is_a_sentence(tmp_path: Path) -> None:
    file = made_video(tmp_path / "short.mp4", 2)
    with pytest.raises(ValueError, match=r"the video is 2\.00 s long; 3 s of it are needed"):
        clip(file, 0, 2, tmp_path / "clip.mp4")


@given(st.floats(0, 50), st.floats(0.1, 10), st.floats(0, 50), st.floats(0.5, 10))
def test_a_widened_slice_holds_the_asked_one_within_the_video(
    start: float, length: float, rest: float, shortest: float
) -> None:
    end, seconds = start + length, start + length + rest
    if seconds < shortest:
        with pytest.raises(ValueError, match="are needed"):
            widened(start, end, seconds - 0.02, shortest)
        return
    begin, until = widened(start, end, seconds, shortest)
    assert 0 <= begin <= start + 1e-9
    assert end - 1e-9 <= until <= seconds + 1e-9
    assert until - begin == pytest.approx(max(length, shortest))


# The voice


def test_a_voice_is_the_sound_of_its_slice(video: Path, tmp_path: Path) -> None:
    made = voice(video, 3.5, 5, tmp_path / "voice.wav")
    assert made is not None
    with wave.open(str(made)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 44_100)
        samples = array("h", sound.readframes(sound.getnframes()))
    assert len(samples) == round(1.5 * 44_100)
    peaks = [max(map(abs, samples[at : at + 4410])) / 32768 for at in range(0, len(samples), 4410)]
    assert max(peaks[:4]) < 0.02
    assert min(peaks[6:14]) == pytest.approx(0.5, abs=0.03)


def test_silence_is_no_voice(video: Path, tmp_path: Path) -> None:
    assert voice(video, 6, 8, tmp_path / "voice.wav") is None
    assert voice(made_video(tmp_path / "mute.mp4", 2), 0, 2, tmp_path / "voice.wav") is None
    assert [file.name for file in tmp_path.iterdir()] == ["mute.mp4"]


# The stills


def drawn(second: float, *, blurred: bool) -> Any:
    """Lines that wander, sharp or not."""
    image = Image.new("RGB", (320, 180), "white")
    draw = ImageDraw.Draw(image)
    for number in range(20):
        left = int(16 * number + 80 * second) % 320
        draw.rectangle((left, 5 * number, left + 20, 5 * number + 60), outline="black", width=2)
    return image.filter(ImageFilter.BoxBlur(4)) if blurred else image


def test_stills_are_sharp_different_and_spread(tmp_path: Path) -> None:
    sharp = (1.2, 2.0, 2.8, 3.7)  # all others are blurred
    file = made_video(
        tmp_path / "lines.mp4",
        4,
        size=(320, 180),
        fps=10,
        picture=lambda second: drawn(second, blurred=all(abs(second - one) > 0.01 for one in sharp)),
    )
    made = stills(file, 1, 4)
    assert len(made) == 4
    for content, second in zip(made, sharp, strict=True):
        picture = opened(content)
        assert (picture.format, picture.size) == ("JPEG", (711, 400))
        wanted = drawn(second, blurred=False).resize(picture.size)
        assert ImageStat.Stat(ImageChops.difference(picture, wanted)).mean[0] < 12


def test_a_frozen_video_has_two_stills(tmp_path: Path) -> None:
    file = made_video(
        tmp_path / "frozen.mp4", 1, size=(320, 180), fps=10, picture=lambda second: drawn(0, blurred=False)
    )
    assert len(stills(file, 0, 1)) == 2
    flat = made_video(tmp_path / "one.mp4", 0.04)
    assert len(stills(flat, 0, 0.04)) == 2


@pytest.mark.parametrize(
    ("size", "out"),
    [((2560, 1440), (1920, 1080)), ((160, 90), (711, 400)), ((720, 1280), (720, 1280))],
)
def test_stills_have_the_size_that_models_take(
    size: tuple[int, int], out: tuple[int, int], tmp_path: Path
) -> None:
    file = made_video(tmp_path / "video.mp4", 0.08, size=size)
    assert {opened(content).size for content in stills(file, 0, 0.08)} == {out}


# The last frame, and odd files


@pytest.mark.parametrize("name", ["grey.webm", "grey.avi", "grey.mkv", "grey.mov"])
def test_the_last_frame_is_the_very_last_in_any_kind_of_file(name: str, tmp_path: Path) -> None:
    codec = {"grey.webm": "libvpx", "grey.avi": "mpeg4"}.get(name, "libx264")
    file = made_video(tmp_path / name, 3, size=(64, 36), fps=10, codec=codec)
    assert brightness(last_frame(file)) == pytest.approx(grey(2.9), abs=4)
    assert look(file).seconds == pytest.approx(3, abs=0.02)


def test_a_turned_video_is_seen_upright(tmp_path: Path) -> None:
    """As phones film: the pictures lie, and the header says to turn them."""

    def half(second: float) -> Any:
        image = Image.new("RGB", (320, 180), "black")
        image.paste("white", (0, 0, 160, 180))  # the left half
        return image

    file = made_video(tmp_path / "phone.mp4", 0.2, size=(320, 180), picture=half)
    content = file.read_bytes()
    at = content.index(b"tkhd") + 44
    turned = b"".join(number.to_bytes(4, "big", signed=True) for number in (0, 1 << 16, 0, -1 << 16, 0, 0))
    file.write_bytes(content[:at] + turned + content[at + len(turned) :])
    seen = look(file)
    assert (seen.width, seen.height) == (180, 320)
    made = clip(file, 0, 0.2, tmp_path / "clip.mp4", min_seconds=0.2)
    for picture in (opened(last_frame(file)), opened(last_frame(made.path))):
        assert picture.width < picture.height
        top, bottom = (picture.convert("L").getpixel((200, picture.height * part // 4)) for part in (1, 3))
        assert top > 200  # turned by a quarter, clockwise: the left is above
        assert bottom < 50


@pytest.mark.parametrize("content", [b"", b"no medium", b"#EXTM3U\nfile:///etc/hostname\n"])
def test_what_is_no_video_is_a_sentence(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "odd.mp4"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"odd\.mp4 is no video"):
        stills(file, 0, 1)


def test_a_video_without_a_length_in_its_header_has_that_of_its_pictures(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av as module

    av: Any = module
    fragments = tmp_path / "fragments.mp4"
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(video)) as whole, av.open(str(fragments), "w", options=options) as written:
        stream = written.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(whole.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    picture = tmp_path / "still.jpg"
    picture.write_bytes(last_frame(video))
    webm = made_video(tmp_path / "made.webm", 2, codec="libvpx")
    assert [mp4_seconds(one) for one in (video, fragments, webm, picture)] == [10, None, None, None]
    assert [length_of(one) for one in (video, fragments, webm, picture)] == [10, 10, 2, None]
    monkeypatch.setitem(sys.modules, "av", None)
    assert [length_of(one) for one in (video, fragments)] == [10, None]


def recoded(video: Path, tmp_path: Path, *names: bytes) -> Path:
    """The same video with another codec: one that nobody knows."""
    content = video.read_bytes()
    for name in names:
        before, _, after = content.rpartition(name)
        content = before + b"nope" + after
    file = tmp_path / "unknown.mp4"
    file.write_bytes(content)
    return file


def test_pictures_that_nobody_can_decode_are_a_sentence(video: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pictures of an unknown codec are not decoded"):
        stills(recoded(video, tmp_path, b"avc1"), 0, 1)


def test_sound_that_nobody_can_decode_is_none(video: Path, tmp_path: Path) -> None:
    file = recoded(video, tmp_path, b"mp4a", b"esds")
    assert voice(file, 4, 5, tmp_path / "voice.wav") is None
    assert not look(clip(file, 4, 5, tmp_path / "clip.mp4", min_seconds=1).path).sound


def test_whatever_a_decoder_raises_is_a_sentence(video: Path) -> None:
    import av as module

    av: Any = module
    told = pytest.raises(ValueError, match=r"grey\.mp4 cannot be decoded here: .*Not yet implemented")
    with told, footage.opened(video):
        raise av.error.PatchWelcomeError(0, "Not yet implemented")
