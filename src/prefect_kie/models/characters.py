"""How each model keeps a character, as data (`characters.json`), and which words of a prompt name one.

The data follows Kie's pages and recorded calls of autumn 2026; where Kie documents no way to mention a picture, it is
the model maker's own, or what others were seen to use.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel

HANDLE = "@handle"
"""In rules between fields: whether the prompt names a character."""

HANDLE_PATTERN = r"^[a-z][a-z0-9_]{1,19}$"
"""What a character may be called."""

# An accented letter is part of a word, a Chinese one begins the next: "@mia跑" names mia, "@miaé" nobody.
_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z][A-Za-z0-9_À-ɏ]*)")


class KeepsCharacters(BaseModel, frozen=True, extra="forbid"):
    """How one model takes characters."""

    # An object each, whose name the prompt says; a list that the prompt counts; or a handle of Kie's own.
    way: Literal["element", "ref_name", "pictures", "videos", "native"]
    field: str = ""  # which takes them
    mention: str = "@{handle}"  # what the prompt says of the i-th picture or video, or by the name
    legend: bool = False  # whether the prompt first says which pictures show whom
    characters: int  # how many, at most
    stills: tuple[int, int] = (0, 0)  # how many pictures each takes, at least and at most
    total: int | None = None  # places for pictures or elements, with those of the request's own, at most
    beside: Mapping[str, int] = {}  # fields whose entries take such places too, and how many each
    least: int = 0  # how many characters, at least
    frame: str | None = None  # the field of a first frame, where the model takes one beside them
    needs_frame: bool = False  # whether it wants one
    sets: Mapping[str, Any] = {}  # fields that the model needs to have a value then
    voice: str | None = None  # the field that takes voices; with `element` each takes its own
    voices: int = 0  # how many it takes
    voice_mention: str | None = None  # what the prompt says of the i-th one
    voice_seconds: tuple[float, float] = (0, 0)  # how long a voice may be, at least and at most
    native: str | None = None  # under which name a character's own id at Kie is kept
    native_field: str | None = None  # the field that takes that id; else it is the handle


@cache
def characters_of_models() -> Mapping[str, KeepsCharacters]:
    """How each model that can keep a character does, by the model's name at Kie."""
    text = files("prefect_kie.models").joinpath("characters.json").read_text()
    return {model: KeepsCharacters.model_validate(one) for model, one in json.loads(text).items()}


def handles_in(prompt: object) -> list[str]:
    """The handles in a prompt, in lower case, each once: no `@image1` and the like, no `me@here`, no `@@so`."""
    if not isinstance(prompt, str):
        return []
    named = (found[1].lower() for found in _MENTION.finditer(prompt))
    return list(dict.fromkeys(one for one in named if not is_reserved(one)))


def with_mentions(prompt: str, mentions: Mapping[str, list[str]]) -> str:
    """A prompt with other words for its handles: the first mention of a handle by the first word, the others
    by the last; `@@` becomes `@`.
    """
    said: dict[str, int] = {}

    def mention(found: re.Match[str]) -> str:
        handle = found[1].lower()
        words = mentions.get(handle)
        if words is None:
            return found[0]
        said[handle] = said.get(handle, 0) + 1
        word = words[0] if said[handle] == 1 else words[-1]
        following = prompt[found.end() : found.end() + 1]
        return f"{word} " if word.startswith("@") and following and not following.isspace() else word

    return _MENTION.sub(mention, prompt).replace("@@", "@")


def is_reserved(word: str) -> bool:
    """Whether a handle is some model's own word for a reference: `image1` and the like."""
    return re.fullmatch(r"(image|video|audio|character|element)\d*", word) is not None
