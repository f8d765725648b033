"""Videos made for tests: any size, rate and length, with or without sound."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

SOUND_RATE = 16_000


def grey(second: float) -> int:
    """The brightness that tells the time: ten seconds go from black to 200 of 255."""
    return round(20 * second)


def made_video(
    path: Path,
    seconds: float,
    *,
    size: tuple[int, int] = (160, 90),
    fps: Fraction | int = 25,
    loudness: Callable[[float], float] | None = None,
    picture: Callable[[float], Any] | None = None,
    codec: str = "libx264",
    preset: str = "ultrafast",
) -> Path:
    """Write a video whose brightness tells the time, or whose pictures are made by the second.

    Args:
        path: The file; its suffix tells the kind.
        seconds: How long it is.
        size: Width and height, even.
        fps: Pictures per second.
        loudness: Of its tone at each second, 0 to 1; without it the video has no sound.
        picture: Makes the Pillow image of each second.
        codec: Of its pictures.
        preset: Of libx264.
    """
    import av as module
    from PIL import Image

    av: Any = module
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec, rate=fps, options={"preset": preset} if codec == "libx264" else {"deadline": "realtime"}
        )
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        track = None
        if loudness:
            track = container.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=SOUND_RATE)
            track.layout = "mono"
        for number in range(round(seconds * fps)):
            second = float(number / fps)
            image = picture(second) if picture else Image.new("RGB", size, (grey(second),) * 3)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
        for start in range(0, round(seconds * SOUND_RATE) if track and loudness else 0, 1000):
            second = start / SOUND_RATE
            peak = 32000 * (loudness(second) if loudness else 0.0)
            tone = [
                round(peak * math.sin(2 * math.pi * 440 * (start + at) / SOUND_RATE)) for at in range(1000)
            ]
            frame = av.AudioFrame(format="s16", layout="mono", samples=len(tone))
            frame.planes[0].update(struct.pack(f"<{len(tone)}h", *tone))
            frame.sample_rate, frame.pts = SOUND_RATE, start
            container.mux(track.encode(frame))
        if track:
            container.mux(track.encode(None))
    return path


def greys(path: Path) -> list[float]:
    """The brightness in the middle of each picture of a video."""
    import av as module

    av: Any = module
    with av.open(str(path)) as container:
        return [
            float(frame.to_image().convert("L").getpixel((frame.width // 2, frame.height // 2)))
            for frame in container.decode(container.streams.video[0])
        ]


def heard(path: Path) -> tuple[list[float], int]:
    """The peak of each tenth of a second of a file's sound, 0 to 1, and how many samples it has."""
    import av as module

    av: Any = module
    samples = array("h")
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="s16", layout="mono", rate=stream.rate)
        for frame in container.decode(stream):
            for one in resampler.resample(frame):
                samples.frombytes(bytes(one.planes[0])[: 2 * one.samples])
    step = stream.rate // 10
    peaks = [max(map(abs, samples[at : at + step])) / 32768 for at in range(0, len(samples), step)]
    return peaks, len(samples)
