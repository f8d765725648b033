"""Reading Kie's answers: every shape that is known to come."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from prefect_kie.api.envelope import MAX_TEXT, as_float, as_int, decoded, parse_envelope


def answer(status: int = 200, **body: Any) -> Any:
    """The envelope of a JSON object."""
    return parse_envelope(status, json.dumps(body).encode())


def test_a_success_is_read_whole() -> None:
    envelope = answer(code=200, msg="success", data={"taskId": "t1", "recordId": "t1"})
    assert (envelope.code, envelope.readable, envelope.from_body) == (200, True, True)
    assert (envelope.text, envelope.fields, envelope.task_id) == (
        "success",
        {"taskId": "t1", "recordId": "t1"},
        "t1",
    )
    assert envelope.date is None


@pytest.mark.parametrize(
    ("status", "code", "read", "from_body"),
    [
        (200, 422, 422, True),
        (200, "422", 422, True),
        (200, " 422 ", 422, True),
        (200, 422.0, 422, True),
        (500, 200, 200, True),
        (200, None, 200, False),
        (200, "", 200, False),
        (200, "ERROR", 200, False),
        (200, True, 200, False),
        (200, [422], 200, False),
        (404, None, 404, False),
        (502, {"code": 422}, 502, False),
    ],
    ids=repr,
)
def test_the_bodys_code_decides_and_the_status_where_there_is_none(
    status: int, code: object, read: int, from_body: bool
) -> None:
    envelope = answer(status, code=code, msg="said", data=None)
    assert (envelope.code, envelope.from_body) == (read, from_body)
    assert envelope.readable
    assert envelope.text == "said"


def test_a_body_without_a_code_is_read_by_the_http_status() -> None:
    envelope = answer(404, msg="no such endpoint")
    assert (envelope.code, envelope.from_body, envelope.readable) == (404, False, True)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"msg": "said"}, "said"),
        ({"message": "said"}, "said"),
        ({"msg": "first", "message": "second"}, "first"),
        ({"msg": "", "message": "second"}, "second"),
        ({"msg": " ", "message": " second "}, "second"),
        ({"msg": 3, "message": "second"}, "second"),
        ({"msg": None}, ""),
        ({"msg": {"zh": "…"}}, ""),
        ({}, ""),
        ({"msg": "x" * 600}, "x" * MAX_TEXT),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_the_text_is_in_msg_or_in_message(body: dict[str, Any], text: str) -> None:
    assert answer(code=422, **body).text == text


HTML = b"<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<hr>nginx</body></html>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (HTML, HTML.decode().replace("\n", " ")),
        (b"", ""),
        (b"  \r\n ", ""),
        (b"null", "null"),
        (b"[]", "[]"),
        (b'[{"code": 200, "data": {"taskId": "t1"}}]', '[{"code": 200, "data": {"taskId": "t1"}}]'),
        (b'"task_1"', '"task_1"'),
        (b"200", "200"),
        (b"NaN", "NaN"),
        (b'{"code": 200, "data": {"taskId": "t1"', '{"code": 200, "data": {"taskId": "t1"'),
        (b'{"code": 200}{"code": 200}', '{"code": 200}{"code": 200}'),
        (b'{"code": ' + b"9" * 5000 + b"}", ('{"code": ' + "9" * 5000)[:MAX_TEXT]),
        (b"[" * 100_000, "[" * MAX_TEXT),
        (b"\xff\xfe\x00", "��"),
        ("ü".encode() * 3000, "ü" * MAX_TEXT),
    ],
    ids=lambda value: ascii(value)[:24],
)
@pytest.mark.parametrize("status", [200, 502])
def test_what_is_no_json_object_is_unreadable_and_quoted(status: int, body: bytes, text: str) -> None:
    envelope = parse_envelope(status, body)
    assert envelope.code == status
    assert (envelope.readable, envelope.from_body) == (False, False)
    assert (envelope.text, envelope.data, envelope.fields, envelope.task_id) == (text, None, {}, None)


@pytest.mark.parametrize(
    ("data", "task_id"),
    [
        ({"taskId": "t1", "recordId": "t1"}, "t1"),
        ({"taskId": "t1"}, "t1"),
        ({"recordId": "t1"}, "t1"),
        ({"task_id": "t1"}, "t1"),
        ({"taskId": "", "recordId": "t1"}, "t1"),
        ({"taskId": None, "recordId": " t1 "}, "t1"),
        ({"taskId": ["t1"]}, None),
        ({}, None),
        (None, None),
        ("t1", None),
        (["t1"], None),
        (5916.25, None),
    ],
    ids=repr,
)
def test_the_created_task_is_named_by_task_id_or_record_id_alone(data: object, task_id: str | None) -> None:
    envelope = answer(code=200, msg="success", data=data)
    assert envelope.data == data
    assert envelope.fields == (data if isinstance(data, dict) else {})
    assert envelope.task_id == task_id


@pytest.mark.parametrize(
    ("header", "date"),
    [
        ("Sun, 22 Nov 2026 11:52:45 GMT", datetime(2026, 11, 22, 11, 52, 45, tzinfo=timezone.utc)),
        ("Sun, 22 Nov 2026 12:52:45 +0100", datetime(2026, 11, 22, 11, 52, 45, tzinfo=timezone.utc)),
        (None, None),
        ("", None),
        ("now", None),
        ("Sun, 99 Nov 2026 11:52:45 GMT", None),
        ("Sun, 22 Nov 2026 11:52:45 +9999999999", None),
        ("Sun, 22 Nov 2026 11:52:45 -0000", None),  # a time that says it knows no zone
    ],
    ids=repr,
)
@pytest.mark.parametrize("body", [b'{"code": 200}', HTML], ids=["json", "html"])
def test_the_time_of_the_answer_is_its_date_header(
    header: str | None, date: datetime | None, body: bytes
) -> None:
    assert parse_envelope(200, body, header).date == date


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (r"\u0000", ""),
        (r"bad\u0000 \u0000\u0000input", "bad input"),
        (r"\\u0000", r"\u0000"),
        (r"\\\u0000", "\\"),
        (r"\u0001", "\x01"),
    ],
)
def test_a_nul_is_left_out_so_that_a_text_can_be_stored(sent: str, kept: str) -> None:
    answer = parse_envelope(200, f'{{"data": {{"{sent}x": ["{sent}"]}}}}'.encode())
    assert answer.data == {f"{kept}x": [kept]}
    assert decoded(f'["{sent}"]') == [kept]
    assert parse_envelope(502, b"bad \0gateway").text == "bad gateway"


def test_half_a_character_is_replaced_so_that_a_text_can_be_stored() -> None:
    # An emoji that was cut after its first half is valid JSON.
    body = rb'{"code": 422, "msg": "bad \ud83d", "data": {"\udc00": ["\ud83d\ude00", "\ud83d"]}}'
    envelope = parse_envelope(200, body)
    assert envelope.text == "bad ?"
    assert envelope.data == {"?": ["😀", "?"]}
    assert decoded(r'["\ud83d"]') == ["?"]


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ('{"a": 1}', {"a": 1}),
        ("[1]", [1]),
        ({"a": 1}, {"a": 1}),
        (None, None),
        ("", None),
        ("no json", None),
        ("[" * 100_000, None),
        (3, 3),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_json_string_is_decoded_and_anything_else_is_left(value: object, content: object) -> None:
    assert decoded(value) == content


@pytest.mark.parametrize(
    ("value", "whole", "number"),
    [
        (43, 43, 43.0),
        ("43", 43, 43.0),
        (43.0, 43, 43.0),
        ("43.5", None, 43.5),
        ("many", None, None),
        ("", None, None),
        (True, None, None),
        (None, None, None),
        ([43], None, None),
        (float("nan"), None, None),
        (float("inf"), None, None),
        ("nan", None, None),
        ("-inf", None, None),
        (10**400, 10**400, None),
        ("9" * 5000, None, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_numbers_may_come_as_strings(value: object, whole: int | None, number: float | None) -> None:
    assert as_int(value) == whole
    assert as_float(value) == number
