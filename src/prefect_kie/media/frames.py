"""Small pictures of a video, for the run page. They need PyAV and Pillow (the extra `pictures`).

Where these are missing, or a file cannot be read, there are simply no pictures: a video is never lost or
late for want of one.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from prefect.logging import get_logger

from prefect_kie.media.kinds import HEAD_BYTES, kind_of

if TYPE_CHECKING:
    from av.container import InputContainer

POSTER_WIDTH = 320
POSTER_BYTES = 22 * 1024
"""Of a JPEG; written as a data URI it is at most 30 KiB."""
POSTER_SECONDS = 1.0
"""Which moment a poster shows: the very first picture is often black."""

MAX_PIXELS = 50_000_000
MAX_DECODING_SECONDS = 5.0
_FORMATS = {
    ".mp4": "mp4",
    ".mov": "mp4",
    ".webm": "matroska",
    ".mkv": "matroska",
    ".avi": "avi",
    ".gif": "gif",
    ".jpg": "jpeg_pipe",
    ".png": "png_pipe",
    ".webp": "webp_pipe",
}
_QUALITIES = (75, 60, 45, 30, 15)


async def poster(file: Path) -> str | None:
    """A small picture of a video (or of a picture), as a data URI of at most 30 KiB.

    Args:
        file: The file, on this machine.

    Returns:
        The picture; None where none can be made.
    """
    made = await pictures(file, [POSTER_SECONDS], width=POSTER_WIDTH, max_bytes=POSTER_BYTES)
    return made[0] if made else None


async def pictures(file: Path, seconds: Sequence[float], *, width: int, max_bytes: int) -> list[str]:
    """Pictures of a video at given times, as data URIs.

    Args:
        file: The file, on this machine.
        seconds: The times, ascending; one past the end shows the last picture.
        width: Their width in pixels.
        max_bytes: Longest JPEG of each.

    Returns:
        One per time; none at all where they cannot be made.
    """
    make = partial(jpegs, file, seconds, width=width, max_bytes=max_bytes)
    try:
        return [_data_uri(jpeg) for jpeg in await anyio.to_thread.run_sync(make)]
    except ImportError:
        return []
    except Exception as error:  # a damaged or unknown file; whatever a decoder may raise
        get_logger("prefect_kie").debug("No pictures of %s: %r", file, error)
        return []


def jpegs(file: Path, seconds: Sequence[float], *, width: int, max_bytes: int) -> list[bytes]:
    """The same as JPEG files, in the calling thread.

    Raises:
        ImportError: when PyAV or Pillow is not installed.
        Exception: whatever they raise when the file cannot be read.
    """
    with frames(file, seconds, limit_seconds=MAX_DECODING_SECONDS) as found:
        return [_jpeg(frame, width, max_bytes) for frame in found]


@contextmanager
def frames(
    file: Path, seconds: Sequence[float], *, limit_seconds: float
) -> Generator[Iterator[Any], None, None]:
    """The decoded frames of a video at given times (PyAV's `VideoFrame`), one after the other.

    Args:
        file: The file, on this machine.
        seconds: The times, ascending; one past the end gives the last frame.
        limit_seconds: How long decoding may take, seconds; the frame it has come to then is given.

    Raises:
        ImportError: when PyAV is not installed.
        Exception: whatever it raises when the file cannot be read.
    """
    import av

    with file.open("rb") as content:
        # Its format is named, not guessed: a playlist could lead a decoder to other files and hosts.
        form = _FORMATS[kind_of(content.read(HEAD_BYTES)) or ""]
        content.seek(0)
        with av.open(content, "r", format=form) as container:
            yield _frames(container, seconds, time.monotonic() + limit_seconds)


def _frames(container: InputContainer, seconds: Sequence[float], until: float) -> Iterator[Any]:
    stream = container.streams.video[0]
    if stream.width * stream.height > MAX_PIXELS:
        raise ValueError(f"pictures of {stream.width} x {stream.height} pixels are not decoded")
    stream.codec_context.thread_count = 1  # many videos may come at once, and no one waits for these
    if seconds and seconds[0] > 0 and stream.time_base is not None and container.duration:
        container.seek(int(seconds[0] / stream.time_base), stream=stream)
    decoded: Iterator[Any] = container.decode(stream)
    frame: Any = None
    for second in seconds:
        while frame is None or (_is_before(frame, second) and time.monotonic() < until):
            following: Any = next(decoded, None)
            if following is None:
                break
            frame = following
        if frame is None:
            raise ValueError(f"no picture at {second} s")
        yield frame


def _is_before(frame: Any, second: float) -> bool:
    return frame.time is not None and frame.time < second


def _jpeg(frame: Any, width: int, max_bytes: int) -> bytes:
    while width >= 16:
        height = max(2, round(frame.height * width / frame.width))
        image = frame.to_image(width=width, height=height)
        for quality in _QUALITIES:
            content = io.BytesIO()
            image.save(content, "JPEG", quality=quality, optimize=True)
            if content.tell() <= max_bytes:
                return content.getvalue()
        width //= 2
    raise ValueError(f"no picture of at most {max_bytes} bytes")


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
