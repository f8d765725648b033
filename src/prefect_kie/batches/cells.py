"""What a cell of a manifest means: which model, which field, and the field's value."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from prefect_kie.api import JobRequest
from prefect_kie.batches.tables import OBJECT
from prefect_kie.batches.templates import begins_with_placeholder
from prefect_kie.models import MarketModel, VideoRequest, request_class
from prefect_kie.models.registry import TYPED

_VIDEOS = frozenset(get_args(get_args(VideoRequest)[0]))
_TYPO = 0.9  # from this likeness on; wan-2-text-to-video has 0.87 to sora-2-text-to-video


def text_of(value: Any) -> str:
    """A value as text: as it is, or as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shown(value: Any) -> str:
    """What came, in a few characters, in quotation marks where it is text."""
    shown = repr(value) if isinstance(value, str) else text_of(value)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


@lru_cache(maxsize=1000)
def key(name: str) -> str:
    """A name without what nobody means by it: `Aspect Ratio` and `aspectRatio` stand for `aspect_ratio`."""
    return re.sub(r"[\s_-]", "", name).lower()


@lru_cache(maxsize=1000)
def did_you_mean(name: str, names: Sequence[str]) -> str:
    """The sentence's end `; did you mean 'prompt'?`, or nothing where no name is near."""
    near = get_close_matches(name.lower(), names, 1) if len(name) <= 60 else []
    return f"; did you mean {near[0]!r}?" if near else ""


@lru_cache(maxsize=1000)
def video_class(model: str) -> type[JobRequest]:
    """The request of a model that makes videos, by a name that is no typed model's with a typo."""
    cls = request_class(model)
    if cls not in _VIDEOS:
        raise ValueError(f"{model} makes a character, no video; use the flow create_character")
    name = re.sub(r"[_\s]", "-", model.lower())[:100]
    near = get_close_matches(name, TYPED, 1, 0.0 if name.startswith("sora") else _TYPO)
    # sora-3-text-to-video is no typo but a model that we do not know yet.
    versions = [re.findall(r"\d+", one) for one in (name, *near)]
    if cls is MarketModel and near and (not versions[0] or versions[0] == versions[1]):
        raise ValueError(f"{shown(model)} is not a model; did you mean {near[0]!r}?")
    return cls


def _kinds(annotation: Any) -> set[Any]:
    """All types that an annotation is made of."""
    return {get_origin(annotation) or annotation}.union(*map(_kinds, get_args(annotation)))


@lru_cache(maxsize=1000)
def fields_of(cls: type[JobRequest]) -> dict[str, tuple[str, set[Any]]]:
    """A model's fields and what they are made of, by key."""
    fields = cls.model_fields.items()
    return {key(name): (name, _kinds(field.annotation)) for name, field in fields if name != "model"}


# The fields of all typed models that make videos.
KNOWN = {k: field for cls in TYPED.values() if cls in _VIDEOS for k, field in fields_of(cls).items()}


def object_of(value: Any) -> dict[str, Any]:
    """An object, or its JSON."""
    return OBJECT.validate_python(_parsed(value) if isinstance(value, str) else value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error}): {shown(text)}") from None


def typed(text: str, kinds: set[Any], *, untyped: bool) -> Any:
    """A text as a field made of `kinds` (none: nobody knows) wants it; a ValueError where its JSON is none.

    A list's field takes JSON, or values between blanks or `|`. `untyped` is where only Kie knows the fields
    and CSV knows only text: true, false and JSON are read, and numbers stay text, as Kie has them.
    """
    start = text.strip()
    is_json = start.startswith("[") or (start.startswith("{") and not begins_with_placeholder(start))
    if list in kinds:
        return _parsed(text) if is_json else [part for part in re.split(r"[\s|]+", text) if part]
    if not untyped or (kinds and bool not in kinds):
        return text
    if start.lower() in ("true", "false"):
        return start.lower() == "true"
    return _parsed(text) if is_json else text


def whole(value: Any, kinds: set[Any]) -> Any:
    """A number that a spreadsheet wrote as 10.0, where its field takes one of several, or an integer."""
    is_text = isinstance(value, str) and kinds & {Literal, int}
    return re.sub(r"^(\d+)\.0+$", r"\1", value.strip()) if is_text else value
