"""The receiver of Kie's callbacks: an ASGI app that turns each genuine one into the event `kie.job.callback`.

`prefect-kie callbacks` serves it; any other ASGI server does as well, several copies at once:

    app = create_app(KieCallbacks.load("callbacks"), resume=resume_finished)

Kie signs a job's id and the time, not the body. So a callback only says "poll this job now": nothing else of
it is believed, and one that comes twice costs one poll. Your TLS proxy in front of it bounds connections.
"""

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_logger
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from prefect_kie.api import CallbackRejected, JobState, verify_signature
from prefect_kie.api.envelope import as_object
from prefect_kie.blocks import KieCallbacks
from prefect_kie.blocks.callbacks import DONE_PATH, PROGRESS_PATH
from prefect_kie.keys import is_submission_key
from prefect_kie.run_page.events import MAX_REMEMBERED, PROGRESS_SECONDS, callback_event
from prefect_kie.settings import KieSettings

HEALTHY = "prefect-kie callbacks"
"""What `/health` answers, by which prefect-kie doctor knows that it is this app."""
MAX_BODY = 256 * 1024
"""Bytes of the largest body; a job's record with the longest prompts stays below half of it."""
TASK_ID = re.compile(r"[A-Za-z0-9_.:~+=/-]{1,128}")
STATES = {state.value for state in JobState} - {JobState.UNKNOWN.value}

DELAYS = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Seconds from a callback to each attempt, and at the start between them: it may come before its run is
suspended, or before Kie's own record shows the end."""

Resume = Callable[[Collection[str] | None], Awaitable[Sequence[FlowRun]]]
"""Resumes the suspended runs that wait for one of these jobs, or (None) any; returns those it resumed."""

logger = get_logger("prefect_kie.callbacks.receiver")
Kind = Literal["done", "progress"]


@dataclass(frozen=True)
class Callback:
    """A callback that is accepted. All but the task id is a hint: Kie signs nothing else."""

    task_id: str
    submission: str | None
    kind: Kind
    state: str | None = None
    progress: float | None = None
    created_at: float | None = field(default=None, compare=False)  # unix seconds


async def send_event(callback: Callback) -> None:
    """Send the event `kie.job.callback`; returns when the Prefect server has received it."""
    # A new event also where Kie repeats itself: on SQLite a known id may have all be refused.
    event = callback_event(
        callback.task_id,
        kind=callback.kind,
        state=callback.state,
        progress=callback.progress,
        submission=callback.submission,
    )
    async with get_client() as client:  # a websocket, as Prefect has for events, is opened anew for each
        await client.request("POST", "/events", json=[event.model_dump(mode="json")])


class Progress:
    """Which progress is news: what a run would not show is not sent either."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, float] = OrderedDict()

    def is_news(self, callback: Callback, now: float) -> bool:
        last = max(callback.created_at or 0.0, self._sent.get(callback.task_id, 0.0))
        return not 0 <= now - last < PROGRESS_SECONDS

    def sent(self, callback: Callback, now: float) -> None:
        self._sent[callback.task_id] = now
        if len(self._sent) > MAX_REMEMBERED:
            self._sent.popitem(last=False)


class Resumer:
    """Resumes the runs of jobs that Kie called back about; what it misses, the flow `resume-waiting` finds.

    Callbacks that come within `pause` seconds are followed up together.
    """

    def __init__(self, resume: Resume, *, delays: Sequence[float] = DELAYS, pause: float = 5.0) -> None:
        self._resume, self._delays, self._pause = resume, delays, pause
        self._due: set[str] = set()
        self._is_due = asyncio.Event()

    def follow_up(self, task_id: str) -> None:
        """Look for the job's run now, and a few times more. Returns at once."""
        for delay in self._delays:
            asyncio.get_running_loop().call_later(delay, self._add, task_id)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        # Side by side: many runs that are looked for at the start do not hold up those called back about.
        tasks = [asyncio.create_task(work) for work in (self._catch_up(), self._work())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _add(self, task_id: str) -> None:
        self._due.add(task_id)
        self._is_due.set()

    async def _work(self) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            jobs, self._due = self._due, set()
            await self._attempt(jobs)
            await asyncio.sleep(self._pause)

    async def _catch_up(self) -> None:
        """Look, until that succeeds once, for what ended while no receiver ran."""
        for delay in self._delays:
            await asyncio.sleep(delay)
            if await self._attempt(None):
                return

    async def _attempt(self, jobs: Collection[str] | None) -> bool:
        try:
            for run in await self._resume(jobs):
                logger.info("Resumed the run %s, whose jobs have ended", run.name)
        except Exception as error:
            logger.warning("Suspended runs cannot be resumed for now (%s)", type(error).__name__)
            return False
        return True


def create_app(
    callbacks: KieCallbacks,
    *,
    resume: Resume | None = None,
    send: Callable[[Callback], Awaitable[None]] = send_event,
    clock: Callable[[], float] = time.time,
    settings: KieSettings | None = None,
) -> Starlette:
    """The receiver as an app for any ASGI server.

    It takes `POST /kie/done/{submission}` and `POST /kie/progress/{submission}` (also without a submission),
    and `GET /health`; the same below the path of the block's address, so that a proxy may strip that path or
    leave it. It answers 200 once the event is sent, and 503 where it cannot be: Kie's retries are the queue.

    Args:
        callbacks: What is accepted.
        resume: Resumes suspended runs whose jobs have ended, in the background; None resumes none.
        send: Called with each callback before it is answered.
        clock: The time, unix seconds.
        settings: How long a body and its event may take.
    """
    resumer = Resumer(resume) if resume is not None else None
    limits, progress = settings or KieSettings(), Progress()

    async def receive(kind: Kind, request: Request) -> Response:
        try:
            body = await _body(request, limits.callback_body_timeout_seconds)
            callback = _read(kind, request, body, callbacks, clock())
        except HTTPException as error:
            logger.info("Refused a callback (%s): %s", error.status_code, error.detail)
            # What was not read of the body would keep the connection busy.
            return PlainTextResponse(error.detail, error.status_code, {"Connection": "close"})
        if kind == "progress" and not progress.is_news(callback, clock()):
            return PlainTextResponse("ok")
        try:
            async with asyncio.timeout(limits.callback_event_timeout_seconds):
                await send(callback)
        except Exception as error:
            logger.warning("The event for job %s was not sent (%s)", callback.task_id, type(error).__name__)
            return PlainTextResponse("the Prefect server does not answer", 503, {"Retry-After": "10"})
        logger.info("Kie called back about job %s: %s %s", callback.task_id, kind, callback.state or "")
        if kind == "progress":
            progress.sent(callback, clock())
        elif resumer is not None:
            resumer.follow_up(callback.task_id)
        return PlainTextResponse("ok")

    async def health(request: Request) -> Response:
        return PlainTextResponse(HEALTHY)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with resumer.running() if resumer is not None else nullcontext():
            yield

    routes: list[Route] = []
    kinds: tuple[tuple[Kind, str], ...] = (("done", DONE_PATH), ("progress", PROGRESS_PATH))
    for prefix in {"", urlsplit(callbacks.base_url).path}:
        routes.append(Route(f"{prefix}/health", health))
        for kind, path in kinds:
            for address in (f"{prefix}{path}", f"{prefix}{path}/{{submission}}"):
                routes.append(Route(address, partial(receive, kind), methods=["POST"]))
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


async def _body(request: Request, seconds: float) -> bytes:
    content = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MAX_BODY:
                    raise HTTPException(413, "the body is too large")
    except TimeoutError:
        raise HTTPException(408, "the body took too long") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body broke off") from None
    return bytes(content)


def _read(kind: Kind, request: Request, body: bytes, callbacks: KieCallbacks, now: float) -> Callback:
    """What a callback says, once it is known to be genuine: else 400 (no job) or 401 (signature)."""
    try:
        whole = as_object(json.loads(body))
    except (ValueError, RecursionError):
        whole = {}
    data = as_object(whole.get("data"))
    named = (fields[name] for fields in (data, whole) for name in ("taskId", "task_id") if name in fields)
    task_id: Any = next(named, None)
    if not isinstance(task_id, str) or not TASK_ID.fullmatch(task_id):
        raise HTTPException(400, "the body is no JSON object that names a job")
    timestamp = request.headers.get("X-Webhook-Timestamp", "")
    signature = request.headers.get("X-Webhook-Signature", "")
    if callbacks.signing_key is not None and (timestamp or signature):
        key, window = callbacks.signing_key.get_secret_value(), callbacks.window_seconds
        try:
            verify_signature(task_id, timestamp, signature, signing_key=key, now=now, window_seconds=window)
        except CallbackRejected as error:
            raise HTTPException(401, error.message) from None
    elif not callbacks.accept_unsigned:
        raise HTTPException(401, "there is no signature")
    submission = request.path_params.get("submission", "")
    state, progress, created = data.get("state"), data.get("progress"), data.get("createTime")
    return Callback(
        task_id,
        submission if is_submission_key(submission) else None,
        kind,
        state if isinstance(state, str) and state in STATES else None,
        float(progress) if isinstance(progress, int | float) and 0 <= progress <= 100 else None,
        created / 1000 if isinstance(created, int) and 0 <= created < 10**14 else None,
    )
