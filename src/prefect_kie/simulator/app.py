"""The routes: Kie's calls, with the faults that strike them, and the files."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_kie.simulator import uploads
from prefect_kie.simulator.answers import Answer, WireResponse, error, json_answer, refusal, spoil, success
from prefect_kie.simulator.callbacks import envelope
from prefect_kie.simulator.control import control_routes
from prefect_kie.simulator.faults import Fault, Stage
from prefect_kie.simulator.files import is_kept, part
from prefect_kie.simulator.jobs import Job, record
from prefect_kie.simulator.models import is_object
from prefect_kie.simulator.service import Clock, prompt_of
from prefect_kie.simulator.settings import SimulatorSettings
from prefect_kie.simulator.state import Simulator


@dataclass(frozen=True)
class Call:
    """One request of the API, read to its end."""

    request: Request
    body: bytes
    key: str | None

    @cached_property
    def json(self) -> object:
        """The decoded body; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def base_url(self) -> str:
        """The URL under which the client reached this simulator."""
        return str(self.request.base_url).rstrip("/")


Handler = Callable[[Simulator, Call], Awaitable[Answer]]


async def create_task(simulator: Simulator, call: Call) -> Answer:
    """`POST /api/v1/jobs/createTask`."""
    now, settings = simulator.clock(), simulator.settings
    if not simulator.creates.allow(call.key or "", now=now, limit=settings.create_per_10s):
        simulator.service.counts["throttled"] += 1
        return error(429)
    outcome = simulator.service.create(call.json, base_url=call.base_url, now=now)
    if not isinstance(outcome, Job):
        return refusal(outcome)
    simulator.callbacks.expect(outcome)
    return success({"taskId": outcome.task_id, "recordId": outcome.task_id})


async def record_info(simulator: Simulator, call: Call) -> Answer:
    """`GET /api/v1/jobs/recordInfo`."""
    now, settings = simulator.clock(), simulator.settings
    task_id = call.request.query_params.get("taskId", "")
    counted = task_id if settings.polls_counted_per == "task" else call.key or ""
    if not simulator.polls.allow(counted, now=now, limit=settings.polls_per_second):
        simulator.service.counts["throttled"] += 1
        return error(429)
    job = simulator.service.find(task_id, now)
    if job is None:
        return error(422, "recordInfo is null")
    data = record(
        job,
        now,
        skew=settings.clock_skew_seconds,
        report_progress=settings.report_progress,
        noise=settings.progress_noise,
    )
    lenient = job.quirks is not None and job.quirks.envelope_success_on_fail
    if (data["state"] == "fail" or data["failMsg"] is not None) and not lenient:
        return json_answer(envelope(data))
    return success(data)


async def credit(simulator: Simulator, call: Call) -> Answer:
    """`GET /api/v1/chat/credit`."""
    return success(simulator.service.credits(simulator.clock()))


async def download_url(simulator: Simulator, call: Call) -> Answer:
    """`POST /api/v1/common/download-url`: a link that works for 20 minutes, for own results only."""
    now, settings, content = simulator.clock(), simulator.settings, call.json
    url = urlsplit(str(content.get("url")) if is_object(content) else "")
    found = simulator.service.clip_at(url.path)
    if url.netloc != urlsplit(call.base_url).netloc or not found or not is_kept(found[0], settings, now):
        return error(422, "url is wrong")
    token = simulator.files.mint(url.path, now=now, seconds=60 * settings.download_url_minutes)
    return success(f"{call.base_url}{url.path}?token={token}")


async def upload_stream(simulator: Simulator, call: Call) -> Answer:
    """`POST /api/file-stream-upload`."""
    form = uploads.parse_form(call.request.headers.get("content-type", ""), call.body)
    return uploads.upload_stream(simulator, form, call.base_url)


async def upload_base64(simulator: Simulator, call: Call) -> Answer:
    """`POST /api/file-base64-upload`."""
    return uploads.upload_base64(simulator, call.json, call.base_url)


async def upload_url(simulator: Simulator, call: Call) -> Answer:
    """`POST /api/file-url-upload`."""
    return await uploads.upload_url(simulator, call.json, call.base_url)


def concerned(simulator: Simulator, stage: Stage, call: Call) -> tuple[str | None, str]:
    """Count a call as it comes in, and return the model and the prompt of the job it is about."""
    service, content = simulator.service, call.json
    if stage == "create":
        service.inspect(content)
        name = content.get("model") if is_object(content) else None
        return (str(name), prompt_of(content.get("input"))) if is_object(content) else (None, "")
    job: Job | None = None
    if stage == "poll":
        service.counts["polls"] += 1
        job = service.jobs.get(call.request.query_params.get("taskId", ""))
        if job:
            job.polls += 1
    elif stage == "download-url" and is_object(content):
        found = service.clip_at(urlsplit(str(content.get("url"))).path)
        job = found[0] if found else None
    return (job.model, prompt_of(job.input)) if job else (None, "")


def api_route(simulator: Simulator, path: str, method: str, stage: Stage, handler: Handler) -> Route:
    """Make a route of a handler: the key is checked, faults strike, refusals are counted."""

    async def endpoint(request: Request) -> Response:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response()
        call = Call(request, body, key.strip() if scheme.lower() == "bearer" else None)
        settings, tasks = simulator.settings, len(simulator.service.jobs)
        model, prompt = concerned(simulator, stage, call)
        fault = simulator.faults.take(stage, model=model, prompt=prompt)
        if fault and fault.replaces and not fault.accept:
            answer = Answer()
        elif not call.key or (settings.api_keys is not None and call.key not in settings.api_keys):
            answer = error(401)
        else:
            answer = await handler(simulator, call)
        if stage == "create" and len(simulator.service.jobs) == tasks:
            simulator.service.counts["rejected"] += 1
        return respond(simulator, spoil(answer, fault), fault)

    return Route(path, endpoint, methods=[method])


def file_route(simulator: Simulator) -> Route:
    """Make the route of the files; it needs no key, and writes down what came along."""

    async def endpoint(request: Request) -> Response:
        path, token, now = request.url.path, request.query_params.get("token"), simulator.clock()
        found = simulator.service.clip_at(request.scope["path"])
        fault = simulator.faults.take(
            "file",
            model=found[0].model if found else None,
            prompt=found[1].prompt if found else "",
            fresh_link=simulator.files.is_fresh(token, request.scope["path"], now),
        )
        line: dict[str, Any] = {
            "method": request.method,
            "path": path,
            "token": token,
            "headers": dict(request.headers),
            "range": request.headers.get("range"),
        }
        simulator.file_requests.append(line)
        if fault and fault.replaces:
            answer = spoil(Answer(), fault)
        else:
            answer = await simulator.files.fetch(
                request.scope["path"], simulator.service, simulator.settings, token=token, now=now
            )
            if not (fault and (fault.ignore_range or fault.endless)):
                answer = part(answer, asked=line["range"], if_range=request.headers.get("if-range"))
        line.update(status=answer.status, bytes=len(answer.body))
        return respond(simulator, answer, fault)

    return Route("/files/{path:path}", endpoint, methods=["GET", "HEAD"])


def respond(simulator: Simulator, answer: Answer, fault: Fault | None) -> WireResponse:
    """Put an answer on the wire, with the service's own idea of the time."""
    now = simulator.clock() + simulator.settings.clock_skew_seconds
    return WireResponse(answer, fault, pause=simulator.pause, now=now)


def create_app(settings: SimulatorSettings | None = None, *, clock: Clock = time.time) -> Starlette:
    """Build a simulated Kie as an ASGI application.

    Args:
        settings: How it behaves; by default like the real one, only faster.
        clock: Gives epoch seconds; a test may bring its own.

    Returns:
        The application; its `state.simulator` is the `Simulator` behind it. Run it with
        `SimulatorServer` or `serve`: faults that close connections need their server.
    """
    simulator = Simulator(settings or SimulatorSettings(), clock=clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        await simulator.close()

    async def not_found(request: Request, _: Exception) -> Response:
        return respond(
            simulator, json_answer({"code": 404, "msg": "Not Found", "data": None}, status=404), None
        )

    table: list[tuple[str, str, Stage, Handler]] = [
        ("/api/v1/jobs/createTask", "POST", "create", create_task),
        ("/api/v1/jobs/recordInfo", "GET", "poll", record_info),
        ("/api/v1/chat/credit", "GET", "credits", credit),
        ("/api/v1/common/download-url", "POST", "download-url", download_url),
        ("/api/file-stream-upload", "POST", "upload", upload_stream),
        ("/api/file-base64-upload", "POST", "upload", upload_base64),
        ("/api/file-url-upload", "POST", "upload", upload_url),
    ]
    routes = [api_route(simulator, *row) for row in table]
    app = Starlette(
        routes=[*routes, file_route(simulator), *control_routes(simulator)],
        exception_handlers={404: not_found},
        lifespan=lifespan,
    )
    app.state.simulator = simulator
    return app
