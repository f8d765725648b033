"""What createTask says to references: how many, of which kinds, beside what, and under which names.

The catalogue has the limits of single fields; this is what Kie's pages say beyond it.
"""

from __future__ import annotations

import mimetypes
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from prefect_kie.simulator.models import Json, Refused, is_address, is_list, is_object

Check = Callable[[Json], str | None]

MENTION = re.compile(r"(?<![\w.@-])@(\w[\w.-]*)")
MENTION_COSTS, SHOT_LENGTH = 37, 500  # characters, in a prompt of Kling's multi_prompt
SLICE = (3000, 8000)  # milliseconds that an element takes of its video
ELEMENT_FILES = "element_input_urls must hold 2 to 4 pictures or exactly 1 video"
GEMINI = ("gemini-omni-video", "google/gemini-omni-flash-1-1")
FRAMES = ("first_frame_url", "last_frame_url")
WAN_REFERENCES = tuple(f"reference_{kind}_urls" for kind in ("image", "video", "audio", "file", "link"))


def at_most(limit: int, *fields: str, when: tuple[str, object] | None = None) -> Check:
    """Limit the entries of several fields together, always or while a field has a value."""

    def check(given: Json) -> str | None:
        if when and given.get(when[0]) != when[1]:
            return None
        if sum(len(given.get(name) or ()) for name in fields) <= limit:
            return None
        words = f"{' and '.join(fields)} cannot have more than {limit} items{' together' * (len(fields) > 1)}"
        return f"{words} when {when[0]} is {str(when[1]).lower()}" if when else words

    return check


def excludes(some: Sequence[str], others: Sequence[str]) -> Check:
    """Refuse fields of two groups beside each other."""

    def check(given: Json) -> str | None:
        pairs = ((one, other) for one in some for other in others if given.get(one) and given.get(other))
        return next((f"{one} cannot be used together with {other}" for one, other in pairs), None)

    return check


def needs(field: str, others: Sequence[str], when: object = None) -> Check:
    """Refuse a field, or a value of it, without one of others."""

    def check(given: Json) -> str | None:
        told = given.get(field) if when is None else given.get(field) == when
        kept = not told or any(given.get(other) for other in others)
        return None if kept else f"{field} requires {' or '.join(others)}"

    return check


def elements(field: str, *, slices: bool = True) -> Check:
    """Check Kling's elements: their files, their names, and the prompts that mention them."""

    def check(given: Json) -> str | None:
        cast: list[Json] = given.get(field) or []
        shots: list[Json] = given.get("multi_prompt") or []
        names = [element["name"] for element in cast]
        words = next(filter(None, (_element_complaint(element, slices) for element in cast)), None)
        words = words or _names_complaint(names, "name")
        if words:
            return f"{field} {words}"
        for text in (given.get("prompt") or "", *(shot["prompt"] for shot in shots)):
            if stranger := _stranger(text, names):
                return f"prompt mentions @{stranger}, but no element in {field} has this name"
        for shot in shots:
            text = shot["prompt"]
            for name in sorted(names, key=len, reverse=True):
                text = re.sub(rf"@{re.escape(name)}(?!\w)", "x" * MENTION_COSTS, text)
            if text != shot["prompt"] and len(text) > SHOT_LENGTH:
                words = f"multi_prompt prompt length cannot exceed {SHOT_LENGTH} characters"
                return f"{words}, where each mention counts as {MENTION_COSTS}"
        return None

    return check


def _element_complaint(element: Json, slices: bool) -> str | None:
    urls: list[str] = element["element_input_urls"]
    kinds = {kind_of(url) for url in urls}
    if {"image", "video"} <= kinds:
        return "element_input_urls cannot mix pictures and a video"
    # What an address does not tell, the file will.
    wrong = {1: "image", 2: "video", 3: "video", 4: "video"}
    if len(urls) not in wrong or wrong[len(urls)] in kinds:
        return ELEMENT_FILES
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


def omni_counts(given: Json) -> str | None:
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


def handles(given: Json) -> str | None:
    """Check the names of PixVerse's references, and the prompt that mentions them."""
    names = [each["ref_name"] for each in given["image_references"] if each.get("ref_name")]
    if words := _names_complaint(names, "ref_name"):
        return f"image_references {words}"
    stranger = _stranger(given["prompt"], names)
    return f"prompt mentions @{stranger}, but no image reference has this ref_name" if stranger else None


def slots(given: Json, assets: Mapping[str, int] | None) -> str | None:
    """Check Gemini's seven slots: 1 for a picture and for each of a character's pictures, 2 for a video."""
    characters: list[str] = given.get("character_ids") or []
    for name, limit in (("image_urls", 7), ("character_ids", 3), ("audio_ids", 3), ("video_list", 1)):
        if words := at_most(limit, name)(given):
            return words
    for each in characters:
        if assets is not None and each not in assets:
            return f"character_ids: the character {each} does not exist"
    videos: list[Json] = given.get("video_list") or []
    for video in videos:
        if not 0 < video["ends"] - video["start"] <= 10:
            return "video_list: ends - start must be between 0 and 10 seconds"
    taken = len(given.get("image_urls") or ()) + 2 * len(videos)
    if taken + sum((assets or {}).get(each, 1) for each in characters) > 7:
        return "image_urls, character_ids and video_list cannot take more than 7 slots together"
    return None


WAN_3 = (
    excludes(FRAMES, WAN_REFERENCES),
    excludes(["reference_file_urls"], ["reference_link_urls"]),
    needs("reference_audio_urls", WAN_REFERENCES[:2]),
)
GROK = (at_most(1, "image_urls", when=("resolution", "1080p")),)
RULES: Mapping[str, Sequence[Check]] = {
    "kling-3.0/video": (
        elements("kling_elements"),
        at_most(2, "image_urls"),
        at_most(1, "image_urls", when=("multi_shots", True)),
    ),
    "kling-3.0-omni/image-to-video": (elements("elements"),),
    "kling-3.0-omni/reference-to-video": (elements("elements"), omni_counts),
    "kling-3.0-omni/text-to-video": (elements("elements", slices=False), omni_counts),
    "kling-3.0-omni/transformation": (elements("elements", slices=False), omni_counts),
    "kling-3.0/motion-control": (at_most(1, "input_urls"), at_most(1, "video_urls")),
    "pixverse-v6/reference-to-video": (handles,),
    "wan/3-0-video": WAN_3,
    "wan/3-0-video-prime": WAN_3,
    "wan/2-7-r2v": (at_most(5, "reference_image", "reference_video"),),
    "veo-3-1": (
        at_most(3, "image_urls", when=("generation_type", "REFERENCE_2_VIDEO")),
        needs("generation_type", ["image_urls"], when="REFERENCE_2_VIDEO"),
    ),
    "grok-imagine/image-to-video": GROK,
    "grok-imagine-video-1-5-preview": GROK,
}


def check_references(model: str, given: Json, assets: Mapping[str, int] | None = None) -> None:
    """Check the references of an input whose single fields are right.

    Args:
        model: Its name.
        given: The input.
        assets: The characters that were made, and the number of pictures of each; None: anything is known.

    Raises:
        Refused: They are not what the model takes (422).
    """
    words = next(filter(None, (rule(given) for rule in RULES.get(model, ()))), None)
    if words := words or (slots(given, assets) if model in GEMINI else None):
        raise Refused(422, words)


def kind_of(address: str) -> str | None:
    """Return `image`, `video` or `audio`, as the end of an address tells; None where it does not."""
    return (mimetypes.guess_type(urlsplit(address).path)[0] or "").partition("/")[0] or None


def _stranger(text: str, names: Iterable[str]) -> str | None:
    """Return the first name that a prompt mentions and nobody has."""
    for found in MENTION.finditer(text):
        rest = text[found.start(1) :]
        if not any(re.match(rf"{re.escape(name)}(?!\w)", rest) for name in names):
            return found[1].rstrip(".-")
    return None


def _names_complaint(names: Sequence[str], field: str) -> str | None:
    if any("@" in name for name in names):
        return f"{field} cannot contain @"
    doubled = [name for name, times in Counter(names).items() if times > 1]
    return f"{field} must be unique: {doubled[0]}" if doubled else None


def addresses(value: Any) -> Iterator[str]:
    """Yield every address in a value, however deep."""
    if is_address(value):
        yield value
    elif is_object(value) or is_list(value):
        for each in value.values() if is_object(value) else value:
            yield from addresses(each)


def came_with(given: Json) -> Json:
    """Return the references of an input: `files`, their number by field, and the `names` they go by."""
    files = {name: count for name, value in given.items() if (count := len(list(addresses(value))))}
    named = (("kling_elements", "name"), ("elements", "name"), ("image_references", "ref_name"))
    names = [
        each[key]
        for field, key in named
        for each in (given[field] if is_list(given.get(field)) else ())
        if is_object(each) and each.get(key)
    ]
    characters = given.get("character_ids")
    return {"files": files, "names": [*names, *(characters if is_list(characters) else ())]}
