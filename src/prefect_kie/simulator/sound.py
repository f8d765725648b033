"""Sound: a plain tone whose pitch belongs to the prompt, as WAV, MP3 or the track of a video."""

from __future__ import annotations

import hashlib
import importlib
import io
import math
import struct
import wave
from collections.abc import Iterator
from typing import Any

RATE = 16_000  # low, for fast rendering


def tone(prompt: str, number: int, seconds: int) -> bytes:
    """Return a tone as 16 bit samples; another prompt or number gives another pitch."""
    period = 30 + (hashlib.sha256(prompt.encode()).digest()[0] + 29 * number) % 60
    wave_once = [round(6000 * math.sin(2 * math.pi * step / period)) for step in range(period)]
    once = struct.pack(f"<{period}h", *wave_once)
    return (once * (RATE * seconds // period + 1))[: 2 * RATE * seconds]


def render_sound(form: str, *, prompt: str, number: int, seconds: int) -> bytes:
    """Return a sound file: `wav` or `mp3`."""
    samples, file = tone(prompt, number, seconds), io.BytesIO()
    if form == "wav":
        with wave.open(file, "wb") as written:
            written.setparams((1, 2, RATE, 0, "NONE", ""))
            written.writeframes(samples)
        return file.getvalue()
    av: Any = importlib.import_module("av")  # as Any: PyAV's own types differ between its versions
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream(
            "libmp3lame", rate=RATE, options={"b": "32000", "compression_level": "9"}
        )
        for packet in encoded(stream, samples):
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
