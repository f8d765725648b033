"""Referenced files: those of the simulator are looked at; what is wrong with one makes the job fail."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from typing import Any, ParamSpec

import av
import pytest
from PIL import Image

from prefect_kie.simulator.jobs import Clip
from prefect_kie.simulator.media import LIMITS, look
from prefect_kie.simulator.rendering import render

from .conftest import NewWorld, World, text_job
from .test_every_model import LIVE
from .test_references import (
    KLING,
    OMNI,
    PIXVERSE,
    REFERENCES,
    SEEDANCE,
    WAN,
    Given,
    body,
    element,
    picture,
)

P = ParamSpec("P")
Make = Callable[[], bytes]


def made_once(make: Callable[P, bytes]) -> Callable[P, Make]:
    """Nothing is made while tests are collected."""
    kept = cache(make)
    return lambda *args, **options: partial(kept, *args, **options)


@made_once
def image(width: int, height: int, form: str = "png", mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, form)
    return file.getvalue()


@made_once
def video(width: int = 1280, height: int = 720, seconds: int = 3, fps: int = 24, form: str = "mp4") -> bytes:
    """Return a video of one plain picture, which is encoded once and repeated."""
    file, blank = io.BytesIO(), av.VideoFrame(width, height, "yuv420p")
    for plane in blank.planes:
        plane.update(bytes(plane.buffer_size))
    with av.open(file, "w", format=form) as container:
        stream: Any = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        still = b"".join(bytes(packet) for frame in (blank, None) for packet in stream.encode(frame))
        for number in range(seconds * fps):
            packet = av.Packet(still)
            packet.stream, packet.time_base, packet.duration = stream, Fraction(1, fps), 1
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return file.getvalue()


@made_once
def sound(seconds: int, form: str = "wav") -> bytes:
    return render(Clip("a voice", "any", seconds, form=form), height=0, fps=1)


async def uploaded(world: World, content: bytes, name: str) -> str:
    form = {"uploadPath": "in", "fileName": name}
    answer = await world.ask("POST", "/api/file-stream-upload", files={"file": (name, content)}, data=form)
    return str(answer["data"]["downloadUrl"])


async def outcome(world: World, job: Given) -> str | None:
    """Run a job; return why it failed, None for a success, and see that only a success is charged."""
    await world.client.patch("/_sim/settings", json={"credits": 1e6})
    data = await world.finished(job)
    assert (await world.credits() == 1e6) is (data["state"] == "fail")
    words: str | None = data["failMsg"]
    return words


PNG, CLIP, VOICE = image(720, 720), video(), sound(5)
FETCH_FAILED = " fetch failed. Check access settings or use our File Upload API instead."
FRAME = {"image_urls": [picture()]}


def fields(model: str, path: str, url: str) -> Given:
    """Return fields of a model in which an address stands at a path."""
    if path.endswith("element_input_urls"):
        return {path.partition(".")[0]: [element("mia", url, url)], **(FRAME if model == KLING else {})}
    if path.endswith("element_input_audio_urls"):
        spoken = element("mia", element_input_audio_urls=[url])
        return {path.partition(".")[0]: [spoken], **(FRAME if model == KLING else {})}
    special: dict[str, Given] = {
        "image_references.image_url": {"image_references": [{"image_url": url}]},
        "video_list.url": {"video_list": [{"url": url, "start": 0, "ends": 3}]},
        "last_frame_url": {"last_frame_url": url, "first_frame_url": picture()},
        "reference_voice": {"reference_voice": url, "reference_image": [picture()]},
        "first_frame": {"first_frame": url, "reference_image": [picture()]},
    }
    given = special.get(path) or {path: [url] if LIVE[model]["fields"][path]["type"] == "array" else url}
    if path == "reference_audio_urls":
        given["reference_image_urls"] = [picture()]
    if model == REFERENCES and path == "video_urls":
        given |= {"image_urls": [], "aspect_ratio": "auto", "audio": False}
    return given


EVERY_FIELD = [(model, path) for model in LIMITS if model in LIVE for path in LIMITS[model]]


@pytest.mark.parametrize(("model", "path"), EVERY_FIELD)
async def test_a_field_takes_its_kind_of_file(world: World, model: str, path: str) -> None:
    kind = next(iter(LIMITS[model][path]))
    files = {"image": (PNG(), "a.png"), "video": (CLIP(), "a.mp4"), "audio": (VOICE(), "a.wav")}
    right, wrong = files.pop(kind), files["audio" if kind != "audio" else "image"]
    assert await outcome(world, body(model, **fields(model, path, await uploaded(world, *right)))) is None
    # Under a name that tells nothing, so that only its content can.
    unfit = await uploaded(world, wrong[0], "unnamed")
    words = await outcome(world, body(model, **fields(model, path, unfit)))
    assert words is not None
    assert path.rpartition(".")[2] in words
    assert "file type not supported" in words
    gone = "http://kie.test/files/uploads/in/gone"
    words = await outcome(world, body(model, **fields(model, path, gone)))
    assert words == kind.title() + FETCH_FAILED


PICTURES, VIDEOS, SOUNDS = (f"reference_{kind}_urls" for kind in ("image", "video", "audio"))
WRONG: list[tuple[str, str, bytes, str]] = [
    (SEEDANCE, VIDEOS, video(1920, 1080), "video pixel count must be at most 927408, got 2073600"),
    (SEEDANCE, VIDEOS, video(640, 480), "video pixel count must be at least 409600, got 307200"),
    (SEEDANCE, VIDEOS, video(1280, 288), "video width and height must be at least 300, got 288"),
    (SEEDANCE, VIDEOS, video(1280, 400), "video aspect ratio must be at most 2.5, got 3.2"),
    (SEEDANCE, VIDEOS, video(fps=12), "video frame rate must be at least 24, got 12"),
    (SEEDANCE, VIDEOS, video(seconds=1), "video duration must be at least 2, got 1"),
    (SEEDANCE, VIDEOS, video(seconds=16), "video duration must be at most 15, got 16"),
    (SEEDANCE, VIDEOS, video(form="matroska"), "file type not supported: matroska"),
    (SEEDANCE, PICTURES, image(720, 299), "image width and height must be at least 300, got 299"),
    (SEEDANCE, PICTURES, image(6001, 3000), "image width and height must be at most 6000, got 6001"),
    (SEEDANCE, PICTURES, image(800, 310), "image aspect ratio must be at most 2.5, got 2.581"),
    (SEEDANCE, PICTURES, image(310, 800), "image aspect ratio must be at least 0.4, got 0.388"),
    (SEEDANCE, PICTURES, lambda: PNG() + bytes(32_000_000), "file size exceeds 30 MB"),
    (SEEDANCE, SOUNDS, sound(1), "audio duration must be at least 2, got 1"),
    (SEEDANCE, SOUNDS, sound(16, "mp3"), "audio duration must be at most 15, got 16"),
    (SEEDANCE, SOUNDS, lambda: b"no sound", "is not a valid audio file"),
    (WAN, PICTURES, image(239, 720), "image width and height must be at least 240, got 239"),
    (WAN, PICTURES, image(720, 720, mode="RGBA"), "must not have an alpha channel"),
    (WAN, PICTURES, image(720, 720, "gif"), "file type not supported: gif"),
    (KLING, "image_urls", image(299, 400), "image width and height must be at least 300, got 299"),
    (KLING, "image_urls", image(400, 400, "webp"), "file type not supported: webp"),
    (KLING, "kling_elements.element_input_urls", image(299, 400), "image width and height must be at least"),
    (KLING, "kling_elements.element_input_audio_urls", sound(4), "audio duration must be at least 5, got 4"),
    (REFERENCES, "video_urls", video(640, 480), "video width and height must be at least 700, got 480"),
    ("wan/2-7-r2v", "reference_voice", sound(11), "audio duration must be at most 10, got 11"),
    ("happyhorse/reference-to-video", "reference_image", image(399, 600), "image width and height must be"),
    (PIXVERSE, "image_references.image_url", image(400, 400, "bmp"), "file type not supported: bmp"),
]


@pytest.mark.parametrize(
    ("model", "path", "content", "words"), WRONG, ids=[f"{row[0]}-{row[3]}" for row in WRONG]
)
async def test_a_file_beyond_a_limit_fails_the_job(
    world: World, model: str, path: str, content: Make, words: str
) -> None:
    url = await uploaded(world, content(), "unnamed")
    told = await outcome(world, body(model, **fields(model, path, url)))
    assert told is not None
    assert words in told
    stats = await world.stats()
    assert (stats["failed"], stats["charged"], stats["violations"]) == (1, 0, 0)


async def test_videos_are_counted_together(world: World) -> None:
    url = await uploaded(world, video(seconds=6)(), "a.mp4")
    assert await outcome(world, body(SEEDANCE, reference_video_urls=[url] * 2)) is None
    told = await outcome(world, body(SEEDANCE, reference_video_urls=[url] * 3))
    assert told == "reference_video_urls video duration must be at most 15 s together"
    assert await outcome(world, body(f"{SEEDANCE}-5", reference_video_urls=[url] * 3)) is None
    told = await outcome(world, body(WAN, reference_video_urls=[url] * 2, duration=19))
    assert told == "reference_video_urls and duration must be at most 30 s together"


async def test_an_element_of_a_video_that_is_cut_first_lasts_no_longer_than_eight_seconds(
    world: World,
) -> None:
    url = await uploaded(world, video(seconds=9)(), "a.mp4")
    for model, right in ((f"{OMNI}text-to-video", False), (REFERENCES, True)):
        told = await outcome(world, body(model, elements=[element("mia", url)]))
        assert (told is None) is right


async def test_an_upload_is_gone_after_a_day(world: World) -> None:
    url = await uploaded(world, PNG(), "a.png")
    assert await outcome(world, body(SEEDANCE, reference_image_urls=[url])) is None
    world.pass_time(86_400)
    assert await outcome(world, body(SEEDANCE, reference_image_urls=[url])) == "Image" + FETCH_FAILED


async def test_a_result_is_a_reference_of_its_documented_size(world: World) -> None:
    [film] = await world.urls(text_job())
    assert await outcome(world, body(SEEDANCE, reference_video_urls=[film])) is None
    told = await outcome(world, body(SEEDANCE, reference_image_urls=[film]))
    assert told == "reference_image_urls[0] file type not supported: video, expected image"
    world.pass_time(15 * 86_400)
    assert await outcome(world, body(SEEDANCE, reference_video_urls=[film])) == "Video" + FETCH_FAILED


async def test_without_the_extra_files_are_not_looked_at(
    new_world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world()
    url = await uploaded(world, b"no picture", "a.png")
    monkeypatch.setitem(sys.modules, "av", None)
    assert await outcome(world, body(SEEDANCE, reference_image_urls=[url])) is None


@pytest.mark.parametrize(
    ("content", "kind", "size"),
    [
        (image(40, 30, "jpeg"), "image", (30, 40)),
        (image(40, 30, "gif"), "image", (30, 40)),
        (video(64, 36, 1), "video", (36, 64)),
        (video(64, 36, 1, form="matroska"), "video", (36, 64)),
        (sound(1), "audio", None),
        (sound(1, "mp3"), "audio", None),
    ],
)
def test_a_file_is_known_by_its_content(content: Make, kind: str, size: Any) -> None:
    media = look(content())
    assert (media.kind, media.measures.get("width and height")) == (kind, size)
    assert round(sum(media.measures.get("duration", ()))) == (kind != "image")


@pytest.mark.parametrize("content", [b"", b"text", b"<html></html>", bytes(1000)])
def test_anything_else_is_no_reference(content: bytes) -> None:
    with pytest.raises(ValueError, match="neither"):
        look(content)
