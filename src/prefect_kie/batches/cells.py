"""What a cell of a manifest means: which model, which field, and the field's value, its templates filled.

In a text `{column}` stands for a value, `{{column}}` for `{column}` itself; other braces stay as they are. A
text is filled once: what a value brings along is never read as a template.
"""

import json
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache, partial
from typing import Any, Literal, get_args, get_origin

from prefect_kie.api import JobRequest
from prefect_kie.api.envelope import mapped
from prefect_kie.batches.tables import OBJECT
from prefect_kie.models import MarketModel, request_class
from prefect_kie.models.index import MODELS
from prefect_kie.models.registry import meant
from prefect_kie.run_page.markdown import plain

# From the first of several braces on only, else a text of nothing but braces would take for ever.
_BRACED = re.compile(r"(?<!\{)(\{+)([^\W\d]\w*)(\}+)")


def text_of(value: Any) -> str:
    """A value as text: as it is, or as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shown(value: Any) -> str:
    """What came, in a few characters, in quotation marks where it is text."""
    return plain(repr(value) if isinstance(value, str) else text_of(value), 60)


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
    """The request of a model that makes files, by a name that is no typed model's with a typo."""
    cls = request_class(model)
    if cls.result_kind == "character":
        raise ValueError(f"{model} makes a character, no video; use the flow create_character")
    if cls is MarketModel and (known := meant(model)):
        raise ValueError(f"{shown(model)} is not a model; did you mean {known!r}?")
    return cls


def _kinds(annotation: Any) -> set[Any]:
    return {get_origin(annotation) or annotation}.union(*map(_kinds, get_args(annotation)))


@lru_cache(maxsize=1000)
def fields_of(cls: type[JobRequest]) -> dict[str, tuple[str, set[Any]]]:
    """A model's fields and what they are made of, by key."""
    fields = cls.model_fields.items()
    return {key(name): (name, _kinds(field.annotation)) for name, field in fields if name != "model"}


@cache
def known_fields() -> dict[str, tuple[str, set[Any]]]:
    """The fields of all typed models, by key; of several of one name, those of the last."""
    return {k: field for model in MODELS for k, field in fields_of(request_class(model)).items()}


def object_of(value: Any) -> dict[str, Any]:
    """An object, or its JSON."""
    return OBJECT.validate_python(_parsed(value) if isinstance(value, str) else value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error}): {shown(text)}") from None


def value_of(field: str, value: Any, text_for: Callable[[str], str], *, untyped: bool) -> Any:
    """A cell's value as its field wants it, with `text_for` its placeholders; a ValueError if it is no JSON.

    `untyped`: only Kie knows the fields, and CSV only text; true, false and JSON are read, numbers stay text.
    """
    _, kinds = known_fields().get(key(field), ("", set[Any]()))
    if isinstance(value, str):
        start = value.strip()
        is_json = start.startswith("[") or (start.startswith("{") and not _BRACED.match(start))
        if list in kinds:
            value = _parsed(value) if is_json else [part for part in re.split(r"[\s|]+", value) if part]
        elif untyped and (not kinds or bool in kinds):
            if start.lower() in ("true", "false"):
                return start.lower() == "true"
            value = _parsed(value) if is_json else value
    value = fill(value, text_for)
    if isinstance(value, str) and kinds & {Literal, int}:
        return re.sub(r"^(\d+)\.0+$", r"\1", value.strip())
    return value


def placeholders(value: Any) -> set[str]:
    """The names that the texts in a value (a text, a list, an object) ask for."""
    found = _BRACED.findall(text_of(value))
    return {name for opening, name, closing in found if min(len(opening), len(closing)) % 2}


def fill(value: Any, text_of: Callable[[str], str]) -> Any:
    """A value (a text, a list, an object) with each placeholder replaced by `text_of` its name."""
    replaced = partial(_replaced, text_of)
    return mapped(value, lambda one: _BRACED.sub(replaced, one) if isinstance(one, str) else one)


def _replaced(text_of: Callable[[str], str], found: re.Match[str]) -> str:
    """An odd number of pairs of braces is a placeholder's, of which each two are one brace itself."""
    opening, name, closing = found.groups()
    pairs = min(len(opening), len(closing))
    inner = text_of(name) if pairs % 2 else name
    return f"{opening[: len(opening) - pairs // 2 - pairs % 2]}{inner}{closing[pairs // 2 + pairs % 2 :]}"
