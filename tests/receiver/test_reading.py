"""Reading and judging a callback, whatever is sent."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from prefect_kie.callbacks.receiver.reading import MAX_BODY, Body, Ring, check_head, judge, read_body
from prefect_kie.callbacks.receiver.refusals import Refusal, Refused
from tests.receiver.calling import NOW, SUBMISSION, TASK, block, body, sign

BLOCK = block()
STAMP = str(NOW)


def refusal(content: bytes) -> Refusal:
    """Why a body is refused."""
    with pytest.raises(Refused) as caught:
        read_body(content)
    return caught.value.refusal


@pytest.mark.parametrize(
    "named",
    [
        {"data": {"taskId": TASK}},
        {"data": {"task_id": TASK}},
        {"taskId": TASK},
        {"task_id": TASK},
        {"taskId": TASK, "data": {"task_id": TASK}},
        {"task_id": TASK, "data": "broken"},
    ],
)
def test_the_job_is_named_in_any_of_the_known_places(named: dict[str, Any]) -> None:
    assert read_body(json.dumps(named).encode()) == Body(TASK, None, None)


def test_state_and_progress_are_taken_and_nothing_else() -> None:
    content = json.dumps(body(state="generating", progress=62.5)).encode()
    assert read_body(content) == Body(TASK, "generating", 62.5)


@pytest.mark.parametrize("state", ["unknown", "SUCCESS\r\nX: y", "", None, 5, ["success"], "deleted"])
def test_a_state_that_is_none_of_kies_is_left_out(state: object) -> None:
    assert read_body(json.dumps(body(state=state)).encode()).state is None


@pytest.mark.parametrize("progress", [-1, 101, True, "50", None, [50], 10**19])
def test_a_progress_that_is_no_percentage_is_left_out(progress: object) -> None:
    assert read_body(json.dumps(body(progress=progress)).encode()).progress is None


def test_a_progress_beyond_all_numbers_is_left_out() -> None:
    assert read_body(b'{"data": {"taskId": "a", "progress": 1e999}}').progress is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"5",
        b"[]",
        b"{}",
        b'"e989621f"',
        b"<html>",
        b"{",
        b'{"data": {}}',
        b'{"data": []}',
        b'{"data": {"taskId": ""}}',
        b'{"data": {"taskId": null}}',
        b'{"data": {"taskId": 5}}',
        b'{"data": {"taskId": ["a"]}}',
        b'{"data": {"taskId": "a b"}}',
        b'{"data": {"taskId": "a\\nb"}}',
        b'{"data": {"taskId": "a\\u0000"}}',
        b'{"data": {"taskId": "\\ud83d"}}',
        '{"data": {"taskId": "ü"}}'.encode(),
        b'{"data": {"taskId": "' + b"a" * 129 + b'"}}',
        b'{"data": {"taskId": "a"}, "taskId": "b"}',
        b'{"data": {"taskId": "a", "task_id": "b"}}',
        b'{"taskId": "a", "taskId": "a"}',
        b'{"data": {"taskId": "a", "x": {"y": 1, "y": 2}}}',
        b'{"data": {"taskId": "a"}, "x": NaN}',
        b'{"data": {"taskId": "a"}, "x": -Infinity}',
        b'{"data": {"taskId": "a"}, "x": ' + b"9" * 200_000 + b"}",
        b'{"data": {"taskId": "a\xff"}}',
        b'\xef\xbb\xbf{"taskId": "a"}',
        '{"taskId": "a"}'.encode("utf-16"),
        b"[" * MAX_BODY,
        b'{"a":' * 50_000,
        b'{"taskId": "a", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
    ids=lambda content: ascii(content[:40]),
)
def test_what_names_no_one_job_is_refused(content: bytes) -> None:
    assert refusal(content) is Refusal.MALFORMED


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "taskId", "task_id", "state", "progress", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | junk.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(Refused):
        found = read_body(content)
        assert 1 <= len(found.task_id) <= 128
        assert found.task_id.isascii()
        assert found.task_id.isprintable()
        assert found.progress is None or 0 <= found.progress <= 100
        assert found.state in (None, "waiting", "queuing", "generating", "success", "fail")


anything = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=200, deadline=None)
@given(task_id=anything, times=anything | st.integers(NOW - 999, NOW + 999).map(str), signature=anything)
def test_no_invented_signature_is_taken(task_id: str, times: str, signature: str) -> None:
    with pytest.raises(Refused) as caught:
        judge("done", None, Body(task_id, None, None), (times, signature), BLOCK, NOW)
    assert caught.value.refusal is Refusal.NOT_GENUINE


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_signature_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    parts = [TASK, STAMP, sign(TASK, STAMP)]
    which = data.draw(st.sampled_from([0, 1, 2]))
    place = data.draw(st.integers(0, len(parts[which]) - 1))
    other = data.draw(st.characters().filter(lambda char: char != parts[which][place]))
    parts[which] = parts[which][:place] + other + parts[which][place + 1 :]
    with pytest.raises(Refused) as caught:
        judge("done", None, Body(parts[0], None, None), (parts[1], parts[2]), BLOCK, NOW)
    assert caught.value.refusal is Refusal.NOT_GENUINE


@settings(max_examples=200, deadline=None)
@given(task_id=st.from_regex(r"[A-Za-z0-9_.:~+=/-]{1,128}", fullmatch=True), late=st.integers(-300, 300))
def test_every_genuine_one_is_taken(task_id: str, late: int) -> None:
    stamp = str(NOW + late)
    ring = judge("progress", SUBMISSION, Body(task_id, "fail", 7), (stamp, sign(task_id, stamp)), BLOCK, NOW)
    assert ring == Ring(task_id, SUBMISSION, "progress", "fail", 7, signed=True)


@pytest.mark.parametrize("submission", [None, "", "kie-1", SUBMISSION.upper(), f"{SUBMISSION}\n", "../x"])
def test_only_what_looks_like_a_submission_is_taken_for_one(submission: str | None) -> None:
    ring = judge("done", submission, Body(TASK, None, None), (STAMP, sign(TASK, STAMP)), BLOCK, NOW)
    assert ring.submission is None


def test_an_unsigned_one_is_known_as_such() -> None:
    lenient = block(accept_unsigned=True)
    assert not judge("done", None, Body(TASK, None, None), None, lenient, NOW).signed
    without_key = block(accept_unsigned=True, signing_key=None)
    signature = (STAMP, sign(TASK, STAMP))
    assert not judge("done", None, Body(TASK, None, None), signature, without_key, NOW).signed
    with pytest.raises(Refused, match="not Kie's"):
        judge("done", None, Body(TASK, None, None), (STAMP, "forged"), lenient, NOW)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("content-type", "text/plain")], Refusal.MEDIA_TYPE),
        ([("content-type", "multipart/form-data; boundary=x")], Refusal.MEDIA_TYPE),
        ([("content-type", "application/json"), ("content-type", "text/plain")], Refusal.MEDIA_TYPE),
        ([("content-encoding", "gzip")], Refusal.MEDIA_TYPE),
        ([("content-length", str(MAX_BODY + 1))], Refusal.TOO_LARGE),
        ([("content-length", "9" * 5000)], Refusal.TOO_LARGE),
        ([], Refusal.UNSIGNED),
        ([("x-webhook-timestamp", STAMP)], Refusal.UNSIGNED),
        ([("x-webhook-signature", "x")], Refusal.UNSIGNED),
        ([("x-webhook-timestamp", STAMP)] * 2 + [("x-webhook-signature", "x")], Refusal.TWO_SIGNATURES),
        ([("x-webhook-timestamp", STAMP)] + [("x-webhook-signature", "x")] * 2, Refusal.TWO_SIGNATURES),
    ],
    ids=str,
)
def test_what_the_head_gives_away_is_refused_before_the_body(
    headers: list[tuple[str, str]], expected: Refusal
) -> None:
    with pytest.raises(Refused) as caught:
        check_head(Headers(raw=[(name.encode(), value.encode()) for name, value in headers]), BLOCK)
    assert caught.value.refusal is expected


def test_half_a_signature_is_not_taken_for_none() -> None:
    with pytest.raises(Refused, match="no signature"):
        check_head(Headers({"x-webhook-signature": "x"}), block(accept_unsigned=True))
    assert (
        check_head(Headers({"content-type": "Application/JSON; charset=utf-8"}), block(accept_unsigned=True))
        is None
    )
