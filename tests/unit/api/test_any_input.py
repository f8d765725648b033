"""Nothing that Kie, or a person, can say makes the pure functions fail otherwise than promised."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from prefect_kie.api import CharacterResult, Job, JobResult, KieError
from prefect_kie.api.classification import Call, classify, failure_class, is_passing
from prefect_kie.api.envelope import Envelope, parse_envelope
from prefect_kie.api.jobs import parse_job, parse_result
from prefect_kie.models import Slice, parse_request

often = settings(max_examples=60, deadline=None)

texts = st.text(st.characters(exclude_categories=()), max_size=30)
"""Any text, halves of characters included."""
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
encoded = json_values.map(json.dumps)
numbers = st.integers(0, 600) | st.integers(-(10**20), 10**20).map(str) | st.floats()
codes = st.sampled_from([0, 200, 400, 401, 402, 404, 408, 422, 429, 433, 455, 500, 501, 505, 520])
statuses = st.sampled_from([200, 201, 302, 400, 401, 403, 404, 408, 429, 455, 500, 502, 503, 504, 505])
states = st.sampled_from(["waiting", "generating", "success", "fail", "polishing"])
urls = st.sampled_from(["https://a.example/v.mp4", "http://[::1", "ftp://a/b", "//", ""])
results = st.fixed_dictionaries(
    {},
    optional={
        "resultUrls": st.lists(urls | json_values, max_size=3) | urls | json_values,
        "resultWaterMarkUrls": st.lists(urls, max_size=3).map(json.dumps) | json_values,
        "resultObject": st.fixed_dictionaries({}, optional={"character_id": texts | json_values}),
        "character_user_name": texts,
    },
)
echoes = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["sora-2-text-to-video", "sora-2-characters-pro", "kling-2.6"])
        | json_values,
        "input": st.dictionaries(st.sampled_from(["prompt", "n_frames", "model"]) | texts, json_values)
        | json_values
        | encoded,
    },
)
records = st.fixed_dictionaries(
    {},
    optional={
        "taskId": texts | json_values,
        "recordId": texts,
        "model": texts | json_values,
        "state": states | json_values,
        "param": echoes | echoes.map(json.dumps) | json_values | encoded,
        "resultJson": results | results.map(json.dumps) | json_values | encoded,
        "failCode": json_values,
        "failMsg": json_values,
        "progress": numbers | json_values,
        "creditsConsumed": numbers | json_values,
        "createTime": st.integers(0, 2 * 10**12) | numbers | json_values,
        "completeTime": st.integers(0, 2 * 10**12) | numbers | json_values,
    },
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "code": codes | numbers | json_values,
        "msg": st.sampled_from(["prompt is required", "Credits insufficient", "recordInfo is null"])
        | json_values,
        "message": json_values,
        "data": records | json_values,
    },
)
dates = st.none() | texts | st.just("Sun, 22 Nov 2026 11:52:45 GMT")
envelopes = st.builds(
    Envelope,
    code=codes | st.integers(),
    readable=st.booleans(),
    from_body=st.booleans(),
    text=texts | st.sampled_from(["prompt is required", "Credits insufficient", "recordInfo is null"]),
    data=records | json_values,
)


def check_job(job: Job | None) -> None:
    """A job is whole: each of its values can be asked for."""
    if job is None:
        return
    assert job.task_id
    assert isinstance(job.result, JobResult | CharacterResult) or (job.result is None)
    assert isinstance(job.prompt, str)
    assert job.age is None or job.age >= 0
    assert job.seconds is None or job.seconds >= 0
    assert job.progress is None or 0 <= job.progress <= 100
    assert all(url.startswith(("http://", "https://", "HTTP")) for url in job.urls)


@often
@given(status=statuses, body=st.binary(max_size=200) | encoded.map(str.encode), date=dates)
def test_any_bytes_are_read_as_an_envelope(status: int, body: bytes, date: str | None) -> None:
    envelope = parse_envelope(status, body, date)
    assert envelope.from_body or envelope.code == status
    check_job(parse_job(envelope.fields))


@often
@given(status=statuses, body=bodies)
def test_any_answer_is_read_judged_and_can_be_stored(status: int, body: dict[str, Any]) -> None:
    envelope = parse_envelope(status, json.dumps(body).encode())
    assert envelope.readable
    json.dumps(envelope.data, ensure_ascii=False).encode()
    job = parse_job(envelope.fields, seen_at=datetime(2026, 11, 22, tzinfo=timezone.utc))
    check_job(job)
    if job is not None:
        job.model_dump_json()
    for call in Call:
        classify(call, envelope)


@often
@given(data=records)
@example({"taskId": "\ud800", "failMsg": "cut \ud83d"})
@example({"taskId": "t1", "state": "success", "createTime": 1e308, "progress": float("nan")})
def test_any_record_is_a_job_or_none(data: dict[str, Any]) -> None:
    check_job(parse_job(data))


@often
@given(value=results | json_values | encoded)
def test_any_result_is_files_or_a_character(value: object) -> None:
    assert isinstance(parse_result(value), JobResult | CharacterResult)


@often
@given(answer=envelopes)
def test_any_answer_has_a_verdict_that_keeps_the_promise(answer: Envelope) -> None:
    for call in Call:
        classification = classify(call, answer)
        assert (classification.outcome == "accepted") == (classification.error is None)
        assert classification.error is None or issubclass(classification.error, KieError)
    create = classify(Call.CREATE, answer)
    # Paid once: nothing that may have been created is called refused, or repeated.
    assert create.outcome != "rejected" or answer.task_id is None
    assert not create.retryable or create.outcome == "rejected"
    assert create.outcome != "accepted" or answer.task_id is not None


@often
@given(reasons=st.lists(st.none() | texts, max_size=3))
def test_any_reason_has_a_class(reasons: list[str | None]) -> None:
    assert issubclass(failure_class(*reasons), KieError)
    assert is_passing(*reasons) in (True, False)


@often
@given(timestamps=texts | st.tuples(numbers, numbers).map(lambda pair: f"{pair[0]},{pair[1]}"))
@example("0,1e9999999")
@example("sNaN,2")
@example("0,8")
def test_any_text_is_a_slice_or_a_value_error(timestamps: str) -> None:
    try:
        part = Slice.parse(timestamps)
    except ValueError:
        return
    assert 0.999 <= part.end - part.start <= 8.001


@often
@given(body=echoes | st.dictionaries(texts, json_values, max_size=3))
@example({"model": "sora-2-characters-pro", "input": {"timestamps": "0,1e9999999"}})
@example({"model": "sora-2-text-to-video", "input": "a dog"})
def test_any_body_is_a_request_or_a_value_error(body: dict[str, Any]) -> None:
    try:
        request = parse_request(body)
    except ValueError:
        return
    json.dumps(request.body(), allow_nan=False, ensure_ascii=False).encode()
