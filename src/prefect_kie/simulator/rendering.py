"""Real files: videos with a running time code, pictures, and plain tones that belong to their prompts.

Videos are H.264 that browsers play. PyAV and Pillow are optional: this module is imported to render a file.
"""

import contextlib
import hashlib
import importlib
import io
import math
import struct
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from prefect_kie.simulator.files import RenderingStopped

av: Any = importlib.import_module("av")  # whose own types differ between its versions
RATE = 16_000  # of sounds; low, for fast rendering
CODECS = {"wav": "pcm_s16le", "mp3": "libmp3lame"}
WHITE, DIM = (255, 255, 255), (205, 210, 220)


def render_video(
    path: Path | str,
    *,
    prompt: str,
    model: str,
    seconds: int,
    portrait: bool,
    height: int,
    fps: int,
    image: bytes | None = None,
    watermark: bool = False,
    sound: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> Path:
    """Render a playable MP4 file (H.264, yuv420p, its index at the front), of `seconds` exactly.

    `height` is that of the short side, and a background that cannot be read is left out. `stopped` is called
    before each picture; True gives the rendering up, with RenderingStopped.
    """
    short, long = height // 2 * 2, round(height // 2 * 2 * 16 / 9 / 2) * 2  # even, as H.264 needs
    width, height = (short, long) if portrait else (long, short)
    still = _still((width, height), prompt=prompt, model=model, image=image, watermark=watermark)
    font, margin, bar, frames = _font((width, height), 0.09), width // 16, max(2, height // 60), seconds * fps
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "g": str(2 * fps)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        fast = {"aac_coder": "fast"}
        track = container.add_stream("aac", rate=RATE, layout="mono", options=fast) if sound else None
        for index in range(frames):
            if stopped():
                raise RenderingStopped
            picture = still.copy()
            draw = ImageDraw.Draw(picture)
            time_code = f"{index // fps // 60:02d}:{index / fps % 60:05.2f}"
            draw.text((margin, height - margin), time_code, font=font, fill=WHITE, anchor="ls")
            draw.rectangle((0, height - bar, round(width * index / frames), height), fill=WHITE)
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
        for packet in encoded(track, tone(prompt, 0, seconds)) if track else ():
            container.mux(packet)
    return Path(path)


def render_picture(
    form: str, *, prompt: str, model: str, ratio: float, height: int, number: int, image: bytes | None
) -> bytes:
    """Return a picture (`png`, `jpeg` or `webp`) by its ratio of width to height and its short side."""
    size = (round(height * max(1, ratio)), round(height * max(1, 1 / ratio)))
    picture, file = _still(size, prompt=prompt, model=model, image=image, watermark=False), io.BytesIO()
    band = (0, size[1] - max(2, height // 20), *size)
    ImageDraw.Draw(picture).rectangle(band, fill=(40 * number % 256, 200 - 37 * number % 200, 120))
    picture.save(file, form)
    return file.getvalue()


def _still(
    size: tuple[int, int], *, prompt: str, model: str, image: bytes | None, watermark: bool
) -> Image.Image:
    """Everything that does not move: background, model, prompt and watermark."""
    width, height = size
    picture = _background(size, prompt, image)
    draw = ImageDraw.Draw(picture, "RGBA")
    margin, font = width // 16, _font(size, 0.075)
    draw.text((margin, margin), model, font=_font(size, 0.055), fill=DIM)
    line_height = max(4, round(min(size) * 0.075 * 1.3))
    rows = max(1, int(height * 0.55) // line_height)
    columns = max(4, round((width - 2 * margin) / font.getlength("n")))
    lines = textwrap.wrap(prompt, columns, max_lines=rows, placeholder=" …")
    draw.text((margin, height // 4), "\n".join(lines), font=font, fill=WHITE)
    if watermark:
        sign, middle = _font(size, 0.16), (width // 2, height // 2)
        draw.text(middle, "WATERMARK", font=sign, fill=(*WHITE, 90), anchor="mm")
    return picture


def _background(size: tuple[int, int], prompt: str, image: bytes | None) -> Image.Image:
    """The given picture, darkened, or a colour that belongs to the prompt."""
    if image is not None:
        with contextlib.suppress(OSError), Image.open(io.BytesIO(image)) as source:
            fitted = ImageOps.fit(source.convert("RGB"), size)
            return Image.blend(fitted, Image.new("RGB", size), 0.35)
    hue = 360 * hashlib.sha256(prompt.encode()).digest()[0] // 256
    return Image.new("RGB", size, f"hsl({hue}, 50%, 22%)")


def _font(size: tuple[int, int], share: float) -> Any:
    return ImageFont.load_default(max(4, round(min(size) * share)))


def tone(prompt: str, number: int, seconds: int) -> bytes:
    """Return a tone as 16 bit samples; another prompt or number gives another pitch."""
    period = 30 + (hashlib.sha256(prompt.encode()).digest()[0] + 29 * number) % 60
    wave_once = [round(6000 * math.sin(2 * math.pi * step / period)) for step in range(period)]
    once = struct.pack(f"<{period}h", *wave_once)
    return (once * (RATE * seconds // period + 1))[: 2 * RATE * seconds]


def render_sound(form: str, *, prompt: str, number: int, seconds: int) -> bytes:
    file, fast = io.BytesIO(), {"b": "32000", "compression_level": "9"} if form == "mp3" else {}
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(CODECS[form], rate=RATE, options=fast)
        for packet in encoded(stream, tone(prompt, number, seconds)):
            container.mux(packet)
    return file.getvalue()


def encoded(stream: Any, samples: bytes) -> Iterator[Any]:
    """Encode samples into the packets of a container's sound stream."""
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.planes[0].update(samples)
    frame.sample_rate, frame.pts = RATE, 0
    yield from (*stream.encode(frame), *stream.encode(None))
