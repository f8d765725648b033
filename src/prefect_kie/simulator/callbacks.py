"""Callbacks: posted when a job ends (or progresses), signed, tried again; to this machine only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from prefect_kie.simulator.answers import Pause
from prefect_kie.simulator.faults import Fault, Faults
from prefect_kie.simulator.jobs import Job, record
from prefect_kie.simulator.models import Json
from prefect_kie.simulator.service import Clock, prompt_of
from prefect_kie.simulator.settings import SimulatorSettings

STEPS = (25, 50, 75)
"""Percents at which a progress callback is sent."""


def is_loopback(url: str) -> bool:
    """Tell whether a URL stays on this machine; a name other than localhost is never resolved."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def sign(key: str, task_id: str, timestamp: int) -> str:
    """Return Kie's signature of a callback: base64(HMAC-SHA256(key, taskId + "." + timestamp))."""
    digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def envelope(data: Json) -> Json:
    """Wrap a job's record as its callback does, at its end or underway."""
    if data["state"] == "fail" or data["failMsg"] is not None:
        return {"code": 501, "msg": "Playground task failed.", "data": data}
    msg = "Playground task completed successfully." if data["state"] == "success" else "success"
    return {"code": 200, "msg": msg, "data": data}


class Callbacks:
    """Sends the callbacks of one simulator, each job's in an asyncio task of its own."""

    def __init__(
        self, settings: Callable[[], SimulatorSettings], faults: Faults, *, clock: Clock, pause: Pause
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._faults = faults
        self._clock = clock
        self._pause = pause
        self._tasks: set[asyncio.Task[None]] = set()
        # Not for secrets: decides which callbacks are dropped.
        self._random = random.Random(settings().seed)  # noqa: S311

    def expect(self, job: Job) -> None:
        """Send a job's callbacks when their time comes. Must be called in the running event loop."""
        plans = [("callBackUrl", job.finishes_at, True)]
        if job.reports_progress:
            plans += [("progressCallBackUrl", job.time_of_progress(step), False) for step in STEPS]
        for name, due, final in plans:
            url = job.body.get(name)
            if not url:
                continue
            if not is_loopback(url):
                self.counts["refused"] += 1
                continue
            # A stuck job makes progress for ever, and never ends.
            if due < float("inf"):
                task = asyncio.create_task(self._deliver(job, url, due, final=final))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel what has not been sent."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, job: Job, url: str, due: float, *, final: bool) -> None:
        while (left := due - self._clock()) > 0:
            # In short steps, since the clock may be a test's.
            if await self._pause(min(left, 0.5)):
                return
        settings = self._settings()
        fault = self._faults.take("callback", model=job.model, prompt=prompt_of(job.input))
        if (fault and fault.drop) or self._random.random() < settings.callback_drop:
            self.counts["dropped"] += 1
            return
        if fault and fault.delay:
            await self._pause(fault.delay)
        copies = 1 + (fault.duplicates if fault else 0) + (settings.callback_duplicates if final else 0)
        for _ in range(copies):
            await self._post(job, url, fault, settings)

    async def _post(self, job: Job, url: str, fault: Fault | None, settings: SimulatorSettings) -> None:
        """Post one callback, and try again until it is answered or the tries are used up."""
        skew = settings.clock_skew_seconds
        for attempt in range(settings.callback_tries):
            if attempt:
                await self._pause(settings.callback_retry_seconds)
            now = self._clock()
            content = envelope(record(job, now, skew=skew, noise=settings.progress_noise))
            headers: dict[str, str] = {}
            if settings.signing_key is not None:
                stamp = int(now + skew)
                key = settings.signing_key + ("-wrong" if fault and fault.wrong_signature else "")
                headers["X-Webhook-Timestamp"] = str(stamp)
                headers["X-Webhook-Signature"] = sign(key, job.task_id, stamp)
            self.counts["sent"] += 1
            if await self._answered(url, content, headers, settings.callback_timeout_seconds):
                self.counts["delivered"] += 1
                return

    async def _answered(self, url: str, content: Any, headers: dict[str, str], patience: float) -> bool:
        try:
            # No TLS to set up for a receiver on this machine, and no proxy between.
            async with httpx.AsyncClient(trust_env=False, verify=False, timeout=patience) as client:  # noqa: S501
                return (await client.post(url, json=content, headers=headers)).is_success
        except httpx.HTTPError:
            return False
