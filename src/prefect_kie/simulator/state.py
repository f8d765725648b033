"""What Kie's servers remember: jobs, credits, handles and files; all that the routes work on."""

import asyncio
import heapq
import random
import re
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from string import ascii_lowercase
from typing import Any

from pydantic import BaseModel, ConfigDict

from prefect_kie.simulator.callbacks import Callbacks
from prefect_kie.simulator.checks import MENTION, check_input, violations
from prefect_kie.simulator.faults import MODERATED, Failure, Faults
from prefect_kie.simulator.files import Files, Upload
from prefect_kie.simulator.jobs import Job, prompt_of
from prefect_kie.simulator.media import spoilt
from prefect_kie.simulator.models import PAUSED, Json, Model, Refused, is_object, is_url
from prefect_kie.simulator.results import give
from prefect_kie.simulator.settings import SimulatorSettings

NOT_SUPPORTED = (
    "The model name you specified is not supported. Please verify it and ensure the model is available."
)
UNKNOWN_HANDLE = "This content may violate our guardrails: it mentions @{}, which is no character."
HANDLE_TAKEN = "The character_user_name {} is already taken. Please choose another one."
REMARK = "insert this username directly into your prompt.(@character_user_name)."
COUNTED = (
    *("created", "rejected", "polls", "succeeded", "failed", "uploads", "violations", "throttled"),
    *("callbacks_sent", "callbacks_delivered", "callbacks_refused"),
)


class Kept(BaseModel):
    """What survives a restart of one simulated account; what was charged follows from the jobs."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    granted: float
    jobs: dict[str, Job]
    uploads: dict[str, Upload]
    handles: set[str]


class Simulator:
    """One simulated account, whole; a test in the same process may look at it and change it."""

    def __init__(self, settings: SimulatorSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock  # gives epoch seconds
        self.stopping = asyncio.Event()
        self._initial = settings
        self._begin()
        if settings.state_file is not None and settings.state_file.exists():
            kept = Kept.model_validate_json(settings.state_file.read_text(encoding="utf-8"))
            self._granted, self._handles, self.files.uploads = kept.granted, kept.handles, kept.uploads
            for job in kept.jobs.values():
                self._take(job)

    def _begin(self) -> None:
        self.settings = settings = self._initial
        self.faults, self.files, self.callbacks = Faults(), Files(self), Callbacks(self)
        self.counts: Counter[str] = Counter()
        self.jobs: dict[str, Job] = {}
        self.file_requests: list[dict[str, Any]] = []
        self._let_through: defaultdict[tuple[float, str], deque[float]] = defaultdict(deque)
        self._violations: list[str] = []
        self._granted, self._charged, self._reserved = settings.credits, 0.0, 0.0
        self._unsettled: list[tuple[float, str]] = []
        self._handles = set[str]()  # of characters that were made, with their suffixes
        # Not for secrets: spread of durations and invented handles.
        self._random = random.Random(settings.seed)  # noqa: S311

    def change(self, changes: Mapping[str, Any]) -> None:
        """Replace single settings, or raise pydantic's ValidationError; `credits` sets the balance."""
        self.settings = SimulatorSettings.model_validate({**self.settings.model_dump(), **changes})
        if "credits" in changes:
            self.credits()
            self._granted = self.settings.credits + self._charged
        self.keep()

    def reset(self) -> None:
        """Go back to the start: no jobs, uploads, faults or counts, and the first settings."""
        self.callbacks.stop()
        self._begin()
        self.keep()

    def keep(self) -> None:
        """Write down what a restart must not lose, where a file for it is set; whole or not at all."""
        if (path := self.settings.state_file) is None:
            return
        kept = Kept(granted=self._granted, jobs=self.jobs, uploads=self.files.uploads, handles=self._handles)
        new = path.with_name(path.name + ".new")
        new.write_text(kept.model_dump_json(exclude_unset=True), encoding="utf-8")
        new.replace(path)

    def resume(self) -> None:
        """Send the callbacks of recalled jobs that still run. Must be called in the running event loop."""
        for job in self.jobs.values():
            if job.finishes_at > self.clock():
                self.callbacks.expect(job)

    async def pause(self, seconds: float) -> bool:
        """Wait so many seconds, but not beyond `stop`; True means that it was stopped."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
        return self.stopping.is_set()

    def stop(self) -> None:
        """End every pause, rendering and callback. Must be called in the running event loop."""
        self.stopping.set()
        self.callbacks.stop()

    def credits(self) -> float:
        """Return the balance: what was granted less the price of every job that has succeeded."""
        while self._unsettled and self._unsettled[0][0] <= self.clock():
            job = self.jobs[heapq.heappop(self._unsettled)[1]]
            self.counts["failed" if job.failure else "succeeded"] += 1
            self._charged += 0 if job.failure else job.price
            self._reserved -= job.price
        return max(0.0, self._granted - self._charged)

    def create(self, body: object, *, key: str, base_url: str) -> Job:
        """Create a job of a decoded createTask body, with results under `base_url`; or raise Refused."""
        settings, now = self.settings, self.clock()
        self.throttle(10, key, settings.create_per_10s)
        if not is_object(body):
            raise Refused(422, "The request body must be a JSON object")
        name, given = str(body.get("model") or ""), body.get("input")
        if not name:
            raise Refused(500, "model is required")
        model = settings.model(name)
        if model is None or model.call or name in settings.retired_models:
            raise Refused(422, NOT_SUPPORTED)
        if self.is_paused(name):
            raise Refused(500, PAUSED)
        if not is_object(given):
            raise Refused(500, "input is required")
        for field in ("callBackUrl", "progressCallBackUrl"):
            if body.get(field) and not is_url(body[field]):
                raise Refused(422, f"{field} must be a valid URL")
        check_input(model, given)
        if model.gives == "pro-character":
            self._check_origin(given, now)
        # What jobs that run will cost is reserved; rounded, since prices such as 0.4 add up to a little more.
        if round(self.credits() - self._reserved, 6) < settings.price_of(name):
            raise Refused(402)
        job = self._new_job(name, model, body, base_url, now)
        self._take(job)
        self.callbacks.expect(job)
        self.keep()
        return job

    def _take(self, job: Job) -> None:
        self.jobs[job.task_id] = job
        self.counts["created"] += 1
        self._reserved += job.price
        heapq.heappush(self._unsettled, (job.finishes_at, job.task_id))
        self.files.results |= {path: (job, clip) for path, clip in job.clips.items()}

    def is_paused(self, model: str) -> bool:
        """Whether a model is refused as paused."""
        return any(fnmatchcase(model, pattern) for pattern in self.settings.paused_models)

    def find(self, task_id: str) -> Job:
        """Return a job that recordInfo knows by now; Refused otherwise, or when polled too often."""
        self.throttle(1, task_id, self.settings.polls_per_second)
        job = self.jobs.get(task_id)
        if job is None or self.clock() < job.visible_at:
            raise Refused(422, "recordInfo is null")
        return job

    def throttle(self, seconds: float, key: str, limit: int | None) -> None:
        """Let so many calls through within so many seconds; those refused do not count."""
        passed, now = self._let_through[seconds, key], self.clock()
        while passed and passed[0] <= now - seconds:
            passed.popleft()
        if limit is not None and len(passed) >= limit:
            self.counts["throttled"] += 1
            raise Refused(429)
        passed.append(now)

    def _check_origin(self, given: Json, now: float) -> None:
        """Refuse a character whose source is not a finished video, or whose slice is outside of it."""
        origin = self.jobs.get(given["origin_task_id"])
        if origin is None or not origin.clips:
            raise Refused(422, "origin_task_id is not the task of a generated video")
        if origin.state(now) != "success":
            raise Refused(422, "origin_task_id: the video of this task is not finished")
        length = next(iter(origin.clips.values())).seconds
        if float(given["timestamps"].partition(",")[2]) > length:
            raise Refused(422, f"timestamps must be within the original video of {length} seconds")

    def _new_job(self, name: str, model: Model, body: Json, base_url: str, now: float) -> Job:
        settings, given = self.settings, body["input"]
        quirks = self.faults.take("job", model=name, prompt=prompt_of(given))
        duration = settings.durations.get(name, settings.duration_seconds) * quirks.slower
        if settings.duration_sigma:
            duration *= self._random.lognormvariate(0, settings.duration_sigma)
        job = Job(
            task_id=uuid.uuid4().hex,
            model=name,
            body=body,
            created_at=now,
            visible_at=now + settings.visible_after_seconds,
            duration=duration if quirks.duration is None else quirks.duration,
            price=settings.price_of(name),
            failure=quirks.fail or self._failure(model, given) or spoilt(self.files, name, given, base_url),
            in_response="data.response" in model.result.get("where", ""),
            reports_progress=model.progress,
            quirks=quirks,
        )
        if job.failure is None and model.gives in ("character", "pro-character"):
            job.result = self._cast(model, given)
        elif job.failure is None:
            give(self.files, job, model, base_url)
        return job

    def _failure(self, model: Model, given: Json) -> Failure | None:
        """Decide whether moderation, or a handle, will make the job fail at its end."""
        prompt, asked = prompt_of(given), given.get("character_user_name")
        words = f"{prompt} {given.get('character_prompt', '')}"
        if re.search(r"\bgore\b", words, re.IGNORECASE):
            return Failure(failMsg=MODERATED)
        # Other models mention their own references with an @.
        for mention in MENTION.findall(prompt) if model.family == "sora" else ():
            handle = mention.rstrip(".-")
            if handle not in self._handles:
                return Failure(failMsg=UNKNOWN_HANDLE.format(handle))
        taken = {handle.partition(".")[0] for handle in self._handles}
        if asked in taken and model.gives == "pro-character":
            return Failure(failCode="422", failMsg=HANDLE_TAKEN.format(asked))
        return None

    def _cast(self, model: Model, given: Json) -> Json:
        """Return a character job's resultJson, and keep its handle."""
        character_id = f"ch_{uuid.uuid4().hex}"
        if model.gives == "character":
            return {"character_id": character_id}
        suffix = "".join(self._random.choices(ascii_lowercase, k=2))  # so that only the returned handle works
        handle = f"{given.get('character_user_name') or character_id[-7:]}.{suffix}"
        self._handles.add(handle)
        return {
            "resultObject": {"character_id": character_id, "character_user_name": handle, "remark": REMARK}
        }

    def inspect(self, body: object) -> None:
        """Count a createTask body that is not as documented."""
        name = body.get("model") if is_object(body) else None
        if found := violations(body, self.settings.model(name)):
            self.counts["violations"] += 1
            self._violations += [f"{name}: {each}" for each in found]

    def stats(self) -> dict[str, Any]:
        """Return every counter and every job, as `GET /_sim/stats` does."""
        credits, now = self.credits(), self.clock()
        return {
            **{name: self.counts[name] for name in COUNTED},
            "file_requests": len(self.file_requests),
            "charged": self._charged,
            "credits": credits,
            "violation_notes": self._violations,
            "creates_times": [job.created_at for job in self.jobs.values()],
            "jobs": [job.summary(now) for job in self.jobs.values()],
        }
