"""What an answer means: created or not, worth repeating or not. The one retry decision.

Pure functions from (call, HTTP status, body code, text) to a verdict. The table they hold is kie-api,
"Codes (in the body)".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import httpx

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
    LOOK = "recordInfo"
    """Free, and about one job."""
    FREE = "free"
    """Free: credits, download links, uploads."""


@dataclass(frozen=True)
class Verdict:
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


ACCEPTED = Verdict("accepted")
IN_DOUBT = Verdict("unknown", SubmissionInDoubt)

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

NO_SUCH_CALL = "Check the API address in the KieCredentials block (it knows no such call), then run again."

_NO_CREDITS = re.compile(r"credits?\b.*\binsufficient|insufficient\b.*\bcredit", re.IGNORECASE)
_NO_MODEL = re.compile(r"model\b.*\bnot supported|unsupported model", re.IGNORECASE)
# "aspect_ratio is required": one field's name and what is wrong with it, and nothing else. Names of what
# only Kie makes ("taskId cannot be null") tell of a mishap on its side, perhaps after the job was created.
_NAMES_INPUT = re.compile(
    r"^(?!\W*(task|record|task_?id|record_?id|recordinfo|data|results?|response)\b)"
    r"\W*[\w.\[\]]+\W* (is required|cannot be (empty|null|blank)|is invalid"
    r"|is not within the range of allowed options)\W*$",
    re.IGNORECASE,
)
_NO_RECORD = re.compile(r"recordinfo is null|record\w* (is|was)? ?not (found|exist)", re.IGNORECASE)

_MODERATION = re.compile(
    r"guardrail|violat|moderation|sensitive|photorealistic people|(content|usage) polic|prohibited"
    r"|inappropriate|nsfw|copyright|likeness",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"heavy load|try again|time[d]?[ -]?out|internal (server )?error|overload|busy|temporar", re.IGNORECASE
)


def judge(call: Call, answer: Envelope) -> Verdict:
    """Decide what an answer means for this kind of call.

    Args:
        call: What was asked.
        answer: What came back.

    Returns:
        The verdict. A create is `rejected` only when Kie surely created nothing.
    """
    if call is Call.CREATE:
        return _judge_create(answer)
    if answer.code == 200 and answer.readable:
        return ACCEPTED
    if call is Call.LOOK and answer.from_body and (answer.code == 404 or _NO_RECORD.search(answer.text)):
        return Verdict("rejected", JobNotFound)
    if call is Call.LOOK and answer.from_body and answer.code in (408, 501):
        # The job failed; its record, where it comes along, says why.
        return ACCEPTED if answer.task_id else Verdict("rejected", failure_class(answer.text))
    # A look is free: what is not surely Kie's own word (a proxy's page, a 500) is worth another one.
    doubtful = call is Call.LOOK and (answer.code == 500 or not answer.from_body)
    refusal = None if doubtful else _judge_refusal(answer)
    return refusal or Verdict("unknown", ServiceUnavailable, retryable=True)


def judge_exception(call: Call, error: httpx.HTTPError | httpx.InvalidURL) -> Verdict:
    """Decide what a broken connection means for this kind of call.

    Returns:
        The verdict: a create that may have left this machine is `unknown` and never repeated.
    """
    if call is not Call.CREATE:
        return Verdict("unknown", ServiceUnavailable, retryable=True)
    if isinstance(error, _NEVER_SENT):
        return Verdict("rejected", ServiceUnavailable, retryable=True)
    return IN_DOUBT


def failure_class(*reasons: str | None) -> type[JobFailed]:
    """The error class for a failed job, from what Kie says of it (failCode, failMsg)."""
    return ContentRejected if _MODERATION.search(_joined(reasons)) else JobFailed


def is_passing(*reasons: str | None) -> bool:
    """Whether a failed job's reason is passing, so that a new job may succeed."""
    said = _joined(reasons)
    return bool(_PASSING.search(said)) and not _MODERATION.search(said)


def _joined(reasons: tuple[str | None, ...]) -> str:
    return " ".join(reason for reason in reasons if reason)


def _judge_create(answer: Envelope) -> Verdict:
    if answer.code == 200:
        return ACCEPTED if answer.task_id else IN_DOUBT
    if answer.task_id is not None:
        return IN_DOUBT  # an error that names a task: Kie may be working on it
    return _judge_refusal(answer) or IN_DOUBT


def _judge_refusal(answer: Envelope) -> Verdict | None:
    """The verdict where the answer is surely a refusal; None where it is not sure."""
    if answer.code == 429:
        return Verdict("rejected", RateLimited, retryable=True)
    if answer.code == 455 and answer.from_body:
        return Verdict("rejected", Maintenance, retryable=True)
    if answer.code == 500 and answer.from_body:
        if _NO_CREDITS.search(answer.text):
            return Verdict("rejected", InsufficientCredits)
        if _NAMES_INPUT.search(answer.text):
            return Verdict("rejected", InvalidRequest)
    error = _FINAL.get(answer.code)
    if error is None or (error is FeatureDisabled and not answer.from_body):
        return None
    if error is InvalidRequest and _NO_MODEL.search(answer.text):
        error = ModelNotSupported
    elif answer.code in (404, 405):
        return Verdict("rejected", error, next_step=NO_SUCH_CALL)
    return Verdict("rejected", error)
