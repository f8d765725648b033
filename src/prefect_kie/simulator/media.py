"""The files that references name: whether they exist, and are what Kie's pages ask of them (`files.json`).

Kie fetches a file after createTask has answered, so that a wrong one makes the job fail, at no cost. Only
this simulator's own uploads and results are looked at: the outside world is out of reach, and so accepted.
"""

import importlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from prefect_kie.simulator.faults import Failure
from prefect_kie.simulator.files import Files, RendererMissing, check_renderer
from prefect_kie.simulator.models import Json, is_list, is_object, read

FETCH_FAILED = "{} fetch failed. Check access settings or use our File Upload API instead."  # as recorded
SOUND_FILES = ("mp3", "wav", "flac", "ogg", "aac")
MEASURES = ("width and height", "pixel count", "aspect ratio", "frame rate", "duration")

LIMITS: dict[str, dict[str, dict[str, Json]]] = {}
"""What a model takes of a kind of file at a path of fields; what is not limited is not documented.

`formats` are names of Pillow's or of PyAV's, each of MEASURES has its least and its most, `together` is the
duration of all files of a field, `with_result` that of them and of the video that is made, in seconds.
"""
for _row in read("simulator/files.json"):
    for _model in _row["models"]:
        for _path in _row["fields"]:
            LIMITS.setdefault(_model, {}).setdefault(_path, {})[_row["kind"]] = _row


@dataclass(frozen=True)
class Media:
    kind: str  # `image`, `video` or `audio`
    formats: tuple[str, ...]
    size: int = 0  # bytes
    measures: dict[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    transparent: bool = False


def spoilt(files: Files, model: str, given: Json, base_url: str) -> Failure | None:
    """Return how a job fails at a file that its input names; None where every file is right, or not ours."""
    host = urlsplit(base_url).netloc
    for path, takes in LIMITS.get(model, {}).items():
        lasting = dict.fromkeys(takes, 0.0)
        for label, address in _walk(given, path.split("."), ""):
            parts = urlsplit(address)
            if parts.netloc != host or not parts.path.startswith("/files/"):
                continue
            kind = next(iter(takes)).title()
            try:
                media = _media(files, unquote(parts.path))
            except LookupError:
                return Failure(failCode="400", failMsg=FETCH_FAILED.format(kind))
            except ValueError:
                return Failure(failCode="422", failMsg=f"{label} is not a valid {kind.lower()} file")
            if media and (words := _complaint(takes, media)):
                return Failure(failCode="422", failMsg=f"{label} {words}")
            if media:
                lasting[media.kind] += sum(media.measures.get("duration", ()))
        for kind, seconds in lasting.items():
            seconds, words, limits = round(seconds, 1), None, takes[kind]
            if "together" in limits and seconds > limits["together"]:
                words = f"{path} {kind} duration must be at most {limits['together']} s together"
            elif "with_result" in limits and seconds + (given.get("duration") or 5) > limits["with_result"]:
                words = f"{path} and duration must be at most {limits['with_result']} s together"
            if words:
                return Failure(failCode="422", failMsg=words)
    return None


def _walk(value: object, path: list[str], label: str) -> Iterator[tuple[str, str]]:
    """Yield the addresses at a path of fields, through the lists on the way, each with its place."""
    if is_list(value):
        for number, each in enumerate(value):
            yield from _walk(each, path, f"{label}[{number}]")
    elif path and is_object(value):
        yield from _walk(value.get(path[0]), path[1:], f"{label}.{path[0]}".lstrip("."))
    elif not path and isinstance(value, str):
        yield label, value


def _media(files: Files, path: str) -> Media | None:
    """Look at an own file; a result is taken at its documented size: the simulator draws it smaller."""
    if found := files.results.get(path):
        job, clip = found
        if not files.is_kept(job):
            raise LookupError(path)
        kind = {"mp4": "video", "mp3": "audio", "wav": "audio"}.get(clip.form, "image")
        return Media(kind, (clip.form,), measures={} if kind == "image" else {"duration": (clip.seconds,)})
    if (upload := files.kept_upload(path)) is None:
        raise LookupError(path)
    try:
        check_renderer()
    except RendererMissing:
        return None
    return look(upload.body)


def look(body: bytes) -> Media:
    """Read the head of a file; ValueError: it is no picture, video or sound."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body)) as picture:
            transparent = "A" in picture.getbands() or "transparency" in picture.info
            form = (picture.format or "").lower()
            return Media("image", (form,), len(body), _sizes(*picture.size), transparent)
    except (OSError, Image.DecompressionBombError):
        pass
    av: Any = importlib.import_module("av")
    try:
        with av.open(io.BytesIO(body)) as container:
            forms = tuple(container.format.name.split(","))
            lasts: dict[str, tuple[float, ...]] = {"duration": (round((container.duration or 0) / 1e6, 1),)}
            if container.streams.video and not set(forms).intersection(SOUND_FILES):
                video = container.streams.video[0]
                rate = {"frame rate": (round(float(video.average_rate or 0), 2),)}
                return Media("video", forms, len(body), _sizes(video.width, video.height) | rate | lasts)
            if container.streams.audio:
                return Media("audio", forms, len(body), lasts)
    except av.error.FFmpegError:
        pass
    raise ValueError("neither a picture nor a video nor a sound")


def _sizes(width: int, height: int) -> dict[str, tuple[float, ...]]:
    return {
        "width and height": (min(width, height), max(width, height)),
        "pixel count": (width * height,),
        "aspect ratio": (round(width / height, 3),),
    }


def _complaint(takes: dict[str, Json], media: Media) -> str | None:
    """Return what is wrong with a file, in the words that follow its place."""
    limits = takes.get(media.kind)
    if limits is None:
        return f"file type not supported: {media.kind}, expected {' or '.join(takes)}"
    if "formats" in limits and not set(limits["formats"]).intersection(media.formats):
        return f"file type not supported: {media.formats[0]}"
    if media.size > limits.get("megabytes", math.inf) * 2**20:
        return f"file size exceeds {limits['megabytes']:g} MB"
    if "opaque" in limits and media.transparent:
        return "must not have an alpha channel"
    for name in MEASURES:
        least, most = limits.get(name, (0, None))
        for value in media.measures.get(name, ()):
            if value < least:
                return f"{media.kind} {name} must be at least {least:.10g}, got {value:.10g}"
            if most is not None and value > most:
                return f"{media.kind} {name} must be at most {most:.10g}, got {value:.10g}"
    return None
