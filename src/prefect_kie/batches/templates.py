"""Templates: `{column}` in a text stands for a value, `{{column}}` for `{column}` itself.

Only a name in braces counts, so JSON and other braces stay as they are, and nothing is evaluated. A text is
filled once: what a value brings along is never read as a template.
"""

import re
from collections.abc import Callable
from typing import Any, cast

# It begins at the first of several braces only, else a text of nothing but braces would take for ever.
_BRACED = re.compile(r"(?<!\{)(\{+)([^\W\d]\w*)(\}+)")


def begins_with_placeholder(text: str) -> bool:
    """Whether a text that begins with a brace begins with a placeholder, and so is not JSON."""
    return _BRACED.match(text) is not None


def placeholders(value: Any) -> list[str]:
    """The names that the texts in a value (a text, a list, an object) ask for."""
    names: list[str] = []

    def note(name: str) -> str:
        names.append(name)
        return ""

    fill(value, note)
    return names


def fill(value: Any, text_of: Callable[[str], str]) -> Any:
    """A value (a text, a list, an object) with each placeholder replaced by `text_of` its name."""
    if isinstance(value, str):
        return _BRACED.sub(lambda found: _replaced(found, text_of), value) if "{" in value else value
    if isinstance(value, list):
        return [fill(part, text_of) for part in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: fill(part, text_of) for name, part in cast("dict[str, Any]", value).items()}
    return value


def _replaced(found: re.Match[str], text_of: Callable[[str], str]) -> str:
    """An odd number of pairs of braces is a placeholder's, of which each two are one brace itself."""
    opening, name, closing = found.groups()
    pairs = min(len(opening), len(closing))
    inner = text_of(name) if pairs % 2 else name
    return f"{opening[: len(opening) - pairs // 2 - pairs % 2]}{inner}{closing[pairs // 2 + pairs % 2 :]}"
