"""The client when the network or Kie misbehaves: nothing is paid twice, and the key stays home."""

from __future__ import annotations

import asyncio
import pickle
import re
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from prefect_kie.api import KieClient, KieError, ServiceUnavailable, SubmissionInDoubt
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer

from .conftest import KEY, NewClient, http_answer, wire

DOG = Sora2TextToVideo(prompt="a dog")
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"
Ask = Callable[[KieClient], Awaitable[object]]

FREE_CALLS: dict[str, tuple[str, Ask]] = {
    "get_job": ("poll", lambda client: client.get_job("t1")),
    "get_credits": ("credits", lambda client: client.get_credits()),
    "get_download_url": ("download-url", lambda client: client.get_download_url("https://a.example/v.mp4")),
    "upload_bytes": ("upload", lambda client: client.upload_bytes(b"x", "cat.png")),
    "upload_from_url": ("upload", lambda client: client.upload_from_url("https://a.example/cat.png")),
}
CALLS: dict[str, tuple[str, Ask]] = {
    "create_job": ("create", lambda client: client.create_job(DOG)),
    **FREE_CALLS,
}

SPOILED: dict[str, dict[str, Any]] = {
    "reset": {"reset": True},
    "garbage": {"body": "<<<"},
    "empty": {"body": ""},
    "truncated": {"truncate": 20},
    "cut JSON": {"body": '{"code": 200, "data": {"taskId": "t1'},
    "JSON list": {"body": '[{"code": 200, "data": {"taskId": "t1"}}]'},
    "server error": {"code": 500},
    "Kie's own field": {"code": 500, "msg": "taskId cannot be null"},
    "502": {"status": 502, "body": HTML},
    "503": {"status": 503},
    "504": {"status": 504, "body": HTML},
    "redirect": {"redirect": "https://a.example/"},
    "HTML": {"status": 200, "body": HTML},
}


# Submissions


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not accepted"])
@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
async def test_a_submission_without_a_clear_answer_is_in_doubt(
    kie: SimulatorServer, client: KieClient, spoiled: dict[str, Any], accepted: bool
) -> None:
    # Which of the two it was cannot be told from the answer. (A cut one has always been accepted.)
    kie.fault("create", **spoiled, **({"accept": True} if accepted else {}))
    with pytest.raises(SubmissionInDoubt) as caught:
        await client.create_job(DOG)
    assert (caught.value.retryable, caught.value.billed) == (False, "unknown")
    assert kie.stats()["created"] == (1 if accepted or "truncate" in spoiled else 0)


@pytest.mark.parametrize(
    "merge",
    [
        {"data": {"taskId": None, "recordId": None}},
        {"data": "t1"},
        {"data": []},
        {"data": {"taskId": {}, "recordId": [7]}},
    ],
    ids=repr,
)
async def test_a_success_that_names_no_task_is_in_doubt(
    kie: SimulatorServer, client: KieClient, merge: dict[str, Any]
) -> None:
    kie.fault("create", merge=merge)
    with pytest.raises(SubmissionInDoubt):
        await client.create_job(DOG)
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize("code", [401, 422, 429, 455, 500])
async def test_a_refusal_that_names_a_task_is_in_doubt_and_told_with_it(
    kie: SimulatorServer, client: KieClient, code: int
) -> None:
    kie.fault("create", merge={"code": code, "msg": "prompt is required"})
    with pytest.raises(SubmissionInDoubt) as caught:
        await client.create_job(DOG)
    (job,) = kie.stats()["jobs"]
    assert caught.value.task_id == job["task_id"]
    assert f"Job: {job['task_id']}" in str(caught.value)


async def test_silence_after_a_submission_leaves_it_in_doubt(
    kie: SimulatorServer, new_client: NewClient
) -> None:
    kie.fault("create", hang=30, accept=True)
    with pytest.raises(SubmissionInDoubt, match="had not answered in full"):
        await new_client(kie.url, timeout=0.1, create_seconds=1).create_job(DOG)
    assert kie.stats()["created"] == 1


async def test_a_submission_is_waited_for_longer_than_a_look(
    kie: SimulatorServer, new_client: NewClient
) -> None:
    client = new_client(kie.url, timeout=0.1)
    kie.fault("create", delay=0.3)
    kie.fault("poll", delay=0.3)
    handle = await client.create_job(DOG)
    with pytest.raises(ServiceUnavailable, match="ReadTimeout"):
        await client.get_job(handle.task_id)
    assert kie.stats()["created"] == 1


async def test_a_submission_to_nobody_may_be_repeated(new_client: NewClient, free_url: str) -> None:
    with pytest.raises(ServiceUnavailable, match="ConnectError") as caught:
        await new_client(free_url).create_job(DOG)
    assert (caught.value.retryable, caught.value.billed) == (True, "no")


async def test_a_submission_cut_off_by_cancellation_is_not_swallowed(
    kie: SimulatorServer, client: KieClient
) -> None:
    kie.fault("create", hang=30, accept=True)
    submission = asyncio.create_task(client.create_job(DOG))
    while not kie.stats()["created"]:
        await asyncio.sleep(0)
    submission.cancel()
    with pytest.raises(asyncio.CancelledError):
        await submission


# Free calls


@pytest.mark.parametrize("call", FREE_CALLS.values(), ids=FREE_CALLS)
@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
async def test_a_free_call_without_a_clear_answer_may_be_repeated(
    kie: SimulatorServer, client: KieClient, call: tuple[str, Ask], spoiled: dict[str, Any]
) -> None:
    stage, ask = call
    if spoiled == {"truncate": 20} and stage == "poll":
        spoiled = {"truncate": 1}
    kie.fault(stage, **spoiled)
    with pytest.raises(ServiceUnavailable) as caught:
        await ask(client)
    assert (type(caught.value), caught.value.retryable, caught.value.billed) == (
        ServiceUnavailable,
        True,
        "no",
    )


@pytest.mark.parametrize("call", FREE_CALLS.values(), ids=FREE_CALLS)
async def test_a_free_call_to_nobody_may_be_repeated(
    new_client: NewClient, free_url: str, call: tuple[str, Ask]
) -> None:
    with pytest.raises(ServiceUnavailable, match="ConnectError") as caught:
        await call[1](new_client(free_url))
    assert caught.value.retryable


async def test_a_failed_look_names_its_job(kie: SimulatorServer, client: KieClient) -> None:
    kie.fault("poll", status=502, body=HTML)
    with pytest.raises(ServiceUnavailable, match="502 Bad Gateway") as caught:
        await client.get_job("t1")
    assert (caught.value.task_id, caught.value.code) == ("t1", 502)


async def test_nothing_is_repeated_by_the_client_itself(kie: SimulatorServer, client: KieClient) -> None:
    kie.fault("poll", code=500, times=None)
    with pytest.raises(ServiceUnavailable):
        await client.get_job("t1")
    assert kie.stats()["polls"] == 1


# Answers without an end


@pytest.mark.parametrize(
    ("name", "error"), [("create_job", SubmissionInDoubt), ("get_job", ServiceUnavailable)]
)
async def test_an_endless_answer_is_not_read_to_its_end(
    new_client: NewClient, name: str, error: type[KieError]
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"code": 200, "msg": "'
    async with wire(head, endless=True) as server:
        client = new_client(server.url, max_answer_bytes=200_000)
        with pytest.raises(error) as caught:
            await CALLS[name][1](client)
        await asyncio.wait_for(server.cut_off.wait(), 5)
        await client.aclose()
    assert type(caught.value) is error


async def test_an_answer_of_some_megabytes_is_read(new_client: NewClient) -> None:
    answer = '{"code": 200, "msg": "' + "x" * 4_000_000 + '", "data": 12}'
    async with wire(http_answer(answer)) as server:
        client = new_client(server.url)
        assert await client.get_credits() == 12
        await client.aclose()


# The key


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    kie: SimulatorServer, client: KieClient, call: tuple[str, Ask]
) -> None:
    stage, ask = call
    async with wire(http_answer('{"code": 200, "data": {"taskId": "t1"}}')) as elsewhere:
        kie.fault(stage, redirect=f"{elsewhere.url}/api/v1/jobs/recordInfo")
        with pytest.raises(KieError):
            await ask(client)
    assert elsewhere.connections == 0


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_the_key_is_sent_once_in_the_authorization_header(
    new_client: NewClient, call: tuple[str, Ask]
) -> None:
    data = '{"taskId": "t1", "downloadUrl": "https://a.example/c"}'
    async with wire(http_answer(f'{{"code": 200, "data": {data}}}')) as server:
        client = new_client(server.url)
        if call in (CALLS["get_credits"], CALLS["get_download_url"]):
            with pytest.raises(KieError):
                await call[1](client)
        else:
            await call[1](client)
        await client.aclose()
    ((head, body),) = server.requests
    assert re.findall(rf"^(.*){re.escape(KEY)}", head, re.MULTILINE) == ["Authorization: Bearer "]
    assert re.search(r"^User-Agent: prefect-kie/\d", head, re.MULTILINE)
    assert KEY.encode() not in body


def everything_told(error: BaseException) -> Iterator[str]:
    """All that could be printed, logged or stored of an error and of those it came from."""
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        left += [each.__cause__, each.__context__]
        yield from (str(each), repr(each), repr(vars(each)), str(pickle.dumps(each)))
        # httpx's errors hold their request, and that its headers.
        yield str(getattr(each, "_request", None) and vars(vars(each)["_request"])["headers"].raw)
    yield "".join(traceback.format_exception(error))


TELLTALES: dict[str, dict[str, Any]] = {
    **SPOILED,
    "key in the text": {"code": 401, "msg": f"the key {KEY} is not known"},
    "key in a page": {"status": 502, "body": f"<pre>Authorization: Bearer {KEY}</pre>"},
    "key in JSON": {"code": 422, "msg": "wrong", "data": {"headers": {"Authorization": f"Bearer {KEY}"}}},
}


@pytest.mark.parametrize(
    "call", [CALLS["create_job"], CALLS["get_job"], CALLS["upload_bytes"]], ids=lambda c: c[0]
)
@pytest.mark.parametrize("spoiled", TELLTALES.values(), ids=TELLTALES)
async def test_no_error_tells_the_key(
    kie: SimulatorServer, client: KieClient, call: tuple[str, Ask], spoiled: dict[str, Any]
) -> None:
    stage, ask = call
    kie.fault(stage, **({"truncate": 1} if "truncate" in spoiled else spoiled))
    with pytest.raises(KieError) as caught:
        await ask(client)
    assert not [text for text in everything_told(caught.value) if KEY in text]
    assert caught.value.__context__ is None  # httpx's exception would hold the request with the key


async def test_no_error_of_a_broken_connection_tells_the_key(new_client: NewClient, free_url: str) -> None:
    with pytest.raises(ServiceUnavailable) as caught:
        await new_client(free_url).create_job(DOG)
    assert not [text for text in everything_told(caught.value) if KEY in text]
    assert caught.value.__context__ is None


async def test_a_quoted_key_is_replaced_and_the_rest_of_the_text_is_kept(
    kie: SimulatorServer, client: KieClient
) -> None:
    kie.fault("credits", code=401, msg=f"the key {KEY} is not known")
    with pytest.raises(KieError, match=r"the key \[key\] is not known"):
        await client.get_credits()
