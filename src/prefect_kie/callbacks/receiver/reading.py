"""What a callback says, and whether it is genuine: pure, whatever is sent."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from prefect_kie.api import CallbackRejected, JobState, verify_signature
from prefect_kie.blocks import KieCallbacks
from prefect_kie.callbacks.receiver.refusals import Refusal, Refused
from prefect_kie.keys import is_submission_key

Kind = Literal["done", "progress"]

MAX_BODY = 256 * 1024
"""Bytes of the largest body; a job's record with the longest prompts stays below half of it."""

TIMESTAMP = "X-Webhook-Timestamp"
SIGNATURE = "X-Webhook-Signature"

_TASK_ID = re.compile(r"[A-Za-z0-9_.:~+=/-]{1,128}")
_STATES = {state.value for state in JobState} - {JobState.UNKNOWN.value}
_MAX_DIGITS = 20


@dataclass(frozen=True)
class Ring:
    """Kie rang about a job.

    Attributes:
        task_id: The job.
        submission: What the callback's address names, where it has the shape of a submission's key.
        kind: Whether Kie rang for the job's end or for its progress.
        state: The job's state as the body has it; a hint.
        progress: Its progress as the body has it, percent; a hint.
        signed: Whether Kie's signature proves it. Neither kind, submission nor hints are part of that.
    """

    task_id: str
    submission: str | None
    kind: Kind
    state: str | None = None
    progress: float | None = None
    signed: bool = True


@dataclass(frozen=True)
class Body:
    """All that is taken from a body."""

    task_id: str
    state: str | None
    progress: float | None


class Headers(Protocol):
    """The headers of a request, as Starlette has them."""

    def getlist(self, key: str) -> Sequence[str]: ...


def check_head(headers: Headers, callbacks: KieCallbacks) -> tuple[str, str] | None:
    """Refuse what can be refused before a byte of the body is read.

    Args:
        headers: The request's headers.
        callbacks: What is accepted.

    Returns:
        The signature's time and the signature; None where there is none, and none is needed.

    Raises:
        Refused: when the head alone says that it is no callback of Kie's.
    """
    kinds = headers.getlist("Content-Type")
    kind = kinds[0].partition(";")[0].strip().lower() if kinds else "application/json"
    if len(kinds) > 1 or kind != "application/json" or headers.getlist("Content-Encoding"):
        raise Refused(Refusal.MEDIA_TYPE)
    for length in headers.getlist("Content-Length"):
        if length.isdecimal() and (len(length) > _MAX_DIGITS or int(length) > MAX_BODY):
            raise Refused(Refusal.TOO_LARGE)
    times, signatures = headers.getlist(TIMESTAMP), headers.getlist(SIGNATURE)
    if len(times) > 1 or len(signatures) > 1:
        raise Refused(Refusal.TWO_SIGNATURES)
    if times and signatures:
        return times[0], signatures[0]
    # Half a signature is none that could be checked, so it is not taken for an unsigned callback either.
    if times or signatures or not callbacks.accept_unsigned:
        raise Refused(Refusal.UNSIGNED)
    return None


def read_body(content: bytes) -> Body:
    """What a body says.

    Args:
        content: The bytes, whatever they are.

    Raises:
        Refused: when it is no JSON object, or does not name exactly one job.
    """
    try:
        parsed: Any = json.loads(
            content.decode(),
            object_pairs_hook=_without_duplicates,
            parse_int=_short_integer,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise Refused(Refusal.MALFORMED) from None
    whole = _fields(parsed)
    data = _fields(whole.get("data"))
    named = [fields[name] for fields in (data, whole) for name in ("taskId", "task_id") if name in fields]
    # Where they differ, the signature would prove one and the next reader might take the other.
    if not named or any(name != named[0] for name in named):
        raise Refused(Refusal.MALFORMED)
    task_id = named[0]
    if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id):
        raise Refused(Refusal.MALFORMED)
    return Body(task_id, _state(data.get("state")), _percent(data.get("progress")))


def judge(
    kind: Kind,
    submission: str | None,
    body: Body,
    signature: tuple[str, str] | None,
    callbacks: KieCallbacks,
    now: float,
) -> Ring:
    """Whether a callback is genuine.

    Args:
        kind: What its address is for.
        submission: What its address names.
        body: What it says.
        signature: The signature's time and the signature, as `check_head` has them.
        callbacks: What is accepted.
        now: The time, unix seconds.

    Raises:
        Refused: when it is not.
    """
    key = callbacks.signing_key
    signed = signature is not None and key is not None
    if signature is not None and key is not None:
        timestamp, text = signature
        try:
            verify_signature(
                body.task_id,
                timestamp,
                text,
                signing_key=key.get_secret_value(),
                now=now,
                window_seconds=callbacks.window_seconds,
            )
        except CallbackRejected:
            raise Refused(Refusal.NOT_GENUINE, body.task_id) from None
    elif not callbacks.accept_unsigned:
        raise Refused(Refusal.UNSIGNED, body.task_id)
    known = submission if submission is not None and is_submission_key(submission) else None
    return Ring(body.task_id, known, kind, body.state, body.progress, signed)


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _state(value: Any) -> str | None:
    return value if isinstance(value, str) and value in _STATES else None


def _percent(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= 100 else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name comes twice")
    return fields


def _short_integer(digits: str) -> int:
    # Python takes quadratic time for long ones, or refuses them, depending on its version.
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number of too many digits")
    return int(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
