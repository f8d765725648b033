"""The routes: Kie's calls with the faults that strike them, the files, and the control under /_sim."""

import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prefect_kie.simulator.answers import Answer, WireResponse, envelope, json_answer, key_of, spoil
from prefect_kie.simulator.callbacks import report
from prefect_kie.simulator.catalogue import list_models, price, schema, success_rate
from prefect_kie.simulator.faults import NO_FAULT, Fault, Stage
from prefect_kie.simulator.files import part, upload_stream, upload_url
from prefect_kie.simulator.jobs import prompt_of, record
from prefect_kie.simulator.models import Refused, is_object
from prefect_kie.simulator.settings import SimulatorSettings
from prefect_kie.simulator.state import Simulator

Handler = Callable[[Simulator, Request, object], Awaitable[Answer]]
"""Answers a request, whose decoded body (None when it is not JSON) is the last argument."""


async def create_task(simulator: Simulator, request: Request, content: object) -> Answer:
    job = simulator.create(content, key=key_of(request), base_url=str(request.base_url))
    return envelope(data={"taskId": job.task_id, "recordId": job.task_id})


async def record_info(simulator: Simulator, request: Request, _: object) -> Answer:
    now, settings = simulator.clock(), simulator.settings
    job = simulator.find(request.query_params.get("taskId", ""))
    data = record(job, now, skew=settings.clock_skew_seconds, report_progress=settings.report_progress)
    if data["failMsg"] is not None:
        return json_answer(report(data))
    return envelope(data=data)


async def credit(simulator: Simulator, _: Request, __: object) -> Answer:
    return envelope(data=simulator.credits())


async def download_url(simulator: Simulator, request: Request, content: object) -> Answer:
    """`POST /api/v1/common/download-url`: a link that works for 20 minutes, for own results only."""
    url = urlsplit(str(content.get("url")) if is_object(content) else "")
    found = simulator.files.results.get(url.path)
    if url.netloc != request.url.netloc or not found or not simulator.files.is_kept(found[0]):
        raise Refused(422, "url is wrong")
    link = request.url.replace(path=url.path, query=f"token={simulator.files.mint(url.path)}")
    return envelope(data=str(link))


CALLS: dict[str, tuple[str, Stage, Handler]] = {
    "/api/v1/jobs/createTask": ("POST", "create", create_task),
    "/api/v1/jobs/recordInfo": ("GET", "poll", record_info),
    "/api/v1/chat/credit": ("GET", "credits", credit),
    "/api/v1/common/download-url": ("POST", "download-url", download_url),
    "/api/file-stream-upload": ("POST", "upload", upload_stream),
    "/api/file-url-upload": ("POST", "upload", upload_url),
    "/api/v1/models": ("GET", "catalog", list_models),
    "/api/v1/models/{model:path}/schema": ("GET", "catalog", schema),
    "/api/v1/models/{model:path}/price": ("GET", "catalog", price),
    "/api/v1/models/{model:path}/success-rate": ("GET", "catalog", success_rate),
}


async def api_call(stage: Stage, handler: Handler, request: Request) -> Response:
    """Answer one of Kie's calls: the key is checked, faults strike, refusals are counted."""
    simulator: Simulator = request.app.state.simulator
    try:
        content = json.loads(await request.body())
    except ClientDisconnect:
        return Response()
    except ValueError:
        content = None
    accepted, key, allowed = len(simulator.jobs), key_of(request), simulator.settings.api_keys
    model, prompt = _concerned(simulator, stage, request, content)
    fault = simulator.faults.take(stage, model=model, prompt=prompt)
    answer = Answer()
    if fault.accept or not fault.replaces:
        try:
            if not key or (allowed is not None and key not in allowed):
                raise Refused(401)
            answer = await handler(simulator, request, content)
        except Refused as refused:
            more = {"success": False} if stage == "upload" else {}
            answer = envelope(refused.code, refused.msg, **more)
    if handler is create_task and len(simulator.jobs) == accepted:
        simulator.counts["rejected"] += 1
    return _respond(request, spoil(answer, fault), fault)


def _concerned(simulator: Simulator, stage: Stage, request: Request, content: object) -> tuple[Any, str]:
    """Count a call as it comes in, and return the model and the prompt of the job it is about."""
    if stage == "create":
        simulator.inspect(content)
        if is_object(content):
            return content.get("model"), prompt_of(content.get("input"))
    elif stage == "poll":
        simulator.counts["polls"] += 1
        if job := simulator.jobs.get(request.query_params.get("taskId", "")):
            job.polls += 1
            return job.model, prompt_of(job.body["input"])
    return None, ""


async def file(request: Request) -> Response:
    """Serve a result or an upload; it needs no key, and what came along is written down."""
    simulator: Simulator = request.app.state.simulator
    path, token = request.scope["path"], request.query_params.get("token")
    found, fresh = simulator.files.results.get(path), simulator.files.is_fresh(token, path)
    model, prompt = (found[0].model, found[1].prompt) if found else (None, "")
    fault = simulator.faults.take("file", model=model, prompt=prompt, fresh_link=fresh)
    line: dict[str, Any] = {
        "method": request.method,
        "path": request.url.path,
        "token": token,
        "headers": dict(request.headers),
        "range": request.headers.get("range"),
    }
    simulator.file_requests.append(line)
    answer = spoil(Answer() if fault.replaces else await simulator.files.fetch(path, token), fault)
    if not (fault.replaces or fault.ignore_range or fault.endless):
        answer = part(answer, asked=line["range"], if_range=request.headers.get("if-range"))
    line.update(status=answer.status, bytes=len(answer.body))
    return _respond(request, answer, fault)


async def control(request: Request) -> Response:
    """Everything under /_sim, by which tests and the demo steer a simulator. It needs no key."""
    simulator: Simulator = request.app.state.simulator
    try:
        match request.method, request.path_params["what"]:
            case "GET", "stats":
                return JSONResponse(simulator.stats())
            case "GET", "settings":
                return JSONResponse(simulator.settings.model_dump(mode="json"))
            case "GET", "file-requests":
                return JSONResponse(simulator.file_requests)
            case "POST", "faults":
                simulator.faults.add(await request.json())
            case "DELETE", "faults":
                simulator.faults.clear()
            case "PATCH", "settings":
                simulator.change(await request.json())
            case "POST", "reset":
                simulator.reset()
            case _:
                return await not_found(request)
    except (ValueError, TypeError) as wrong:  # not JSON, or no fault and no setting
        return JSONResponse({"ok": False, "error": str(wrong)}, status_code=400)
    return JSONResponse({"ok": True})


async def not_found(request: Request, _: Exception | None = None) -> Response:
    return _respond(request, json_answer({"code": 404, "msg": "Not Found", "data": None}, status=404))


def _respond(request: Request, answer: Answer, fault: Fault = NO_FAULT) -> Response:
    """Put an answer on the wire, with the service's own idea of the time."""
    simulator: Simulator = request.app.state.simulator
    now = simulator.clock() + simulator.settings.clock_skew_seconds
    return WireResponse(answer, fault, pause=simulator.pause, now=now)


def create_app(
    settings: SimulatorSettings | None = None, *, clock: Callable[[], float] = time.time
) -> Starlette:
    """Return a simulated Kie as an ASGI application, whose `state.simulator` is the `Simulator` behind it.

    Run it with `SimulatorServer` or `serve`: faults that close connections need their server. A test may
    bring its own `clock`, which gives epoch seconds.
    """
    routes = [
        Route(path, partial(api_call, stage, handler), methods=[method])
        for path, (method, stage, handler) in CALLS.items()
    ]
    routes += [
        Route("/files/{path:path}", file, methods=["GET", "HEAD"]),
        Route("/_sim/{what}", control, methods=["GET", "POST", "PATCH", "DELETE"]),
    ]
    app = Starlette(routes=routes, exception_handlers={404: not_found})
    app.state.simulator = Simulator(settings or SimulatorSettings(), clock=clock)
    return app
