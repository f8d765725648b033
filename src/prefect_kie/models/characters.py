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
    """How one model takes characters.

    Attributes:
        way: `element` and `ref_name`: an object each, whose name the prompt says. `pictures`, `videos`: a list
            that the prompt counts. `native`: a handle of Kie's own.
        field: Which field takes them.
        mention: What the prompt says of the i-th picture or video, or by the name.
        legend: Whether the prompt first says which pictures show whom.
        characters: How many, at most.
        stills: How many pictures each takes, at least and at most.
        total: How many places there are for pictures or elements, with those of the request's own, at most.
        beside: Fields whose entries take such places too, and how many each.
        least: How many, at least.
        frame: The field of a first frame, where the model takes one beside them.
        needs_frame: Whether it wants one.
        sets: Fields that the model needs to have a value then.
        voice: The field that takes voices; with `element` each takes its own.
        voices: How many it takes.
        voice_mention: What the prompt says of the i-th one.
        voice_seconds: How long a voice may be, at least and at most.
        native: Under which name a character's own id at Kie is kept, where the model knows ids.
        native_field: The field that takes it; else it is the handle.
    """

    way: Literal["element", "ref_name", "pictures", "videos", "native"]
    field: str = ""
    mention: str = "@{handle}"
    legend: bool = False
    characters: int
    stills: tuple[int, int] = (0, 0)
    total: int | None = None
    beside: Mapping[str, int] = {}
    least: int = 0
    frame: str | None = None
    needs_frame: bool = False
    sets: Mapping[str, Any] = {}
    voice: str | None = None
    voices: int = 0
    voice_mention: str | None = None
    voice_seconds: tuple[float, float] = (0, 0)
    native: str | None = None
    native_field: str | None = None


@cache
def characters_of_models() -> Mapping[str, KeepsCharacters]:
    """How each model that can keep a character does, by the model's name at Kie."""
    text = files("prefect_kie.models").joinpath("characters.json").read_text()
    return {model: KeepsCharacters.model_validate(one) for model, one in json.loads(text).items()}


def handles_in(prompt: object) -> list[str]:
    """The handles that a prompt names as `@handle`, in lower case, each once, in their order.

    Not among them: `@image1` and the like, addresses (`me@example.com`), and what is written `@@so`.
    """
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
