"""Misfortunes a test orders in advance: what goes wrong, at which kind of call, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Stage = Literal["create", "poll", "credits", "download-url", "upload", "file", "job", "callback"]


def _actions(names: str) -> frozenset[str]:
    return frozenset(names.split())


WIRE = _actions(
    "code msg data status body content_type hang reset garbage empty redirect truncate drip delay"
)
API = WIRE | _actions("merge charset gzip swollen")
ACTIONS: Mapping[Stage, frozenset[str]] = {
    "create": API | _actions("accept paused mishap"),
    "poll": API | {"unknown"},
    "credits": API,
    "download-url": API,
    "upload": API,
    "file": WIRE | _actions("ignore_range html dead endless"),
    "job": _actions(
        "fail fail_word no_url no_url_seconds record state state_seconds result_form envelope_success_on_fail"
        " progress stuck duration"
    ),
    "callback": _actions("drop duplicates delay wrong_signature"),
}
"""The actions that mean something at each stage; any other is refused when a fault is ordered."""


class Failing(BaseModel):
    """How an ordered job failure reads in recordInfo."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    failCode: str | int | None = "500"
    """As Kie gives it: a string, a number, empty or null."""
    failMsg: str = "Internal Error, Please try again later."
    """The reason in Kie's words."""


class Fault(BaseModel):
    """One ordered misfortune: when it strikes, and what it does.

    `code` to `unknown` replace the true answer; `truncate` to `gzip` spoil it. A
    create whose answer is replaced creates nothing, unless `accept` is set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    on: Stage
    """The kind of call it strikes; `job` strikes the job that the call creates."""
    times: int | None = Field(default=1, ge=1)
    """How many calls it strikes; None means every one."""
    skip: int = Field(default=0, ge=0)
    """How many matching calls pass unharmed first."""
    model: str | None = None
    """Strike only jobs of this model."""
    prompt: str | None = None
    """Strike only jobs whose prompt holds this text."""

    # In place of the true answer
    code: int | None = None
    """HTTP 200 with this code in the body."""
    msg: str | None = None
    """The body's msg; each known code has a default."""
    data: Any = None
    """The body's data."""
    status: int | None = Field(default=None, ge=200, le=599)
    """A real HTTP status, with `body` and `content_type`."""
    body: str = ""
    """The body that goes with `status`."""
    content_type: str = "text/html; charset=utf-8"
    """The Content-Type that goes with `status`."""
    hang: float | None = Field(default=None, ge=0)
    """Silence for so many seconds, then the connection is closed without an answer."""
    reset: bool = False
    """The connection is closed at once without an answer."""
    garbage: str | None = None
    """HTTP 200 that claims to be JSON, with this text as its body."""
    empty: bool = False
    """HTTP 200 with an empty body."""
    redirect: str | None = None
    """HTTP 302 to this URL."""
    paused: bool = False
    """Code 500, "This interface is temporarily paused": what Kie says of Sora 2 since June 2026."""
    mishap: Literal["taskNo", "id", "taskId", "field", "recordInfo"] | None = None
    """Kie stumbles after it has created the job, and answers as if the input were wrong: code 500, "taskNo
    cannot be null" or "id cannot be null" or "taskId cannot be null"; `field`: "This field is required";
    `recordInfo`: code 422, "recordInfo is null". Add `accept` for the job to be there."""
    unknown: bool = False
    """Code 422, "Record does not exist"."""
    accept: bool = False
    """For `create`: the job is created although the answer is replaced."""

    # Done to the true answer
    truncate: int | None = Field(default=None, ge=0)
    """Only so many bytes of the body, with the full Content-Length; then the connection is closed."""
    drip: int | None = Field(default=None, ge=1)
    """The body comes at so many bytes per second."""
    delay: float | None = Field(default=None, ge=0)
    """Seconds before the answer (or before the callback)."""
    merge: dict[str, Any] | None = None
    """A JSON merge patch (RFC 7396) for the true answer: null removes a field."""
    charset: str | None = None
    """The body comes in this encoding, for example utf-16-le, whatever its Content-Type says."""
    swollen: int | None = Field(default=None, ge=1)
    """So many MB of blanks follow the body; with `gzip` a few KB on the wire."""
    gzip: int | None = Field(default=None, ge=1, le=3)
    """The body is compressed so many times over, and its Content-Encoding says so."""

    # Files
    ignore_range: bool = False
    """The whole file with status 200, though a part was asked for."""
    html: bool = False
    """HTTP 200 with an HTML page where the file should be."""
    dead: bool = False
    """404 for the link, until download-url has given a new one."""
    endless: int | None = Field(default=None, ge=1)
    """So many bytes without a Content-Length: the file, and then zeros."""

    # The job's life
    fail: Failing | None = None
    """The job fails at its end in this way."""
    fail_word: str | None = None
    """The state by which its failure is told, in place of `fail`: `failed`, `error`, `canceled` …"""
    no_url: bool = False
    """The job succeeds without any URL."""
    no_url_seconds: float | None = Field(default=None, ge=0)
    """How long after its end there is no URL, although it has succeeded; then there is."""
    record: dict[str, Any] | None = None
    """Fields of recordInfo's data (and the callback's) once the job has succeeded, in place of the true ones;
    an object given for `resultJson` is told as a JSON string, as by Kie."""
    state: str | None = None
    """The state that recordInfo shows instead of the true one."""
    state_seconds: float | None = Field(default=None, ge=0)
    """How long after creation `state` is shown; None means for ever."""
    result_form: Literal["string", "object", "bare", "extra"] = "string"
    """resultJson as a string, as an object, as a bare character_id, or with unknown fields in it."""
    envelope_success_on_fail: bool = False
    """A failed job is reported in an envelope that says success."""
    progress: float | None = None
    """The progress reported at every poll."""
    stuck: bool = False
    """The job never ends."""
    duration: float | None = Field(default=None, ge=0)
    """Seconds the job takes."""

    # Callbacks
    drop: bool = False
    """The callback is never sent."""
    duplicates: int = Field(default=0, ge=0)
    """Further copies of the callback."""
    wrong_signature: bool = False
    """The callback is signed with another key."""

    @model_validator(mode="after")
    def _fits_its_stage(self) -> Self:
        actions = self.model_fields_set - {"on", "times", "skip", "model", "prompt"}
        allowed = ACTIONS[self.on]
        if not actions:
            raise ValueError(f"a fault on {self.on} needs an action, one of: {', '.join(sorted(allowed))}")
        if actions - allowed:
            raise ValueError(
                f"{', '.join(sorted(actions - allowed))} does nothing on {self.on}; "
                f"allowed are: {', '.join(sorted(allowed))}"
            )
        return self

    @property
    def replaces(self) -> bool:
        """Whether the true answer is not sent at all."""
        asked = (self.code, self.status, self.hang, self.garbage, self.redirect, self.mishap)
        flags = (self.reset, self.empty, self.html, self.dead, self.paused, self.unknown)
        return any(flags) or any(each is not None for each in asked)


@dataclass
class _Ordered:
    """A fault and how much of it is left."""

    fault: Fault
    skip: int
    left: int | None
    struck: int = 0


class Faults:
    """The faults that were ordered and are not used up, oldest first."""

    def __init__(self) -> None:
        self._ordered: list[_Ordered] = []

    def add(self, fault: Fault | Mapping[str, Any]) -> Fault:
        """Order a fault; several on one stage strike in the order they were added.

        Args:
            fault: A fault, or its fields as they come over HTTP.

        Raises:
            pydantic.ValidationError: A field is unknown, or does nothing at that stage.
        """
        fault = fault if isinstance(fault, Fault) else Fault.model_validate(fault)
        self._ordered.append(_Ordered(fault, fault.skip, fault.times))
        return fault

    def clear(self) -> None:
        """Forget every fault."""
        self._ordered.clear()

    def take(
        self, on: Stage, *, model: str | None = None, prompt: str = "", fresh_link: bool = False
    ) -> Fault | None:
        """Return the fault that strikes this call, if one does, and count it.

        Args:
            on: The kind of call.
            model: The model of the job concerned, where there is one.
            prompt: Its prompt.
            fresh_link: Whether the file is asked for by a link from download-url, which no `dead` kills.
        """
        for ordered in self._ordered:
            fault = ordered.fault
            if fault.on != on or ordered.left == 0 or (fault.dead and fresh_link):
                continue
            if fault.model not in (None, model) or (fault.prompt or "") not in prompt:
                continue
            if ordered.skip:
                ordered.skip -= 1
                continue
            if ordered.left is not None:
                ordered.left -= 1
            ordered.struck += 1
            return fault
        return None

    def report(self) -> list[dict[str, Any]]:
        """Return each ordered fault with the number of calls it struck and what is left of it."""
        return [
            {**each.fault.model_dump(exclude_unset=True), "struck": each.struck, "left": each.left}
            for each in self._ordered
        ]
