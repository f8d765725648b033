"""What Kie's sentences mean: families of words, since codes alone do not decide and wordings change.

Moderation comes in the words of a dozen providers, so whole families are read, not sentences. On a paid
call the patterns are narrow, where an error takes money for not spent; after it they are wide.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, cast

_KINDS = r"(?:models?|interfaces?|apis?|endpoints?)"

_NO_CREDITS = re.compile(r"credits?\b.*\binsufficient|insufficient\b.*\bcredit", re.IGNORECASE)
_NO_MODEL = re.compile(rf"\b{_KINDS}\b.*\b(not supported|unsupported)|\bunsupported model", re.IGNORECASE)
_PAUSED = re.compile(
    rf"\b{_KINDS}\b.{{0,120}}?\b(paused|suspended|offline|discontinued|retired|deprecated|decommissioned"
    r"|delisted|disabled|removed|withdrawn|shut ?down|taken down"
    r"|no longer (being )?(available|supported|served|offered|provided|maintained))\b",
    re.IGNORECASE | re.DOTALL,
)
_OF_A_JOB = re.compile(r"\b(task|record|job|result)s?\b", re.IGNORECASE)
_NO_RECORD = re.compile(
    r"\brecord\s?info is null|\b(record|task|job)([\s_]?(info|id))?\b.{0,12}?"
    r"(\bnot|n't|\bno longer)\b.{0,6}?\b(found|exists?)|\bno such (record|task|job)\b",
    re.IGNORECASE,
)

# "aspect_ratio is required": one field's name and what is wrong with it, and nothing else.
_COMPLAINT = re.compile(
    r"\W*(?P<path>[\w.\[\]]+)\W*? *"
    r"(?P<what>(is|are) (required|missing|invalid|not (valid|supported|allowed))"
    r"|(is|are) not within the range of allowed options"
    r"|(cannot|can not|can't|must not|should not|may not) be (empty|null|blank|none)"
    r"|(must|should) be [^.;!?]{1,80}"
    r"|(length )?(cannot|can not|must not|may not) exceed [^.;!?]{1,80})\W*",
    re.IGNORECASE,
)
# What only Kie makes. "taskId cannot be null" tells of a mishap there, perhaps after the job was created.
_OWN = {
    *("id", "taskid", "taskno", "task", "record", "recordid", "recordno", "recordinfo", "orderid", "orderno"),
    *("data", "result", "results", "response"),
}
_OWN_SUBJECT = re.compile(
    r"\W*(the )?(?P<path>[\w.\[\]]+)\W*? *"
    r"\b(is|are|was|were|cannot|can ?not|can't|could|must|should|has|does)\b",
    re.IGNORECASE,
)
_ABSENT = re.compile(r"\b(null|none|empty|blank|required|missing|undefined)\b", re.IGNORECASE)

_MODERATION = re.compile(
    # Rules, and those who apply them.
    r"guardrail|violat|moderat|sensitiv|polic(y|ies)\b|guidelines|terms of (use|service)|prohibit|disallow"
    r"|forbidden|inappropriat|unsafe|safety|compliance|responsible ai|risk control|inspection|flagged"
    r"|\bfilter(ed|s|ing)?\b|block ?list|\bbanned|illegal|unlawful"
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
    r"|敏感|违规|违法|审核|不合规",
    re.IGNORECASE | re.DOTALL,
)
_NO_FAILURE = re.compile(
    r"\W*(0+|200|null|none|nil|undefined|n/?a|false|ok|success|succeeded|completed?|done"
    r"|waiting|queu(ed|e?ing)|pending|generating|processing|running|in progress|.*\bsuccessfully)?\W*",
    re.IGNORECASE | re.DOTALL,
)
_PASSING = re.compile(
    r"heavy load|high (load|traffic|demand)|try again|time[d]?[ -]?out|internal (server )?error|overload|busy"
    r"|temporar|throttl|too many requests|over capacity|service (is )?unavailable",
    re.IGNORECASE,
)


def no_credits(text: str) -> bool:
    """Whether the account cannot pay for it."""
    return bool(_NO_CREDITS.search(text))


def no_such_model(text: str) -> bool:
    """Whether Kie does not serve the model."""
    return bool(_NO_MODEL.search(text)) or is_paused(text)


def is_paused(text: str) -> bool:
    """Whether Kie serves the model no longer, or not for the time being."""
    return bool(_PAUSED.search(text)) and not _OF_A_JOB.search(text)


def no_such_record(text: str) -> bool:
    """Whether Kie has no record of the job."""
    return bool(_NO_RECORD.search(text))


def names_in(value: Any) -> Iterator[str]:
    """The names of all fields in a body, however deep."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield name
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from names_in(inner)


def names_input(text: str, names: Collection[str]) -> bool:
    """Whether it is about one of these fields, and says what is wrong with it."""
    found = _COMPLAINT.fullmatch(text)
    if found is None or names_kies_own(text, names):
        return False
    known = {_plain(name) for name in names}
    path = [_plain(part) for part in re.split(r"[.\[\]]+", found["path"])]
    return all(part in known or part.isdigit() for part in path if part)


def names_kies_own(text: str, names: Collection[str]) -> bool:
    """Whether it is about something that Kie itself makes, as a task's id, and not about a field sent."""
    found = _OWN_SUBJECT.match(text)
    if found is None or _plain(re.split(r"[.\[\]]+", found["path"].strip(".[]"))[-1]) not in _OWN:
        return False
    # A request may refer to an earlier task, which need not exist; but it was not null when it was sent.
    refers = any("task" in _plain(name) or "record" in _plain(name) for name in names)
    return not refers or bool(_ABSENT.search(text))


def is_moderation(text: str) -> bool:
    """Whether a provider's moderation refused the content; in doubt it did."""
    # Codes are words in one: PUBLIC_ERROR_AUDIO_FILTERED, content-policy.
    return bool(_MODERATION.search(re.sub(r"[\s_\-\u2010-\u2015]+", " ", text).replace("\u2019", "'")))


def is_no_failure(text: str) -> bool:
    """Whether a failCode or failMsg tells of no failure: empty, or that all is well or under way."""
    return bool(_NO_FAILURE.fullmatch(text))


def is_passing(text: str) -> bool:
    """Whether it speaks of trouble that passes."""
    return bool(_PASSING.search(text))


def _plain(name: str) -> str:
    """A field's name however it is spelt: aspect_ratio, aspectRatio."""
    return re.sub(r"[\W_]", "", name).casefold()
