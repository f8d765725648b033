"""Faults ordered in advance: what goes wrong, at which kind of call, and how often.

A person who tries things out orders one by words in the prompt, `[sim: no credits]`: see PROMPT_FAULTS.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefect_kie.simulator.models import PAUSED

Stage = Literal["create", "poll", "credits", "download-url", "upload", "file", "job", "catalog"]

_WIRE = "code msg data status body content_type hang reset redirect truncate drip delay"
_API = f"{_WIRE} merge charset gzip swollen"
ACTIONS: Mapping[Stage, str] = {
    **dict.fromkeys(("poll", "credits", "catalog", "download-url", "upload"), _API),
    "create": f"{_API} accept",
    "file": f"{_WIRE} ignore_range dead endless",
    "job": "fail fail_word no_url no_url_seconds record stuck duration slower",
}
"""The actions that mean something at each stage; any other is refused when a fault is ordered."""


class Failure(BaseModel):
    """How a job's failure reads in recordInfo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failCode: str | int | None = "500"  # as Kie gives it: a string, a number, empty or null
    failMsg: str = "Internal Error, Please try again later."


class Fault(BaseModel):
    """One ordered fault: when it strikes, and what it does.

    The first group of actions replaces the true answer, the second alters it. A create whose answer is
    replaced creates nothing, unless `accept` is set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Stage  # the kind of call it strikes; `job` strikes the job that the call creates
    times: int | None = Field(default=1, ge=1)  # how many calls it strikes; None means every one
    skip: int = Field(default=0, ge=0)  # how many matching calls pass unharmed first
    model: str | None = None  # strike only jobs of this model
    prompt: str | None = None  # strike only jobs whose prompt holds this text

    # In place of the true answer
    code: int | None = None  # HTTP 200 with this code in the body
    msg: str | None = None  # the body's msg; each known code has a default
    data: Any = None  # the body's data
    status: int | None = Field(default=None, ge=200, le=599)  # a real HTTP status, with the next two
    body: str | None = None  # without a status: HTTP 200 that claims to be JSON
    content_type: str | None = None  # a page of HTML where there is a status
    hang: float | None = Field(default=None, ge=0)  # silence for so many seconds, then no answer
    reset: bool = False  # the connection is closed at once without an answer
    redirect: str | None = None  # HTTP 302 to this URL
    accept: bool = False  # the job is created although the answer is replaced

    # Done to the true answer
    truncate: int | None = Field(default=None, ge=0)  # only so many bytes, with the full Content-Length
    drip: int | None = Field(default=None, ge=1)  # the body comes at so many bytes per second
    delay: float | None = Field(default=None, ge=0)  # seconds before the answer
    merge: dict[str, Any] | None = None  # a JSON merge patch (RFC 7396): null removes a field
    charset: str | None = None  # the body's encoding, whatever its Content-Type says
    swollen: int | None = Field(default=None, ge=1)  # so many MB of blanks follow the body
    gzip: int | None = Field(default=None, ge=1, le=3)  # the body is compressed so many times over

    # Files
    ignore_range: bool = False  # the whole file with status 200, though a part was asked for
    dead: bool = False  # 404 for the link, until download-url has given a new one
    endless: int | None = Field(default=None, ge=1)  # so many bytes, without a Content-Length

    # The job's life
    fail: Failure | None = None  # it fails at its end in this way
    fail_word: str | None = None  # the state that reports its failure: `failed`, `error`, `canceled` …
    no_url: bool = False  # it succeeds without any URL
    no_url_seconds: float | None = Field(default=None, ge=0)  # how long after its success there is no URL
    # Fields of recordInfo's data once it has succeeded; an object for `resultJson` is sent as a JSON string.
    record: dict[str, Any] | None = None
    stuck: bool = False  # it never ends
    duration: float | None = Field(default=None, ge=0)  # seconds it takes
    slower: float = Field(default=1, ge=0)  # or so many times as long as it would

    _seen: int = 0  # matching calls so far

    @model_validator(mode="after")
    def _fits_its_stage(self) -> Self:
        allowed = ACTIONS[self.on]
        if useless := self.actions.difference(allowed.split()):
            raise ValueError(f"{', '.join(useless)} does nothing on {self.on}; allowed are: {allowed}")
        return self

    @property
    def actions(self) -> set[str]:
        """The names of what it does."""
        return self.model_fields_set - {"on", "times", "skip", "model", "prompt"}

    def strikes(self) -> bool:
        """Count a call that matches; False while such calls are skipped, and once it has struck `times`."""
        self._seen += 1
        return self._seen > self.skip and (self.times is None or self._seen <= self.skip + self.times)

    @property
    def replaces(self) -> bool:
        """Whether the true answer is not sent at all."""
        asked = (self.code, self.status, self.body, self.hang, self.redirect)
        return self.reset or self.dead or any(each is not None for each in asked)


NO_FAULT = Fault(on="job")  # where nothing was ordered: every action at its default
MODERATED = (
    "This content may violate our guardrails concerning safety. Please adjust your prompt and try again."
)
PROMPT_FAULTS: Mapping[str, Fault] = {
    "fail": Fault(on="job", times=None, fail=Failure()),
    "moderated": Fault(on="job", times=None, fail=Failure(failMsg=MODERATED)),
    "slow": Fault(on="job", times=None, slower=10),
    "stuck": Fault(on="job", times=None, stuck=True),
    "no file": Fault(on="job", times=None, no_url=True),
    "lost job": Fault(on="poll", times=None, code=422, msg="recordInfo is null"),
    "lost answer": Fault(on="create", times=None, reset=True, accept=True),
    "no credits": Fault(on="create", times=None, code=402),
    "paused": Fault(on="create", times=None, code=500, msg=PAUSED),
    "dead link": Fault(on="file", times=None, dead=True),
}
"""What `[sim: …]` in a prompt does. Bare brackets would not do: real prompts have `[Verse]`, `[whispers]`."""
_ASKED = re.compile(r"\[sim: *([a-z ]+?) *\]", re.IGNORECASE)


class Faults(list[Fault]):
    """The faults that were ordered, oldest first."""

    def add(self, fields: Mapping[str, Any]) -> None:
        """Order a fault by its fields; a ValueError says why it would do nothing."""
        fault = Fault.model_validate(fields)
        if not fault.actions:
            raise ValueError(f"a fault on {fault.on} needs an action, one of: {ACTIONS[fault.on]}")
        self.append(fault)

    def take(self, on: Stage, model: str | None = None, prompt: str = "", fresh_link: bool = False) -> Fault:
        """The fault that strikes a call about a job of this model and prompt; NO_FAULT where none does."""
        asked = (PROMPT_FAULTS.get(words.lower()) for words in _ASKED.findall(prompt))
        fault: Fault
        for fault in (*self, *filter(None, asked)):
            if fault.on != on or (fault.dead and fresh_link):
                continue
            if fault.model in (None, model) and (fault.prompt or "") in prompt and fault.strikes():
                return fault
        return NO_FAULT
