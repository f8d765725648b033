"""Whatever Kie or a proxy quotes, and whatever a collector of errors takes along: never the key."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import logging
import pickle
import re
import traceback
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType, TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from prefect_kie.api import KieClient, KieError, ServiceUnavailable, SubmissionInDoubt, calls
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer

from .conftest import KEY, NewClient, http_answer, wire

DOG = Sora2TextToVideo(prompt="a dog")
BEARER = f"Bearer {KEY}"
Ask = Callable[[KieClient], Awaitable[object]]

CALLS: dict[str, tuple[str, Ask]] = {
    "create": ("create", lambda client: client.create_job(DOG)),
    "poll": ("poll", lambda client: client.get_job("t1")),
    "upload": ("upload", lambda client: client.upload_bytes(b"x", "cat.png")),
}


def escaped(text: str, form: str) -> str:
    return "".join(form.format(ord(character)) for character in text)


TEXTS: dict[str, str] = {
    "as it is": KEY,
    "in words": f"Authorization: {BEARER}; ",
    "URL, all of it": escaped(KEY, "%{:02x}"),
    "URL, capitals": escaped(KEY, "%{:02X}"),
    "URL, what has to be": quote(BEARER, safe=""),
    "JSON": escaped(KEY, "\\u{:04x}"),
    "HTML, decimal": escaped(KEY, "&#{};"),
    "HTML, hexadecimal": escaped(KEY, "&#x{:X};"),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 of the header": base64.b64encode(BEARER.encode()).decode(),
    "base64 of more": base64.b64encode(f"key: {KEY}\n".encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(f"?{KEY}?".encode()).decode(),
}
BODIES: dict[str, bytes] = {
    **{f"page, {name}": f"<pre>{text}</pre>".encode() for name, text in TEXTS.items()},
    **{
        f"JSON, {name}": json.dumps({"code": 401, "msg": text, "data": {text: [text]}}).encode()
        for name, text in TEXTS.items()
    },
    **{
        f"JSON, {charset}": json.dumps({"code": 401, "msg": BEARER}).encode(charset)
        for charset in ("utf-16", "utf-16-le", "utf-16-be", "utf-32-be", "utf-8-sig")
    },
    "JSON, escapes": ('{"code": 401, "msg": "' + escaped(KEY, "\\u{:04x}") + '"}').encode(),
    "a long page": b"x" * 1990 + KEY.encode(),
}


def forms(text: str) -> Iterator[str]:
    """What could be read in a text without much effort."""
    for _ in range(2):
        yield text
        yield from (_base64(word) for word in re.findall(r"[A-Za-z0-9+/_-]{16,}", text))
        text = re.sub(r"(?:\\+u00|%)([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)
        text = html.unescape(text)


def _base64(word: str) -> str:
    plain = word.replace("-", "+").replace("_", "/")
    starts = (plain[skip:] for skip in range(4))  # whatever letters stand before it
    whole = (base64.b64decode(each[: -1 if len(each) % 4 == 1 else None] + "==") for each in starts)
    return "\n".join(each.decode("latin-1") for each in whole)


def shows_key(text: str) -> bool:
    return any(KEY in form for form in forms(text))


def test_this_search_finds_every_form() -> None:
    assert [name for name, text in TEXTS.items() if not shows_key(f"x {text} y")] == []


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("status", ["200 OK", "502 Bad Gateway"])
async def test_no_encoding_brings_the_key_into_an_error(
    new_client: NewClient, caplog: pytest.LogCaptureFixture, status: str, body: bytes
) -> None:
    caplog.set_level(logging.INFO)
    async with wire(http_answer(body, status, "text/html")) as server:
        client = new_client(server.url)
        for _, ask in (CALLS["create"], CALLS["poll"]):
            with pytest.raises(KieError) as caught:
                await ask(client)
            error = caught.value
            told = (str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error)))
            assert not [text for text in told if shows_key(text)]
            assert not shows_key(pickle.dumps(error).decode("latin-1"))
        await client.aclose()
    assert not shows_key(caplog.text)


async def test_no_job_holds_it_either(new_client: NewClient) -> None:
    data = {"taskId": "t1", "model": KEY, "state": f"x{KEY}", "failMsg": escaped(KEY, "%{:02x}")}
    data["param"] = json.dumps({"model": KEY, "input": json.dumps({"prompt": KEY})})
    async with wire(http_answer(json.dumps({"code": 200, "data": data}))) as server:
        client = new_client(server.url)
        job = await client.get_job("t1")
        await client.aclose()
    assert not shows_key(job.model_dump_json())


async def test_a_header_that_breaks_the_protocol_is_not_quoted(new_client: NewClient) -> None:
    async with wire(f"HTTP/1.1 200 OK\r\n{BEARER}\r\n\r\n".encode()) as server:
        client = new_client(server.url)
        with pytest.raises(SubmissionInDoubt) as caught:
            await client.create_job(DOG)
        await client.aclose()
    assert not shows_key(str(caught.value))


# Frames, as collectors of errors take them


def frames(error: BaseException) -> Iterator[FrameType]:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        left += [each.__cause__, each.__context__]
        step: TracebackType | None = each.__traceback__
        while step is not None:
            yield step.tb_frame
            step = step.tb_next


def values(value: Any, depth: int = 6) -> Iterator[str]:
    """What a collector could show of a variable."""
    if depth == 0:
        return
    yield repr(value)[:10_000]
    if isinstance(value, bytes | bytearray):
        yield bytes(value).decode("latin-1")
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from values(name, depth - 1)
            yield from values(inner, depth - 1)
    elif isinstance(value, list | tuple | set):
        for inner in value:
            yield from values(inner, depth - 1)
    elif isinstance(value, httpx.Headers):
        yield str(value.raw)
    elif isinstance(value, httpx.Request | httpx.Response):
        yield str(value.headers.raw)
    elif type(value).__module__.startswith(("httpx", "httpcore", "h11", "prefect_kie")):
        yield from values(getattr(value, "__dict__", {}), depth - 1)


def test_the_search_of_frames_finds_a_request() -> None:
    async def call() -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.get("http://127.0.0.1:9/", headers={"Authorization": BEARER})

    with pytest.raises(httpx.ConnectError) as caught:
        asyncio.run(call())
    assert in_frames(caught.value)


def in_frames(error: BaseException) -> list[str]:
    return [
        f"{frame.f_code.co_qualname}: {name}"
        for frame in frames(error)
        if "/tests/" not in frame.f_code.co_filename
        for name, value in frame.f_locals.items()
        if any(KEY in text for text in values(value))
    ]


@pytest.mark.parametrize("how", ["cancelled", "timed out", "a deadline"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_cancelled_call_leaves_no_key_in_its_frames(
    kie: SimulatorServer, client: KieClient, call: tuple[str, Ask], how: str
) -> None:
    stage, ask = call
    kie.fault(stage, hang=30)
    running = asyncio.ensure_future(ask(client))
    await asyncio.sleep(0.1)
    if how == "cancelled":
        running.cancel("enough")
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await running
        assert in_frames(cancelled.value) == []
        assert cancelled.value.args == ("enough",)
    elif how == "timed out":
        with pytest.raises(asyncio.TimeoutError) as late:
            await asyncio.wait_for(running, 0.01)
        assert in_frames(late.value) == []
    else:
        with pytest.raises(TimeoutError) as late:
            async with asyncio.timeout(0.01):
                await running
        assert in_frames(late.value) == []


@pytest.mark.parametrize(
    "fault",
    [{"reset": True}, {"body": "<"}, {"code": 401}, {"status": 502, "body": "oh"}, {"truncate": 1}],
    ids=str,
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_failed_call_leaves_no_key_in_its_frames(
    kie: SimulatorServer, client: KieClient, call: tuple[str, Ask], fault: dict[str, Any]
) -> None:
    stage, ask = call
    kie.fault(stage, **fault)
    with pytest.raises(KieError) as caught:
        await ask(client)
    assert in_frames(caught.value) == []


class Odd(Exception):
    pass


@pytest.mark.parametrize("kind", [Odd, OSError, RuntimeError])
async def test_what_nobody_expects_on_a_paid_call_is_a_doubt_without_frames(
    client: KieClient, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    async def broken(response: httpx.Response, most: int) -> bytes:
        raise kind(f"odd: {response.request.headers['Authorization']}")

    monkeypatch.setattr(calls, "read_bounded", broken)
    with pytest.raises(SubmissionInDoubt) as caught:
        await client.create_job(DOG)
    assert in_frames(caught.value) == []
    assert not shows_key(str(caught.value))
    with pytest.raises(kind) as other:
        await client.get_credits()
    assert in_frames(other.value) == []


async def test_a_call_to_nobody_leaves_no_key_in_its_frames(new_client: NewClient, free_url: str) -> None:
    with pytest.raises(ServiceUnavailable) as caught:
        await new_client(free_url).create_job(DOG)
    assert in_frames(caught.value) == []
