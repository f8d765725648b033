"""The files that references name: whether they exist, and are what Kie's pages ask of them.

Kie fetches a file after createTask has answered, so that a wrong one makes the job fail, at no cost. Only
this simulator's own uploads and results are looked at: the outside world is out of reach, and so accepted.
"""

from __future__ import annotations

import importlib
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from prefect_kie.simulator.faults import Failure
from prefect_kie.simulator.models import Json, is_list, is_object
from prefect_kie.simulator.video import RendererMissing, check_renderer

if TYPE_CHECKING:
    from prefect_kie.simulator.state import Simulator

Range = tuple[float, float]

FETCH_FAILED = "{} fetch failed. Check access settings or use our File Upload API instead."  # as recorded
SOUND_FILES = ("mp3", "wav", "flac", "ogg", "aac")


@dataclass(frozen=True)
class Limits:
    """What a field takes of one kind of file; what is not limited is not documented."""

    formats: tuple[str, ...] = ()  # names of Pillow's or of PyAV's
    megabytes: float = math.inf
    sides: Range = (0, math.inf)  # in pixels
    pixels: Range = (0, math.inf)
    ratio: Range = (0, math.inf)  # of width to height
    fps: Range = (0, math.inf)
    seconds: Range = (0, math.inf)
    together: float = math.inf  # seconds of all files of a field
    with_result: float = math.inf  # seconds of all files of a field and of the video that is made
    opaque: bool = False  # whether a picture may not be transparent


@dataclass(frozen=True)
class Media:
    """What a file is; None: not known."""

    kind: str  # `image`, `video` or `audio`
    formats: tuple[str, ...]
    size: int = 0  # bytes
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    seconds: float = 0
    transparent: bool = False


Fields = Mapping[str, Mapping[str, Limits]]  # limits by the path of a field and by the kind of a file


def _all(kind: str, limits: Limits, *paths: str) -> dict[str, dict[str, Limits]]:
    return {path: {kind: limits} for path in paths}


WEB, JPEG_PNG, MP4, SAMPLE = ("jpeg", "png", "webp"), ("jpeg", "png"), ("mp4",), ("mp3", "wav")
SIDES_300, FLAT = (300, math.inf), (0.4, 2.5)

KLING_PICTURE = Limits(JPEG_PNG, 10, SIDES_300)
OMNI_PICTURE = Limits(JPEG_PNG, 50, SIDES_300, ratio=FLAT)
OMNI_VIDEO = Limits(MP4, 200, (700, 4553), (0, 8_294_400), (0.4, 2), (24, 60), (3, 15.5))


def _elements(field: str, longest: float = math.inf) -> Fields:
    voice = {"audio": Limits(seconds=(5, 30))}
    files = {"image": KLING_PICTURE, "video": Limits(MP4, seconds=(3, longest))}
    return {f"{field}.element_input_urls": files, f"{field}.element_input_audio_urls": voice}


MOTION: Fields = {
    **_all("image", Limits(JPEG_PNG, 10, SIDES_300, ratio=FLAT), "input_urls"),
    **_all("video", Limits(MP4, 100, seconds=(3, 30)), "video_urls"),
}


def _seedance(megabytes: float, seconds: float) -> Fields:
    picture = Limits((*WEB, "bmp", "tiff", "gif"), 30, (300, 6000), ratio=FLAT)
    lasts, pixels = (2, seconds), (409_600, 927_408)
    video = Limits(MP4, megabytes, (300, 6000), pixels, FLAT, (24, 60), lasts, together=seconds)
    sound = Limits(SAMPLE, 15, seconds=lasts, together=seconds)
    return {
        **_all("image", picture, "reference_image_urls", "first_frame_url", "last_frame_url"),
        **_all("video", video, "reference_video_urls"),
        **_all("audio", sound, "reference_audio_urls"),
    }


SEEDANCE, SEEDANCE_2_5 = _seedance(50, 15), _seedance(200, 30)
WAN_RATIO = (1 / 8, 8)
WAN_PICTURE = Limits((*WEB, "bmp"), 20, (240, 8000), ratio=WAN_RATIO, opaque=True)
WAN_3: Fields = {
    **_all("image", WAN_PICTURE, "reference_image_urls", "first_frame_url", "last_frame_url"),
    "reference_video_urls": {
        "video": Limits(MP4, 100, (240, 4096), ratio=WAN_RATIO, seconds=(1, 15), together=15, with_result=30)
    },
    "reference_audio_urls": {"audio": Limits(SAMPLE, 15, seconds=(1, 15), together=15)},
}
WAN_MIX: Fields = {
    **_all("image", Limits(WEB, 10), "image_url"),
    **_all("video", Limits((*MP4, "matroska"), 10), "video_url"),
}
GEMINI: Fields = {
    **_all("image", Limits(megabytes=20), "image_urls"),
    "video_list.url": {"video": Limits(megabytes=100, seconds=(0, 30))},
}

FIELDS: Mapping[str, Fields] = {
    "kling-3.0/video": {**_all("image", KLING_PICTURE, "image_urls"), **_elements("kling_elements")},
    "kling-3.0-omni/image-to-video": {**_all("image", OMNI_PICTURE, "image_urls"), **_elements("elements")},
    "kling-3.0-omni/reference-to-video": {
        **_all("image", OMNI_PICTURE, "image_urls"),
        **_all("video", OMNI_VIDEO, "video_urls"),
        **_elements("elements"),
    },
    "kling-3.0-omni/text-to-video": _elements("elements", 8),
    "kling-3.0-omni/transformation": {
        **_all("image", OMNI_PICTURE, "image_urls"),
        **_all("video", replace(OMNI_VIDEO, pixels=(0, math.inf)), "video_urls"),
        **_elements("elements", 8),
    },
    "kling-3.0/motion-control": MOTION,
    "kling-2.6/motion-control": MOTION,
    "bytedance/seedance-2": SEEDANCE,
    "bytedance/seedance-2-fast": SEEDANCE,
    "bytedance/seedance-2-mini": SEEDANCE,
    "bytedance/seedance-2-5": SEEDANCE_2_5,
    "wan/3-0-video": WAN_3,
    "wan/3-0-video-prime": WAN_3,
    "wan/2-7-r2v": {
        **_all("image", replace(WAN_PICTURE, opaque=False), "reference_image", "first_frame"),
        **_all("video", Limits(MP4, 100), "reference_video"),
        **_all("audio", Limits(SAMPLE, 15, seconds=(1, 10)), "reference_voice"),
    },
    "wan/2-6-video-to-video": _all("video", Limits((*MP4, "matroska"), 10), "video_urls"),
    "wan/2-7-videoedit": {
        **_all("image", replace(WAN_PICTURE, megabytes=math.inf), "reference_image"),
        **_all("video", Limits(MP4, 100, (240, 4096), seconds=(2, 10)), "video_url"),
    },
    "wan/2-2-animate-replace": WAN_MIX,
    "wan/2-2-animate-move": WAN_MIX,
    "pixverse-v6/reference-to-video": _all("image", Limits(WEB, 20), "image_references.image_url"),
    "minimax-h3/reference-to-video": {
        **_all("image", Limits((*WEB, "heif"), 30, (256, 5760), ratio=FLAT), "reference_image_urls"),
        "reference_video_urls": {
            "video": Limits(MP4, 50, (256, 5760), ratio=FLAT, fps=(23.97, 60), seconds=(2, 15), together=15)
        },
        "reference_audio_urls": {"audio": Limits(SAMPLE, 15, seconds=(2, 15), together=15)},
    },
    "happyhorse-1-1/reference-to-video": _all("image", Limits(WEB, 20, (400, math.inf)), "reference_image"),
    "happyhorse/reference-to-video": _all("image", Limits(WEB, 10, (400, math.inf)), "reference_image"),
    "happyhorse/video-edit": {
        **_all("image", Limits(WEB, 10, SIDES_300, ratio=FLAT), "reference_image"),
        **_all("video", Limits(MP4, 100, (320, 2160), fps=(8, math.inf), seconds=(3, 60)), "video_url"),
    },
    "veo-3-1": _all("image", Limits(), "image_urls"),
    "gemini-omni-video": GEMINI,
    "google/gemini-omni-flash-1-1": {
        **_all("image", Limits(megabytes=20), "first_frame_url", "last_frame_url"),
        **GEMINI,
    },
    "gemini-omni-character": _all("image", Limits(megabytes=20), "image_urls"),
    "grok-imagine/image-to-video": _all("image", Limits(WEB, 10), "image_urls"),
    "grok-imagine-video-1-5-preview": _all("image", Limits(WEB, 20), "image_urls"),
}


def spoilt(simulator: Simulator, model: str, given: Json, base_url: str) -> Failure | None:
    """Return how a job fails at a file that its input names; None where every file is right, or not ours."""
    host = urlsplit(base_url).netloc
    for path, takes in FIELDS.get(model, {}).items():
        lasting: Counter[str] = Counter()
        for label, address in _walk(given, path.split("."), ""):
            parts = urlsplit(address)
            if parts.netloc != host or not parts.path.startswith("/files/"):
                continue
            kind = next(iter(takes)).title()
            try:
                media = _media(simulator, unquote(parts.path))
            except LookupError:
                return Failure(failCode="400", failMsg=FETCH_FAILED.format(kind))
            except ValueError:
                return _failure(f"{label} is not a valid {kind.lower()} file")
            if media and (words := _complaint(takes, media)):
                return _failure(f"{label} {words}")
            if media:
                lasting[media.kind] += round(1000 * media.seconds)
        for kind, milliseconds in lasting.items():
            seconds, limits = round(milliseconds / 1000, 1), takes[kind]
            if seconds > limits.together:
                return _failure(f"{path} {kind} duration must be at most {limits.together:g} s together")
            if limits.with_result < math.inf and seconds + (given.get("duration") or 5) > limits.with_result:
                return _failure(f"{path} and duration must be at most {limits.with_result:g} s together")
    return None


def _failure(words: str) -> Failure:
    return Failure(failCode="422", failMsg=words)


def _walk(value: object, path: list[str], label: str) -> Iterator[tuple[str, str]]:
    """Yield the addresses at a path of fields, through the lists on the way, each with its place."""
    if is_list(value):
        for number, each in enumerate(value):
            yield from _walk(each, path, f"{label}[{number}]")
    elif path and is_object(value):
        yield from _walk(value.get(path[0]), path[1:], f"{label}.{path[0]}".lstrip("."))
    elif not path and isinstance(value, str):
        yield label, value


def _media(simulator: Simulator, path: str) -> Media | None:
    """Look at an own file. A result is taken at its documented size: the simulator draws it smaller.

    Raises:
        LookupError: There is no such file, or no more.
        ValueError: It is no picture, video or sound.
    """
    if found := simulator.clip_at(path):
        job, clip = found
        if not simulator.files.is_kept(job):
            raise LookupError(path)
        kind = {"mp4": "video", "mp3": "audio", "wav": "audio"}.get(clip.form, "image")
        return Media(kind, (clip.form,), seconds=0 if kind == "image" else clip.seconds)
    if (upload := simulator.files.kept_upload(path)) is None:
        raise LookupError(path)
    try:
        check_renderer()
    except RendererMissing:
        return None
    return look(upload.body)


def look(body: bytes) -> Media:
    """Read the head of a file.

    Raises:
        ValueError: It is no picture, video or sound.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body)) as picture:
            transparent = "A" in picture.getbands() or "transparency" in picture.info
            form = (picture.format or "").lower()
            return Media("image", (form,), len(body), *picture.size, transparent=transparent)
    except (OSError, Image.DecompressionBombError):
        pass
    av: Any = importlib.import_module("av")  # as Any: PyAV's own types differ between its versions
    try:
        with av.open(io.BytesIO(body)) as container:
            forms, seconds = tuple(container.format.name.split(",")), (container.duration or 0) / 1e6
            if container.streams.video and not set(forms).intersection(SOUND_FILES):
                video = container.streams.video[0]
                fps = float(video.average_rate or 0)
                return Media("video", forms, len(body), video.width, video.height, fps, seconds)
            if container.streams.audio:
                return Media("audio", forms, len(body), seconds=seconds)
    except av.error.FFmpegError:
        pass
    raise ValueError("neither a picture nor a video nor a sound")


def _complaint(takes: Mapping[str, Limits], media: Media) -> str | None:
    """Return what is wrong with a file, in the words that follow its place."""
    kind, limits = media.kind, takes.get(media.kind)
    if limits is None:
        return f"file type not supported: {kind}, expected {' or '.join(takes)}"
    if limits.formats and not set(limits.formats).intersection(media.formats):
        return f"file type not supported: {media.formats[0]}"
    if media.size > limits.megabytes * 2**20:
        return f"file size exceeds {limits.megabytes:g} MB"
    if limits.opaque and media.transparent:
        return "must not have an alpha channel"
    measured: list[tuple[str, Range, float]] = []
    if media.width and media.height:
        sides = sorted((media.width, media.height))
        measured += [
            ("width and height", (limits.sides[0], math.inf), sides[0]),
            ("width and height", (0, limits.sides[1]), sides[1]),
            ("pixel count", limits.pixels, media.width * media.height),
            ("aspect ratio", limits.ratio, round(media.width / media.height, 3)),
        ]
    if media.fps:
        measured.append(("frame rate", limits.fps, round(media.fps, 2)))
    if kind != "image":
        measured.append(("duration", limits.seconds, round(media.seconds, 1)))
    for name, (least, most), value in measured:
        if value < least:
            return f"{kind} {name} must be at least {least:.10g}, got {value:.10g}"
        if value > most:
            return f"{kind} {name} must be at most {most:.10g}, got {value:.10g}"
    return None
