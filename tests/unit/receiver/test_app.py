"""The receiver's app: what it accepts, what it sends, what it answers and what it writes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_kie.callbacks.receiver import HEALTHY, MAX_BODY, Callback, create_app
from prefect_kie.cli.local_server import free_port
from prefect_kie.settings import KieSettings
from tests.receiving import NOW, SIGNING_KEY, SUBMISSION, TASK, block, body, sign, signed


class Receiver:
    """An app with what it sent, and a clock that stands still."""

    def __init__(self, settings: KieSettings | None = None, **fields: Any) -> None:
        self.sent: list[Callback] = []
        self.failure: Exception | None = None
        self.app = create_app(block(**fields), send=self.send, clock=lambda: NOW, settings=settings)

    async def send(self, callback: Callback) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append(callback)

    async def post(self, path: str = f"/kie/done/{SUBMISSION}", **request: Any) -> httpx.Response:
        request = {"json": body(), "headers": signed(), **request}
        return await self.request("POST", path, **request)

    async def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return await client.request(method, path, **request)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


async def test_genuine(receiver: Receiver) -> None:
    """A genuine callback is sent with its hints, and nothing else of its body."""
    answer = await receiver.post(json=body(state="success", progress=100))
    assert (answer.status_code, answer.text) == (200, "ok")
    assert receiver.sent == [Callback(TASK, SUBMISSION, "done", "success", 100.0)]


async def test_progress_is_sent_from_fifteen_seconds_on_and_at_most_every_fifteen() -> None:
    """What a run would not show costs its server nothing; the end is always sent."""
    receiver, now = Receiver(), NOW
    receiver.app = create_app(block(), send=receiver.send, clock=lambda: now)
    for age in (0, 14, 16, 30, 32, 33):
        now = NOW + age
        content = body(progress=age, createTime=int(NOW * 1000))
        answer = await receiver.post("/kie/progress", json=content, headers=signed(at=now))
        assert answer.status_code == 200
    other, headers = body("another", progress=50), signed("another", now)
    await receiver.post("/kie/progress", json=other, headers=headers)
    await receiver.post(headers=signed(at=now))
    sent = [(callback.task_id, callback.progress) for callback in receiver.sent]
    assert sent == [(TASK, 16), (TASK, 32), ("another", 50), (TASK, None)]


async def test_repeated(receiver: Receiver) -> None:
    """One that comes again is sent again: nothing is remembered."""
    answers = [await receiver.post() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(receiver.sent) == 3


@pytest.mark.parametrize(
    ("path", "kind", "submission"),
    [
        (f"/kie/done/{SUBMISSION}", "done", SUBMISSION),
        (f"/kie/progress/{SUBMISSION}", "progress", SUBMISSION),
        ("/kie/done", "done", None),
        ("/kie/progress", "progress", None),
        ("/kie/done/another", "done", None),
        (f"/kie/done/{SUBMISSION.upper()}", "done", None),
        (f"/kie/done/{SUBMISSION}%0a", "done", None),
        ("/kie/done/%0d%0aX%3a", "done", None),
    ],
)
async def test_address(receiver: Receiver, path: str, kind: str, submission: str | None) -> None:
    """Each address counts, and only what looks like a submission's key is taken for one."""
    assert (await receiver.post(path)).status_code == 200
    (callback,) = receiver.sent
    assert (callback.kind, callback.submission) == (kind, submission)


async def test_path_of_the_proxy() -> None:
    """A proxy may strip the path of the block's address, or leave it."""
    receiver = Receiver(base_url="https://example.com/hooks/kie")
    assert (await receiver.post(f"/hooks/kie/kie/done/{SUBMISSION}")).status_code == 200
    assert (await receiver.post(f"/kie/progress/{SUBMISSION}")).status_code == 200
    assert (await receiver.request("GET", "/hooks/kie/health")).text == HEALTHY
    assert [callback.kind for callback in receiver.sent] == ["done", "progress"]


@pytest.mark.parametrize(
    "named",
    [
        {"data": {"taskId": TASK}},
        {"data": {"task_id": TASK}},
        {"taskId": TASK},
        {"task_id": TASK, "data": "broken"},
        {"data": {"taskId": TASK}, "taskId": "another"},
    ],
)
async def test_where_the_job_is_named(receiver: Receiver, named: dict[str, Any]) -> None:
    """The job may be named in any of the known places; the one that is taken is the one that is signed."""
    assert (await receiver.post(json=named)).status_code == 200
    assert receiver.sent == [Callback(TASK, SUBMISSION, "done")]


@pytest.mark.parametrize("state", ["unknown", "SUCCESS\r\nX: y", "", None, 5, ["success"], "a" * 5000])
@pytest.mark.parametrize("progress", [-1, 101, "50", None, [50], 10**19, float("inf"), float("nan")])
async def test_wrong_hints(receiver: Receiver, state: object, progress: object) -> None:
    """Hints that are no state and no percentage are left out, and the callback counts."""
    headers = {**signed(), "content-type": "application/json"}
    content = json.dumps(body(state=state, progress=progress))
    assert (await receiver.post(json=None, content=content, headers=headers)).status_code == 200
    assert receiver.sent == [Callback(TASK, SUBMISSION, "done")]


BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"<html>",
    b'{"data": []}',
    b'{"data": {"taskId": 5}}',
    b'{"data": {"taskId": null}, "taskId": "a"}',
    b'{"data": {"taskId": ["a"]}}',
    b'{"data": {"taskId": "a b"}}',
    b'{"data": {"taskId": "a\\nb"}}',
    b'{"data": {"taskId": "\\ud83d"}}',
    '{"data": {"taskId": "ü"}}'.encode(),
    b'{"data": {"taskId": "' + b"a" * 129 + b'"}}',
    b'{"data": {"taskId": "a\xff"}}',
    b'{"taskId": "a", "x": ' + b"9" * 200_000 + b"}",
    b"[" * MAX_BODY,
    b'{"a":' * 50_000,
]
BAD_SIGNATURES: list[dict[str, str]] = [
    {},
    {"X-Webhook-Timestamp": str(NOW)},
    {"X-Webhook-Signature": sign(TASK, str(NOW))},
    {"X-Webhook-Timestamp": str(NOW), "X-Webhook-Signature": sign(TASK, str(NOW))[:-2]},
    {"X-Webhook-Timestamp": f"0{NOW}", "X-Webhook-Signature": sign(TASK, str(NOW))},
    {"X-Webhook-Timestamp": "x", "X-Webhook-Signature": sign(TASK, "x")},
    signed(key="another"),
    signed("another"),
    signed(at=NOW - 301),
    signed(at=NOW + 301),
]


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        *((400, {"content": content}) for content in BAD_BODIES),
        *((401, {"content": json.dumps(body()), "headers": headers}) for headers in BAD_SIGNATURES),
        (413, {"content": b" " * (MAX_BODY + 1)}),
    ],
    ids=lambda value: ascii(value)[:60],
)
async def test_refused(
    receiver: Receiver, status: int, request_: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What is not genuine is refused, is not sent, and leaves one line that shows nothing of it."""
    with caplog.at_level(logging.DEBUG):
        answer = await receiver.post(json=None, **request_)
    assert answer.status_code == status
    assert answer.headers["connection"] == "close"
    assert receiver.sent == []
    (line,) = [record for record in caplog.records if record.name.startswith("prefect.prefect_kie")]
    assert line.levelno <= logging.INFO
    assert len(line.getMessage()) < 100
    shown = answer.text + str(answer.headers) + caplog.text
    for secret in (SIGNING_KEY, sign(TASK, str(NOW)), TASK, "evil.example"):
        assert secret not in shown


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
async def test_other_method(receiver: Receiver, method: str) -> None:
    """Another method is refused, and told which one there is."""
    answer = await receiver.request(method, f"/kie/done/{SUBMISSION}", headers=signed())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/docs", "/metrics", "/kie", "/kie/done/", "/kie/done/a/b"])
async def test_other_path(receiver: Receiver, path: str) -> None:
    """Nothing else exists."""
    assert (await receiver.post(path)).status_code == 404
    assert receiver.sent == []


async def test_health(receiver: Receiver) -> None:
    """The health page says what it is."""
    answer = await receiver.request("GET", "/health")
    assert (answer.status_code, answer.text) == (200, HEALTHY)
    assert (await receiver.request("HEAD", "/health")).status_code == 200
    assert (await receiver.request("POST", "/health")).status_code == 405


async def test_endless_body(receiver: Receiver) -> None:
    """A body of unknown length is not read beyond the bound."""
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"[" * 65536

    assert (await receiver.post(json=None, content=endless())).status_code == 413
    assert given <= 1 + MAX_BODY // 65536


async def test_slow_body() -> None:
    """A slow body is not waited for."""
    receiver = Receiver(KieSettings(callback_body_timeout_seconds=0.1))

    async def slow() -> AsyncIterator[bytes]:
        while True:
            yield b"["
            await asyncio.sleep(0.02)

    assert (await receiver.post(json=None, content=slow())).status_code == 408


async def test_event_not_sent(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """Without its event a callback is answered with 503, so that Kie repeats it."""
    receiver.failure = ConnectionError(SIGNING_KEY)
    answer = await receiver.post()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "ConnectionError" in caplog.text
    assert SIGNING_KEY not in caplog.text + answer.text
    receiver.failure = None
    assert (await receiver.post()).status_code == 200
    assert len(receiver.sent) == 1


async def test_no_prefect_server() -> None:
    """Where no Prefect server answers, that is known before Kie is answered."""
    receiver = Receiver()
    receiver.app = create_app(block(), clock=lambda: NOW)
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        assert (await receiver.post()).status_code == 503


async def test_event_not_sent_in_time() -> None:
    """A Prefect server that says nothing is not waited for, beyond what Kie waits."""
    receiver = Receiver()
    settings = KieSettings(callback_event_timeout_seconds=0.05)
    receiver.app = create_app(block(), send=lambda _: asyncio.sleep(60), clock=lambda: NOW, settings=settings)
    assert (await receiver.post()).status_code == 503


async def test_unsigned() -> None:
    """Where unsigned callbacks are accepted, a signature is checked all the same."""
    receiver = Receiver(accept_unsigned=True)
    assert (await receiver.post(headers={})).status_code == 200
    assert (await receiver.post()).status_code == 200
    assert (await receiver.post(headers=signed(key="another"))).status_code == 401
    assert (await receiver.post(headers={"X-Webhook-Signature": "x"})).status_code == 401
    assert len(receiver.sent) == 2
    without_key = Receiver(accept_unsigned=True, signing_key=None)
    assert (await without_key.post(headers=signed(key="another"))).status_code == 200


async def test_a_key_is_never_optional() -> None:
    """A block whose key was taken away afterwards accepts nothing."""
    changed = block()
    changed.signing_key = None
    receiver = Receiver()
    receiver.app = create_app(changed, send=receiver.send, clock=lambda: NOW)
    assert (await receiver.post()).status_code == 401
    assert receiver.sent == []
