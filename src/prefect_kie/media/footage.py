"""Videos as pictures at a constant rate with exactly as much sound, read and written with PyAV.

It runs in the calling thread, holds a few pictures at a time, and needs PyAV (the extra `pictures`).
"""

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain, repeat, takewhile
from operator import mul
from pathlib import Path
from typing import Any, NamedTuple

from prefect_kie.media.kinds import VIDEO_SUFFIXES, kind_in, mp4_seconds
from prefect_kie.storage.base import part_for

MISSING = 'PyAV is missing, which cuts and joins videos: run pip install "prefect-kie[pictures]".'
MAX_PIXELS = 50_000_000
SLOWEST, FASTEST = Fraction(24), Fraction(60)  # pictures per second of what is written
SOUND_RATE = 48_000  # samples per second of what is written, in stereo
FORMATS = {
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
_TURNED = {90: "transpose=cclock,", -90: "transpose=clock,", 180: "hflip,vflip,", -180: "hflip,vflip,"}
_BYTES = {"s16": 2, "flt": 4}  # of a sample
_LATE = 0.001  # seconds; times of pictures are rounded to the clock of their file

Stopped = Callable[[], bool]
"""Asked before each picture is written; True ends the work with a `WritingStopped`."""


class WritingStopped(Exception):
    """A video was given up because its caller no longer wants it; nothing of it is left."""


class Footage(NamedTuple):
    """What a video is: its size as it is seen (upright, with square pixels), rate, length, sound."""

    file: Path
    width: int
    height: int
    rate: Fraction
    begin: float  # the time of its first picture by the file's own clock, seconds
    seconds: float  # from its first picture to the end of its last one
    sound: bool
    rotation: int  # degrees, counterclockwise, by which a player turns its pictures

    @property
    def steady_rate(self) -> Fraction:
        """The rate at which it is written: its own within 24 to 60."""
        return min(max(self.rate, SLOWEST), FASTEST)


class Take(NamedTuple):
    """A part of a video as it is written."""

    footage: Footage
    start: float  # seconds from its first picture
    pictures: int
    position: int = 0  # the number of its first picture in what is written
    sound: str = ""  # FFmpeg's filters of its sound, each with a comma before it


def pyav() -> Any:
    """The module `av`, as Any: PyAV's own types differ between its versions."""
    try:
        import av
    except ImportError as error:
        raise ModuleNotFoundError(MISSING, name="PyAV") from error
    return av


@contextmanager
def opened(file: Path) -> Generator[Any]:
    """A video or picture, opened by PyAV; what PyAV raises meanwhile is a ValueError or an OSError."""
    av = pyav()
    form = FORMATS.get(kind_in(file) or "")
    if form is None:
        raise ValueError(f"{file.name} is no video or picture of a known kind")
    try:
        # The format is named, not guessed: a playlist could lead a decoder to other files and hosts.
        with file.open("rb") as content, av.open(content, "r", format=form) as container:
            yield container
    except av.error.FFmpegError as error:
        if isinstance(error, ValueError | OSError):
            raise
        raise ValueError(f"{file.name} cannot be decoded here: {error}") from error


def video_of(container: Any) -> Any:
    """The stream of a container's pictures, to be decoded with one thread; refused where they are huge."""
    stream = next(iter(container.streams.video), None)
    if stream is None:
        raise ValueError("a file without pictures is no video")
    if stream.codec_context is None:
        raise ValueError("pictures of an unknown codec are not decoded")
    if stream.width * stream.height > MAX_PIXELS:
        raise ValueError(f"pictures of {stream.width} x {stream.height} pixels are not decoded")
    stream.codec_context.thread_count = 1  # many videos may come at once, and no one waits for these
    return stream


def look(file: Path) -> Footage:
    """What a video is, by its pictures, not its header; a ValueError or (PyAV's) OSError where it is none."""
    with opened(file) as container:
        stream = video_of(container)
        frame = next(container.decode(stream), None)
        if frame is None:
            raise ValueError(f"{file.name} has no pictures")
        rate = Fraction(stream.average_rate or stream.guessed_rate or SLOWEST).limit_denominator(1001)
        ratio = float(stream.sample_aspect_ratio or 1)
        rotation = frame.rotation
        size = (max(1, round(frame.width * ratio)), frame.height)
        width, height = size if rotation not in (90, -90) else size[::-1]
        # Of an unknown codec, it is silent.
        sound = any(one.codec_context is not None for one in container.streams.audio[:1])
    with opened(file) as container:
        stream = video_of(container)
        times = [
            (packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base or 1 / rate)
            for packet in container.demux(stream)
            if packet.pts is not None
        ]
    begin = min(time for time, _ in times)
    end = max(time + lasting for time, lasting in times)
    return Footage(file, width, height, rate, float(begin), float(end - begin), sound, rotation)


def length_of(file: Path) -> float | None:
    """How long a video plays, seconds: by its movie header, else, as of a fragmented MP4 or a WebM, by its
    pictures; None where neither says it, or PyAV is missing.
    """
    known = mp4_seconds(file)
    if known is None and kind_in(file) in VIDEO_SUFFIXES:
        with suppress(ImportError, ValueError, OSError):
            known = look(file).seconds
    return known


def frames(file: Path, start: float) -> Iterator[Any]:
    """The pictures (PyAV's `VideoFrame`s) from the last key picture before a time of the file's clock on."""
    with opened(file) as container:
        stream = video_of(container)
        if start > 0 and stream.time_base is not None and container.duration:
            container.seek(int(start / stream.time_base), stream=stream)
        yield from container.decode(stream)


def steady(take: Take, rate: Fraction, size: tuple[int, int]) -> Iterator[Any]:
    """The pictures of a take at a constant rate, of one size, on black where their shape is another."""
    decoded = frames(take.footage.file, take.start and take.footage.begin + take.start)
    frame, following = next(decoded), next(decoded, None)
    fitted, shown = _fitting(take.footage, size), None
    for number in range(take.pictures):
        second = take.footage.begin + take.start + float(number / rate) + _LATE
        while following is not None and following.time is not None and following.time <= second:
            frame, following, shown = following, next(decoded, None), None
        shown = shown or fitted(frame)
        yield shown


def _fitting(footage: Footage, size: tuple[int, int]) -> Callable[[Any], Any]:
    width, height = size
    factor = min(width / footage.width, height / footage.height)
    inner = f"{_even(footage.width * factor, width)}:{_even(footage.height * factor, height)}"
    chain = f"scale={inner},pad={width}:{height}:-1:-1:black,setsar=1,format=pix_fmts=yuv420p"
    filters = (_TURNED.get(footage.rotation, "") + chain).split(",")
    graphs: dict[Any, Any] = {}

    def fitted(frame: Any) -> Any:
        shape = (frame.width, frame.height, frame.format.name)
        if shape not in graphs:
            graphs.clear()
            graph = graphs[shape] = pyav().filter.Graph()
            about = {"format": frame.format, "time_base": frame.time_base or Fraction(1, 1000)}
            source = graph.add_buffer(width=frame.width, height=frame.height, **about)
            _link(graph, source, filters, "buffersink")
        graphs[shape].push(frame)
        return graphs[shape].pull()

    return fitted


def _even(pixels: float, most: int) -> int:
    return min(most, max(2, round(pixels / 2) * 2))


def _link(graph: Any, source: Any, filters: Sequence[str], sink: str) -> None:
    nodes = [source]
    for one in filters:
        name, _, words = one.partition("=")
        nodes.append(graph.add(name, words))
    graph.link_nodes(*nodes, graph.add(sink)).configure()


def samples(
    take: Take, count: int, *, rate: int = SOUND_RATE, form: str = "flt", layout: str = "stereo"
) -> Iterator[bytes]:
    """A take's sound: exactly so many samples, packed (`flt` or `s16`), with silence where there is none."""
    width = _BYTES[form] * (2 if layout == "stereo" else 1)
    left = count * width
    begin = take.footage.begin + take.start
    filters = (
        f"atrim=start={begin:.6f},asetpts=PTS-{begin:.6f}/TB,"
        f"aresample={rate}:async=1:first_pts=0,aformat=sample_fmts={form}:channel_layouts={layout}{take.sound}"
    ).split(",")
    sound = _sound(take.footage, begin, begin + count / rate, filters)
    heard = (bytes(frame.planes[0])[: frame.samples * width] for frame in sound)
    for piece in chain(heard, repeat(bytes(1024 * width))):
        if not left:
            return
        yield piece[:left]
        left -= len(piece[:left])


def _sound(footage: Footage, begin: float, end: float, filters: Sequence[str]) -> Iterator[Any]:
    """Its sound frames (PyAV's `AudioFrame`s) between these times of the file's clock, filtered."""
    if not footage.sound:
        return
    with opened(footage.file) as container:
        stream = container.streams.audio[0]
        if begin > 1:
            # A second early: decoders of sound need some frames to find their feet.
            container.seek(int((begin - 1) / stream.time_base), stream=stream)
        decoded = takewhile(lambda one: one.time is None or one.time <= end, container.decode(stream))
        if (first := next(decoded, None)) is None:
            return
        # FFmpeg would make each side of a single channel 3 dB quieter.
        doubled = ["pan=stereo|c0=c0|c1=c0"] if first.layout.name == "mono" else []
        graph = pyav().filter.Graph()
        about = {"format": first.format.name, "layout": first.layout.name, "time_base": first.time_base}
        source = graph.add_abuffer(sample_rate=first.sample_rate, **about)
        _link(graph, source, [*doubled, *filters], "abuffersink")
        for frame in chain([first], decoded, [None]):
            graph.push(frame)
            with suppress(BlockingIOError, EOFError):
                while True:
                    yield graph.pull()


def level(take: Take, count: int) -> tuple[float, float]:
    """How loud a take is: the mean (RMS) and the peak of its samples, each 0 to 1."""
    squares, peak = 0, 0
    for piece in samples(take, count, form="s16"):
        heard = array("h", piece)
        squares += sum(map(mul, heard, heard))
        peak = max(peak, max(heard), -min(heard))
    return (squares / max(1, 2 * count)) ** 0.5 / 32768, peak / 32768


def border(picture: int, rate: Fraction) -> int:
    """The number of the sample at which a picture begins."""
    return round(picture * SOUND_RATE / rate)


def shots(take: Take, rate: Fraction, size: tuple[int, int]) -> Iterator[tuple[Any, bytes]]:
    """Each picture of a take with the sound that is heard while it is seen."""
    first = border(take.position, rate)
    heard = samples(take, border(take.position + take.pictures, rate) - first)
    rest, done = b"", first
    for number, picture in enumerate(steady(take, rate, size), start=take.position + 1):
        wanted = 8 * (border(number, rate) - done)
        while len(rest) < wanted:
            rest += next(heard)
        done = border(number, rate)
        yield picture, rest[:wanted]
        rest = rest[wanted:]


def write(
    target: Path,
    seen: Iterable[tuple[Any, bytes]],
    *,
    size: tuple[int, int],
    rate: Fraction,
    sound: bool,
    encoding: dict[str, str],
    finish: Callable[[Any], None] = lambda container: None,
    stopped: Stopped = lambda: False,
) -> None:
    """Write pictures with sound (as of `shots`) as an MP4, whole or not at all; `encoding` is for x264."""
    av = pyav()
    options = {"movflags": "+faststart"}
    with part_for(target) as part:
        with av.open(str(part), "w", format="mp4", options=options) as container:
            stream = container.add_stream("libx264", rate=rate, options=encoding)
            (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
            stream.codec_context.thread_count = 1
            track = container.add_stream("aac", rate=SOUND_RATE, layout="stereo") if sound else None
            for number, (picture, heard) in enumerate(seen):
                if stopped():
                    raise WritingStopped(f"{target.name} was given up")
                picture.pts, picture.time_base = number, 1 / rate
                picture.pict_type = 0  # the encoder chooses its own key pictures
                container.mux(stream.encode(picture))
                if track and heard:
                    container.mux(track.encode(_audio(av, heard, border(number, rate))))
            for one in (stream, track):
                if one:
                    container.mux(one.encode(None))
            finish(container)
        part.replace(target)


def _audio(av: Any, heard: bytes, position: int) -> Any:
    frame = av.AudioFrame(format="flt", layout="stereo", samples=len(heard) // 8)
    frame.planes[0].update(heard)
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, position, Fraction(1, SOUND_RATE)
    return frame
