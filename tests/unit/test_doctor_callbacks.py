"""The doctor's look at callbacks, from the outside as Kie would."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from prefect_kie.callbacks.receiver import HEALTHY
from prefect_kie.cli.local_server import free_port
from prefect_kie.cli.probes import check_callbacks
from tests.receiving import SIGNING_KEY, block


@contextlib.asynccontextmanager
async def answering(answer: str | None) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A server that gives every request the same answer, or none: its address, and what it got."""
    heads: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer.encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks", heads
    for writer in writers:
        writer.close()
        await writer.wait_closed()


def response(text: str, status: str = "200 OK", more: str = "") -> str:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n{more}\r\n{text}"


async def test_a_receiver_that_answers_is_in_order_and_sees_no_key() -> None:
    async with answering(response(HEALTHY)) as (url, heads):
        check = await check_callbacks(block(base_url=url))
    assert (check.outcome, check.what) == ("ok", f"callbacks: the receiver answers at {url}")
    (head,) = heads
    assert head.startswith(b"GET /hooks/health ")
    assert SIGNING_KEY.encode() not in head
    assert b"authorization" not in head.lower()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (response("<html>"), "something else answers there (status 200)"),
        (response(HEALTHY + " and more"), "something else answers there (status 200)"),
        (response("", "502 Bad Gateway"), "something else answers there (status 502)"),
        (
            response("", "302 Found", "Location: https://login.example/\r\n"),
            "answers there (status 302)",
        ),
        ("no http\r\n\r\n", "nobody answers (RemoteProtocolError)"),
        (None, "nobody answers ("),
    ],
)
async def test_anything_else_is_told_with_what_to_run(answer: str | None, told: str) -> None:
    async with answering(answer) as (url, _):
        check = await check_callbacks(block(base_url=url), 0.3)
    assert check.outcome == "error"
    assert told in check.what
    assert check.remedy is not None
    assert check.remedy.startswith("run: prefect-kie callbacks")


async def test_nobody_there_is_told() -> None:
    check = await check_callbacks(block(base_url=f"http://127.0.0.1:{free_port()}"))
    assert "nobody answers (ConnectError)" in check.what
