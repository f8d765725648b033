"""JSON read strictly: what has two meanings, or what no request could carry, is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, TypeGuard, cast

from prefect_kie.run_page.markdown import plain

_DEEPEST = 20


class _Repeated(dict[str, Any]):
    """An object that names a key more than once: which of the values is meant is not known."""

    key: str = ""


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is a list."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[Any, Any]]:
    """Whether a value is a dictionary."""
    return isinstance(value, dict)


def loads(text: str) -> Any:
    """What a text says in JSON, to be given to `plain_json` next.

    Raises:
        ValueError: when it is none.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def plain_json(value: Any, depth: int = 0) -> Any:
    """A copy of a value that is sure to be plain JSON, and no deeper than any model's input.

    Raises:
        ValueError: when it is not; the message says what it holds.
    """
    if depth > _DEEPEST:
        raise ValueError(f"is nested more than {_DEEPEST} levels deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, int | float):
        return _plain_number(value)
    if isinstance(value, tuple) or is_list(value):
        return [plain_json(item, depth + 1) for item in cast("Sequence[Any]", value)]
    if is_object(value):
        if (twice := repeated_name(value)) is not None:
            raise ValueError(f"names {plain(twice, 60)!r} more than once")
        if any(not isinstance(key, str) for key in value):
            raise ValueError("holds a name that is no text")
        return {whole_text(key): plain_json(item, depth + 1) for key, item in value.items()}
    raise ValueError(f"holds a {plain(type(value).__name__, 60)}, which is not plain JSON")


def repeated_name(value: dict[Any, Any]) -> str | None:
    """The first name that an object of JSON gives more than once."""
    return value.key if isinstance(value, _Repeated) else None


def whole_text(text: str) -> str:
    """The same text.

    Raises:
        ValueError: when no body could carry it, or no database keep it.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("holds half a character (a lone surrogate)") from None
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def _plain_number(value: int | float) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"holds {value}, which is no number in JSON")
    if isinstance(value, int) and value.bit_length() > 64:
        raise ValueError("holds a number of more than 64 bits")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated, seen = _Repeated(found), set[str]()
    for name, _ in pairs:
        if name in seen:
            repeated.key = name
            break
        seen.add(name)
    return repeated
