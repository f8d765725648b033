"""Every call to Kie has an end, and no answer grows: dripping, endless and swollen ones."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import pytest

from prefect_kie.api import KieClient, KieError, ServiceUnavailable, SubmissionInDoubt
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer

from .conftest import KEY, NewClient, http_answer, wire

DOG = Sora2TextToVideo(prompt="a dog")
GOOD = json.dumps({"code": 200, "msg": "success", "data": 12}).encode()
LIMIT = 40_000_000
"""Bytes that reading any answer may take; the bombs below would be 100 MB."""

Ask = Callable[[KieClient], Awaitable[object]]
CALLS: dict[str, tuple[str, Ask, type[KieError]]] = {
    "create": ("create", lambda client: client.create_job(DOG), SubmissionInDoubt),
    "poll": ("poll", lambda client: client.get_job("t1"), ServiceUnavailable),
    "credits": ("credits", lambda client: client.get_credits(), ServiceUnavailable),
    "link": (
        "download-url",
        lambda client: client.get_download_url("https://a.b/v"),
        ServiceUnavailable,
    ),
    "upload": ("upload", lambda client: client.upload_bytes(b"x", "cat.png"), ServiceUnavailable),
    "upload from an address": (
        "upload",
        lambda client: client.upload_from_url("https://a.example/cat.png"),
        ServiceUnavailable,
    ),
}


@pytest.mark.parametrize("fault", [{"drip": 20}, {"hang": 30}], ids=str)
async def test_every_call_has_an_end(kie: SimulatorServer, fault: dict[str, Any]) -> None:
    async def ends(client: KieClient, stage: str, ask: Ask, error: type[KieError]) -> None:
        seconds = 1 if stage == "create" else 0.3  # a busy machine has created the job by then
        with pytest.raises(error, match=f"had not answered in full after {seconds} s") as caught:
            await ask(client)
        assert type(caught.value) is error

    for stage, *_ in CALLS.values():
        kie.fault(stage, **fault, **({"accept": True} if "hang" in fault and stage == "create" else {}))
    began = time.monotonic()
    async with KieClient(
        KEY, base_url=kie.url, upload_url=kie.url, call_seconds=0.3, create_seconds=1
    ) as client:
        await asyncio.gather(*(ends(client, *call) for call in CALLS.values()))
    assert time.monotonic() - began < 5
    assert kie.stats()["created"] == 1


async def test_an_upload_has_more_time_by_its_size(kie: SimulatorServer) -> None:
    """50,000 bytes may take a second more than a call that carries nothing."""
    kie.fault("upload", delay=0.4, times=2)
    async with KieClient(KEY, base_url=kie.url, upload_url=kie.url, call_seconds=0.2) as client:
        assert (await client.upload_bytes(b"x" * 50_000, "cat.png")).url
        with pytest.raises(ServiceUnavailable, match=r"had not answered in full after 0\.2 s"):
            await client.upload_from_url("https://a.example/cat.png")


@cache
def bomb(times: int, start: bytes = b"") -> bytes:
    """A hundred megabytes in a few KB: compressed piece by piece, so that this test itself stays small."""
    if times > 1:
        return gzip.compress(bomb(times - 1, start), 9)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(start)
    return packed + b"".join(packer.compress(b" " * 1_000_000) for _ in range(100)) + packer.flush()


BOMBS: dict[str, tuple[int, bytes, str]] = {
    "gzip": (1, b"", "gzip"),
    "gzip twice": (2, b"", "gzip, gzip"),
    "gzip twice, said once": (2, b"", "gzip"),
    "gzip three times": (3, b"", "gzip, gzip, gzip"),
    "half an answer, and then blanks": (1, b'{"code": 500, "msg": "prompt is required"', "gzip"),
    "x-gzip": (1, b"", "x-gzip"),
    "brotli": (1, b"", "br"),
}


@pytest.mark.parametrize(("times", "start", "encoding"), BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("name", ["create", "poll"])
async def test_a_bomb_stays_small(
    new_client: NewClient, name: str, times: int, start: bytes, encoding: str
) -> None:
    _, ask, error = CALLS[name]
    body = bomb(times, start)
    async with wire(http_answer(body, headers=(f"Content-Encoding: {encoding}",))) as server:
        client = new_client(server.url)
        tracemalloc.start()
        try:
            with pytest.raises(error) as caught:
                await ask(client)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        await client.aclose()
    assert type(caught.value) is error
    assert peak < LIMIT


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (GOOD, ""),
        (GOOD, "identity"),
        (gzip.compress(GOOD), "gzip"),
        (gzip.compress(GOOD), "X-GZIP"),
        (zlib.compress(GOOD), "deflate"),
    ],
    ids=["none", "identity", "gzip", "x-gzip", "deflate"],
)
async def test_one_layer_is_read_though_nobody_asked_for_it(
    new_client: NewClient, body: bytes, encoding: str
) -> None:
    headers = (f"Content-Encoding: {encoding}",) if encoding else ()
    async with wire(http_answer(body, headers=headers)) as server:
        client = new_client(server.url)
        assert await client.get_credits() == 12
        await client.aclose()
    ((head, _),) = server.requests
    assert "accept-encoding: identity" in head.lower()


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(GOOD)[:-20], b""], ids=["none", "cut", "empty"])
async def test_what_cannot_be_decoded_is_unreadable(new_client: NewClient, body: bytes) -> None:
    async with wire(http_answer(body, headers=("Content-Encoding: gzip",))) as server:
        client = new_client(server.url)
        with pytest.raises(SubmissionInDoubt):
            await client.create_job(DOG)
        with pytest.raises(ServiceUnavailable):
            await client.get_credits()
        await client.aclose()


@pytest.mark.parametrize("layers", [1, 2])
async def test_the_simulators_swollen_answer_leaves_a_paid_call_known_or_in_doubt(
    kie: SimulatorServer, client: KieClient, layers: int
) -> None:
    kie.fault("create", swollen=30, gzip=layers)
    if layers == 1:  # its beginning is a whole answer
        assert (await client.create_job(DOG)).task_id
    else:
        with pytest.raises(SubmissionInDoubt):
            await client.create_job(DOG)
    assert kie.stats()["created"] == 1


async def test_the_simulators_other_charsets_are_read(kie: SimulatorServer, client: KieClient) -> None:
    kie.fault("credits", charset="utf-16", times=1)
    assert await client.get_credits() == 1000
