"""Pictures of a video for the run page: a poster, frames, a contact sheet.

Where PyAV or Pillow (the extra `pictures`) is missing, or a file cannot be read, there are simply none.
"""

import base64
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from prefect.logging import get_logger

from prefect_kie.media.footage import frames

MAX_DECODING_SECONDS = 5.0
_QUALITIES = (80, 65, 50, 35, 20, 10)

STEP_SECONDS = 0.5  # no two frames of a contact sheet are nearer to each other than this
MAX_FRAMES = 24
SHEET_BYTES = 400 * 1024  # of the JPEG; the artifact, which the Prefect server stores, is a third longer
SHEET_SECONDS = 30.0
COLUMNS, WIDTH = 4, 320  # of a contact sheet, and of each of its frames in pixels: a face is seen
_CLEAR = (80, 65, 50, 35)  # qualities at which it still is
BAND = 22  # height of the band below each frame, with its time, in pixels
GAP = 4
MARK = "#f97316"  # the colour of a suggested slice


async def poster(file: Path) -> str | None:
    """A small picture of a video (or of a picture), as a data URI of at most 30 KiB; None without one."""
    # Of its second second: the very first picture is often black.
    made = await pictures(file, [1.0], width=320, max_bytes=22 * 1024)
    return made[0] if made else None


async def pictures(file: Path, seconds: Sequence[float], *, width: int, max_bytes: int) -> list[str]:
    """Pictures of a video at ascending times (past its end: the last one) as data URIs of JPEGs, or none."""
    return await _tried(partial(jpegs, file, seconds, width=width, max_bytes=max_bytes), file)


async def contact_sheet(file: Path, seconds: float, part: tuple[float, float] | None = None) -> str | None:
    """Frames of a video of this length with their times, a suggested part marked, as a data URI; or None."""
    made = await _tried(lambda: [contact_sheet_jpeg(file, seconds, part)], file)
    return made[0] if made else None


async def _tried(make: Callable[[], list[bytes]], file: Path) -> list[str]:
    try:
        made = await anyio.to_thread.run_sync(make)
    except Exception as error:  # no PyAV; a damaged or unknown file; whatever a decoder may raise
        get_logger("prefect_kie").debug("No pictures of %s: %r", file, error)
        return []
    return [f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" for jpeg in made]


def jpegs(file: Path, seconds: Sequence[float], *, width: int, max_bytes: int) -> list[bytes]:
    """Pictures of a video as JPEG files, in the calling thread; raises whatever its decoder does."""
    found = _frames(file, seconds, MAX_DECODING_SECONDS)
    return [jpeg_of(_scaled(frame, width), max_bytes) for frame in found]


def contact_sheet_jpeg(file: Path, seconds: float, suggested: tuple[float, float] | None = None) -> bytes:
    """A contact sheet as a JPEG of at most `SHEET_BYTES`, in the calling thread; raises as `jpegs`."""
    tiles: list[tuple[float, Any]] = []
    times = moments(seconds)
    for second, frame in zip(times, _frames(file, times, SHEET_SECONDS), strict=True):
        time = second if frame.time is None else float(frame.time)
        if tiles and time <= tiles[-1][0]:
            continue  # it lasts, or the video or our patience has ended: shown once, at its own time
        tiles.append((time, _scaled(frame, WIDTH, max_height=3 * WIDTH)))
    for step in (1, 2, 3):  # rather fewer frames than small or blurred ones
        with suppress(ValueError):
            return jpeg_of(_drawn(tiles[::step], suggested), SHEET_BYTES, _CLEAR, factors=(1,))
    return jpeg_of(_drawn(tiles, suggested), SHEET_BYTES)


def moments(seconds: float) -> list[float]:
    """The times of a contact sheet's frames: every half second, less often where these are too many."""
    halves = max(1, math.ceil(seconds / STEP_SECONDS))
    return [number * STEP_SECONDS for number in range(0, halves, math.ceil(halves / MAX_FRAMES))]


def _drawn(tiles: Sequence[tuple[float, Any]], suggested: tuple[float, float] | None) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    width, height = tiles[0][1].size
    columns = min(COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    sheet = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + BAND + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for number, (second, image) in enumerate(tiles):
        left, top = number % columns * (width + GAP), number // columns * (height + BAND + GAP)
        sheet.paste(image, (left, top))
        marked = suggested is not None and suggested[0] <= second <= suggested[1]
        right, bottom = left + width - 1, top + height + BAND - 1
        draw.rectangle((left, top + height, right, bottom), fill=MARK if marked else "#1f2937")
        if marked:
            draw.rectangle((left, top, right, bottom), outline=MARK, width=GAP)
        middle = (left + width / 2, top + height + BAND / 2)
        draw.text(middle, f"{second:.1f} s", fill="white", font=font, anchor="mm")
    return sheet


def _scaled(frame: Any, width: int, max_height: int = 10_000) -> Any:
    height = min(max_height, max(2, round(frame.height * width / frame.width)))
    return frame.to_image(width=width, height=height)


def jpeg_of(
    image: Any, max_bytes: int, qualities: Sequence[int] = _QUALITIES, factors: Sequence[int] = (1, 2, 4, 8)
) -> bytes:
    """The best JPEG of a Pillow image within a limit: of lower quality first, then half as wide and high."""
    for factor in factors:
        smaller = image.reduce(factor)
        for quality in qualities:
            content = io.BytesIO()
            smaller.save(content, "JPEG", quality=quality, optimize=True)
            if content.tell() <= max_bytes:
                return content.getvalue()
    raise ValueError(f"no picture of at most {max_bytes} bytes")


def _frames(file: Path, seconds: Sequence[float], limit_seconds: float) -> Iterator[Any]:
    """The frames (PyAV's `VideoFrame`) at given times; once the time is up, the one it has come to."""
    until = time.monotonic() + limit_seconds
    decoded = frames(file, seconds[0])
    frame = next(decoded)
    for second in seconds:
        while frame.time is not None and frame.time < second and time.monotonic() < until:
            if (following := next(decoded, None)) is None:
                break
            frame = following
        yield frame
