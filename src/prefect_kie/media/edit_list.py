"""What stands beside a film, for an editor to go on: an edit list (OpenTimelineIO), and subtitles (SRT)."""

import json
import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

_COLUMNS, _LINES = 60, 3  # of a subtitle


class Episode(NamedTuple):
    """An episode in a film."""

    file: Path
    title: str
    start: float  # seconds from the film's start; with a crossfade it begins while the one before still ends
    seconds: float
    sound: bool = True


def edit_list(episodes: Sequence[Episode], *, fps: float = 24.0, name: str = "film") -> bytes:
    """An OpenTimelineIO file (`.otio`) of a film: its episodes by their files' names, in the same folder.

    A crossfade is a dissolve of the same length. The format is documented at
    https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html
    """
    tracks = [_track("Video", episodes, fps)]
    if any(episode.sound for episode in episodes):
        tracks.append(_track("Audio", episodes, fps))
    stack = _object("Stack.1", "tracks", children=tracks)
    timeline = _object("Timeline.1", name, global_start_time=None, tracks=stack)
    return json.dumps(timeline, indent=2, ensure_ascii=False).encode()


def subtitles(episodes: Sequence[Episode]) -> str:
    """An SRT file: each episode's title while it plays."""
    entries: list[str] = []
    for number, (episode, end) in enumerate(zip(episodes, ends(episodes), strict=True), start=1):
        # An empty line would end the entry; an arrow would begin another one.
        title = " ".join(episode.title.replace("-->", "→").split())
        text = "\n".join(textwrap.wrap(title, _COLUMNS, max_lines=_LINES, placeholder=" …")) or "–"
        entries.append(f"{number}\n{_clock(episode.start)} --> {_clock(end)}\n{text}\n")
    return "\n".join(entries)


def ends(episodes: Sequence[Episode]) -> list[float]:
    """Where each episode gives way to the next one, seconds."""
    return [*(later.start for later in episodes[1:]), *(one.start + one.seconds for one in episodes[-1:])]


def _clock(seconds: float) -> str:
    whole, thousandths = divmod(round(1000 * seconds), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{thousandths:03d}"


def _track(kind: str, episodes: Sequence[Episode], fps: float) -> dict[str, Any]:
    # In the middle of a crossfade one clip ends and the next begins; the dissolve reaches beyond both.
    overlaps = [
        max(0, round((one.start + one.seconds) * fps) - round(later.start * fps))
        for one, later in pairwise(episodes)
    ]
    children: list[dict[str, Any]] = []
    for episode, into, out in zip(episodes, [0, *overlaps], [*overlaps, 0], strict=True):
        if into:
            offsets = {"in_offset": _time(into - into // 2, fps), "out_offset": _time(into // 2, fps)}
            children.append(_object("Transition.1", "crossfade", transition_type="SMPTE_Dissolve", **offsets))
        length, begin = round(episode.seconds * fps), into - into // 2
        part = _range(begin, length - begin - out // 2, fps)
        is_there = kind == "Video" or episode.sound
        gap = _object("Gap.1", "", source_range=part)
        children.append(_clip(episode, part, length, fps) if is_there else gap)
    return _object("Track.1", kind.lower(), kind=kind, children=children)


def _clip(episode: Episode, part: dict[str, Any], length: int, fps: float) -> dict[str, Any]:
    media = _object(
        "ExternalReference.1",
        episode.file.name,
        available_range=_range(0, length, fps),
        available_image_bounds=None,
        target_url=quote(episode.file.name),
    )
    references = {"media_references": {"DEFAULT_MEDIA": media}, "active_media_reference_key": "DEFAULT_MEDIA"}
    return _object("Clip.2", re.sub(r"\s+", " ", episode.title), source_range=part, **references)


def _object(schema: str, name: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"OTIO_SCHEMA": schema, "metadata": {}, "name": name}
    if schema.partition(".")[0] in ("Stack", "Track", "Clip", "Gap"):
        made |= {"source_range": None, "effects": [], "markers": [], "enabled": True}
    return made | fields


def _time(frames: int, fps: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": fps, "value": float(frames)}


def _range(start: int, length: int, fps: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, fps), "duration": _time(length, fps)}
