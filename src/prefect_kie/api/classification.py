"""What an answer means: created or not, worth repeating or not. The one retry decision.

Pure functions from (call, HTTP status, body code, text) to a classification. The table they hold is kie-api,
"Codes (in the body)".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import httpx

from prefect_kie.api import wordings
from prefect_kie.api.envelope import Envelope
from prefect_kie.api.errors import (
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

Outcome = Literal["accepted", "rejected", "unknown"]


class Call(Enum):
    """The kinds of call, by what a repetition costs."""

    CREATE = "createTask"
    """Paid: repeated only when surely nothing was created."""
    POLL = "recordInfo"
    """Free, and about one job."""
    FREE = "free"
    """Free: credits, download links, uploads."""


@dataclass(frozen=True)
class Classification:
    """What an answer means.

    Attributes:
        outcome: `accepted` (it was done), `rejected` (surely not done) or `unknown`.
        error: The class of the error to raise; None when accepted.
        retryable: Whether the same call may be repeated as it is.
        next_step: What continues, where the error's own words do not fit.
    """

    outcome: Outcome
    error: type[KieError] | None = None
    retryable: bool = False
    next_step: str | None = None


ACCEPTED = Classification("accepted")
IN_DOUBT = Classification("unknown", SubmissionInDoubt)

# Nothing left this machine: the connection was refused, never stood, or no slot was free for it.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)

_FINAL: dict[int, type[KieError]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    402: InsufficientCredits,
    403: AuthenticationFailed,
    404: InvalidRequest,
    405: InvalidRequest,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    433: UsageLimitReached,
    505: FeatureDisabled,
}

_PAUSING = (400, 403, 404, 422, 455, 500, 503, 505)
"""Codes that may come with "This interface is temporarily paused"; 500 is the one that was seen."""

NO_SUCH_CALL = "Check the API address in the KieCredentials block (it knows no such call), then run again."


def classify(call: Call, answer: Envelope, names: Collection[str] = ()) -> Classification:
    """Decide what an answer means for this kind of call.

    Args:
        call: What was asked.
        answer: What came back.
        names: The fields that were sent, and those that the model takes. An error 500 is a refusal only
            where it names one of them.

    Returns:
        The classification. A create is `rejected` only when Kie surely created nothing.
    """
    if call is Call.CREATE:
        return _classify_create(answer, names)
    if answer.code == 200 and answer.readable:
        return ACCEPTED
    if call is Call.POLL and answer.from_body:
        if answer.task_id and answer.fields.get("state") and answer.code in (400, 408, 422, 500, 501):
            return ACCEPTED  # the job failed, and its record came along, which says why
        if answer.code == 404 or wordings.no_such_record(answer.text):
            return Classification("rejected", JobNotFound)
        if answer.code in (408, 501):
            return ACCEPTED if answer.task_id else Classification("rejected", failure_class(answer.text))
    # A look is free: what is not surely Kie's own word (a proxy's page, a 500) is worth another one.
    doubtful = call is Call.POLL and (answer.code == 500 or not answer.from_body)
    refusal = None if doubtful else _classify_refusal(answer, names)
    return refusal or Classification("unknown", ServiceUnavailable, retryable=True)


def classify_exception(call: Call, error: Exception) -> Classification:
    """Decide what a broken connection means for this kind of call.

    Returns:
        The classification: a create that may have left this machine is `unknown` and never repeated.
    """
    if call is not Call.CREATE:
        return Classification("unknown", ServiceUnavailable, retryable=True)
    if isinstance(error, _NEVER_SENT):
        return Classification("rejected", ServiceUnavailable, retryable=True)
    return IN_DOUBT


def failure_class(*reasons: str | None) -> type[JobFailed]:
    """The error class for a failed job, from what Kie says of it (failCode, failMsg)."""
    return ContentRejected if wordings.is_moderation(_joined(reasons)) else JobFailed


def is_passing(*reasons: str | None) -> bool:
    """Whether a failed job's reason is passing, so that a new job may succeed; never after moderation."""
    said = _joined(reasons)
    return wordings.is_passing(said) and not wordings.is_moderation(said)


def _joined(reasons: tuple[str | None, ...]) -> str:
    return " ".join(reason for reason in reasons if reason)


def _classify_create(answer: Envelope, names: Collection[str]) -> Classification:
    if answer.code == 200:
        return ACCEPTED if answer.task_id else IN_DOUBT
    if answer.task_id is not None:
        return IN_DOUBT  # an error that names a task: Kie may be working on it
    if answer.from_body and answer.code in _PAUSING and wordings.is_paused(answer.text):
        return Classification("rejected", ModelNotSupported)
    refusal = _classify_refusal(answer, names)
    if refusal and refusal.error is InvalidRequest and wordings.names_kies_own(answer.text, names):
        return IN_DOUBT  # "recordInfo is null": Kie stumbled over its own record, not over the input
    return refusal or IN_DOUBT


def _classify_refusal(answer: Envelope, names: Collection[str]) -> Classification | None:
    """The classification where the answer is surely a refusal; None where it is not sure."""
    if answer.code == 429:
        return Classification("rejected", RateLimited, retryable=True)
    if answer.code == 455 and answer.from_body:
        return Classification("rejected", Maintenance, retryable=True)
    if answer.code == 500 and answer.from_body:
        if wordings.no_credits(answer.text):
            return Classification("rejected", InsufficientCredits)
        if wordings.no_such_model(answer.text):
            return Classification("rejected", ModelNotSupported)
        if wordings.names_input(answer.text, names):
            return Classification("rejected", InvalidRequest)
    error = _FINAL.get(answer.code)
    if error is None or (error is FeatureDisabled and not answer.from_body):
        return None
    if error is InvalidRequest and wordings.no_such_model(answer.text):
        error = ModelNotSupported
    elif answer.code in (404, 405):
        return Classification("rejected", error, next_step=NO_SUCH_CALL)
    return Classification("rejected", error)
