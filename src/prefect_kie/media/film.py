"""A film: episodes in their order in one MP4, with a list of its cuts for an editor, and subtitles.

All but `film` runs in the calling thread, needs PyAV and Pillow (the extra `pictures`), and holds a few
pictures at a time, however long the film is.
"""

import math
import threading
from array import array
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import accumulate, islice, pairwise
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import anyio.to_thread

from prefect_kie.media import footage
from prefect_kie.media.edit_list import Episode, ends
from prefect_kie.media.footage import Footage, Stopped, Take, WritingStopped, look, opened, pyav
from prefect_kie.storage.base import part_for

LONGEST_FILM = 2 * 3600.0  # seconds
CHAPTERS_SINCE = 17  # PyAV 15 writes none, and 16.0 crashes the process where they were written
LEVEL, MOST_GAIN, MOST_PEAK = -20.0, 12.0, -1.0  # of an episode's sound: mean (RMS), change, peak; all in dB
_ENCODING = {"preset": "veryfast", "crf": "18"}


class Film(NamedTuple):
    """A film as it was written."""

    path: Path
    seconds: float
    fps: float
    episodes: tuple[Episode, ...]
    copied: bool  # whether it is a copy of the episodes' own data, without coding them again


async def film(
    files: Sequence[Path], target: Path, *, crossfade: float = 0.0, titles: Sequence[str] | None = None
) -> Film:
    """`join` in a thread, which ends soon after its caller is cancelled and then leaves nothing behind."""
    given_up = threading.Event()
    work = partial(join, files, target, crossfade=crossfade, titles=titles, stopped=given_up.is_set)
    try:
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    finally:
        given_up.set()


def join(
    files: Sequence[Path],
    target: Path,
    *,
    crossfade: float = 0.0,
    titles: Sequence[str] | None = None,
    stopped: Stopped = lambda: False,
) -> Film:
    """Join episodes to one MP4 (H.264 and AAC, its index at the front), exact to a frame at each cut.

    Where all are coded alike and follow each other in plain cuts, they are copied, without loss. Else all are
    coded once: to the first one's size, others on black where their shape differs; its rate within 24 to 60;
    stereo at 48 kHz, silent where an episode is, evened by at most 12 dB. A crossfade (seconds) takes at most
    half of either episode. The titles are for its chapters (PyAV 17 or later writes them), by default the
    files' names. A ValueError or OSError says that a file is no video, WritingStopped that it was given up.
    """
    seen = [look(file) for file in files]
    if (seconds := sum(one.seconds for one in seen)) > LONGEST_FILM:
        raise ValueError(f"the episodes are {seconds:.0f} s long together, more than {LONGEST_FILM:.0f} s")
    names = list(titles or (file.stem for file in files))
    if crossfade == 0 and len({_coding(one) for one in seen}) == 1:
        starts = accumulate((one.seconds for one in seen), initial=0.0)
        rows = zip(seen, names, starts, strict=False)
        episodes = [Episode(one.file, name, start, one.seconds, one.sound) for one, name, start in rows]
        if _copied(episodes, target, stopped):
            return Film(target, seconds, float(seen[0].rate), tuple(episodes), copied=True)
    return _encoded(seen, names, target, crossfade, stopped)


def _coding(video: Footage) -> object:
    """All that must be the same of videos that are copied behind each other; unique where it is not H.264."""
    with opened(video.file) as container:
        streams = [*container.streams.video[:1], *container.streams.audio[:1]]
        coded = [stream.codec_context for stream in streams]
        names = [one and one.name for one in coded]  # None: an unknown codec
        if names not in (["h264", "aac"], ["h264"]) or coded[0].pix_fmt != "yuv420p":
            return object()
        picture, sound = coded[0], coded[1:]
        return (
            (video.width, video.height, video.rate, video.rotation, streams[0].time_base),
            (picture.width, picture.height, picture.profile, bytes(picture.extradata or b"")),
            tuple((one.sample_rate, one.layout.name, bytes(one.extradata or b"")) for one in sound),
        )


def _copied(episodes: Sequence[Episode], target: Path, stopped: Stopped) -> bool:
    """Copy the episodes' packets; False where their times do not allow it, and nothing is written."""
    av = pyav()
    with part_for(target) as part:
        with (
            opened(episodes[0].file) as first,
            av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container,
        ):
            models = [*first.streams.video[:1], *first.streams.audio[:1]]
            # Opaque: not even the encoder's own header is made.
            streams = {model.type: container.add_stream_from_template(model, opaque=True) for model in models}
            ended: dict[str, Fraction] = {}
            for episode in episodes:
                for kind, packet in _packets(episode):
                    if stopped():
                        raise WritingStopped(f"{target.name} was given up")
                    at = packet.dts * packet.time_base
                    if at < ended.get(kind, at):
                        if kind == "audio":
                            continue  # it begins a moment before the cut, where the one before still sounds
                        return False
                    ended[kind] = at + max(1, packet.duration or 0) * packet.time_base
                    packet.stream = streams[kind]
                    container.mux(packet)
            _chapters(container, episodes)
        part.replace(target)
    return True


def _packets(episode: Episode) -> Iterator[tuple[str, Any]]:
    """An episode's packets at their times in the film; sound only while the episode lasts."""
    begin = look(episode.file).begin
    with opened(episode.file) as container:
        for packet in container.demux([*container.streams.video[:1], *container.streams.audio[:1]]):
            if packet.dts is None or packet.pts is None:
                continue  # the end of a stream
            kind = packet.stream.type
            if kind == "audio" and packet.pts * packet.time_base >= begin + episode.seconds:
                continue
            moved = round((episode.start - begin) / packet.time_base)
            packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
            yield kind, packet


def _chapters(container: Any, episodes: Sequence[Episode]) -> None:
    if int(pyav().__version__.partition(".")[0]) < CHAPTERS_SINCE:
        return
    chapters: list[dict[str, Any]] = []
    for number, (episode, end) in enumerate(zip(episodes, ends(episodes), strict=True)):
        times = {"start": round(1000 * episode.start), "end": round(1000 * end)}
        about = {"time_base": Fraction(1, 1000), "metadata": {"title": episode.title}}
        chapters.append({"id": number, **times, **about})
    container.set_chapters(chapters)


def _encoded(
    seen: Sequence[Footage], names: Sequence[str], target: Path, crossfade: float, stopped: Stopped
) -> Film:
    rate = seen[0].steady_rate
    size = (max(2, seen[0].width // 2 * 2), max(2, seen[0].height // 2 * 2))
    counts = [max(1, round(one.seconds * rate)) for one in seen]
    overlaps = [min(round(crossfade * rate), one // 2, other // 2) for one, other in pairwise(counts)]
    takes: list[Take] = []
    episodes: list[Episode] = []
    position = 0
    steps = zip(seen, names, counts, [0, *overlaps], [*overlaps, 0], strict=True)
    for one, name, count, into, out in steps:
        position -= into
        take = Take(one, 0.0, count, position)
        episodes.append(Episode(one.file, name, float(position / rate), float(count / rate), one.sound))
        fades = f",afade=t=in:d={float(into / rate):.6f}" if into else ""
        if out:
            fades += f",afade=t=out:st={float((count - out) / rate):.6f}:d={float(out / rate):.6f}"
        takes.append(take._replace(sound=f",volume={_gain(take, rate):.4f}{fades}"))
        position += count
    footage.write(
        target,
        _mixed(takes, overlaps, rate, size),
        size=size,
        rate=rate,
        sound=any(one.sound for one in seen),
        encoding=_ENCODING,
        finish=partial(_chapters, episodes=episodes),
        stopped=stopped,
    )
    return Film(target, float(position / rate), float(rate), tuple(episodes), copied=False)


def _gain(take: Take, rate: Fraction) -> float:
    """The factor that brings an episode's sound to the common level; 1 where it is silent."""
    count = footage.border(take.pictures, rate)
    mean, peak = footage.level(take, count) if take.footage.sound else (0.0, 0.0)
    if peak < 10 ** (-50 / 20):
        return 1.0
    wanted = max(-MOST_GAIN, min(MOST_GAIN, LEVEL - 20 * math.log10(mean)))
    return 10 ** (min(wanted, MOST_PEAK - 20 * math.log10(peak)) / 20)


def _mixed(
    takes: Sequence[Take], overlaps: Sequence[int], rate: Fraction, size: tuple[int, int]
) -> Iterator[tuple[Any, bytes]]:
    """All pictures of the film with their sound; in a crossfade two episodes are read side by side."""
    leaving: Iterator[tuple[Any, bytes]] = iter(())
    for take, into, out in zip(takes, [0, *overlaps], [*overlaps, 0], strict=True):
        coming = footage.shots(take, rate, size)
        # What is left of the one before decides: zip asks it first, and then takes no more of this one.
        for number, (before, after) in enumerate(zip(leaving, coming, strict=False), start=1):
            heard = map(add, *(array("f", sound) for _, sound in (before, after)))
            yield _blended(before[0], after[0], number / (into + 1)), array("f", heard).tobytes()
        yield from islice(coming, take.pictures - into - out)
        leaving = coming


def _blended(old: Any, new: Any, share: float) -> Any:
    from PIL import Image

    mixed = pyav().VideoFrame(new.width, new.height, "yuv420p")
    for plane, *both in zip(mixed.planes, old.planes, new.planes, strict=True):
        first, second = (
            Image.frombuffer("L", (one.width, one.height), bytes(one), "raw", "L", one.line_size, 1)
            for one in both
        )
        padded = Image.new("L", (plane.line_size, plane.buffer_size // plane.line_size))
        padded.paste(Image.blend(first, second, share))
        plane.update(padded.tobytes())
    return mixed
