"""Reading Kie's answers: one parser for everything the service is known to send.

Kie answers `{"code": 200, "msg": "success", "data": ...}`; errors come as HTTP 200 with the code in the body,
and HTTP errors, HTML pages, empty bodies and other shapes happen too. It never fails, but says what it read.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, cast

from prefect_kie.api.hosts import KeyHider

MAX_TEXT = 500
ENCODED = "a body in an encoding nobody asked for"
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""As JSON writes it, and not the text that says how; what stands before it are written backslashes."""


@dataclass(frozen=True)
class Envelope:
    """One answer of Kie, reduced to what decides."""

    code: int  # the body's code; the HTTP status where the body has none
    readable: bool  # whether the body was a JSON object at all
    from_body: bool  # whether `code` was in the body, so that Kie's application itself has answered
    text: str  # the body's `msg` or `message`; for anything but JSON the beginning of the body
    data: Any
    date: datetime | None = None  # the time of the answer by Kie's clock

    @property
    def fields(self) -> dict[str, Any]:
        """`data` as an object; empty where it is something else."""
        return as_object(self.data)

    @property
    def task_id(self) -> str | None:
        """The id of the created task: `taskId`, or `recordId` where it stands alone."""
        return first_id(self.fields, "taskId", "recordId", "task_id")


def parse_envelope(
    status: int, body: bytes | None, date: str | None = None, hide: KeyHider | None = None
) -> Envelope:
    """Read any answer of the service, with its `Date` header; a body of None could not be decoded."""
    parsed = None if body is None else _loads(body)
    if readable := isinstance(parsed, dict):
        fields = as_object(hide.in_json(parsed) if hide else parsed)
        text = (first_text(fields, "msg", "message") or "")[:MAX_TEXT]
    else:
        fields, text = {}, ENCODED if body is None else _beginning(body, hide)
    code = as_int(fields.get("code"))
    return Envelope(
        code=status if code is None else code,
        readable=readable,
        from_body=code is not None,
        text=text,
        data=fields.get("data"),
        date=_date(date),
    )


def decoded(value: Any) -> Any:
    """A JSON string's content, or the value itself: Kie encodes some fields once more, not always."""
    return _loads(value) if isinstance(value, str) else value


def as_object(value: Any) -> dict[str, Any]:
    """The value where it is an object; else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value where it is a list; else an empty one."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A JSON value with each one in it that is no object and no list changed."""
    if isinstance(value, dict):
        return {name: mapped(one, change) for name, one in as_object(value).items()}
    return [mapped(one, change) for one in as_list(value)] if isinstance(value, list) else change(value)


def texts_in(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """All texts in a JSON value, however deep, each with the name of the field that it is in."""
    if isinstance(value, str):
        yield name, value
    for key, one in as_object(value).items():
        yield from texts_in(one, key)
    for one in as_list(value):
        yield from texts_in(one, name)


def as_int(value: Any) -> int | None:
    """A whole number that may come as a number or as a string of one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        return int(value) if not isinstance(value, float) or value.is_integer() else None
    return None


def as_float(value: Any) -> float | None:
    """A finite number that may come as a number or as a string of one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        return number if math.isfinite(number := float(value)) else None
    return None


def as_time(value: Any) -> datetime | None:
    """A moment, given in milliseconds or as ISO 8601 writes it; None for anything else."""
    milliseconds = as_int(value)
    try:
        if milliseconds is not None:
            moment = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
        else:
            moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    # Of seconds it makes a day in 1970; and 9999-12-31, for "never", has no day after it.
    if not 1970 < moment.year < 9999:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def first_text(fields: dict[str, Any], *names: str) -> str | None:
    """The first of these fields that holds a text that is not empty."""
    texts = [fields.get(name) for name in names]
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), None)


def first_id(fields: dict[str, Any], *names: str) -> str | None:
    """The first of these fields that holds an id: a text, or a whole number read as one."""
    ids = {name: str(one) if type(one) is int else one for name, one in fields.items()}
    return first_text(ids, *names)


def _date(header: str | None) -> datetime | None:
    with suppress(ValueError, OverflowError):
        date = parsedate_to_datetime(header) if header else None
        return date if date is not None and date.tzinfo is not None else None
    return None


def _loads(text: str | bytes) -> Any:
    try:
        plain = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
        # An emoji cut in half (a lone surrogate) is valid JSON, but can be neither stored nor sent; a NUL is,
        # and no database keeps it.
        return json.loads(_NUL.sub(rb"\1", plain))
    except (ValueError, RecursionError):
        return None


def _beginning(body: bytes, hide: KeyHider | None) -> str:
    # Hidden before it is cut: half of a key would not be found.
    text = body[: 64 * MAX_TEXT].decode("utf-8", "replace").replace("\0", "")
    return " ".join((hide(text) if hide else text)[: 4 * MAX_TEXT].split())[:MAX_TEXT]


def texts(values: Any) -> Iterator[str]:
    """The texts of a list, without blanks around them; what is none is left out."""
    for value in as_list(values):
        if isinstance(value, str) and value.strip():
            yield value.strip()
