"""The life of one job, as a pure function of the clock: asking changes nothing, and needs no timer."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, field
from typing import Any, Literal

from prefect_kie.simulator.faults import Fault
from prefect_kie.simulator.models import Json

State = Literal["waiting", "queuing", "generating", "success", "fail"]

QUEUED_AT, STARTED_AT = 0.05, 0.15
"""Fractions of a job's duration at which it is queued, and at which its generation starts."""


@dataclass(frozen=True)
class Failure:
    """Why a job fails, as recordInfo tells it."""

    code: str | int | None
    msg: str


@dataclass(frozen=True)
class Clip:
    """What a video shows; two clips that are equal are the same file.

    Attributes:
        seconds: Its length.
        image: URL of its background picture, where that is an upload of this simulator.
    """

    prompt: str
    model: str
    seconds: int
    portrait: bool
    watermark: bool = False
    image: str | None = None


@dataclass
class Job:
    """A job whose whole life is settled when it is created.

    Attributes:
        body: The createTask body as it came.
        created_at: Epoch seconds; `visible_at` likewise.
        duration: Seconds from creation to end.
        price: Credits it costs if it succeeds.
        result: What resultJson will hold.
        failure: Why it will fail, or None.
        clips: Its result files, by path.
        reports_progress: Whether it is of a Sora model.
        quirks: The fault ordered for it, or None.
        polls: How often it was asked for.
    """

    task_id: str
    model: str
    body: Json
    base_url: str
    created_at: float
    visible_at: float
    duration: float
    price: float
    result: Json
    failure: Failure | None = None
    clips: dict[str, Clip] = field(default_factory=dict[str, Clip])
    reports_progress: bool = False
    quirks: Fault | None = None
    polls: int = 0

    @property
    def input(self) -> Json:
        """The input object it was created with."""
        given: Json = self.body["input"]
        return given

    @property
    def finishes_at(self) -> float:
        """Epoch seconds of its end; infinity for a job that is stuck."""
        stuck = self.quirks is not None and self.quirks.stuck
        return math.inf if stuck else self.created_at + self.duration

    def state(self, now: float) -> State:
        """Return its true state at a time in epoch seconds."""
        if now >= self.finishes_at:
            return "fail" if self.failure else "success"
        passed = self._passed(now)
        return "waiting" if passed < QUEUED_AT else "queuing" if passed < STARTED_AT else "generating"

    def shown_state(self, now: float) -> str:
        """Return the state that recordInfo tells: the true one, unless a fault says otherwise."""
        quirks = self.quirks
        if quirks is None or quirks.state is None:
            return self.state(now)
        if quirks.state_seconds is not None and now >= self.created_at + quirks.state_seconds:
            return self.state(now)
        return quirks.state

    def progress(self, now: float, *, noise: float = 0.0) -> float:
        """Return its progress, 0 to 100.

        Args:
            now: Epoch seconds.
            noise: Largest deviation, in points. The same poll at the same point gives the same number.
        """
        if self.quirks is not None and self.quirks.progress is not None:
            return self.quirks.progress
        if self.state(now) == "success":
            return 100
        exact = 100 * max(0.0, (self._passed(now) - STARTED_AT) / (1 - STARTED_AT))
        # Not for secrets: the number only has to look like an estimate.
        deviation = random.Random(f"{self.task_id} {int(exact)}").uniform(-noise, noise)  # noqa: S311
        # Rounded first, since epoch seconds leave 49.9999 where 50 is meant.
        return int(min(99.0, max(0.0, round(exact + deviation, 3))))

    def time_of_progress(self, percent: float) -> float:
        """Return the epoch seconds at which its progress reaches a number of percent."""
        return self.created_at + self.duration * (STARTED_AT + (1 - STARTED_AT) * percent / 100)

    def _passed(self, now: float) -> float:
        """The fraction of its duration that is over; a stuck job stays just below 1."""
        return min(0.999, (now - self.created_at) / self.duration) if self.duration else 0.999


def record(
    job: Job, now: float, *, skew: float = 0.0, report_progress: bool = True, noise: float = 0.0
) -> Json:
    """Return the `data` that recordInfo and the callbacks give for a job.

    Args:
        job: The job.
        now: Epoch seconds.
        skew: Seconds the service's clock is ahead.
        report_progress: Whether `progress` is told (for Sora models only).
        noise: Largest deviation of the progress, in points.
    """

    def milliseconds(moment: float) -> int:
        return round((moment + skew) * 1000)

    state = job.shown_state(now)
    # A fault may show an end that has not come.
    ended = min(job.finishes_at, now) if state in ("success", "fail") else None
    data: Json = {
        "taskId": job.task_id,
        "model": job.model,
        "state": state,
        "param": _echo(job.body),
        "resultJson": "" if ended is None else None,
        "failCode": None,
        "failMsg": None,
        "costTime": None if ended is None else int(job.duration),
        "completeTime": None if ended is None else milliseconds(ended),
        "createTime": milliseconds(job.created_at),
        "updateTime": milliseconds(now if ended is None else ended),
    }
    if job.reports_progress and report_progress:
        data["progress"] = job.progress(now, noise=noise)
    if state == "success":
        data["resultJson"] = _result(job, now)
        data["creditsConsumed"] = job.price
        if job.quirks is not None and job.quirks.result_form == "extra":
            data["queueTime"] = 3
        if job.quirks is not None and job.quirks.record is not None:
            given = dict(job.quirks.record)
            if isinstance(given.get("resultJson"), dict | list):
                given["resultJson"] = json.dumps(given["resultJson"])
            if not _is_late(job, now):
                data = {**data, **given}
    elif state == "fail" and job.failure:
        data["failCode"], data["failMsg"] = job.failure.code, job.failure.msg
        if job.quirks is not None and job.quirks.fail_word is not None:
            data["state"] = job.quirks.fail_word
    return data


def _echo(body: Json) -> str:
    """The `param` field: the create request as a JSON string, whose input is a JSON string once more."""
    return json.dumps({**body, "input": json.dumps(body["input"], ensure_ascii=False)}, ensure_ascii=False)


def _is_late(job: Job, now: float) -> bool:
    """Whether a fault keeps the addresses back, although the job has succeeded."""
    late = job.quirks.no_url_seconds if job.quirks else None
    return late is not None and now < job.finishes_at + late


def _result(job: Job, now: float) -> Any:
    """The `resultJson` field in the form that was ordered."""
    quirks, result = job.quirks, job.result
    if quirks is None:
        return json.dumps(result)
    if quirks.no_url or _is_late(job, now):
        empty: Json = {name: [] for name in result if name.endswith("Urls")}
        result = empty
    if quirks.result_form == "bare" and "resultObject" in result:
        result = {"character_id": result["resultObject"]["character_id"]}
    if quirks.result_form == "extra":
        result = {**result, "firstFrameUrl": None, "meta": {"engine": "simulator"}}
    return result if quirks.result_form == "object" else json.dumps(result)
