"""What an answer means: the table of codes, on a paid call and on free ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import httpx
import pytest

from prefect_kie.api import (
    AuthenticationFailed,
    ContentRejected,
    FeatureDisabled,
    InsufficientCredits,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    KieError,
    Maintenance,
    ModelNotSupported,
    RateLimited,
    ServiceUnavailable,
    SubmissionInDoubt,
    UsageLimitReached,
)
from prefect_kie.api.classification import (
    ACCEPTED,
    NO_SUCH_CALL,
    Call,
    Classification,
    classify,
    classify_exception,
    failure_class,
    is_passing,
)
from prefect_kie.api.envelope import Envelope, parse_envelope

NAMES = {"model", "input", "prompt", "aspect_ratio", "image_urls", "size", "origin_task_id"}
"""Fields that were sent, or that the model takes."""
TASK = {"taskId": "t1", "recordId": "t1"}
NOT_SUPPORTED = (
    "The model name you specified is not supported. Please verify it and ensure the model is available."
)
SERVER = "Server exception, please try again later or contact customer service"
GUARDRAILS = "This content may violate our guardrails concerning similarity to third-party content."


def said(code: int, text: str = "", data: Any = None, *, status: int = 200) -> Envelope:
    """An answer whose body holds a code."""
    return parse_envelope(status, json.dumps({"code": code, "msg": text, "data": data}).encode())


def page(status: int, text: str = "<html>") -> Envelope:
    """An answer that is no JSON."""
    return parse_envelope(status, text.encode())


def bare(status: int, data: Any = None) -> Envelope:
    """A JSON object without a code."""
    return parse_envelope(status, json.dumps({"data": data}).encode())


@dataclass(frozen=True)
class Row:
    """One line of a table of verdicts."""

    name: str
    answer: Envelope
    error: type[KieError] | None = None
    retryable: bool = False
    outcome: str = field(default="rejected")
    next_step: str | None = None

    @property
    def classification(self) -> Classification:
        return Classification(self.outcome, self.error, self.retryable, self.next_step)


def rows(*table: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table, ids=[row.name for row in table])


@rows(
    Row("401", said(401, "You do not have access permissions"), AuthenticationFailed),
    Row("402", said(402, "Credits insufficient"), InsufficientCredits),
    Row("404", said(404), InvalidRequest, next_step=NO_SUCH_CALL),
    Row("422", said(422, "prompt length cannot exceed 10000 characters"), InvalidRequest),
    Row("422 model", said(422, NOT_SUPPORTED), ModelNotSupported),
    Row("429", said(429, "Your call frequency is too high"), RateLimited, retryable=True),
    Row("433", said(433, "usage limit"), UsageLimitReached),
    Row("455", said(455, "maintenance"), Maintenance, retryable=True),
    Row("500 missing field", said(500, "aspect_ratio is required"), InvalidRequest),
    Row("500 missing field, quoted", said(500, "'input.image_urls[0]' cannot be empty."), InvalidRequest),
    Row("500 missing model", said(500, "model is required"), InvalidRequest),
    Row("500 missing origin", said(500, "origin_task_id is required"), InvalidRequest),
    Row("500 options", said(500, "size is not within the range of allowed options"), InvalidRequest),
    Row("500 credits", said(500, "Credits insufficient"), InsufficientCredits),
    Row("500 credits, other order", said(500, "Insufficient credits: top up"), InsufficientCredits),
    Row("505", said(505, "This feature is currently disabled"), FeatureDisabled),
    Row("HTTP 400 page", page(400), InvalidRequest),
    Row("HTTP 401 page", page(401), AuthenticationFailed),
    Row("HTTP 403 page", page(403), AuthenticationFailed),
    Row("HTTP 404 page", page(404), InvalidRequest, next_step=NO_SUCH_CALL),
    Row("HTTP 413 page", page(413), InvalidRequest),
    Row("HTTP 429 page", page(429), RateLimited, retryable=True),
    Row("HTTP 422 without code", bare(422), InvalidRequest),
    Row("HTTP 500 with 422", said(422, status=500), InvalidRequest),
)
def test_a_create_is_refused_where_kie_surely_created_nothing(row: Row) -> None:
    assert classify(Call.CREATE, row.answer, NAMES) == row.classification


@rows(
    Row("task", said(200, "success", TASK)),
    Row("record alone", said(200, "success", {"recordId": "t1"})),
    Row("no code", bare(200, TASK)),
    Row("HTTP 500 with 200", said(200, "success", TASK, status=500)),
)
def test_a_create_is_accepted_when_it_names_its_task(row: Row) -> None:
    assert classify(Call.CREATE, row.answer, NAMES) == ACCEPTED
    assert (ACCEPTED.outcome, ACCEPTED.error) == ("accepted", None)


@rows(
    Row("500", said(500, SERVER)),
    Row("500 without text", said(500)),
    Row("500 of Kie's own", said(500, "taskId cannot be null")),
    Row("500 of Kie's own, quoted", said(500, "[taskId] is required")),
    Row("500 of Kie's own result", said(500, "response is invalid")),
    Row("500 more than a field", said(500, "saving failed after creation: prompt is required")),
    Row("501", said(501, "Generation failed")),
    Row("408", said(408, "nothing for 10 minutes")),
    Row("unknown code", said(299, "partly done")),
    Row("code 0", said(0, "success", TASK)),
    Row("200 without data", said(200, "success")),
    Row("200 with an empty task", said(200, "success", {"taskId": ""})),
    Row("200 as a list", said(200, "success", ["t1"])),
    Row("empty page", page(200, "")),
    Row("page of success", page(200)),
    Row("redirect", page(302)),
    Row("HTTP 408", page(408)),
    Row("HTTP 409", page(409)),
    Row("HTTP 455 page", page(455)),
    Row("HTTP 500 page", page(500)),
    Row("HTTP 500 page naming a field", page(500, "prompt is required")),
    Row("HTTP 500 without code", bare(500)),
    Row("HTTP 502 page", page(502)),
    Row("HTTP 503 page", page(503)),
    Row("HTTP 504 page", page(504)),
    Row("HTTP 505 page", page(505)),
    Row("HTTP 520 page", page(520)),
)
def test_any_other_answer_leaves_a_create_in_doubt(row: Row) -> None:
    assert classify(Call.CREATE, row.answer, NAMES) == Classification(
        "unknown", SubmissionInDoubt, retryable=False
    )


@pytest.mark.parametrize("code", [0, 400, 401, 402, 404, 408, 422, 429, 433, 455, 500, 501, 505])
def test_a_create_that_names_a_task_is_never_taken_for_a_refusal(code: int) -> None:
    texts, names = (
        ["", "prompt is required", "Credits insufficient", NOT_SUPPORTED],
        ["taskId", "recordId", "task_id"],
    )
    for text, name in product(texts, names):
        classification = classify(Call.CREATE, said(code, text, {name: "t1"}), NAMES)
        assert classification == Classification("unknown", SubmissionInDoubt, retryable=False), (text, name)


@rows(
    Row("401", said(401), AuthenticationFailed),
    Row("404", said(404), JobNotFound),
    Row("404 page", page(404), ServiceUnavailable, outcome="unknown", retryable=True),
    Row("403 page", page(403), ServiceUnavailable, outcome="unknown", retryable=True),
    Row("422 young", said(422, "recordInfo is null"), JobNotFound),
    Row("422 other words", said(422, "record not found"), JobNotFound),
    Row("500 young", said(500, "recordInfo is null"), JobNotFound),
    Row("422", said(422, "taskId is malformed"), InvalidRequest),
    Row("408 without record", said(408, "nothing for 10 minutes"), JobFailed),
    Row("501 without record", said(501, "Generation failed"), JobFailed),
    Row("501 moderated", said(501, GUARDRAILS), ContentRejected),
    Row("429", said(429), RateLimited, retryable=True),
    Row("433", said(433), UsageLimitReached),
    Row("455", said(455), Maintenance, retryable=True),
    Row("505", said(505), FeatureDisabled),
    Row("500", said(500, SERVER), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("HTTP 408", page(408), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("HTTP 455", page(455), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("HTTP 501", page(501), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("HTTP 502", page(502), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("HTTP 505", page(505), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("page of success", page(200), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("redirect", page(302), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("unknown code", said(299), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("200", said(200, "success", {"taskId": "t1"}), outcome="accepted"),
    Row("200 young", said(200, "success"), outcome="accepted"),
    Row("501 with record", said(501, "Playground task failed.", TASK), outcome="accepted"),
    Row("408 with record", said(408, "failed", TASK), outcome="accepted"),
)
def test_a_look_means_what_the_table_of_codes_says(row: Row) -> None:
    assert classify(Call.POLL, row.answer) == row.classification


@rows(
    Row("401", said(401), AuthenticationFailed),
    Row("404", said(404), InvalidRequest, next_step=NO_SUCH_CALL),
    Row("422", said(422, "url is wrong"), InvalidRequest),
    Row("400", said(400, "fileName must not hold a slash"), InvalidRequest),
    Row("429", said(429), RateLimited, retryable=True),
    Row("433", said(433), UsageLimitReached),
    Row("455", said(455), Maintenance, retryable=True),
    Row("500", said(500, SERVER), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("501", said(501), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("page of success", page(200), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("HTTP 502", page(502), ServiceUnavailable, retryable=True, outcome="unknown"),
    Row("200", said(200, "success", 5916.25), outcome="accepted"),
)
def test_another_free_call_may_be_repeated_unless_it_was_refused(row: Row) -> None:
    assert classify(Call.FREE, row.answer) == row.classification


# Broken connections

NEVER_SENT = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("no answer to SYN"),
    httpx.PoolTimeout("no slot"),
    httpx.ProxyError("proxy refused"),
    httpx.UnsupportedProtocol("ftp"),
    httpx.InvalidURL("no host"),
]
MAYBE_SENT = [
    httpx.ReadTimeout("silence"),
    httpx.WriteTimeout("stuck"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.CloseError("reset"),
    httpx.RemoteProtocolError("peer closed connection"),
    httpx.LocalProtocolError("too much data"),
    httpx.DecodingError("no gzip"),
    httpx.TooManyRedirects("loop"),
    httpx.HTTPError("anything else"),
]


def name(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", NEVER_SENT, ids=name)
def test_a_create_that_never_left_this_machine_may_be_repeated(error: httpx.HTTPError) -> None:
    assert classify_exception(Call.CREATE, error) == Classification(
        "rejected", ServiceUnavailable, retryable=True
    )


@pytest.mark.parametrize("error", MAYBE_SENT, ids=name)
def test_a_create_that_may_have_arrived_is_in_doubt(error: httpx.HTTPError) -> None:
    assert classify_exception(Call.CREATE, error) == Classification(
        "unknown", SubmissionInDoubt, retryable=False
    )


@pytest.mark.parametrize("error", [*NEVER_SENT, *MAYBE_SENT], ids=name)
@pytest.mark.parametrize("call", [Call.POLL, Call.FREE], ids=lambda call: call.name)
def test_a_free_call_with_a_broken_connection_may_be_repeated(call: Call, error: httpx.HTTPError) -> None:
    assert classify_exception(call, error) == Classification("unknown", ServiceUnavailable, retryable=True)


# Failed jobs

MODERATED = [
    (None, GUARDRAILS),
    ("500", "This content may violate our guardrails concerning nudity. Please adjust and try again."),
    (None, "We currently do not support uploads of images containing photorealistic people."),
    ("SENSITIVE_WORD_ERROR", None),
    ("422", "Your prompt was flagged by our moderation system"),
    ("422", "violates our usage policies"),
    ("500", "content policy"),
]
PASSING = [
    ("500", "Internal Error, Please try again later."),
    ("500", "Internal server error"),
    (None, "We are under heavy load. Please try again later."),
    ("408", "The request timed out"),
    ("408", "Timeout"),
    ("500", "The server is overloaded"),
    ("500", "temporarily unavailable"),
]
FINAL = [
    (None, None),
    ("", ""),
    ("GENERATION_FAILED", None),
    ("422", "The character_user_name sky is already taken."),
    ("501", "Generation failed"),
]


@pytest.mark.parametrize("reasons", MODERATED, ids=repr)
def test_moderation_is_final(reasons: tuple[str | None, str | None]) -> None:
    assert failure_class(*reasons) is ContentRejected
    assert not is_passing(*reasons)


@pytest.mark.parametrize("reasons", PASSING, ids=repr)
def test_a_passing_failure_is_worth_a_new_job(reasons: tuple[str | None, str | None]) -> None:
    assert failure_class(*reasons) is JobFailed
    assert is_passing(*reasons)


@pytest.mark.parametrize("reasons", FINAL, ids=repr)
def test_any_other_failure_is_not(reasons: tuple[str | None, str | None]) -> None:
    assert failure_class(*reasons) is JobFailed
    assert not is_passing(*reasons)
