"""A job: its handle, its state, its result."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from pydantic import BaseModel, Field

from prefect_kie.api.classification import is_no_failure
from prefect_kie.api.envelope import as_float, as_list, as_object, as_time, decoded, first_id, first_text
from prefect_kie.api.requests import title_of
from prefect_kie.api.results import CharacterResult, JobResult, parse_result

ENDED_BADLY = ("fail", "failed", "failure")
_BAD = re.compile(r"error|fail|cancel|abort|reject|refus|expir|terminat|time.?out")
ENDED_WELL = ("succeeded", "successful", "complete", "completed", "done", "finished")
"""Words beside `success`, taken for it only where the record has an end and a result."""
MAX_DEPTH = 20


class JobState(StrEnum):
    """Where a job stands. A state Kie adds tomorrow reads as `UNKNOWN`, which means: not finished.

    A record that has an end and neither success nor result reads as `FAIL`, whatever its word.
    """

    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    SUCCESS = "success"
    FAIL = "fail"
    UNKNOWN = "unknown"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in (JobState.SUCCESS, JobState.FAIL)


class JobHandle(BaseModel, frozen=True):
    """What is needed to come back to a job: plain data, no client and no secret.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie; `job` where it is not known.
        submission: Key of the submission's record in result storage; None for a job found by its id.
        submitted_at: When the job was submitted, by the submitter's clock; None where not known.
        callback_requested: Whether Kie was told to call back when it ends.
    """

    task_id: str
    model: str = "job"
    submission: str | None = None
    submitted_at: datetime | None = None
    callback_requested: bool = False


class Job(BaseModel, frozen=True):
    """A job as it was at one poll.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie.
        state: Where it stands.
        raw_state: The state as Kie wrote it.
        progress: 0 to 100, where the model reports it.
        result: What it made, or the character, once it has succeeded.
        fail_code: Kie's code for a failure, as text.
        fail_message: Kie's reason for a failure.
        credits: What Kie charged, credits; None until known.
        created_at: When Kie created it, by Kie's clock.
        completed_at: When it ended, by Kie's clock.
        seen_at: When it was polled, by Kie's clock.
        request_body: Kie's echo of the request, `{"model": ..., "input": {...}}`; empty where unreadable.
        record: Kie's record of it, as it came, without callback addresses.
    """

    task_id: str
    model: str
    state: JobState
    raw_state: str = ""
    progress: float | None = None
    result: JobResult | CharacterResult | None = None
    fail_code: str | None = None
    fail_message: str | None = None
    credits: float | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    seen_at: datetime | None = None
    request_body: dict[str, Any] = {}
    record: dict[str, Any] = Field(default={}, repr=False)

    @property
    def seconds(self) -> float | None:
        """How long the job took, seconds (its costTime is in unclear units and not used)."""
        if self.created_at is None or self.completed_at is None:
            return None
        return max(0.0, (self.completed_at - self.created_at).total_seconds())

    @property
    def age(self) -> float | None:
        """How old the job was when it was polled, seconds, by Kie's clock alone."""
        if self.created_at is None or self.seen_at is None:
            return None
        return max(0.0, (self.seen_at - self.created_at).total_seconds())

    @property
    def urls(self) -> tuple[str, ...]:
        """Addresses of the files that were asked for; empty for characters and unfinished jobs."""
        return self.result.urls if isinstance(self.result, JobResult) else ()

    @property
    def has_result(self) -> bool:
        """Whether it tells what it made; a success may do so a few seconds late."""
        return isinstance(self.result, CharacterResult) or bool(self.result and not self.result.is_empty)

    @property
    def failure_is_told(self) -> bool:
        """Whether it has failed by its record's word or reason, not only by an end without a result."""
        reasons = self.fail_code, self.fail_message
        return self.state is JobState.FAIL and _tells_of_failure(self.raw_state.strip().lower(), *reasons)

    @property
    def prompt(self) -> str:
        """The prompt (or what stands for it) of the request that made this job; may be empty."""
        return title_of(self.request_body.get("input") or {})

    @property
    def handle(self) -> JobHandle:
        """The handle that comes back to this job."""
        return JobHandle(task_id=self.task_id, model=self.model)


def parse_job(data: dict[str, Any], *, seen_at: datetime | None = None) -> Job | None:
    """Read the `data` of recordInfo, whatever of it is missing or odd; None if it names no task."""
    task_id = first_id(data, "taskId", "task_id", "recordId")
    if task_id is None:
        return None
    raw_state = first_text(data, "state") or ""
    state = _state(raw_state, data)
    echo = _echo(data.get("param"))
    progress, results = as_float(data.get("progress")), (data.get("resultJson"), data.get("response"))
    return Job(
        task_id=task_id,
        model=first_text(data, "model") or first_text(echo, "model") or "unknown",
        state=state,
        raw_state=raw_state,
        progress=None if progress is None else min(100.0, max(0.0, progress)),
        result=parse_result(*results) if state is JobState.SUCCESS else None,
        fail_code=_code_text(data.get("failCode")),
        fail_message=first_text(data, "failMsg", "errorMessage"),
        credits=as_float(data.get("creditsConsumed")),
        created_at=as_time(data.get("createTime")),
        completed_at=as_time(data.get("completeTime")) if state.finished else None,
        seen_at=seen_at,
        request_body=echo,
        record=_without_callbacks(data),
    )


def _state(raw: str, data: dict[str, Any]) -> JobState:
    word = raw.strip().lower()
    if word == JobState.SUCCESS.value:
        return JobState.SUCCESS
    if word in ENDED_BADLY:
        return JobState.FAIL
    state = next((state for state in JobState if state.value == word), JobState.UNKNOWN)
    # Of a job that is said to go on, a time alone proves no end: only a reason does.
    ended = as_time(data.get("completeTime")) is not None and state is JobState.UNKNOWN
    reasons = _code_text(data.get("failCode")), first_text(data, "failMsg", "errorMessage")
    failed = ended or _tells_of_failure("", *reasons)
    if _BAD.search(word) and failed:
        return JobState.FAIL
    if any(_has_content(decoded(data.get(name))) for name in ("resultJson", "response")):
        # What made something has not failed; where the word says nothing, the next poll may.
        return JobState.SUCCESS if ended and word in ENDED_WELL else state
    return JobState.FAIL if failed else state


def _tells_of_failure(word: str, *reasons: str | None) -> bool:
    return bool(_BAD.search(word)) or any(one is not None and not is_no_failure(one) for one in reasons)


def _has_content(value: Any, depth: int = 0) -> bool:
    """Whether there is anything in it at all: `{"resultUrls": []}` holds nothing."""
    if isinstance(value, dict | list) and depth < MAX_DEPTH:
        return any(_has_content(each, depth + 1) for each in as_list(value) or as_object(value).values())
    return value is not None and value != "" and value is not False


def _echo(param: Any) -> dict[str, Any]:
    content = decoded(param)
    if not isinstance(content, dict):
        return {}
    fields = cast("dict[str, Any]", content)
    # `input` is a JSON string within the JSON string in recordings, an object in the documentation.
    echo: dict[str, Any] = {"input": as_object(decoded(fields.get("input")))}
    if model := first_text(fields, "model"):
        echo["model"] = model
    return echo


def _without_callbacks(value: Any, depth: int = 0) -> Any:
    """Kie's record without the addresses it calls back: they may hold a secret."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_without_callbacks(each, depth + 1) for each in as_list(value)]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, inner in cast("dict[str, Any]", value).items():
        if "callback" not in name.lower():
            echoes = name.lower().startswith("param")
            kept[name] = _without_callbacks(decoded(inner) if echoes else inner, depth + 1)
    return kept


def _code_text(value: Any) -> str | None:
    if value is None or isinstance(value, bool | dict | list):
        return None
    return str(value).strip()[:100] or None
