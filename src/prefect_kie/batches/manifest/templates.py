"""Templates of a manifest: `{column}` in a text stands for that row's value of the column.

Only a name in braces counts, so that JSON and other braces stay as they are, and nothing is evaluated.
`{{name}}` stands for `{name}` itself. Texts are filled once: what comes from a column is never read as a
template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from prefect_kie.batches.manifest.mistakes import came, nearest
from prefect_kie.batches.manifest.strict_json import is_list, is_object
from prefect_kie.run_page.markdown import plain

# It begins at the first of several braces only, else a text of nothing but braces would take for ever.
_BRACED = re.compile(r"(?<!\{)(\{+)([^\W\d]\w*)(\}+)")


def begins_with_placeholder(text: str) -> bool:
    """Whether a text that begins with a brace begins with a placeholder, and so is no JSON."""
    return _BRACED.match(text) is not None


def placeholders(value: Any) -> Iterator[str]:
    """The names that the texts in a value (a text, a list, an object) ask for."""
    if isinstance(value, str):
        if "{" in value:
            yield from (found[2] for found in _BRACED.finditer(value) if _pairs(found) % 2)
    elif is_list(value):
        for item in value:
            yield from placeholders(item)
    elif is_object(value):
        for item in value.values():
            yield from placeholders(item)


def filled(value: Any, values: Mapping[str, Any], names: Collection[str], problems: list[str]) -> Any:
    """A value with its texts' placeholders replaced.

    Args:
        value: A text, a list or an object; anything else is returned as it is.
        values: This row's values by column.
        names: All columns, also those without a value in this row.
        problems: Takes what is wrong, one sentence each; then the placeholder stays.
    """
    if isinstance(value, str):
        return _filled_text(value, values, names, problems) if "{" in value else value
    if is_list(value):
        return [filled(item, values, names, problems) for item in value]
    if is_object(value):
        return {key: filled(item, values, names, problems) for key, item in value.items()}
    return value


def _filled_text(text: str, values: Mapping[str, Any], names: Collection[str], problems: list[str]) -> str:
    def replaced(found: re.Match[str]) -> str:
        opening, name, closing = found.groups()
        pairs = _pairs(found)
        inner = _text_of(name, values, names, problems) if pairs % 2 else name
        if inner is None:
            return found[0]
        left, right = opening[: len(opening) - pairs], closing[: len(closing) - pairs]
        return f"{left}{'{' * (pairs // 2)}{inner}{'}' * (pairs // 2)}{right}"

    return _BRACED.sub(replaced, text)


def _pairs(braced: re.Match[str]) -> int:
    """How many pairs of braces a name has: an odd one is a placeholder's, each two are one brace itself."""
    return min(len(braced[1]), len(braced[3]))


def _text_of(name: str, values: Mapping[str, Any], names: Collection[str], problems: list[str]) -> str | None:
    shown = f"{{{plain(name, 60)}}}"
    if name not in values:
        if name in names:
            problems.append(f"{shown} has no value in this row")
        else:
            meant = nearest(name, tuple(sorted(names))) or ";"
            problems.append(f"{shown} names no column{meant} for braces themselves write {{{shown}}}")
        return None
    value: Any = values[name]
    text = value if isinstance(value, str) else json.dumps(value)
    if is_list(value) or is_object(value):
        problems.append(f"{shown} stands for {came(text)}, which is no text")
    elif next(placeholders(text), None) is not None:
        problems.append(f"{shown} stands for {came(text)}, which has a placeholder of its own")
    else:
        return text
    return None
