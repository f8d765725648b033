"""The receiver's ASGI app: its addresses, and how a request becomes a ring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from prefect_kie.blocks import KieCallbacks
from prefect_kie.blocks.callbacks import DONE_PATH, PROGRESS_PATH
from prefect_kie.callbacks.receiver.log import RingLog
from prefect_kie.callbacks.receiver.memory import Rate, Seen
from prefect_kie.callbacks.receiver.metrics import RANG, REPEATED, Metrics
from prefect_kie.callbacks.receiver.reading import MAX_BODY, Kind, Ring, check_head, judge, read_body
from prefect_kie.callbacks.receiver.refusals import Refusal, Refused
from prefect_kie.callbacks.receiver.resumer import Resumer
from prefect_kie.callbacks.receiver.telling import RingTeller

HEALTHY = "prefect-kie callbacks"
"""What `/health` answers, by which prefect-kie doctor knows that it is this app."""

BODY_SECONDS = 5.0
"""How long a sender may take for its body, all in all."""

UNSIGNED_PER_SECOND = 5.0
UNSIGNED_AT_ONCE = 50


def create_app(
    callbacks: KieCallbacks,
    *,
    on_ring: Callable[[Ring], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The receiver as an app for any ASGI server.

    It takes the callbacks at `/kie/done/{submission}` and `/kie/progress/{submission}` (also without a
    submission), and the same below the path of the block's address, so that a proxy may take that path away
    or leave it. `/health` says that it is there; `/metrics` is for Prometheus, and not below that path.

    The app bounds what a request may take: its body's size and time, and what is remembered of it. The
    server in front has to bound connections, and the time until a request's head is there; uvicorn alone
    does not do the latter, `prefect-kie callbacks` does.

    Args:
        callbacks: What is accepted.
        on_ring: Called in the event loop for each genuine ring, once; must only queue it, and raise where it
            cannot (the answer is then 503, and Kie may ring again). By default each ring becomes an event
            `kie.job.rang` on the Prefect server, and runs that are suspended for its job are resumed.
        clock: The time, unix seconds.
    """
    teller, resumer = RingTeller(), Resumer()

    def told_and_followed_up(ring: Ring) -> None:
        teller(ring)
        resumer(ring)

    receiver = _Receiver(callbacks, on_ring or told_and_followed_up, waiting=lambda: len(teller), clock=clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if on_ring is None:
            teller.start()
            resumer.start()
        yield
        await resumer.stop()
        await teller.stop()

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_exception_handler(HTTPException, receiver.not_found)
    app.add_exception_handler(Exception, receiver.broken)
    app.add_api_route("/metrics", receiver.metrics_page, methods=["GET"])
    router = APIRouter()
    router.add_api_route("/health", receiver.health, methods=["GET", "HEAD"])
    for path, endpoint in ((DONE_PATH, receiver.done), (PROGRESS_PATH, receiver.progress)):
        router.add_api_route(path, endpoint, methods=["POST"])
        router.add_api_route(f"{path}/{{submission}}", endpoint, methods=["POST"])
    for prefix in {"", urlsplit(callbacks.base_url).path}:
        app.include_router(router, prefix=prefix)
    return app


class _Receiver:
    """What all requests share."""

    def __init__(
        self,
        callbacks: KieCallbacks,
        on_ring: Callable[[Ring], None],
        *,
        waiting: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._callbacks = callbacks
        self._on_ring = on_ring
        self._clock = clock
        self._seen = Seen(callbacks.window_seconds)
        self._unsigned = Rate(UNSIGNED_PER_SECOND, UNSIGNED_AT_ONCE, clock)
        self._log = RingLog(clock)
        self._metrics = Metrics(lambda: len(self._seen), waiting)

    async def done(self, request: Request, submission: str | None = None) -> Response:
        return await self._take(request, "done", submission)

    async def progress(self, request: Request, submission: str | None = None) -> Response:
        return await self._take(request, "progress", submission)

    async def health(self) -> Response:
        return PlainTextResponse(HEALTHY)

    async def metrics_page(self) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def not_found(self, request: Request, error: Exception) -> Response:
        wrong_method = isinstance(error, HTTPException) and error.status_code == Refusal.METHOD.status
        answer = self._refuse(Refused(Refusal.METHOD if wrong_method else Refusal.NO_SUCH_PATH))
        if isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})  # which methods there are
        return answer

    async def broken(self, request: Request, error: Exception) -> Response:
        self._log.broken(error)
        self._metrics.count(Refusal.BROKEN.label)
        return _answer(Refusal.BROKEN)

    async def _take(self, request: Request, kind: Kind, submission: str | None) -> Response:
        started = time.perf_counter()
        try:
            outcome = await self._rung(request, kind, submission)
        except Refused as refused:
            return self._refuse(refused, time.perf_counter() - started)
        self._metrics.count(outcome, time.perf_counter() - started)
        return PlainTextResponse(outcome)

    async def _rung(self, request: Request, kind: Kind, submission: str | None) -> str:
        signature = check_head(request.headers, self._callbacks)
        body = read_body(await _content(request))
        now = self._clock()
        ring = judge(kind, submission, body, signature, self._callbacks, now)
        timestamp = signature[0] if signature and ring.signed else None
        if timestamp is None:
            if not self._unsigned.take():
                raise Refused(Refusal.TOO_MANY, ring.task_id)
        elif not self._seen.first(ring, timestamp, now):
            # Kie sends duplicates, and would go on sending one that is not answered with 200.
            self._log.rang(ring, again=True)
            return REPEATED
        try:
            self._on_ring(ring)
        except Exception:
            if timestamp is not None:
                self._seen.forget(ring, timestamp)
            raise Refused(Refusal.BUSY, ring.task_id) from None
        self._log.rang(ring, again=False)
        return RANG

    def _refuse(self, refused: Refused, seconds: float | None = None) -> Response:
        refusal = refused.refusal
        self._metrics.count(refusal.label, seconds)
        self._log.refused(refusal, refused.task_id)
        return _answer(refusal)


def _answer(refusal: Refusal) -> Response:
    # What was not read of the body would keep the connection busy.
    headers = {"Connection": "close"}
    if refusal in (Refusal.TOO_MANY, Refusal.BUSY):
        headers["Retry-After"] = "10"
    return PlainTextResponse(refusal.text, refusal.status, headers)


async def _content(request: Request) -> bytes:
    """The body, as long as it is neither too large nor too slow."""

    async def whole() -> bytes:
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > MAX_BODY:
                raise Refused(Refusal.TOO_LARGE)
        return bytes(content)

    try:
        return await asyncio.wait_for(whole(), BODY_SECONDS)
    except TimeoutError:
        raise Refused(Refusal.SLOW) from None
    except ClientDisconnect:
        raise Refused(Refusal.BROKEN_OFF) from None
