"""The cast of a prompt: `@handle` becomes what a model needs, its pictures and voices beside it."""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from pydantic import BaseModel, ValidationError

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.api.envelope import as_list
from prefect_kie.models.characters import KeepsCharacters, characters_of_models, handles_in, with_mentions
from prefect_kie.models.registry import MarketModel, request_class

VISUAL = ("video", "image")
"""What models make whose prompts can name characters; in a lyric `@` is only a letter."""
NOTHING_PAID = "Then run again; nothing was submitted."


class CastMember(BaseModel, frozen=True):
    """A character as a request names it: with the addresses of its files at Kie.

    Attributes:
        handle: What the prompt calls it, without @.
        name: What a reader calls it.
        description: Who it is, in one line.
        stills: Addresses of pictures of it, the best one first.
        clip: The address of a short video of it.
        voice: The address of its voice.
        voice_seconds: How long that is.
        native: Its own ids at Kie: `sora-2`, `gemini`.
    """

    handle: str
    name: str
    description: str = ""
    stills: tuple[str, ...] = ()
    clip: str | None = None
    voice: str | None = None
    voice_seconds: float = 0.0
    native: Mapping[str, str] = {}


def wanted_handles(request: JobRequest) -> list[str]:
    """The handles for which a request needs characters, in their order, without those that it brings itself.

    Raises:
        InvalidRequest: when the model cannot keep characters; names some that can.
    """
    known = characters_of_models()
    keeps = known.get(request.model_name)
    if request.is_cast or (keeps is None and request.result_kind not in VISUAL):
        return []
    fields = _fields(request)
    names = [item.get("name") or item.get("ref_name") for item in _items(fields, keeps)]
    brought = "|".join(re.escape(str(name)) for name in names if name) or "(?!)"
    own = re.compile(f"@({brought})(?!\\w)", re.IGNORECASE)
    shots: list[dict[str, Any]] = fields.get("multi_prompt") or []
    texts = [text for part in (fields, *shots) if isinstance(text := part.get("prompt"), str)]
    handles = list(dict.fromkeys(one for text in texts for one in handles_in(own.sub("", text))))
    if handles and keeps is None:
        able = [model for model, one in known.items() if one.way in ("element", "ref_name", "pictures")]
        raise InvalidRequest(
            f"{request.model_name} keeps no characters, and the prompt names @{', @'.join(handles)}",
            next_step=f"Take a model that does, as {', '.join(able[:3])} (docs/characters.md has them all), "
            f"or write @@{handles[0]} where an @ is meant. {NOTHING_PAID}",
        )
    return handles


def cast(request: JobRequest, characters: Sequence[CastMember]) -> JobRequest:
    """The request with its characters in it, as it is sent: each `@handle` of the prompt is replaced by what
    the model needs, and the fields of its pictures are filled.

    Args:
        request: What to make. Its own references come first.
        characters: At least those that the prompt names.

    Returns:
        A request of the same model; nothing is uploaded or sent.

    Raises:
        InvalidRequest: when the model cannot do it: too many characters, too few pictures, an unknown handle;
            says what can be done.

    Example:
        ```python
        mia = CastMember(handle="mia", name="Mia", description="a calm cat", stills=("https://…/1.jpg",))
        request = cast(Wan30Video(prompt="@mia surfs at dawn"), [mia])
        print(request.prompt)  # Image1 shows Mia: a calm cat.\\nMia surfs at dawn
        ```
    """
    fields = _fields(request)
    handles, known = wanted_handles(request), {one.handle: one for one in characters}
    keeps = characters_of_models().get(request.model_name)
    if request.is_cast or (keeps is None and request.result_kind not in VISUAL):
        return request
    if keeps is None or not handles:
        return _built(request, fields, _said(fields, {}, ""))
    if keeps.way == "native" and keeps.native is not None:
        # Kie itself knows handles that nobody here has heard of.
        mine = [one for one in handles if one in known]
        if strangers := [one for one in mine if keeps.native not in known[one].native]:
            raise _refused(f"{request.model_name} needs its own id of @{strangers[0]}, which has none")
        names = {one: [f"@{known[one].native[keeps.native]}"] for one in mine}
        return _built(request, fields, _said(fields, names, ""))
    if unknown := [handle for handle in handles if handle not in known]:
        raise InvalidRequest(
            f"there is no character @{', @'.join(unknown)}",
            next_step=f"Make it with create_character, or write @@{unknown[0]} where an @ is meant. "
            f"{NOTHING_PAID}",
        )
    members = [known[handle] for handle in handles]
    field = request_class(request.model_name).model_fields.get(keeps.field)
    is_list = field is None or "list[" in str(field.annotation)
    filled = _Cast(request.model_name, keeps, members).fill(fields, is_list)
    return _built(request, fields, filled)


class _Cast:
    def __init__(self, model: str, keeps: KeepsCharacters, members: Sequence[CastMember]) -> None:
        self._model, self._keeps, self._members = model, keeps, members

    def fill(self, fields: dict[str, Any], is_list: bool) -> dict[str, Any]:
        keeps, before = self._keeps, _items(fields, self._keeps, whole=True)
        named = len(self._members)
        if named > keeps.characters:
            raise self._refused(f"takes at most {keeps.characters} characters, and the prompt names {named}")
        beside = sum(places * len(as_list(fields.get(field))) for field, places in keeps.beside.items())
        if named > (room := (keeps.total or keeps.characters) - len(before) - beside):
            raise self._refused(
                f"has room for {max(room, 0)} characters beside the request's own references, and the prompt "
                f"names {named}"
            )
        filled = {**keeps.sets, **fields}
        if keeps.way in ("element", "ref_name"):
            made = self._element if keeps.way == "element" else self._subject
            filled[keeps.field] = [*before, *map(made, self._members)]
            if keeps.frame and keeps.needs_frame and not filled.get(keeps.frame):
                filled[keeps.frame] = [self._members[0].stills[0]]
            return _said(filled, {one.handle: [f"@{one.handle}"] for one in self._members}, "")
        if keeps.way == "videos":
            shares = [[self._clip(one)] for one in self._members]
        else:
            shares = self._shares(len(before), room)
        added = [picture for share in shares for picture in share]
        if added:
            filled[keeps.field] = [*before, *added] if is_list else added[0]
        if keeps.native_field is not None and keeps.native is not None:
            ids = [one.native[keeps.native] for one in self._members if keeps.native in one.native]
            if ids:
                filled[keeps.native_field] = as_list(filled.get(keeps.native_field)) + ids
        legends, names = self._words(shares, len(before))
        legends += self._add_voices(filled)
        return _said(filled, names, " ".join(legends))

    def _element(self, one: CastMember) -> dict[str, Any]:
        least, most = self._keeps.stills
        pictures = self._pictures(one)[:most]
        element: dict[str, Any] = {
            "name": one.handle,
            "description": one.description or one.name,
            # Kie wants two, and was seen to take the same one twice.
            "element_input_urls": (pictures * least)[: max(least, len(pictures))],
        }
        if one.voice is not None and self._fits(one):
            element["element_input_audio_urls"] = [one.voice]
        return element

    def _subject(self, one: CastMember) -> dict[str, Any]:
        return {"image_url": self._pictures(one)[0], "type": "subject", "ref_name": one.handle}

    def _pictures(self, one: CastMember) -> list[str]:
        if not one.stills:
            raise self._refused(f"needs 1 picture of @{one.handle}, which has 0")
        return list(one.stills)

    def _clip(self, one: CastMember) -> str:
        if one.clip is None:
            raise self._refused(f"needs a clip of @{one.handle}, which has none")
        return one.clip

    def _shares(self, before: int, room: int) -> list[list[str]]:
        """Which pictures each character gets: one each, then one more each as long as there is room."""
        keeps = self._keeps
        natives = [keeps.native is not None and keeps.native in one.native for one in self._members]
        room -= sum(natives)
        pairs = zip(self._members, natives, strict=True)
        shares = [[] if native else self._pictures(one)[:1] for one, native in pairs]
        for number in range(1, keeps.stills[1]):
            for one, share in zip(self._members, shares, strict=True):
                if share and len(one.stills) > number and sum(map(len, shares)) < room:
                    share.append(one.stills[number])
        if before + sum(map(len, shares)) < keeps.least:
            raise self._refused(
                f"takes a single picture for the first frame; it needs {keeps.least} pictures to keep a "
                f"character, and @{self._members[0].handle} has one"
            )
        return shares

    def _words(self, shares: Sequence[Sequence[str]], before: int) -> tuple[list[str], dict[str, list[str]]]:
        """The sentences in front of the prompt, and what it says in place of each handle."""
        legends: list[str] = []
        names: dict[str, list[str]] = {}
        numbers = count(before + 1)
        for one, share in zip(self._members, shares, strict=True):
            counted = [self._keeps.mention.format(i=next(numbers), name=one.name) for _ in share]
            if self._keeps.legend:
                is_one = "is" if self._keeps.mention.startswith("character") else "shows"
                verb = is_one if len(counted) == 1 else "show"
                who = f"{one.name}: {one.description.rstrip('.')}" if one.description else one.name
                legends.append(f"{_and(counted)} {verb} {who}.")
                names[one.handle] = [one.name]
            elif "{i}" in self._keeps.mention:
                others = _and([word.partition(" in ")[2] for word in counted[1:]])
                also = f" (also seen in {others})" if counted[1:] else ""
                names[one.handle] = [f"{counted[0]}{also}", counted[0]] if counted else [one.name]
            else:
                first = f"{one.name} ({one.description.rstrip('.')})" if one.description else one.name
                names[one.handle] = [first, one.name]
        return legends, names

    def _add_voices(self, filled: dict[str, Any]) -> list[str]:
        """Fill the field of voices while there is room; returns the sentences that say whose they are."""
        keeps = self._keeps
        if keeps.voice is None:
            return []
        if keeps.voice_mention is None:  # one voice for the whole video
            speaks = next((one for one in self._members if self._fits(one)), None)
            if speaks is not None and not filled.get(keeps.voice):
                filled[keeps.voice] = speaks.voice
            return []
        voices: list[str] = list(filled.get(keeps.voice) or [])
        said: list[str] = []
        seconds = 0.0
        for one in self._members:
            fits = self._fits(one) and seconds + one.voice_seconds <= keeps.voice_seconds[1]
            if one.voice is not None and fits and len(voices) < keeps.voices:
                seconds += one.voice_seconds
                voices.append(one.voice)
                said.append(f"{keeps.voice_mention.format(i=len(voices))} is the voice of {one.name}.")
        if voices:
            filled[keeps.voice] = voices
        return said

    def _fits(self, one: CastMember) -> bool:
        least, most = self._keeps.voice_seconds
        return one.voice is not None and least <= one.voice_seconds <= most

    def _refused(self, why: str) -> InvalidRequest:
        return _refused(f"{self._model} {why}")


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(
        why, next_step=f"Change the prompt or the character, or take another model. {NOTHING_PAID}"
    )


def _fields(request: JobRequest) -> dict[str, Any]:
    if isinstance(request, MarketModel):
        return request.input_fields()
    return request.model_dump(mode="json", exclude={"model"}, exclude_unset=True)


def _built(request: JobRequest, before: dict[str, Any], fields: dict[str, Any]) -> JobRequest:
    if fields == before:
        return request
    if isinstance(request, MarketModel):
        return request.model_copy(update={"input": fields}).called(request.title)
    try:
        made = type(request).model_validate({**fields, "model": request.model_name})
        return made.called(request.title)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{first['loc'][0]}: " if first["loc"] else ""
        raise _refused(
            f"{request.model_name} does not take the request with its characters: {where}"
            f"{first['msg'].removeprefix('Value error, ')}"
        ) from None


def _items(fields: Mapping[str, Any], keeps: KeepsCharacters | None, *, whole: bool = False) -> list[Any]:
    """What a request has of its own in the field of characters."""
    value: Any = fields.get(keeps.field) if keeps is not None else None
    items: list[Any] = as_list(value) or ([value] if value else [])
    return items if whole else [item for item in items if isinstance(item, dict)]


def _said(fields: Mapping[str, Any], names: Mapping[str, list[str]], legend: str) -> dict[str, Any]:
    """The fields with other words for the handles in all prompts, and a legend before the first one."""
    said = dict(fields)
    if isinstance(prompt := said.get("prompt"), str):
        said["prompt"] = f"{legend}\n" * bool(legend) + with_mentions(prompt, names)
    if shots := said.get("multi_prompt"):
        said["multi_prompt"] = [{**shot, "prompt": with_mentions(shot["prompt"], names)} for shot in shots]
    return said


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)
