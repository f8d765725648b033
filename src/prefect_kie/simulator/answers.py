"""Answers, and the ways in which they go wrong on the wire."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from prefect_kie.simulator.faults import Fault
from prefect_kie.simulator.models import is_object

TRANSPORT = "prefect_kie.transport"  # key, in a scope's extensions, of the connection's asyncio transport

MESSAGES = {
    200: "success",
    401: "You do not have access permissions",
    402: "Credits insufficient: the current balance is not enough to run this request. Please top up.",
    404: "The requested resource was not found",
    408: "Upstream gave no result within 10 minutes",
    422: "The request parameters are invalid",
    429: "Your call frequency is too high. Please try again later.",
    433: "The usage limit of this API key is reached",
    455: "The service is currently being maintained. Please try again later.",
    500: "Server exception, please try again later or contact customer service",
    501: "Generation failed",
    505: "This feature is currently disabled",
}
"""Kie's words for each code, for faults and refusals that bring none."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer, before anything is done to it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])


def json_answer(content: Any, *, status: int = 200) -> Answer:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Answer(body, status, {"content-type": "application/json"})


def envelope(code: int = 200, msg: str | None = None, data: Any = None, **more: Any) -> Answer:
    """Return Kie's envelope: HTTP 200, with the code in the body."""
    words = MESSAGES.get(code, "error") if msg is None else msg
    return json_answer({"code": code, "msg": words, "data": data, **more})


def key_of(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def spoil(answer: Answer, fault: Fault) -> Answer:
    """Return what a fault makes of the true answer's content; what it does on the wire comes later."""
    answer = _replaced(answer, fault)
    body, headers = answer.body, dict(answer.headers)
    if fault.charset is not None:
        body = body.decode().encode(fault.charset)
    body += b" " * (1_000_000 * (fault.swollen or 0))
    for _ in range(fault.gzip or 0):
        body = gzip.compress(body)
    if fault.gzip:
        headers["content-encoding"] = ", ".join(["gzip"] * fault.gzip)
    return replace(answer, body=body, headers=headers)


def _replaced(answer: Answer, fault: Fault) -> Answer:
    if fault.dead:
        return Answer(b"link expired", 404, {"content-type": "text/plain; charset=utf-8"})
    if fault.code is not None:
        return envelope(fault.code, fault.msg, fault.data)
    if fault.status is not None or fault.body is not None:
        usual = "text/html; charset=utf-8" if fault.status else "application/json"
        headers = {"content-type": fault.content_type or usual}
        return Answer((fault.body or "").encode(), fault.status or 200, headers)
    if fault.redirect is not None:
        return Answer(status=302, headers={"location": fault.redirect})
    if fault.merge is not None:
        return replace(answer, body=json.dumps(merged(json.loads(answer.body), fault.merge)).encode())
    return answer


def merged(target: object, patch: object) -> object:
    """Apply a JSON merge patch (RFC 7396): objects are merged, null removes, anything else replaces."""
    if not is_object(patch):
        return patch
    result = dict(target) if is_object(target) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


class WireResponse(Response):
    """Sends an answer, and does to the connection what a fault asks for; to close it needs our own server."""

    def __init__(
        self, answer: Answer, fault: Fault, *, pause: Callable[[float], Awaitable[bool]], now: float
    ) -> None:
        super().__init__(answer.body, answer.status, answer.headers)
        self.headers["date"] = formatdate(now, usegmt=True)
        self._fault, self._pause, self._sent = fault, pause, bytes(self.body[: fault.truncate])
        if fault.endless:
            del self.headers["content-length"]
            self._sent = (self._sent + bytes(max(0, fault.endless - len(self._sent))))[: fault.endless]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault, body = self._fault, self._sent
        if silence := (fault.delay or 0) + (fault.hang or 0):
            await self._pause(silence)
        silent = fault.hang is not None or fault.reset
        if not silent:
            head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(head)
            step = max(1, fault.drip // 20) if fault.drip else len(body) or 1
            for start in range(0, len(body), step):
                piece = body[start : start + step]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if fault.drip and await self._pause(step / fault.drip):
                    break
            if fault.endless or len(body) == len(self.body):
                await send({"type": "http.response.body", "body": b""})
                return
        transport: asyncio.Transport | None = scope.get("extensions", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionResetError("a fault closes this connection")
        if silent:
            transport.abort()
        else:
            transport.close()  # what was sent so far still gets through
        while (await receive())["type"] != "http.disconnect":
            pass
