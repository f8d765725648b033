"""Sound: a plain tone whose pitch belongs to the prompt, as WAV, MP3 or the track of a video."""

from __future__ import annotations

import hashlib
import importlib
import io
import math
import struct
from collections.abc import Iterator
from typing import Any

RATE = 16_000  # low, for fast rendering
CODECS = {"wav": "pcm_s16le", "mp3": "libmp3lame"}


def tone(prompt: str, number: int, seconds: int) -> bytes:
    """Return a tone as 16 bit samples; another prompt or number gives another pitch."""
    period = 30 + (hashlib.sha256(prompt.encode()).digest()[0] + 29 * number) % 60
    wave_once = [round(6000 * math.sin(2 * math.pi * step / period)) for step in range(period)]
    once = struct.pack(f"<{period}h", *wave_once)
    return (once * (RATE * seconds // period + 1))[: 2 * RATE * seconds]


def render_sound(form: str, *, prompt: str, number: int, seconds: int) -> bytes:
    """Return a sound file: `wav` or `mp3`."""
    av: Any = importlib.import_module("av")  # as Any: PyAV's own types differ between its versions
    file, fast = io.BytesIO(), {"b": "32000", "compression_level": "9"} if form == "mp3" else {}
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(CODECS[form], rate=RATE, options=fast)
        for packet in encoded(stream, tone(prompt, number, seconds)):
            container.mux(packet)
    return file.getvalue()


def encoded(stream: Any, samples: bytes) -> Iterator[Any]:
    """Encode samples into the packets of a container's sound stream."""
    av: Any = importlib.import_module("av")
    step = 2 * 1024
    for start in range(0, len(samples), step):
        piece = samples[start : start + step]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(piece) // 2)
        frame.planes[0].update(piece)
        frame.sample_rate, frame.pts = RATE, start // 2
        yield from stream.encode(frame)
    yield from stream.encode(None)
