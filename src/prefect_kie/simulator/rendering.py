"""Real files: videos with a running time code, pictures, and plain tones that belong to their prompts.

Videos are H.264 that browsers play. PyAV and Pillow are optional: this module is imported to render a file.
"""

import contextlib
import hashlib
import importlib
import io
import math
import struct
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from prefect_kie.simulator.files import RenderingStopped
from prefect_kie.simulator.jobs import Clip

av: Any = importlib.import_module("av")  # whose own types differ between its versions
RATE = 16_000  # of sounds; low, for fast rendering
CODECS = {"wav": "pcm_s16le", "mp3": "libmp3lame"}
WHITE, DIM = (255, 255, 255), (205, 210, 220)


def render(
    clip: Clip,
    height: int,
    fps: int,
    image: bytes | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> bytes:
    """Return the file of a clip, before a background that is left out if it cannot be read.

    `height` is that of the short side. `stopped` is called before each picture of a video; True gives the
    rendering up, with RenderingStopped.
    """
    if clip.form in CODECS:
        return _sound(clip)
    if clip.form != "mp4":
        return _picture(clip, height, image)
    with tempfile.TemporaryDirectory(prefix="prefect-kie-simulator-") as folder:
        path = Path(folder, "video.mp4")
        _video(path, clip, height, fps, image, stopped)
        return path.read_bytes()


def _video(
    path: Path, clip: Clip, height: int, fps: int, image: bytes | None, stopped: Callable[[], bool]
) -> None:
    """Render a playable MP4 file: H.264, yuv420p, its index at the front, as long as the clip exactly."""
    short, long = height // 2 * 2, round(height // 2 * 2 * 16 / 9 / 2) * 2  # even, as H.264 needs
    size = width, height = (short, long) if (clip.ratio or 1) < 1 else (long, short)
    still, font, frames = _still(size, clip, image), _font(size, 0.09), clip.seconds * fps
    margin, bar = width // 16, max(2, height // 60)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "g": str(2 * fps)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        fast = {"aac_coder": "fast"}
        track = container.add_stream("aac", rate=RATE, layout="mono", options=fast) if clip.sound else None
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
        for packet in _encoded(track, clip) if track else ():
            container.mux(packet)


def _picture(clip: Clip, height: int, image: bytes | None) -> bytes:
    ratio, number, file = clip.ratio or 1, clip.number, io.BytesIO()
    size = (round(height * max(1, ratio)), round(height * max(1, 1 / ratio)))
    picture, band = _still(size, clip, image), (0, size[1] - max(2, height // 20), *size)
    ImageDraw.Draw(picture).rectangle(band, fill=(40 * number % 256, 200 - 37 * number % 200, 120))
    picture.save(file, clip.form)
    return file.getvalue()


def _still(size: tuple[int, int], clip: Clip, image: bytes | None) -> Image.Image:
    """Everything that does not move: background, model, prompt and watermark."""
    width, height = size
    picture = _background(size, clip.prompt, image)
    draw = ImageDraw.Draw(picture, "RGBA")
    margin, font = width // 16, _font(size, 0.075)
    draw.text((margin, margin), clip.model, font=_font(size, 0.055), fill=DIM)
    line_height = max(4, round(min(size) * 0.075 * 1.3))
    rows = max(1, int(height * 0.55) // line_height)
    columns = max(4, round((width - 2 * margin) / font.getlength("n")))
    lines = textwrap.wrap(clip.prompt, columns, max_lines=rows, placeholder=" …")
    draw.text((margin, height // 4), "\n".join(lines), font=font, fill=WHITE)
    if clip.watermark:
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


def _sound(clip: Clip) -> bytes:
    file, fast = io.BytesIO(), {"b": "32000", "compression_level": "9"} if clip.form == "mp3" else {}
    with av.open(file, "w", format=clip.form) as container:
        stream = container.add_stream(CODECS[clip.form], rate=RATE, options=fast)
        for packet in _encoded(stream, clip):
            container.mux(packet)
    return file.getvalue()


def _encoded(stream: Any, clip: Clip) -> Iterator[Any]:
    """A tone in packets of a container's sound stream; another prompt or number gives another pitch."""
    period = 30 + (hashlib.sha256(clip.prompt.encode()).digest()[0] + 29 * clip.number) % 60
    wave_once = [round(6000 * math.sin(2 * math.pi * step / period)) for step in range(period)]
    once, count = struct.pack(f"<{period}h", *wave_once), RATE * clip.seconds
    frame = av.AudioFrame(format="s16", layout="mono", samples=count)
    frame.planes[0].update((once * (count // period + 1))[: 2 * count])
    frame.sample_rate, frame.pts = RATE, 0
    yield from (*stream.encode(frame), *stream.encode(None))
