"""What an answer means: created or not, worth repeating or not. The one retry decision.

Pure functions from (call, HTTP status, body code, text) to a classification. The table they hold is kie-api,
"Codes (in the body)". Codes alone do not decide, and wordings change, so whole families of words are read:
narrow ones on a paid call, where an error takes money for not spent, wide ones after it.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import httpx

from prefect_kie.api import errors
from prefect_kie.api.envelope import Envelope, as_list, as_object

# As text: only what an answer needs is compiled, when it first does.
_KINDS = r"(?:models?|interfaces?|apis?|endpoints?)"

_NO_CREDITS = r"(?i)credits?\b.*\binsufficient|insufficient\b.*\bcredit"
_NO_MODEL = rf"(?i)\b{_KINDS}\b.*\b(not supported|unsupported)|\bunsupported model"
_PAUSED = (
    rf"(?is)\b{_KINDS}\b.{{0,120}}?\b(paused|suspended|offline|discontinued|retired|deprecated|decommissioned"
    r"|delisted|disabled|removed|withdrawn|shut ?down|taken down"
    r"|no longer (being )?(available|supported|served|offered|provided|maintained))\b"
)
_OF_A_JOB = r"(?i)\b(task|record|job|result)s?\b"
_NO_RECORD = (
    r"(?i)\brecord\s?info is null|\b(record|task|job)([\s_]?(info|id))?\b.{0,12}?"
    r"(\bnot|n't|\bno longer)\b.{0,6}?\b(found|exists?)|\bno such (record|task|job)\b"
)

# "aspect_ratio is required": one field's name and what is wrong with it, and nothing else.
_COMPLAINT = (
    r"(?i)\W*(?P<path>[\w.\[\]]+)\W*? *"
    r"(?P<what>(is|are) (required|missing|invalid|not (valid|supported|allowed))"
    r"|(is|are) not within the range of allowed options"
    r"|(cannot|can not|can't|must not|should not|may not) be (empty|null|blank|none)"
    r"|(must|should) be [^.;!?]{1,80}"
    r"|(length )?(cannot|can not|must not|may not) exceed [^.;!?]{1,80})\W*"
)
# What only Kie makes. "taskId cannot be null" tells of a mishap there, perhaps after the job was created.
_OWN = {
    *("id", "taskid", "taskno", "task", "record", "recordid", "recordno", "recordinfo", "orderid", "orderno"),
    *("data", "result", "results", "response"),
}
_OWN_SUBJECT = (
    r"(?i)\W*(the )?(?P<path>[\w.\[\]]+)\W*? *"
    r"\b(is|are|was|were|cannot|can ?not|can't|could|must|should|has|does)\b"
)
_ABSENT = r"(?i)\b(null|none|empty|blank|required|missing|undefined)\b"

_MODERATION = (
    # Rules, and those who apply them.
    r"(?is)guardrail|violat|moderat|sensitiv|polic(y|ies)\b|guidelines|terms of (use|service)|prohibit"
    r"|disallow|forbidden|inappropriat|unsafe|safety|compliance|responsible ai|risk control|inspection"
    r"|flagged|\bfilter(ed|s|ing)?\b|block ?list|\bbanned|illegal|unlawful"
    # What is not shown.
    r"|nsfw|nud(e|es|ity)\b|naked|sexual|porn|erotic|obscen|\b(sexually )?explicit\b|adult content|harmful"
    r"|self harm|suicid|violen(t|ce)|\bgor(e|y)\b|blood|hate|hateful|harass|terroris|extremis|weapon"
    r"|offensive|abusive|toxic"
    # Who is not shown, and what belongs to others.
    r"|celebrit|prominent (people|person)|public figure|politician|\bminors?\b|child|underage|likeness"
    r"|deepfake|photorealistic people|(real|identifiable) (people|persons?|humans?)|privacy|copyright"
    r"|trademark|intellectual property|third party content|artists? names?|existing work|recitation"
    # The content was refused, whatever for.
    r"|\b(content|prompt|input|output|image|picture|photo|video|audio|text|lyrics|media|material)s?\b.{0,40}"
    r"\b((could|can|will)( not|n't)|cannot) be (processed|accepted|used)"
    r"|\bcontents?\b.{0,40}\b(rejected|refused|blocked|not (allowed|permitted|acceptable))"
    r"|\b(prompt|request|input)s?\b.{0,20}\b(was|were|is|been) (rejected|refused)"
    r"|(different|another|other|new|change|modify|revise|adjust|rephrase|rewrite|edit)"
    r"( (your|the|a|and|try))* (prompts?|content|wording|text|lyrics|description)\b"
    r"|敏感|违规|违法|审核|不合规"
)
_NO_FAILURE = (
    r"(?is)\W*(0+|200|null|none|nil|undefined|n/?a|false|ok|success|succeeded|completed?|done"
    r"|waiting|queu(ed|e?ing)|pending|generating|processing|running|in progress|.*\bsuccessfully)?\W*"
)
_PASSING = (
    r"(?i)heavy load|high (load|traffic|demand)|try again|time[d]?[ -]?out|internal (server )?error|overload"
    r"|busy|temporar|throttl|too many requests|over capacity|service (is )?unavailable"
)


class Call(Enum):
    """The kinds of call, by what a repetition costs."""

    CREATE = "paid: repeated only when surely nothing was created"
    POLL = "free, and about one job"
    CATALOG = "free, and about one model or all"
    FREE = "free: credits, download links, uploads"


@dataclass(frozen=True)
class Classification:
    """What an answer means: it was done, surely not done, or nobody knows; and the error to raise."""

    outcome: Literal["accepted", "rejected", "unknown"]
    error: type[errors.KieError] | None = None
    retryable: bool = False
    next_step: str | None = None


ACCEPTED = Classification("accepted")
IN_DOUBT = Classification("unknown", errors.SubmissionInDoubt)
UNAVAILABLE = Classification("unknown", errors.ServiceUnavailable, retryable=True)

# Nothing left this machine: the connection was refused, never stood, or no slot was free for it.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_FINAL: dict[int, type[errors.KieError]] = {
    **dict.fromkeys((400, 404, 405, 413, 415, 422), errors.InvalidRequest),
    **dict.fromkeys((401, 403), errors.AuthenticationFailed),
    402: errors.InsufficientCredits,
    433: errors.UsageLimitReached,
    505: errors.FeatureDisabled,
}
_PAUSING = (400, 403, 404, 422, 455, 500, 503, 505)
"""Codes that may come with "This interface is temporarily paused"; 500 is the one that was seen."""
NO_SUCH_CALL = "Check the API address, which knows no such call, then run again."


def classify(call: Call, answer: Envelope, names: Collection[str] = ()) -> Classification:
    """Decide what an answer means for this kind of call; a create is `rejected` only when surely not done.

    `names` are the fields sent, and those the model takes: only where it names one is an error 500 a refusal.
    """
    if call is Call.CREATE:
        return _classify_create(answer, names)
    if answer.code == 200 and answer.readable:
        return ACCEPTED
    if call is Call.POLL and answer.from_body:
        if answer.task_id and answer.fields.get("state") and answer.code in (400, 408, 422, 500, 501):
            return ACCEPTED  # the job failed, and its record came along, which says why
        if answer.code == 404 or re.search(_NO_RECORD, answer.text):
            return Classification("rejected", errors.JobNotFound)
        if answer.code in (408, 501):
            return ACCEPTED if answer.task_id else Classification("rejected", failure_class(answer.text))
    if call is Call.CATALOG and answer.from_body and answer.code == 404:
        return Classification("rejected", errors.ModelNotSupported)
    # A poll is free: what is not surely Kie's own word (a proxy's page, a 500) is worth another one.
    doubtful = call is Call.POLL and (answer.code == 500 or not answer.from_body)
    return (None if doubtful else _classify_refusal(answer, names)) or UNAVAILABLE


def classify_exception(call: Call, error: Exception) -> Classification:
    """Decide what a broken connection means: a create that may have left this machine is never repeated."""
    if call is not Call.CREATE:
        return UNAVAILABLE
    if isinstance(error, _NEVER_SENT):
        return Classification("rejected", errors.ServiceUnavailable, retryable=True)
    return IN_DOUBT


def failure_class(*reasons: str | None) -> type[errors.JobFailed]:
    """The error class for a failed job, from what Kie says of it (failCode, failMsg)."""
    return errors.ContentRejected if _is_moderation(*reasons) else errors.JobFailed


def is_passing(*reasons: str | None) -> bool:
    """Whether a failed job's reason is passing, so that a new job may succeed; never after moderation."""
    return bool(re.search(_PASSING, " ".join(filter(None, reasons)))) and not _is_moderation(*reasons)


def is_no_failure(text: str) -> bool:
    """Whether a failCode or failMsg means no failure: empty, or that all is well or under way."""
    return bool(re.fullmatch(_NO_FAILURE, text))


def names_in(value: Any) -> Iterator[str]:
    """The names of all fields in a body, however deep."""
    for name, inner in as_object(value).items():
        yield name
        yield from names_in(inner)
    for inner in as_list(value):
        yield from names_in(inner)


def _classify_create(answer: Envelope, names: Collection[str]) -> Classification:
    if answer.code == 200:
        return ACCEPTED if answer.task_id else IN_DOUBT
    if answer.task_id is not None:
        return IN_DOUBT  # an error that names a task: Kie may be working on it
    if answer.from_body and answer.code in _PAUSING and _is_paused(answer.text):
        return Classification("rejected", errors.ModelNotSupported)
    refusal = _classify_refusal(answer, names)
    if refusal and refusal.error is errors.InvalidRequest and _names_kies_own(answer.text, names):
        return IN_DOUBT  # "recordInfo is null": Kie stumbled over its own record, not over the input
    return refusal or IN_DOUBT


def _classify_refusal(answer: Envelope, names: Collection[str]) -> Classification | None:
    """The classification where the answer is surely a refusal; None where it is not sure."""
    no_such_model = bool(re.search(_NO_MODEL, answer.text)) or _is_paused(answer.text)
    if answer.code == 429:
        return Classification("rejected", errors.RateLimited, retryable=True)
    if answer.code == 455 and answer.from_body:
        return Classification("rejected", errors.Maintenance, retryable=True)
    if answer.code == 500 and answer.from_body:
        if re.search(_NO_CREDITS, answer.text):
            return Classification("rejected", errors.InsufficientCredits)
        if no_such_model:
            return Classification("rejected", errors.ModelNotSupported)
        if _names_input(answer.text, names):
            return Classification("rejected", errors.InvalidRequest)
    error = _FINAL.get(answer.code)
    if error is None or (error is errors.FeatureDisabled and not answer.from_body):
        return None
    if error is errors.InvalidRequest and no_such_model:
        error = errors.ModelNotSupported
    elif answer.code in (404, 405):
        return Classification("rejected", error, next_step=NO_SUCH_CALL)
    return Classification("rejected", error)


def _is_paused(text: str) -> bool:
    return bool(re.search(_PAUSED, text)) and not re.search(_OF_A_JOB, text)


def _is_moderation(*reasons: str | None) -> bool:
    """Whether a provider's moderation refused the content; in doubt it did."""
    # Codes are words in one: PUBLIC_ERROR_AUDIO_FILTERED, content-policy.
    text = re.sub(r"[\s_\-\u2010-\u2015]+", " ", " ".join(filter(None, reasons))).replace("\u2019", "'")
    return bool(re.search(_MODERATION, text))


def _names_input(text: str, names: Collection[str]) -> bool:
    """Whether it is about one of these fields, and says what is wrong with it."""
    found = re.fullmatch(_COMPLAINT, text)
    if found is None or _names_kies_own(text, names):
        return False
    known = {_plain(name) for name in names}
    path = [_plain(part) for part in re.split(r"[.\[\]]+", found["path"])]
    return all(part in known or part.isdigit() for part in path if part)


def _names_kies_own(text: str, names: Collection[str]) -> bool:
    """Whether it is about something that Kie itself makes, as a task's id, and not about a field sent."""
    found = re.match(_OWN_SUBJECT, text)
    if found is None or _plain(re.split(r"[.\[\]]+", found["path"].strip(".[]"))[-1]) not in _OWN:
        return False
    # A request may refer to an earlier task, which need not exist; but it was not null when it was sent.
    refers = any("task" in _plain(name) or "record" in _plain(name) for name in names)
    return not refers or bool(re.search(_ABSENT, text))


def _plain(name: str) -> str:
    """A field's name however it is spelt: aspect_ratio, aspectRatio."""
    return re.sub(r"[\W_]", "", name).casefold()
