"""Callbacks: posted when a job ends (or progresses), signed, tried again; to this machine only."""

import asyncio
import base64
import contextlib
import hmac
import math
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from prefect_kie.simulator.jobs import Job, record
from prefect_kie.simulator.models import Json

if TYPE_CHECKING:
    from prefect_kie.simulator.state import Simulator

STEPS = (25, 50, 75)  # percents at which a progress callback is sent
TIMEOUT = 15.0  # seconds a receiver has to answer
TRIES = 3  # until one is answered with a 2xx status


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine; a name other than localhost is never resolved."""
    return bool(re.fullmatch(r"localhost|::1|127(\.\d+){3}", urlsplit(url).hostname or ""))


def report(data: Json) -> Json:
    if data["failMsg"] is not None:
        return {"code": 501, "msg": "Playground task failed.", "data": data}
    msg = "Playground task completed successfully." if data["state"] == "success" else "success"
    return {"code": 200, "msg": msg, "data": data}


class Callbacks:
    """Sends the callbacks of one simulator, each in an asyncio task of its own."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._tasks: set[asyncio.Task[None]] = set()

    def expect(self, job: Job) -> None:
        """Send a job's callbacks when their time comes. Must be called in the running event loop."""
        plans = [("callBackUrl", job.finishes_at, True)]
        if job.reports_progress:
            plans += [("progressCallBackUrl", job.time_of_progress(step), False) for step in STEPS]
        for name, due, final in plans:
            url = job.body.get(name)
            if url and not is_loopback(url):
                self._simulator.counts["callbacks_refused"] += 1
            elif url and due < math.inf:
                task = asyncio.create_task(self._deliver(job, url, due, final=final))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _deliver(self, job: Job, url: str, due: float, *, final: bool) -> None:
        while (left := due - self._simulator.clock()) > 0:
            # In short steps, since the clock may be a test's.
            if await self._simulator.pause(min(left, 0.5)):
                return
        for _ in range(1 + (self._simulator.settings.callback_duplicates if final else 0)):
            await self._post(job, url)

    async def _post(self, job: Job, url: str) -> None:
        """Post one callback, and try again until it is answered or the tries are used up."""
        settings = self._simulator.settings
        for attempt in range(TRIES):
            if attempt:
                await self._simulator.pause(settings.callback_retry_seconds)
            now, skew = self._simulator.clock(), settings.clock_skew_seconds
            content = report(record(job, now, skew=skew))
            headers: dict[str, str] = {}
            if settings.signing_key is not None:
                headers["X-Webhook-Timestamp"] = stamp = str(int(now + skew))
                signed = f"{job.task_id}.{stamp}".encode()
                digest = hmac.digest(settings.signing_key.encode(), signed, "sha256")
                headers["X-Webhook-Signature"] = base64.b64encode(digest).decode()
            self._simulator.counts["callbacks_sent"] += 1
            # No TLS to set up for a receiver on this machine, and no proxy between.
            async with httpx.AsyncClient(trust_env=False, verify=False, timeout=TIMEOUT) as client:  # noqa: S501
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.post(url, json=content, headers=headers)
                    if answer.is_success:
                        self._simulator.counts["callbacks_delivered"] += 1
                        return
