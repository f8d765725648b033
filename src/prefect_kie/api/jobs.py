"""A job as Kie tells of it: its handle, its state, its result."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from prefect_kie.api.catalog import parse_request
from prefect_kie.api.envelope import as_float, as_int, decoded, first_id, first_text
from prefect_kie.api.requests import JobRequest

MAX_URLS = 100
LATEST_MILLISECONDS = 4_102_444_800_000  # the year 2100; later ones are not times


class JobState(StrEnum):
    """Where a job stands. A state Kie adds tomorrow reads as `UNKNOWN`, which means: not finished."""

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


class JobHandle(BaseModel):
    """What is needed to come back to a job: plain data, no client and no secret.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie.
        submission: Key of the submission's record in result storage; None for a job found by its id.
        submitted_at: When the job was submitted, by the submitter's clock; None where not known.
        rings: Whether Kie was told to call back when it ends.
        reserved: Where it is reserved in budgets, to be settled when it has ended.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    model: str
    submission: str | None = None
    submitted_at: datetime | None = None
    rings: bool = False
    reserved: tuple[str, ...] = ()


class VideoResult(BaseModel):
    """Addresses of a finished job's files; empty where Kie reported success without any.

    Attributes:
        urls: `resultUrls`.
        watermarked_urls: `resultWaterMarkUrls`, given when a version without watermark was asked for.
    """

    model_config = ConfigDict(frozen=True)

    urls: tuple[str, ...] = ()
    watermarked_urls: tuple[str, ...] = ()


class CharacterResult(BaseModel):
    """A character made by Kie.

    Attributes:
        character_id: Its id, for `character_id_list`.
        character_user_name: Its handle (may hold a dot), for `@handle` in a prompt; None where Kie gave none.
    """

    model_config = ConfigDict(frozen=True)

    character_id: str
    character_user_name: str | None = None


class Job(BaseModel):
    """A job as it was at one look.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie.
        state: Where it stands.
        raw_state: The state as Kie wrote it.
        progress: 0 to 100, where the model tells it.
        result: Files or character, once it has succeeded.
        fail_code: Kie's code for a failure, as text.
        fail_message: Kie's reason for a failure.
        credits: What Kie charged, credits; None until known.
        created_at: When Kie created it, by Kie's clock.
        completed_at: When it ended, by Kie's clock.
        seen_at: When it was looked at, by Kie's clock where its answer told the time.
        request_body: The echo of what was asked: `{"model": ..., "input": {...}}`; empty where it was not
            readable.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    model: str
    state: JobState
    raw_state: str = ""
    progress: float | None = None
    result: VideoResult | CharacterResult | None = None
    fail_code: str | None = None
    fail_message: str | None = None
    credits: float | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    seen_at: datetime | None = None
    request_body: dict[str, Any] = {}

    @property
    def seconds(self) -> float | None:
        """How long the job took, seconds (its costTime is in unclear units and not used)."""
        if self.created_at is None or self.completed_at is None:
            return None
        return max(0.0, (self.completed_at - self.created_at).total_seconds())

    @property
    def age(self) -> float | None:
        """How old the job was when it was looked at, seconds, by Kie's clock alone."""
        if self.created_at is None or self.seen_at is None:
            return None
        return max(0.0, (self.seen_at - self.created_at).total_seconds())

    @property
    def urls(self) -> tuple[str, ...]:
        """Addresses of the result's files; empty for characters and unfinished jobs."""
        return self.result.urls if isinstance(self.result, VideoResult) else ()

    @property
    def request(self) -> JobRequest | None:
        """The request that made this job, read from Kie's echo; None where it cannot be read."""
        try:
            return parse_request(self.request_body)
        except (ValueError, TypeError):
            return None

    @property
    def prompt(self) -> str:
        """The prompt (or what stands for it) of the request that made this job; may be empty."""
        if (request := self.request) is not None:
            return request.title
        prompt = cast("dict[str, Any]", self.request_body.get("input") or {}).get("prompt")
        return " ".join(prompt.split()) if isinstance(prompt, str) else ""

    @property
    def handle(self) -> JobHandle:
        """The handle that comes back to this job."""
        return JobHandle(task_id=self.task_id, model=self.model)


def parse_job(data: dict[str, Any], *, seen_at: datetime | None = None) -> Job | None:
    """Read the `data` of recordInfo or of a callback.

    Args:
        data: The object as received; anything in it may be missing or of another type.
        seen_at: The time of the look.

    Returns:
        The job; None where the data names no task.
    """
    task_id = first_id(data, "taskId", "task_id", "recordId")
    if task_id is None:
        return None
    raw_state = first_text(data, "state") or ""
    state = _state(raw_state)
    echo = _echo(data.get("param"))
    model = first_text(data, "model") or first_text(echo, "model") or "unknown"
    progress = as_float(data.get("progress"))
    return Job(
        task_id=task_id,
        model=model,
        state=state,
        raw_state=raw_state,
        progress=None if progress is None else min(100.0, max(0.0, progress)),
        result=parse_result(data.get("resultJson")) if state is JobState.SUCCESS else None,
        fail_code=_code_text(data.get("failCode")),
        fail_message=first_text(data, "failMsg"),
        credits=as_float(data.get("creditsConsumed")),
        created_at=_time(data.get("createTime")),
        completed_at=_time(data.get("completeTime")) if state.finished else None,
        seen_at=seen_at,
        request_body=echo,
    )


def parse_result(value: Any) -> VideoResult | CharacterResult:
    """Read `resultJson` in any form it is known to take: a JSON string, an object, empty.

    Returns:
        The character, where the result names one; else the files' addresses, possibly none.
    """
    content = decoded(value)
    fields = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    inner = decoded(fields.get("resultObject"))
    for candidate in (inner, fields):
        if isinstance(candidate, dict):
            named = cast("dict[str, Any]", candidate)
            if character_id := first_text(named, "character_id", "characterId"):
                handle = first_text(named, "character_user_name", "characterUserName")
                return CharacterResult(
                    character_id=character_id, character_user_name=handle.lstrip("@") if handle else None
                )
    return VideoResult(
        urls=_urls(fields.get("resultUrls")), watermarked_urls=_urls(fields.get("resultWaterMarkUrls"))
    )


def _state(raw: str) -> JobState:
    try:
        return JobState(raw.strip().lower())
    except ValueError:
        return JobState.UNKNOWN


def _echo(param: Any) -> dict[str, Any]:
    content = decoded(param)
    if not isinstance(content, dict):
        return {}
    fields = cast("dict[str, Any]", content)
    # `input` is a JSON string within the JSON string in recordings, an object in the documentation.
    body_input = decoded(fields.get("input"))
    echo: dict[str, Any] = {"input": body_input if isinstance(body_input, dict) else {}}
    if model := first_text(fields, "model"):
        echo["model"] = model
    return echo


def _urls(value: Any) -> tuple[str, ...]:
    content: Any = decoded(value) if isinstance(value, str) and value.startswith("[") else value
    candidates: list[Any] = list(content) if isinstance(content, list) else [content]  # pyright: ignore[reportUnknownArgumentType]
    urls = [url.strip() for url in candidates[:MAX_URLS] if isinstance(url, str)]
    return tuple(url for url in urls if _is_http(url))


def _is_http(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _code_text(value: Any) -> str | None:
    if value is None or isinstance(value, bool | dict | list):
        return None
    return str(value).strip()[:100] or None


def _time(value: Any) -> datetime | None:
    milliseconds = as_int(value)
    if milliseconds is None or not 0 < milliseconds < LATEST_MILLISECONDS:
        return None
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds)
