"""What Kie's servers remember: jobs, credits and handles. Pure of I/O; the time comes in as an argument."""

from __future__ import annotations

import heapq
import math
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from prefect_kie.simulator.faults import Faults
from prefect_kie.simulator.jobs import Clip, Failure, Job
from prefect_kie.simulator.models import (
    NOT_SUPPORTED,
    PAUSED,
    Json,
    Model,
    Refusal,
    find_model,
    is_list,
    is_object,
    is_url,
    parse_slice,
    refuse,
    violations,
)
from prefect_kie.simulator.settings import SimulatorSettings

MODERATED = (
    "This content may violate our guardrails concerning safety. Please adjust your prompt and try again."
)
UNKNOWN_HANDLE = (
    "This content may violate our guardrails: it mentions @{}, and no such character is available."
)
HANDLE_TAKEN = "The character_user_name {} is already taken. Please choose another one."
REMARK = "insert this username directly into your prompt.(@character_user_name)."

MENTION = re.compile(r"(?<![\w.-])@([A-Za-z0-9._-]+)")
Clock = Callable[[], float]
"""Gives epoch seconds."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Service:
    """The jobs of one simulated account, its balance, and the handles of its characters."""

    def __init__(self, settings: SimulatorSettings, faults: Faults) -> None:
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.jobs: dict[str, Job] = {}
        self._faults = faults
        self._granted = settings.credits
        self._charged = 0.0
        self._unsettled: list[tuple[float, str]] = []
        self._clips: dict[str, Job] = {}
        self._handles: dict[str, float] = dict.fromkeys(settings.known_handles, -math.inf)
        self._taken = {handle.partition(".")[0] for handle in settings.known_handles}
        # Not for secrets: spread of durations and invented handles.
        self._random = random.Random(settings.seed)  # noqa: S311

    # Credits

    def credits(self, now: float) -> float:
        """Return the balance: what was granted less the price of every job that has succeeded."""
        self._settle(now)
        return self._granted - self._charged

    def grant(self, balance: float, now: float) -> None:
        """Set the balance."""
        self._settle(now)
        self._granted = balance + self._charged

    def _settle(self, now: float) -> None:
        """Count the jobs that have ended by now, and charge those that succeeded."""
        while self._unsettled and self._unsettled[0][0] <= now:
            job = self.jobs[heapq.heappop(self._unsettled)[1]]
            if job.failure:
                self.counts["failed"] += 1
            else:
                self.counts["succeeded"] += 1
                self._charged += job.price

    # Jobs

    def inspect(self, body: object) -> None:
        """Count a createTask body that is not as documented."""
        name = body.get("model") if is_object(body) else None
        found = violations(body, find_model(name))
        if found:
            self.counts["violations"] += 1
            self.violations += [f"{name}: {each}" for each in found]

    def create(self, body: object, *, base_url: str, now: float) -> Job | Refusal:
        """Create a job, or say why not.

        Args:
            body: The decoded createTask body.
            base_url: This service's own URL, for the links to the results.
            now: Epoch seconds.
        """
        settings = self.settings
        if not is_object(body):
            return Refusal(422, "The request body must be a JSON object")
        name, given = body.get("model"), body.get("input")
        if not name:
            return Refusal(500, "model is required")
        model = find_model(name, extra=settings.extra_models, retired=settings.retired_models)
        if model is None:
            return Refusal(422, NOT_SUPPORTED)
        if any(fnmatchcase(str(name), pattern) for pattern in settings.paused_models):
            return Refusal(500, PAUSED)
        if not is_object(given):
            return Refusal(500, "input is required")
        for field in ("callBackUrl", "progressCallBackUrl"):
            if body.get(field) and not is_url(body[field]):
                return Refusal(settings.invalid_input_code, f"{field} must be a valid URL")
        refusal = refuse(model, given, invalid=settings.invalid_input_code)
        if refusal is None and model.gives == "pro-character":
            refusal = self._refuse_origin(given, now)
        if refusal:
            return refusal
        if self.credits(now) < settings.price_of(str(name)):
            if settings.insufficient_credits_code == 500:
                return Refusal(500, "Credits insufficient")
            return Refusal(
                settings.insufficient_credits_code,
                "Credits insufficient: the current balance is not enough to run this request. Please top up.",
            )
        return self._admit(str(name), model, body, given, base_url, now)

    def find(self, task_id: str, now: float) -> Job | None:
        """Return a job that recordInfo knows by now."""
        job = self.jobs.get(task_id)
        return job if job and now >= job.visible_at else None

    def clip_at(self, path: str) -> tuple[Job, Clip] | None:
        """Return the job and the content of a result file, whether or not the job has ended."""
        job = self._clips.get(path)
        return (job, job.clips[path]) if job else None

    def _refuse_origin(self, given: Json, now: float) -> Refusal | None:
        """Refuse a character whose source is not a finished video, or whose slice is outside of it."""
        code = self.settings.invalid_input_code
        origin = self.jobs.get(str(given["origin_task_id"]))
        if origin is None or not origin.clips:
            return Refusal(code, "origin_task_id is not the task of a generated video")
        if origin.state(now) != "success":
            return Refusal(code, "origin_task_id: the video of this task is not finished")
        bounds, length = parse_slice(given["timestamps"]), next(iter(origin.clips.values())).seconds
        if bounds and bounds[1] > length:
            return Refusal(code, f"timestamps must be within the original video of {length} seconds")
        return None

    def _admit(
        self, name: str, model: Model, body: Json, given: Json, base_url: str, now: float
    ) -> Job | Refusal:
        quirks = self._faults.take("job", model=name, prompt=prompt_of(given))
        duration = self.settings.duration_of(name)
        if self.settings.duration_sigma:
            duration *= self._random.lognormvariate(0, self.settings.duration_sigma)
        if quirks is not None and quirks.duration is not None:
            duration = quirks.duration
        job = Job(
            task_id=uuid.uuid4().hex,
            model=name,
            body=body,
            base_url=base_url,
            created_at=now,
            visible_at=now + self.settings.visible_after_seconds,
            duration=duration,
            price=self.settings.price_of(name),
            result={},
            failure=self._failure(model, given, now),
            reports_progress=model.progress,
            quirks=quirks,
        )
        if quirks is not None and quirks.fail:
            job.failure = Failure(quirks.fail.failCode, quirks.fail.failMsg)
        if job.failure is None:
            if model.gives == "video":
                job.clips, job.result = self._film(job, model, given)
                self._clips.update(dict.fromkeys(job.clips, job))
            else:
                job.result = self._cast(model, given, job.finishes_at)
        self.jobs[job.task_id] = job
        self.counts["created"] += 1
        heapq.heappush(self._unsettled, (job.finishes_at, job.task_id))
        return job

    def _failure(self, model: Model, given: Json, now: float) -> Failure | None:
        """Decide whether moderation, or a handle, will make the job fail at its end."""
        words = f"{prompt_of(given)} {given.get('character_prompt', '')}"
        if any(re.search(rf"\b{re.escape(word)}\b", words, re.I) for word in self.settings.moderated_words):
            return Failure("500", MODERATED)
        # Other models mention their own references with an @.
        for mention in MENTION.findall(prompt_of(given)) if model.inputs else ():
            handle = mention.rstrip(".-")
            if self._handles.get(handle, math.inf) > now:
                return Failure("500", UNKNOWN_HANDLE.format(handle))
        asked = given.get("character_user_name")
        if asked in self._taken and model.gives == "pro-character":
            return Failure("422", HANDLE_TAKEN.format(asked))
        return None

    def _film(self, job: Job, model: Model, given: Json) -> tuple[dict[str, Clip], Json]:
        """Return a video job's files and its resultJson."""
        clean = self._clip(job.model, model, given, job.base_url)
        stem = f"/files/results/{job.task_id}"
        if not model.watermark:
            return {f"{stem}.mp4": clean}, {"resultUrls": [f"{job.base_url}{stem}.mp4"]}
        marked = replace(clean, watermark=True)
        if not given.get("remove_watermark"):
            return {f"{stem}.mp4": marked}, {"resultUrls": [f"{job.base_url}{stem}.mp4"]}
        return {f"{stem}.mp4": clean, f"{stem}_watermark.mp4": marked}, {
            "resultUrls": [f"{job.base_url}{stem}.mp4"],
            "resultWaterMarkUrls": [f"{job.base_url}{stem}_watermark.mp4"],
        }

    def _clip(self, name: str, model: Model, given: Json, base_url: str) -> Clip:
        """Return what a job's video shows, without a watermark."""
        source = given.get("video_url")
        if is_url(source) and (found := self.clip_at(urlsplit(source).path)):
            return replace(found[1], watermark=False)
        pictures = given.get("image_urls")
        picture = pictures[0] if is_list(pictures) and pictures else None
        own = is_url(picture) and picture.startswith(f"{base_url}/files/")
        return Clip(
            prompt=prompt_of(given) or str(source or ""),
            model=name,
            seconds=_seconds(given.get("n_frames") or given.get("duration"), model.seconds),
            portrait=given.get("aspect_ratio") in ("portrait", "9:16"),
            image=str(picture) if own else None,
        )

    def _cast(self, model: Model, given: Json, ready_at: float) -> Json:
        """Return a character job's resultJson, and keep its handle from now on."""
        character_id = f"ch_{uuid.uuid4().hex}"
        if model.gives == "character":
            return {"character_id": character_id}
        handle = given.get("character_user_name") or self._letters(7)
        self._taken.add(handle)
        if self.settings.dotted_handles:
            handle = f"{handle}.{self._letters(2)}"
        self._handles[handle] = ready_at
        return {
            "resultObject": {"character_id": character_id, "character_user_name": handle, "remark": REMARK}
        }

    def _letters(self, count: int) -> str:
        return "".join(self._random.choices(LETTERS, k=count))

    def report(self, now: float) -> dict[str, Any]:
        """Return the counters, and every job with its present state."""
        self._settle(now)
        counted = (
            "created",
            "rejected",
            "polls",
            "succeeded",
            "failed",
            "uploads",
            "violations",
            "throttled",
        )
        return {
            **{name: self.counts[name] for name in counted},
            "charged": self._charged,
            "credits": self._granted - self._charged,
            "violation_notes": self.violations,
            "creates_times": [job.created_at for job in self.jobs.values()],
            "jobs": [_line(job, now) for job in self.jobs.values()],
        }


def prompt_of(given: object) -> str:
    """Return the words of an input object: its prompt, or the scenes of its shots."""
    if not is_object(given):
        return ""
    scenes = given.get("shots")
    parts: list[object] = [given.get("prompt")]
    if is_list(scenes):
        parts += [shot.get("Scene") for shot in scenes if is_object(shot)]
    return " ".join(part for part in parts if isinstance(part, str))


def _seconds(value: object, default: int) -> int:
    """A video's length from n_frames ("10") or another model's duration ("5", 5); at most a minute."""
    try:
        return max(1, min(60, int(str(value))))
    except ValueError:
        return default


def _line(job: Job, now: float) -> dict[str, Any]:
    state = job.state(now)
    return {
        "task_id": job.task_id,
        "model": job.model,
        "input": job.input,
        "state": state,
        "polls": job.polls,
        "credits": job.price if state == "success" else 0,
        "callBackUrl": job.body.get("callBackUrl"),
        "progressCallBackUrl": job.body.get("progressCallBackUrl"),
        "created_at": job.created_at,
        "finishes_at": None if math.isinf(job.finishes_at) else job.finishes_at,
    }
