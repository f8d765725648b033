"""The receiver's app: what it answers, what rings, and what it writes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from prefect_kie.callbacks.receiver import HEALTHY, Ring, create_app
from prefect_kie.callbacks.receiver import app as app_module
from prefect_kie.callbacks.receiver.reading import MAX_BODY
from tests.receiver.calling import NOW, SIGNING_KEY, SUBMISSION, TASK, block, body, sign, signed


class Receiver:
    """An app with its rings and a clock that stands still."""

    def __init__(self, **fields: Any) -> None:
        self.rings: list[Ring] = []
        self.now = float(NOW)
        self.app = create_app(block(**fields), on_ring=self.ring, clock=lambda: self.now)
        self.fails = False

    def ring(self, ring: Ring) -> None:
        if self.fails:
            raise asyncio.QueueFull
        self.rings.append(ring)

    async def post(self, path: str = f"/kie/done/{SUBMISSION}", **request: Any) -> httpx.Response:
        request = {"json": body(), "headers": signed(), **request}
        return await self.request("POST", path, **request)

    async def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://receiver"
        ) as client:
            return await client.request(method, path, **request)

    async def counted(self, outcome: str) -> float:
        text = (await self.request("GET", "/metrics")).text
        (line,) = [line for line in text.splitlines() if f'outcome="{outcome}"' in line and "_total" in line]
        return float(line.split()[-1])


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


async def test_a_genuine_callback_rings_with_hints_and_nothing_else(receiver: Receiver) -> None:
    answer = await receiver.post(json=body(state="success", progress=100))
    assert (answer.status_code, answer.text) == (200, "rang")
    assert receiver.rings == [Ring(TASK, SUBMISSION, "done", "success", 100.0, signed=True)]
    assert await receiver.counted("rang") == 1


@pytest.mark.parametrize(
    ("path", "kind", "submission"),
    [
        (f"/kie/done/{SUBMISSION}", "done", SUBMISSION),
        (f"/kie/progress/{SUBMISSION}", "progress", SUBMISSION),
        ("/kie/done", "done", None),
        ("/kie/progress", "progress", None),
        ("/kie/done/another", "done", None),
        ("/kie/done/%0d%0aX%3a", "done", None),
    ],
)
async def test_each_address_rings(receiver: Receiver, path: str, kind: str, submission: str | None) -> None:
    assert (await receiver.post(path)).status_code == 200
    (ring,) = receiver.rings
    assert (ring.kind, ring.submission) == (kind, submission)


async def test_a_proxy_may_take_the_path_away_or_leave_it() -> None:
    receiver = Receiver(base_url="https://example.com/hooks/kie")
    assert (await receiver.post(f"/hooks/kie/kie/done/{SUBMISSION}")).text == "rang"
    assert (await receiver.post(f"/kie/progress/{SUBMISSION}")).text == "rang"
    assert (await receiver.request("GET", "/hooks/kie/health")).text == HEALTHY
    assert (await receiver.request("GET", "/hooks/kie/metrics")).status_code == 404


async def test_a_callback_that_comes_again_is_thanked_for_and_rings_once(receiver: Receiver) -> None:
    answers = [await receiver.post() for _ in range(3)]
    answers.append(await receiver.post("/kie/done"))  # the address is not signed
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.text for answer in answers] == ["rang", "repeated", "repeated", "repeated"]
    assert len(receiver.rings) == 1
    receiver.now += 1
    assert (await receiver.post(headers=signed(at=NOW + 1))).text == "rang"


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, {"content": b"{", "headers": {**signed(), "content-type": "application/json"}}),
        (400, {"json": body("two words")}),
        (400, {"json": {**body(), "taskId": "another"}}),
        (400, {"headers": [*signed().items(), *signed().items()]}),
        (401, {"headers": {}}),
        (401, {"headers": signed(key="another")}),
        (401, {"headers": signed("another")}),
        (401, {"headers": signed(at=NOW - 301)}),
        (401, {"headers": signed(at=NOW + 301)}),
        (401, {"headers": {"X-Webhook-Timestamp": f"0{NOW}", "X-Webhook-Signature": sign(TASK, str(NOW))}}),
        (413, {"json": body(x="a" * MAX_BODY)}),
        (415, {"headers": {**signed(), "content-type": "text/plain"}}),
        (415, {"data": {"taskId": TASK}}),
        (415, {"headers": {**signed(), "content-encoding": "gzip"}}),
    ],
    ids=lambda value: ascii(value)[:60],
)
async def test_what_is_not_genuine_is_refused_and_rings_nothing(
    receiver: Receiver, status: int, request_: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await receiver.post(**request_)
    assert answer.status_code == status
    assert answer.headers["connection"] == "close"
    assert receiver.rings == []
    lines = [record for record in caplog.records if record.name == "prefect.prefect_kie.receiver"]
    assert len(lines) == 1
    assert lines[0].getMessage().isprintable()
    shown = answer.text + str(answer.headers) + caplog.text
    for secret in (SIGNING_KEY, signed()["X-Webhook-Signature"], "evil.example"):
        assert secret not in shown


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
async def test_another_method_is_refused(receiver: Receiver, method: str) -> None:
    answer = await receiver.request(method, f"/kie/done/{SUBMISSION}", headers=signed())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert await receiver.counted("method") == 1


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/redoc", "/kie/done/", "/kie/done/a/b", "/kie"]
)
async def test_there_is_nothing_else(receiver: Receiver, path: str) -> None:
    answer = await receiver.post(path)
    assert (answer.status_code, answer.text) == (404, "there is nothing here")
    assert receiver.rings == []


async def chunks(count: int, pause: float = 0, size: int = 1) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"[" * size
        await asyncio.sleep(pause)


async def test_a_body_of_unknown_length_is_not_read_beyond_the_bound(receiver: Receiver) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"[" * 65536

    headers = {**signed(), "content-type": "application/json"}
    assert (await receiver.post(json=None, content=endless(), headers=headers)).status_code == 413
    assert given <= 1 + MAX_BODY // 65536


async def test_a_slow_body_is_not_waited_for(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "BODY_SECONDS", 0.1)
    headers = {**signed(), "content-type": "application/json"}
    answer = await receiver.post(json=None, content=chunks(100, pause=0.02), headers=headers)
    assert answer.status_code == 408
    assert await receiver.counted("slow") == 1


async def test_a_ring_that_cannot_be_handed_on_may_come_again(receiver: Receiver) -> None:
    receiver.fails = True
    answer = await receiver.post()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    receiver.fails = False
    assert (await receiver.post()).text == "rang"


async def test_a_mistake_of_ours_is_told_and_shows_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SIGNING_KEY)

    monkeypatch.setattr(app_module, "judge", broken)
    answer = await receiver.post()
    assert (answer.status_code, answer.text) == (500, "the receiver failed")
    assert await receiver.counted("broken") == 1


async def test_unsigned_ones_count_where_they_are_accepted_and_not_without_bound() -> None:
    receiver = Receiver(accept_unsigned=True)
    answers = [await receiver.post(headers={}) for _ in range(60)]
    assert [answer.status_code for answer in answers] == [200] * 50 + [429] * 10
    assert [ring.signed for ring in receiver.rings] == [False] * 50
    assert answers[-1].headers["retry-after"] == "10"
    assert (await receiver.post()).text == "rang"  # a signed one is not held up by them
    assert (await receiver.post(headers=signed(key="another"))).status_code == 401


async def test_metrics_have_no_labels_of_others(receiver: Receiver) -> None:
    before = (await receiver.request("GET", "/metrics")).text
    for number in range(50):
        await receiver.post(f"/kie/done/{number}", json=body(f"task-{number}", state=f"state-{number}"))
        await receiver.request("GET", f"/{number}")
    after = (await receiver.request("GET", "/metrics")).text
    assert len(after.splitlines()) == len(before.splitlines())
    assert await receiver.counted("not_genuine") == 50
    assert await receiver.counted("no_such_path") == 50
    assert "python_gc" not in after  # a registry of its own


async def test_two_apps_count_on_their_own() -> None:
    one, other = Receiver(), Receiver()
    await one.post()
    assert (await one.counted("rang"), await other.counted("rang")) == (1, 0)


async def test_health_says_what_it_is(receiver: Receiver) -> None:
    answer = await receiver.request("GET", "/health")
    assert (answer.status_code, answer.text) == (200, HEALTHY)
    assert (await receiver.request("HEAD", "/health")).status_code == 200
