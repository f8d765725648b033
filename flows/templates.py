"""Templates: `{name}` in a text stands for a value. Nothing else in braces means anything."""

import re
from collections.abc import Mapping
from typing import Any

_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")


def names_in(text: str) -> list[str]:
    """The names that a template mentions, in their order."""
    return [found[1] for found in _PART.finditer(text) if found[1]]


def fill(text: str, values: Mapping[str, Any]) -> Any:
    """A template with its values put in; names without a value stay as they are.

    Args:
        text: The template. `{{` and `}}` stand for a single brace each.
        values: By name. Only looked up, never called or searched for attributes.

    Returns:
        The text; a template that is nothing but one name gives that value as it is, a list for example.
    """
    whole = _PART.fullmatch(text)
    if whole and whole[1] in values:
        return values[whole[1]]

    def put(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0][0]
        return str(values[found[1]]) if found[1] in values else found[0]

    return _PART.sub(put, text)
