"""What createTask says to the references of a prompt: their files, their names, and how many go together.

The catalogue has the limits of single fields; this is what Kie's pages say beyond it.
"""

from __future__ import annotations

import mimetypes
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from prefect_kie.simulator.models import Json, Model

MENTION = re.compile(r"(?<![\w.@-])@(\w[\w.-]*)")
MENTION_COSTS, SHOT_LENGTH = 37, 500  # characters, in a prompt of Kling's multi_prompt
SLICE = (3000, 8000)  # milliseconds that an element takes of its video
NAMED = {"kling_elements": "name", "elements": "name", "image_references": "ref_name"}


def reference_complaint(model: Model, given: Json) -> str | None:
    """Return what is wrong with the references of an input whose single fields are right."""
    for field, key in NAMED.items():
        if field in model.fields:
            named: list[Json] = given.get(field) or []
            properties = model.fields[field]["items"]["properties"]
            slices = "start_time" in properties
            files = (_file_complaint(each, slices) for each in named if "element_input_urls" in properties)
            names = [each[key] for each in named if each.get(key)]
            if words := next(filter(None, files), None):
                return f"{field} {words}"
            if any("@" in name for name in names):
                return f"{field} {key} cannot contain @"
            if doubled := [name for name, times in Counter(names).items() if times > 1]:
                return f"{field} {key} must be unique: {doubled[0]}"
            if words := _mention_complaint(given, names, f"{field} has no such {key}"):
                return words
    if "elements" in model.fields and "max_items" not in model.fields["elements"]:
        return _omni_complaint(given)
    return _slots_complaint(given) if "character_ids" in model.fields else None


def _file_complaint(element: Json, slices: bool) -> str | None:
    urls: list[str] = element["element_input_urls"]
    kinds = {(mimetypes.guess_type(urlsplit(url).path)[0] or "").partition("/")[0] for url in urls}
    if {"image", "video"} <= kinds:
        return "element_input_urls cannot mix pictures and a video"
    # What an address does not tell, the file will.
    if not 1 <= len(urls) <= 4 or ("image" if len(urls) == 1 else "video") in kinds:
        return "element_input_urls must hold 2 to 4 pictures or exactly 1 video"
    if len(element.get("element_input_audio_urls") or ()) > 1:
        return "element_input_audio_urls cannot have more than 1 item"
    times = [name for name in ("start_time", "end_time") if element.get(name) is not None]
    if not times:
        return None
    if not slices or len(urls) > 1:
        return f"{times[0]} is only allowed with a video" if slices else f"{times[0]} is not allowed"
    start, end = element.get("start_time") or 0, element.get("end_time") or SLICE[1]
    if start < 0 or not SLICE[0] <= end - start <= SLICE[1]:
        return f"end_time - start_time must be between {SLICE[0]} and {SLICE[1]} milliseconds"
    return None


def _mention_complaint(given: Json, names: Sequence[str], why: str) -> str | None:
    shots = [str(shot["prompt"]) for shot in given.get("multi_prompt") or ()]
    for text in (given.get("prompt") or "", *shots):
        if stranger := _stranger(text, names):
            return f"prompt mentions @{stranger}, but {why}"
    for shot in shots:
        text = shot
        for name in sorted(names, key=len, reverse=True):
            text = re.sub(rf"@{re.escape(name)}(?!\w)", "x" * MENTION_COSTS, text)
        if text != shot and len(text) > SHOT_LENGTH:
            words = f"multi_prompt prompt length cannot exceed {SHOT_LENGTH} characters"
            return f"{words}, where each mention counts as {MENTION_COSTS}"
    return None


def _stranger(text: str, names: Iterable[str]) -> str | None:
    """Return the first name that a prompt mentions and nobody has."""
    for found in MENTION.finditer(text):
        rest = text[found.start(1) :]
        if not any(re.match(rf"{re.escape(name)}(?!\w)", rest) for name in names):
            return found[1].rstrip(".-")
    return None


def _omni_complaint(given: Json) -> str | None:
    """Check how many pictures and elements go together in Kling 3.0 Omni."""
    cast: list[Json] = given.get("elements") or []
    videos = sum(len(element["element_input_urls"]) == 1 for element in cast)
    pictures = len(given.get("image_urls") or ()) + len(cast) - videos
    if given.get("video_urls"):
        if pictures > 4 or (videos and (videos, pictures) != (1, 0)):
            return "elements beside video_urls: up to 4 images and image elements, or 1 video element alone"
    elif videos > 3 or pictures > (4 if videos else 7):
        return "elements: up to 7 images and image elements, up to 3 video elements, or 4 and 3 of both"
    return None


def _slots_complaint(given: Json) -> str | None:
    """Check Gemini's seven slots: 1 for a picture or a character, 2 for a video."""
    videos: list[Json] = given.get("video_list") or []
    if any(not 0 < video["ends"] - video["start"] <= 10 for video in videos):
        return "video_list: ends - start must be between 0 and 10 seconds"
    taken = len(given.get("image_urls") or ()) + len(given.get("character_ids") or ()) + 2 * len(videos)
    if taken > 7:
        return "image_urls, character_ids and video_list cannot take more than 7 slots together"
    return None
