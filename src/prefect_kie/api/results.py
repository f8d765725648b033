"""What a finished job made: files, a text, data or a character, in whichever shape Kie gives it.

Most models give `resultUrls`. Others give tracks (Suno), an object (lyrics, masks, speech to text), or put
all of it into `response` (kie-api: "Results come in several shapes"). A shape that nobody has seen yet is
read as well: every address in it is a file, and what has no address is data.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import BaseModel

from prefect_kie.api.envelope import as_float, as_list, as_object, decoded, first_id, first_text

MAX_URLS = 100
MAX_DEPTH = 8

Role = Literal["result", "watermarked", "first_frame", "last_frame", "mask", "cover", "other"]


class ResultFile(BaseModel, frozen=True):
    """One file of a result, at Kie.

    Attributes:
        url: Its address.
        role: What it is to the job: `result` is what was asked for; `watermarked` its twin with a watermark,
            `first_frame`, `last_frame`, `mask` or `cover` what its name says; `other` whatever came beside.
        title: A track's title.
        seconds: How long a track plays, by Kie's word.
        id: Kie's id of a track, which other music models ask for.
    """

    url: str
    role: Role = "result"
    title: str | None = None
    seconds: float | None = None
    id: str | None = None


class JobResult(BaseModel, frozen=True):
    """What a finished job made; empty where Kie reports success and tells of nothing (yet).

    Attributes:
        files: Its files.
        text: A text: lyrics, a transcript.
        data: An object or a list: the words of a transcript, a status, a MIDI description.
    """

    files: tuple[ResultFile, ...] = ()
    text: str | None = None
    data: Any = None

    @property
    def urls(self) -> tuple[str, ...]:
        """Addresses of the files that were asked for."""
        return tuple(file.url for file in self.files if file.role == "result")

    @property
    def watermarked_urls(self) -> tuple[str, ...]:
        """Addresses of the twins with a watermark, where a version without was asked for."""
        return tuple(file.url for file in self.files if file.role == "watermarked")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return not self.files and self.text is None and self.data is None


class CharacterResult(BaseModel, frozen=True):
    """A character made by Kie.

    Attributes:
        character_id: Its id, for `character_id_list`.
        character_user_name: Its handle (may hold a dot), for `@handle` in a prompt; None where Kie gave none.
    """

    character_id: str
    character_user_name: str | None = None


_ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("resulturl", "audiourl", "streamaudiourl", "videourl", "imageurl"), "result"),
    "resultwatermarkurl": "watermarked",
    "firstframeurl": "first_frame",
    "lastframeurl": "last_frame",
    "maskurl": "mask",
}
"""The role of an address by its field's name, without case, underscores and plural."""

_TEXTS = ("text", "lyrics", "transcript", "content", "result")
_NO_FILES = re.compile(
    "callback|webhook|^(param|paramjson|input|request|prompt|title|tag|remark|text|lyric|transcript)$"
)
"""Fields whose addresses are not results: what was asked for, and who is to be called back."""
_ENVELOPE = {"code", "msg", "message", "success", "statu", "state", "taskid", "resultobject"}
_NOTHING: tuple[Any, ...] = (None, "", [], {})


def parse_result(*places: Any) -> JobResult | CharacterResult:
    """Read a result from the first place (`resultJson`, `response`) that holds one, in any form it takes."""
    for place in places:
        result = _result(place)
        if isinstance(result, CharacterResult) or not result.is_empty:
            return result
    return JobResult()


def _result(place: Any) -> JobResult | CharacterResult:
    content = _content(place)
    fields = as_object(content)
    inner = _content(fields.get("resultObject"))
    for candidate in (as_object(inner), fields):
        if character_id := first_text(candidate, "character_id", "characterId"):
            handle = (first_text(candidate, "character_user_name", "characterUserName") or "").lstrip("@")
            return CharacterResult(character_id=character_id, character_user_name=handle or None)
    start: Role = "result" if isinstance(content, list) else "other"
    files: dict[str, ResultFile] = {}
    for file in islice(_files(content, start, 0), MAX_URLS):
        files.setdefault(file.url, file)
    found = list(files.values())
    if all(file.role == "other" for file in found):
        found = [file.model_copy(update={"role": "result"}) for file in found]
    text = _text(inner) or _text(content)
    data: Any = None if isinstance(inner, str) or inner in _NOTHING else inner
    addressed = any(_plain(name) in _ROLES for name in fields)  # with an empty one it is only late
    if data is None and not (found or text or addressed):
        if isinstance(content, list):
            data = as_list(content) or None
        else:
            rest = {name: value for name, value in fields.items() if value not in _NOTHING}
            data = rest if {_plain(name) for name in rest} - _ENVELOPE else None
    return JobResult(files=tuple(found), text=text, data=data)


def _content(value: Any) -> Any:
    """What a field says: a JSON string's content, a plain text, or the value itself."""
    text = value.strip() if isinstance(value, str) else "null"
    if text in ("", "null"):
        return None if isinstance(value, str) else value
    content = decoded(text)
    # What begins like JSON and is none was cut short: no text, and no result yet.
    return text if content is None and not text.startswith(("{", "[", '"')) else content


def _plain(name: str) -> str:
    return re.sub("[^a-z]", "", str(name).lower()).removesuffix("s")


def _files(value: Any, role: Role, depth: int, track: dict[str, Any] | None = None) -> Iterator[ResultFile]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            yield from _files(decoded(value), role, depth + 1)
        elif is_web_address(url := value.strip(), blanks=role != "other"):
            yield ResultFile(url=url, role=role, **(track or {}))
    elif isinstance(value, list):
        for each in as_list(value):
            yield from _files(each, role, depth + 1)
    elif isinstance(value, dict):
        yield from _files_of(cast("dict[str, Any]", value), role, depth)


def _files_of(fields: dict[str, Any], role: Role, depth: int) -> Iterator[ResultFile]:
    sound = is_web_address(first_text(fields, "audio_url", "audioUrl") or "", blanks=True)
    is_track = sound or is_web_address(first_text(fields, "stream_audio_url", "streamAudioUrl") or "")
    title, seconds = first_text(fields, "title"), as_float(fields.get("duration"))
    track = {"title": title, "seconds": seconds, "id": first_id(fields, "id")}
    for name, value in fields.items():
        plain = _plain(name)
        if _NO_FILES.search(plain) or (sound and plain.startswith(("stream", "source"))):
            continue  # the track's file is its audio_url; the others are the same sound
        own: Role = role if plain == "url" or not isinstance(value, str) else "other"
        own = _ROLES.get(plain, own)
        if is_track and plain == "imageurl":
            own = "cover"
        yield from _files(value, own, depth + 1, track if is_track else None)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return None if is_web_address(value) else value
    fields = as_object(value)
    verses = fields.get("lyricsData")
    if isinstance(verses, list):
        texts = [first_text(as_object(each), "text") for each in as_list(verses)]
        return "\n\n---\n\n".join(filter(None, texts)) or None
    text = first_text(fields, *_TEXTS)
    return None if text is None or is_web_address(text) else text


def is_web_address(text: str, *, blanks: bool = False) -> bool:
    """Whether a text as a whole is an http(s) address; with `blanks`, a file's name in it may have some."""
    breaks = r"[^\S ]" if blanks else r"\s"
    try:
        return urlsplit(text).scheme in ("http", "https") and not re.search(breaks, text)
    except ValueError:
        return False
