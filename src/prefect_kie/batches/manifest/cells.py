"""What a cell of a manifest means: which model, which take, and a field's value."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, get_args, get_origin

from prefect_kie.api import JobRequest, MarketModel, VideoRequest
from prefect_kie.api.catalog import TYPED, request_class
from prefect_kie.batches.manifest.mistakes import came
from prefect_kie.batches.manifest.strict_json import is_object, loads, plain_json
from prefect_kie.batches.manifest.templates import begins_with_placeholder

_VIDEO_CLASSES = frozenset(get_args(get_args(VideoRequest)[0]))
_TYPO = 0.9
"""From this likeness on, another name is a typo; wan-2-text-to-video has 0.87 to sora-2-text-to-video."""


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


_FIELDS = {
    name: field.annotation
    for cls in TYPED.values()
    if cls in _VIDEO_CLASSES
    for name, field in cls.model_fields.items()
    if name != "model"
}
KNOWN = frozenset(_FIELDS)
"""The fields of all typed models that make videos."""
_LISTS = frozenset(name for name, annotation in _FIELDS.items() if _is_list(annotation))


@lru_cache(maxsize=1000)
def video_class(model: str) -> type[JobRequest]:
    """The class of a model's requests.

    Raises:
        ValueError: when it makes no video, or its name is surely a typo.
    """
    cls = request_class(model)
    if cls in _VIDEO_CLASSES and cls is not MarketModel:
        return cls
    if cls is not MarketModel:
        raise ValueError(f"{model} makes a character, no video; use the flow create_character")
    if meant := _meant(model):
        raise ValueError(f"{came(model)} is no model; did you mean {meant!r}?")
    return MarketModel


def _meant(model: str) -> str | None:
    """The typed model whose name was probably meant."""
    name = re.sub(r"[_\s]", "-", model.strip().lower())[:100]
    near = get_close_matches(name, TYPED, 1, _TYPO)
    if not near and name.startswith("sora"):
        near = get_close_matches(name, TYPED, 1, 0.0)
    if not near:
        return None
    digits = re.findall(r"\d+", name)
    # sora-3-text-to-video is no typo but a model that we do not know yet.
    return near[0] if not digits or digits == re.findall(r"\d+", near[0]) else None


def take_of(value: Any) -> int:
    """Which variation a cell asks for.

    Raises:
        ValueError: when it is no whole number from 1 on.
    """
    is_text = isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip())
    take = int(value) if is_text else value
    if not isinstance(take, int) or isinstance(take, bool) or not 1 <= take < 10**9:
        raise ValueError(f"must be a whole number from 1 on, not {came(value)}")
    return take


def is_empty(value: Any) -> bool:
    """Whether a cell gives nothing, so that the default holds."""
    return value is None or (isinstance(value, str) and not value.strip())


def input_of(value: Any) -> dict[str, Any]:
    """The object of a column `input`; in text, JSON.

    Raises:
        ValueError: when it is none.
    """
    found = _parsed(value) if isinstance(value, str) else value
    if not is_object(found):
        raise ValueError(f"must be a JSON object, not {came(found)}")
    return found


def value_of(value: Any, field: str, cls: type[JobRequest], *, text: bool) -> Any:
    """A field's value, from what stands in the cell.

    A list field takes JSON, or texts between blanks or |. Of other models than the typed ones, nothing is
    known: in a format where all is text, true, false, lists and objects are read, and numbers stay text, as
    Kie has them (`"duration": "5"`).

    Args:
        value: What stands there, not empty.
        field: The request's field.
        cls: The request's class.
        text: Whether it comes from a format where all is text.

    Raises:
        ValueError: when it begins like JSON and is none.
    """
    if not isinstance(value, str):
        return value
    start = value.strip()
    is_json = start.startswith("[") or (start.startswith("{") and not begins_with_placeholder(start))
    if field in _LISTS:
        return _parsed(value) if is_json else [part for part in re.split(r"[\s|]+", value) if part]
    if cls is not MarketModel or not text or field in KNOWN - {"remove_watermark"}:
        return value
    if start.lower() in ("true", "false"):
        return start.lower() == "true"
    return _parsed(value) if is_json else value


def _parsed(text: str) -> Any:
    try:
        return plain_json(loads(text))
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON ({error.msg} at character {error.pos + 1}): {came(text)}") from None
    except ValueError as error:
        raise ValueError(f"is no JSON that can be sent: it {error}") from None
