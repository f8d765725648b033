"""Reading Kie's answers: one parser for everything the service is known to send.

Kie answers `{"code": 200, "msg": "success", "data": ...}`; errors come as HTTP 200 with the code in
the body, and real HTTP errors, HTML pages, empty bodies and other shapes happen too. The parser
never fails: it says what could be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from prefect_kie.api.transport import KeyHider

MAX_TEXT = 500
ENCODED = "a body in an encoding nobody asked for"


@dataclass(frozen=True)
class Envelope:
    """One answer of Kie, reduced to what decides.

    Attributes:
        status: The HTTP status.
        code: The body's code; the HTTP status where the body has none.
        readable: Whether the body was a JSON object at all.
        from_body: Whether `code` was in the body, so that Kie's application itself has answered.
        text: The body's `msg` or `message`; for anything but JSON the beginning of the body.
        data: The body's `data`, of any JSON type; None where there is none.
        date: The time of the answer by Kie's clock, where it told it.
    """

    status: int
    code: int
    readable: bool
    from_body: bool
    text: str
    data: Any
    date: datetime | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """`data` as an object; empty where it is something else."""
        data: Any = self.data
        return cast("dict[str, Any]", data) if isinstance(data, dict) else {}

    @property
    def task_id(self) -> str | None:
        """The id of the created task: `taskId`, or `recordId` where it stands alone."""
        return first_id(self.fields, "taskId", "recordId", "task_id")


def parse_envelope(
    status: int, body: bytes | None, date: str | None = None, hide: KeyHider | None = None
) -> Envelope:
    """Read any answer of the service.

    Args:
        status: The HTTP status.
        body: The whole body, as received; None where it could not be decoded.
        date: The answer's `Date` header.
        hide: Takes the key out of whatever can be told of the answer.

    Returns:
        The envelope. A missing body code means: the HTTP status (kie-api: Base).
    """
    if body is None:
        return Envelope(status, status, False, False, ENCODED, None, _date(date))
    parsed = _json_object(body)
    if parsed is None:
        return Envelope(status, status, False, False, _beginning(body, hide), None, _date(date))
    if hide is not None:
        parsed = hide.in_json(parsed)
    code = as_int(parsed.get("code"))
    text = first_text(parsed, "msg", "message") or ""
    return Envelope(
        status=status,
        code=status if code is None else code,
        readable=True,
        from_body=code is not None,
        text=text[:MAX_TEXT],
        data=parsed.get("data"),
        date=_date(date),
    )


def decoded(value: Any) -> Any:
    """A JSON string's content, or the value itself: Kie encodes some fields once more, not always."""
    return _loads(value) if isinstance(value, str) else value


def as_int(value: Any) -> int | None:
    """A whole number that may come as a number or as a string of one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value) if not isinstance(value, float) or value.is_integer() else None
    except (ValueError, OverflowError):
        return None


def as_float(value: Any) -> float | None:
    """A finite number that may come as a number or as a string of one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number - number == 0 else None


def first_text(fields: dict[str, Any], *names: str) -> str | None:
    """The first of these fields that holds a text that is not empty."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def first_id(fields: dict[str, Any], *names: str) -> str | None:
    """The first of these fields that holds an id: a text, or a whole number read as one."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if (text := first_text(fields, name)) is not None:
            return text
    return None


def _date(header: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(header) if header else None
    except (ValueError, OverflowError):
        return None
    return date if date is not None and date.tzinfo is not None else None


def _loads(text: str | bytes) -> Any:
    """What a JSON text says; None where it is none."""
    try:
        value = json.loads(text)
        plain = json.dumps(value, ensure_ascii=False)
        # An emoji cut in half (a lone surrogate) is valid JSON, but can be neither stored nor sent.
        return value if _is_utf8(plain) else json.loads(plain.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_object(body: bytes) -> dict[str, Any] | None:
    parsed = _loads(body)
    return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else None


def _beginning(body: bytes, hide: KeyHider | None) -> str:
    # Hidden before it is cut: half of a key would not be found.
    text = body[: 64 * MAX_TEXT].decode("utf-8", "replace")
    text = " ".join((hide(text) if hide else text)[: 4 * MAX_TEXT].split())
    return text[:MAX_TEXT]
