"""A film: its episodes whole and in order, exact to a frame at each cut, and what stands beside it."""

from __future__ import annotations

import json
import os
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import pytest

from prefect_kie import flows
from prefect_kie.media import film as films
from prefect_kie.media.edit_list import Episode, edit_list, subtitles
from prefect_kie.media.film import Film, film, join
from prefect_kie.media.footage import WritingStopped, look
from tests.videos import grey, greys, heard, made_video

Image = pytest.importorskip("PIL.Image")
av: Any = pytest.importorskip("av")

SMALL = (64, 36)
EPISODES = [
    Episode(Path("a/one.mp4"), "a cat\n\nsurfs --> at dawn", 0.0, 2.0),
    Episode(Path("a/two 2.mp4"), "", 1.5, 3.0, sound=False),
    Episode(Path("a/three.mp4"), "the end " * 60, 4.5, 3600.0),
]


def tone(second: float) -> float:
    return 0.1


def times(path: Path) -> list[float]:
    """The time of each picture of a film."""
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(container.streams.video[0])]


def chapters(path: Path) -> list[tuple[str, float]]:
    with av.open(str(path)) as container:
        return [
            (one["metadata"]["title"], float(one["start"] * one["time_base"])) for one in container.chapters()
        ]


def test_five_clips_of_all_kinds_become_one_film_exact_to_a_frame(tmp_path: Path) -> None:
    kinds: list[tuple[str, tuple[int, int], Fraction | int, bool]] = [
        ("a.mp4", (96, 54), 25, True),
        ("b.mp4", (54, 96), 30, False),
        ("c.mp4", (128, 54), Fraction(24000, 1001), True),
        ("d.mov", (64, 64), 60, True),
        ("e.mkv", (96, 54), 12, False),
    ]
    files = [
        made_video(tmp_path / name, 2, size=size, fps=fps, loudness=tone if sound else None)
        for name, size, fps, sound in kinds
    ]
    made = join(files, tmp_path / "film.mp4")
    assert not made.copied
    assert made.fps == 25
    assert cuts(made) == pytest.approx([0, 2, 4, 6, 8], abs=0.04)
    seen = look(made.path)
    assert (seen.width, seen.height, seen.rate, seen.sound) == (96, 54, 25, True)
    assert seen.seconds == pytest.approx(made.seconds) == pytest.approx(10, abs=0.04)
    assert times(made.path) == pytest.approx([number / 25 for number in range(250)], abs=1e-4)
    for number, shown in enumerate(greys(made.path)):
        assert shown == pytest.approx(grey(number % 50 / 25), abs=4)
    peaks, samples = heard(made.path)
    assert samples / 48_000 == pytest.approx(10, abs=0.04)
    for tenth, peak in enumerate(peaks[:100]):
        if tenth % 20 not in (0, 19):
            assert (peak > 0.1) == (tenth // 20 in (0, 2, 3))
    with made.path.open("rb") as content:
        assert b"moov" in content.read(64)  # its index is at the front


def test_other_shapes_stand_on_black_and_are_not_stretched(tmp_path: Path) -> None:
    def white(size: tuple[int, int]) -> Any:
        return lambda second: Image.new("RGB", size, "white")

    files = [
        made_video(tmp_path / f"{size[0]}.mp4", 0.2, size=size, picture=white(size))
        for size in ((160, 90), (90, 160), (320, 90))
    ]
    made = join(files, tmp_path / "film.mp4")
    shown: list[tuple[int, ...]] = []
    with av.open(str(made.path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in (2, 7, 12):
                picture = frame.to_image().convert("L").point(lambda value: 255 * (value > 128))
                shown.append(picture.getbbox())
    assert shown[0] == (0, 0, 160, 90)
    assert shown[1] == pytest.approx((55, 0, 105, 90), abs=2)
    assert shown[2] == pytest.approx((0, 22, 160, 68), abs=2)


def cuts(made: Film) -> list[float]:
    """Where each episode starts."""
    return [episode.start for episode in made.episodes]


@pytest.mark.parametrize("sound", [True, False])
def test_clips_that_are_coded_alike_are_copied(sound: bool, tmp_path: Path) -> None:
    loudness = tone if sound else None
    files = [
        made_video(tmp_path / f"{number}.mp4", seconds, size=SMALL, loudness=loudness, preset="veryfast")
        for number, seconds in enumerate((1, 2, 1.2))
    ]
    made = join(files, tmp_path / "film.mp4", titles=["one", "two", "three"])
    assert made.copied
    assert (made.seconds, cuts(made)) == (pytest.approx(4.2), pytest.approx([0, 1, 3]))
    assert times(made.path) == pytest.approx([number / 25 for number in range(105)], abs=1e-4)
    wanted = [one for file in files for one in greys(file)]
    assert greys(made.path) == wanted  # not coded again
    if sound:
        peaks, samples = heard(made.path)
        assert min(peaks[:41]) > 0.09
        assert samples / 16_000 == pytest.approx(4.2, abs=1024 * 2 / 16_000)
    if int(av.__version__.partition(".")[0]) >= films.CHAPTERS_SINCE:
        assert chapters(made.path) == [("one", 0), ("two", 1), ("three", 3)]


@pytest.mark.parametrize(
    "other",
    [
        {"size": (64, 64)},
        {"fps": 30},
        {"loudness": None},
        {"preset": "veryfast"},
        {"codec": "mpeg4"},
    ],
    ids=str,
)
def test_clips_of_which_one_is_coded_otherwise_are_not_copied(other: dict[str, Any], tmp_path: Path) -> None:
    plain: dict[str, Any] = {"size": SMALL, "loudness": tone}
    files = [
        made_video(tmp_path / "a.mp4", 0.4, **plain),
        made_video(tmp_path / "b.mp4", 0.4, **(plain | other)),
    ]
    made = join(files, tmp_path / "film.mp4")
    assert not made.copied
    assert len(times(made.path)) == 20


def test_a_crossfade_blends_pictures_and_sound(tmp_path: Path) -> None:
    def flat(value: int) -> Any:
        return lambda second: Image.new("RGB", SMALL, (value,) * 3)

    files = [
        made_video(tmp_path / "dark.mp4", 2, size=SMALL, picture=flat(20), loudness=tone),
        made_video(tmp_path / "light.mp4", 2, size=SMALL, picture=flat(220)),
        made_video(tmp_path / "short.mp4", 0.4, size=SMALL, picture=flat(20)),
    ]
    made = join(files, tmp_path / "film.mp4", crossfade=1.0)
    assert cuts(made) == pytest.approx([0, 1, 2.8])  # the last one is too short for more than 0.2 s
    assert made.seconds == pytest.approx(3.2)
    shown = greys(made.path)
    assert len(shown) == 80
    assert shown[:25] == pytest.approx([20] * 25, abs=4)
    for number in range(25):
        assert shown[25 + number] == pytest.approx(20 + 200 * (number + 1) / 26, abs=5)
    assert shown[50:70] == pytest.approx([220] * 20, abs=4)
    peaks, _ = heard(made.path)
    assert peaks[5] > 1.8 * peaks[15] > 3 * peaks[18] > 0.01
    assert max(peaks[21:32]) < 0.001


def test_levels_are_evened_within_bounds(tmp_path: Path) -> None:
    # A tone's mean (RMS) is 3 dB below its peak: the level of -20 dB is a peak of 0.141.
    loudness = {"quiet": 0.05, "loud": 0.5, "faint": 0.01, "silent": 0.0005}
    files = [
        made_video(tmp_path / f"{name}.mp4", 1, size=SMALL, loudness=lambda second, peak=peak: peak)
        for name, peak in loudness.items()
    ]
    burst = made_video(tmp_path / "burst.mp4", 1, size=SMALL, loudness=lambda second: 0.8 * (second < 0.0625))
    peaks, _ = heard(join([*files, burst], tmp_path / "film.mp4", crossfade=0.04).path)
    quiet, loud, faint, silent = (max(peaks[10 * number + 3 : 10 * number + 7]) for number in range(4))
    assert (quiet, loud) == (pytest.approx(0.141, rel=0.1), pytest.approx(0.141, rel=0.1))
    assert faint == pytest.approx(0.04, rel=0.15)  # 12 dB, and no more
    assert silent < 0.001
    assert 0.5 < max(peaks[36:40] + peaks[40:42]) <= 0.97  # raised where there is room, and not clipped


def test_what_cannot_be_joined_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = made_video(tmp_path / "good.mp4", 0.4, size=SMALL)
    odd = tmp_path / "odd.mp4"
    odd.write_bytes(b"no medium")
    target = tmp_path / "film.mp4"
    with pytest.raises(ValueError, match="less than or equal to 1"):
        flows.Film(crossfade=2)
    with pytest.raises(ValueError, match=r"odd\.mp4 is no video"):
        join([good, odd], target)
    monkeypatch.setattr(films, "LONGEST_FILM", 0.5)
    with pytest.raises(ValueError, match="1 s long together"):
        join([good, good], target)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["good.mp4", "odd.mp4"]


@pytest.mark.parametrize("crossfade", [0.0, 0.1])
def test_a_film_that_is_given_up_leaves_nothing(crossfade: float, tmp_path: Path) -> None:
    good, asked = made_video(tmp_path / "good.mp4", 0.4, size=SMALL), iter([False, False, True])
    with pytest.raises(WritingStopped):
        join([good, good], tmp_path / "film.mp4", crossfade=crossfade, stopped=lambda: next(asked))
    assert [file.name for file in tmp_path.iterdir()] == ["good.mp4"]


async def test_a_cancelled_film_ends_soon(tmp_path: Path) -> None:
    long = made_video(tmp_path / "long.mp4", 60, size=(640, 360), fps=1)
    with anyio.move_on_after(0.2) as scope:
        await film([long] * 10, tmp_path / "film.mp4", crossfade=0.5)
    assert scope.cancelled_caught
    with anyio.fail_after(10):
        while len(list(tmp_path.iterdir())) > 1:
            await anyio.sleep(0.05)


def memory() -> float:
    """This process's memory, MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_film(tmp_path: Path) -> None:
    """Its pictures would take 80 MiB."""
    file = made_video(tmp_path / "a.mp4", 5, size=(480, 270), fps=24)
    most: list[float] = []
    join([file] * 4, tmp_path / "film.mp4", crossfade=1, stopped=lambda: most.append(memory()) or False)
    assert max(most) - most[60] < 30


# What stands beside it


def test_an_edit_list_has_the_films_clips() -> None:
    timeline = json.loads(edit_list(EPISODES, fps=24, name="cat & co"))
    assert (timeline["OTIO_SCHEMA"], timeline["name"]) == ("Timeline.1", "cat & co")
    stack = timeline["tracks"]
    assert stack["OTIO_SCHEMA"] == "Stack.1"
    assert [(track["OTIO_SCHEMA"], track["kind"]) for track in stack["children"]] == [
        ("Track.1", "Video"),
        ("Track.1", "Audio"),
    ]
    pictures, sound = (track["children"] for track in stack["children"])
    assert [one["OTIO_SCHEMA"] for one in pictures] == ["Clip.2", "Transition.1", "Clip.2", "Clip.2"]
    assert [one["OTIO_SCHEMA"] for one in sound] == ["Clip.2", "Transition.1", "Gap.1", "Clip.2"]
    addresses = [
        one["media_references"]["DEFAULT_MEDIA"]["target_url"]
        for one in pictures
        if "media_references" in one
    ]
    assert addresses == ["one.mp4", "two%202.mp4", "three.mp4"]
    spans = [
        (one["source_range"]["start_time"]["value"], one["source_range"]["duration"]["value"])
        for one in pictures
        if one["OTIO_SCHEMA"] == "Clip.2"
    ]
    assert spans == [(0, 42), (6, 66), (0, 86400)]  # together as long as the film, 4.5 s and an hour
    assert (pictures[1]["in_offset"]["value"], pictures[1]["out_offset"]["value"]) == (6, 6)


def test_opentimelineio_reads_the_edit_list() -> None:
    otio = pytest.importorskip("opentimelineio")
    timeline = otio.adapters.read_from_string(edit_list(EPISODES, fps=24).decode(), "otio_json")
    assert timeline.duration().to_seconds() == pytest.approx(3604.5)
    starts = [clip.trimmed_range_in_parent().start_time.to_seconds() for clip in timeline.find_clips()][:3]
    assert starts == pytest.approx([0, 1.75, 4.5])
    assert timeline.video_tracks()[0][0].media_reference.target_url == "one.mp4"


def test_subtitles_show_each_title_while_it_plays() -> None:
    entries = subtitles(EPISODES).split("\n\n")
    assert len(entries) == 3
    assert entries[0] == "1\n00:00:00,000 --> 00:00:01,500\na cat surfs → at dawn"
    assert entries[1] == "2\n00:00:01,500 --> 00:00:04,500\n–"
    assert entries[2].startswith("3\n00:00:04,500 --> 01:00:04,500\nthe end")
    assert all(len(line) <= 60 for entry in entries for line in re.split("\n", entry)[2:])
    assert len(entries[2].strip().splitlines()) == 5
    assert subtitles([]) == ""
