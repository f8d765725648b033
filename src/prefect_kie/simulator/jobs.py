"""The life of one job, as a pure function of the clock: polling changes nothing, and needs no timer."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from prefect_kie.simulator.faults import NO_FAULT, Failure, Fault
from prefect_kie.simulator.models import Json, is_object, objects_in

QUEUED_AT, STARTED_AT = 0.05, 0.15  # fractions of a job's duration
WORDS = ("text", "lyrics", "content", "description", "title")  # what other models take in place of a prompt


@dataclass(frozen=True)
class Clip:
    """What a file shows or plays; two clips that are equal are the same file."""

    prompt: str
    model: str
    seconds: int
    watermark: bool = False
    image: str | None = None  # path of its background picture among this simulator's uploads
    form: str = "mp4"  # or png, jpeg, webp, mp3, wav
    sound: bool = False  # whether a video has a sound track
    ratio: float | None = None  # width to height, where something tells it
    number: int = 0  # which of several files it is


@dataclass
class Job:
    """A job whose whole life is settled when it is created. Moments are epoch seconds."""

    task_id: str
    model: str
    body: Json  # of createTask, as it came
    created_at: float
    visible_at: float
    duration: float  # seconds from creation to end
    price: float  # credits it costs if it succeeds
    result: Json = field(default_factory=dict[str, Any])  # what resultJson will hold …
    in_response: bool = False  # … or the field `response`
    failure: Failure | None = None  # why it will fail
    clips: dict[str, Clip] = field(default_factory=dict[str, Clip])  # its result files, by path
    reports_progress: bool = False
    quirks: Fault = NO_FAULT
    polls: int = 0  # how often it was polled

    @property
    def finishes_at(self) -> float:
        """Epoch seconds of its end; infinity for a job that is stuck."""
        return math.inf if self.quirks.stuck else self.created_at + self.duration

    def state(self, now: float) -> str:
        if now >= self.finishes_at:
            return "fail" if self.failure else "success"
        passed = self._passed(now)
        return "waiting" if passed < QUEUED_AT else "queuing" if passed < STARTED_AT else "generating"

    def progress(self, now: float) -> float:
        if self.state(now) == "success":
            return 100
        exact = 100 * (self._passed(now) - STARTED_AT) / (1 - STARTED_AT)
        # Rounded first, since epoch seconds leave 49.9999 where 50 is meant.
        return int(min(99.0, max(0.0, round(exact, 3))))

    def time_of_progress(self, percent: float) -> float:
        """Return the epoch seconds at which its progress reaches a number of percent."""
        return self.created_at + self.duration * (STARTED_AT + (1 - STARTED_AT) * percent / 100)

    def summary(self, now: float) -> Json:
        state = self.state(now)
        return {
            "task_id": self.task_id,
            "model": self.model,
            "input": self.body["input"],
            "state": state,
            "polls": self.polls,
            "credits": self.price if state == "success" else 0,
            "callBackUrl": self.body.get("callBackUrl"),
            "progressCallBackUrl": self.body.get("progressCallBackUrl"),
            "created_at": self.created_at,
            "finishes_at": None if math.isinf(self.finishes_at) else self.finishes_at,
        }

    def _passed(self, now: float) -> float:
        """The fraction of its duration that is over; a stuck job stays just below 1."""
        return min(0.999, (now - self.created_at) / self.duration) if self.duration else 0.999


def prompt_of(given: object) -> str:
    """Return the words of an input object: its prompt, the scenes of its shots, or what stands for them."""
    if not is_object(given):
        return ""
    parts = [given.get("prompt")]
    parts += [shot.get("Scene") for shot in objects_in(given.get("shots"))]
    parts += [turn.get("text") for turn in objects_in(given.get("dialogue"))]
    words = " ".join(part for part in parts if isinstance(part, str))
    return words or next((str(given[name]) for name in WORDS if given.get(name)), "")


def record(job: Job, now: float, *, skew: float = 0.0, report_progress: bool = True) -> Json:
    """Return the `data` that recordInfo and the callbacks give for a job, by a clock that is `skew` ahead."""

    def milliseconds(moment: float) -> int:
        return round((moment + skew) * 1000)

    state, quirks = job.state(now), job.quirks
    ended = job.finishes_at if state in ("success", "fail") else None
    # The create request as a JSON string, whose input is a JSON string once more.
    given = {**job.body, "input": json.dumps(job.body["input"], ensure_ascii=False)}
    data: Json = {
        "taskId": job.task_id,
        "model": job.model,
        "state": state,
        "param": json.dumps(given, ensure_ascii=False),
        "resultJson": "" if ended is None else None,
        "failCode": None,
        "failMsg": None,
        "costTime": None if ended is None else int(job.duration),
        "completeTime": None if ended is None else milliseconds(ended),
        "createTime": milliseconds(job.created_at),
        "updateTime": milliseconds(now if ended is None else ended),
    }
    if job.reports_progress and report_progress:
        data["progress"] = job.progress(now)
    if state == "success":
        late = quirks.no_url_seconds is not None and now < job.finishes_at + quirks.no_url_seconds
        empty: Json = {name: [] for name in job.result if name.endswith("Urls")}
        result = empty if quirks.no_url or late else job.result
        data |= {"response": result} if job.in_response else {"resultJson": json.dumps(result)}
        data["creditsConsumed"] = job.price
        if quirks.record is not None and not late:
            data |= quirks.record
            if isinstance(data["resultJson"], dict | list):
                data["resultJson"] = json.dumps(data["resultJson"])
    elif job.failure and ended is not None:
        data |= job.failure.model_dump()
        data["state"] = quirks.fail_word or state
    return data
