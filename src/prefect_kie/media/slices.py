"""What shows a character in a slice of a video: a few stills, a short clip, the voice.

All functions run in the calling thread, need PyAV and Pillow (the extra `pictures`), and raise a ValueError
(PyAV's own errors are ValueErrors or OSErrors) where a file cannot be read or a slice cannot be used.
"""

import math
import wave
from array import array
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

from prefect_kie.media.footage import Footage, Take, frames, look, samples, shots, write
from prefect_kie.media.pictures import jpeg_of
from prefect_kie.storage.base import part_for

SHORTEST_SIDE, LONGEST_SIDE = 400, 1920  # of a still, pixels; the strictest model wants 400
STILL_BYTES = 10_000_000
STILLS = 4  # at most
QUALITIES = (92, 85, 75)
FEWEST_PIXELS, MOST_PIXELS = 409_600, 927_408  # of a clip's pictures
PIXELS_OF_720P = 1280 * 720
LONGEST_CLIP = 8.0
SILENCE = 10 ** (-50 / 20)  # the peak below which a slice has no voice: -50 dBFS
VOICE_RATE = 44_100
MIN_DIFFERENCE = 6.0  # of two stills, mean of their thumbnails' pixels; 0 to 255
_SLACK = 0.1  # seconds by which a slice may end too late: a header may count the sound's end, too
# Below 10 MB in 8 s, which the strictest model takes, whatever the pictures are.
_ENCODING = {"preset": "veryfast", "crf": "18", "maxrate": "8M", "bufsize": "8M"}


class Clip(NamedTuple):
    """A clip as it was written, and where it is in the video, seconds."""

    path: Path
    start: float
    end: float


def suggested(seconds: float) -> tuple[float, float]:
    """The slice to begin with: three seconds in the middle of a video of this length, to the half second."""
    begin = max(0.0, round(seconds - 3.0) / 2)
    return begin, max(begin + 1.0, min(begin + 3.0, seconds))


def widened(start: float, end: float, seconds: float, shortest: float) -> tuple[float, float]:
    """A slice widened to both sides to be so long; a ValueError where the video of `seconds` is shorter."""
    if seconds < shortest - _SLACK / 10:
        raise ValueError(f"the video is {seconds:.2f} s long; {shortest:g} s of it are needed")
    missing = max(0.0, shortest - (end - start))
    begin = max(0.0, min(start - missing / 2, seconds - (end - start) - missing))
    return begin, min(seconds, begin + (end - start) + missing)


def stills(file: Path, start: float, end: float) -> list[bytes]:
    """Two to four JPEGs of a slice (seconds), in order of time: the sharpest of each part of it, unlike each
    other; 400 to 1920 pixels a side, below 10 MB each.
    """
    footage, start, end = _checked(file, start, end)
    best: dict[int, tuple[float, Any, Any]] = {}  # of each part: sharpness, thumbnail, frame
    last: Any = None
    for frame in frames(file, start and footage.begin + start):
        time = float(frame.time or 0.0) - footage.begin
        if time >= end and last is not None:
            break
        last = frame
        if time < start:
            continue
        part = min(STILLS - 1, int((time - start) / (end - start) * STILLS))
        grey = frame.reformat(width=640, height=max(2, 640 * frame.height // frame.width), format="gray")
        image = grey.to_image().convert("L")
        score = _sharpness(image) * _novelty(image, [one[1] for number, one in best.items() if number < part])
        if part not in best or score > best[part][0]:
            best[part] = (score, image.resize((24, 24)), frame)
    found = [best[part] for part in sorted(best)] or [(0.0, None, last)]
    enough = max(score for score, *_ in found) / 10
    chosen = [frame for score, _, frame in found if score > enough]
    others = [frame for _, _, frame in found if all(frame is not one for one in chosen)]
    chosen = sorted([*chosen, *others[: max(0, 2 - len(chosen))]], key=lambda frame: frame.time or 0.0)
    made = [jpeg_of(_image(footage, frame), STILL_BYTES, QUALITIES, factors=(1,)) for frame in chosen]
    return made * 2 if len(made) == 1 else made


def clip(file: Path, start: float, end: float, target: Path, *, min_seconds: float = 3.0) -> Clip:
    """Write a slice (seconds) as an MP4 that every model takes, whole or not at all: H.264, about 720p, 24 to
    60 fps, AAC, below 10 MB, at most 8 s. A slice shorter than `min_seconds` is widened to both sides. Raises
    ValueError when the slice is not in the video, or the video is too short.
    """
    footage, start, end = _checked(file, start, end)
    start, end = widened(start, end, footage.seconds, min_seconds)
    rate = footage.steady_rate
    count = max(1, min(round((end - start) * rate), int(LONGEST_CLIP * rate)))
    size = _clip_size(footage)
    seen = shots(Take(footage, start, count), rate, size)
    write(target, seen, size=size, rate=rate, sound=footage.sound, encoding=_ENCODING)
    return Clip(target, start, start + float(count / rate))


def voice(file: Path, start: float, end: float, target: Path) -> Path | None:
    """Write the sound of a slice as a WAV file (16 bit, mono, 44.1 kHz); None where there is none to hear."""
    footage, start, end = _checked(file, start, end)
    count, peak = round((end - start) * VOICE_RATE), 0
    with part_for(target) as part:
        with part.open("wb") as content, wave.open(content, "wb") as written:
            written.setparams((1, 2, VOICE_RATE, count, "NONE", ""))
            heard = samples(Take(footage, start, 0), count, rate=VOICE_RATE, form="s16", layout="mono")
            for piece in heard:
                written.writeframesraw(piece)
                peak = max(peak, max(map(abs, array("h", piece))))
        if peak < SILENCE * 32768:
            return None
        part.replace(target)
    return target


def last_frame(file: Path) -> bytes:
    """The very last picture of a video as a JPEG, to be the first one of the next."""
    footage = look(file)
    # From the start where it cannot be sought in.
    starts = (footage.begin + footage.seconds - 1.0, 0.0)
    frame = next(last[0] for start in starts if (last := deque(frames(file, start), maxlen=1)))
    return jpeg_of(_image(footage, frame), STILL_BYTES, (95, *QUALITIES), factors=(1,))


def _checked(file: Path, start: float, end: float) -> tuple[Footage, float, float]:
    footage = look(file)
    if not 0 <= start < end <= footage.seconds + _SLACK:
        said = f"the slice from {start:g} s to {end:g} s is no part of {file.name}"
        raise ValueError(f"{said}, which is {footage.seconds:.2f} s long")
    end = min(end, footage.seconds)
    return footage, min(start, max(0.0, end - _SLACK)), end


def _clip_size(footage: Footage) -> tuple[int, int]:
    """Its own size where models take that, else as near as they do; even, as H.264 needs."""
    pixels = footage.width * footage.height
    factor, spare = 1.0, 0.0
    if pixels > MOST_PIXELS:
        factor = math.sqrt(PIXELS_OF_720P / pixels)
    elif pixels < FEWEST_PIXELS + 2 * (footage.width + footage.height):  # cut to even, it may be too small
        factor, spare = max(1.0, math.sqrt(FEWEST_PIXELS / pixels)), 0.999
    return int(footage.width * factor / 2 + spare) * 2, int(footage.height * factor / 2 + spare) * 2


def _image(footage: Footage, frame: Any) -> Any:
    long, short = max(footage.width, footage.height), min(footage.width, footage.height)
    factor = max(min(1.0, LONGEST_SIDE / long), SHORTEST_SIDE / short)
    width, height = max(2, round(footage.width * factor)), max(2, round(footage.height * factor))
    if footage.rotation in (90, -90):
        width, height = height, width
    image = frame.to_image(width=width, height=height)
    return image.rotate(footage.rotation, expand=True) if footage.rotation else image


def _sharpness(image: Any) -> float:
    """The variance of a grey picture's Laplacian: low where it is blurred, or shows nothing."""
    from PIL import ImageFilter, ImageStat

    edges = image.filter(ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128))
    inner = edges.crop((1, 1, edges.width - 1, edges.height - 1))  # Pillow leaves the outermost pixels alone
    return float(ImageStat.Stat(inner).var[0])


def _novelty(image: Any, others: list[Any]) -> float:
    """0 to 1: how much a picture differs from each of the other ones' thumbnails."""
    from PIL import ImageChops, ImageStat

    small = image.resize((24, 24))
    differences = [ImageStat.Stat(ImageChops.difference(small, one)).mean[0] for one in others]
    return min([1.0, *(difference / MIN_DIFFERENCE for difference in differences)])
