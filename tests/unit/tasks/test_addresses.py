"""Where a file may come from: resolved first, every address judged, and exactly that one connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_kie.media import addresses
from prefect_kie.media.addresses import BadFile, is_public
from prefect_kie.media.download import CutTransfer, fetch
from tests.file_hosts import Pieces, file_host, http_answer

GIF = b"GIF89a" + bytes(100)
PUBLIC, OTHER = "93.184.215.14", "2606:4700::1111"
Names = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "video.part"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Have these names lead to these addresses, one list after another; returns what was looked up."""

    def lead(table: dict[str, Any]) -> list[str]:
        looked_up: list[str] = []
        true = socket.getaddrinfo
        answers = {name: iter(found) if isinstance(found, tuple) else None for name, found in table.items()}

        def getaddrinfo(host: str, port: Any, *args: Any, **options: Any) -> list[Any]:
            if host not in table:
                return true(host, port, *args, **options)
            looked_up.append(host)
            found: Iterable[str] = next(each) if (each := answers[host]) else table[host]
            if not found:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [one for address in found for one in true(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return looked_up

    return lead


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What would have gone to the internet."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.host == OTHER:
            raise httpx.ConnectError("no route")
        return httpx.Response(200, stream=Pieces(GIF), headers={"Content-Length": str(len(GIF))})

    monkeypatch.setattr(
        addresses, "http_client", lambda *_, **__: httpx.AsyncClient(transport=httpx.MockTransport(answer))
    )
    return seen


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",  # a provider's own
        "100.100.100.200",  # Alibaba's metadata
        "127.0.0.1",
        "168.63.129.16",  # Azure's
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.192",  # Oracle's
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "2001::7f00:1",  # Teredo
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", PUBLIC, "172.32.0.1", OTHER, "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_what_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "http://127。0。0。1/a.mp4",
        "http://127．0．0．1/a.mp4",
        "http://127｡0｡0｡1/a.mp4",
        "http://169。254。169。254/latest/meta-data",
        "http://0xA9FEA9FE/latest/meta-data",
        "http://2852039166/latest/meta-data",
        "http://[::ffff:a9fe:a9fe]/latest/meta-data",
        "http://[64:ff9b::169.254.169.254]/latest/meta-data",
        "http://[2002:a9fe:a9fe::]/latest/meta-data",
        "http://[fec0::1]/a.mp4",
        "http://100.64.0.1/a.mp4",
        "http://files.localhost/a.mp4",
        "http://inside.example/a.mp4",
        "http://both.example/a.mp4",
        "http://inside.example./a.mp4",
    ],
)
async def test_a_private_address_is_refused_however_it_is_spelt(
    names: Names, asked: list[httpx.Request], part: Path, address: str
) -> None:
    names({"inside.example": ["10.0.0.7"], "inside.example.": ["::1"], "both.example": [PUBLIC, "10.0.0.7"]})
    with pytest.raises(BadFile, match="private network"):
        await fetch(address, part)
    assert asked == []


async def test_the_judged_address_is_connected_to_without_a_second_look(
    names: Names, asked: list[httpx.Request], part: Path
) -> None:
    looked_up = names({"files.example": ([PUBLIC], ["127.0.0.1"])})
    await fetch("https://files.example:8443/a.gif", part)
    [request] = asked
    assert str(request.url) == f"https://{PUBLIC}:8443/a.gif"
    assert request.headers["Host"] == "files.example:8443"
    assert request.extensions["sni_hostname"] == "files.example"
    assert looked_up == ["files.example"]


async def test_a_name_that_turns_private_is_refused_at_the_redirect(
    names: Names, monkeypatch: pytest.MonkeyPatch, part: Path
) -> None:
    names({"files.example": ([PUBLIC], ["169.254.169.254"])})
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(302, headers={"Location": "/b.gif"})

    monkeypatch.setattr(
        addresses, "http_client", lambda *_, **__: httpx.AsyncClient(transport=httpx.MockTransport(answer))
    )
    with pytest.raises(BadFile, match=r"private network.*169\.254\.169\.254"):
        await fetch("https://files.example/a.gif", part)
    assert seen == [PUBLIC]


async def test_the_next_address_is_tried_where_one_cannot_be_connected_to(
    names: Names, asked: list[httpx.Request], part: Path
) -> None:
    names({"files.example": [OTHER, PUBLIC]})
    assert (await fetch("https://files.example/a.gif", part)).size == len(GIF)
    assert [request.url.host for request in asked] == [OTHER, PUBLIC]


async def test_a_name_that_leads_nowhere_may_do_so_later(names: Names, part: Path) -> None:
    names({"files.example": []})
    with pytest.raises(CutTransfer, match=r"files\.example cannot be looked up"):
        await fetch("https://files.example/a.gif", part)


async def test_with_a_simulator_only_this_machine_is_private_and_allowed(
    names: Names, asked: list[httpx.Request], part: Path
) -> None:
    names({"inside.example": ["10.0.0.7"]})
    with pytest.raises(BadFile, match="private network"):
        await fetch("http://inside.example/a.gif", part, local_allowed=True)
    for here in ("127.0.0.1", "localhost", "[::1]", "127。0。0。1"):
        await fetch(f"http://{here}/a.gif", part, local_allowed=True)
    assert len(asked) == 4


async def test_the_host_is_asked_by_its_name(names: Names, part: Path) -> None:
    names({"files.example": ["127.0.0.1"]})
    async with file_host(http_answer(GIF, content_length=len(GIF))) as host:
        port = host.url.rpartition(":")[2]
        await fetch(f"http://files.example:{port}/a.gif", part, local_allowed=True)
    assert f"Host: files.example:{port}\r\n" in host.requests[0]


async def test_the_certificate_has_to_be_the_names(
    names: Names, monkeypatch: pytest.MonkeyPatch, part: Path
) -> None:
    """The server's name, not its address, goes into the TLS handshake."""
    names({"files.example": ["127.0.0.1"]})
    told: list[str] = []
    true = ssl.SSLContext.wrap_bio

    def wrap_bio(*args: Any, server_hostname: bytes | str = "", **options: Any) -> Any:
        told.append(server_hostname.decode() if isinstance(server_hostname, bytes) else server_hostname)
        return true(*args, server_hostname=server_hostname, **options)

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", wrap_bio)
    monkeypatch.setattr(addresses, "TIMEOUT", httpx.Timeout(0.5))  # the host never answers the handshake
    async with file_host(b"no TLS\r\n\r\n") as host:
        port = host.url.rpartition(":")[2]
        with pytest.raises(CutTransfer):
            await fetch(f"https://files.example:{port}/a.gif", part, local_allowed=True)
    assert told == ["files.example"]


class TestProxies:
    """A proxy of the environment looks names up itself."""

    @pytest.fixture
    def ways(self, monkeypatch: pytest.MonkeyPatch, asked: list[httpx.Request]) -> list[str | None]:
        made: list[str | None] = []
        client = addresses.http_client

        def counted(*which: Any, proxy: str | None, **options: Any) -> httpx.AsyncClient:
            made.append(proxy)
            return client(*which, proxy=proxy, **options)

        monkeypatch.setattr(addresses, "http_client", counted)
        monkeypatch.setenv("https_proxy", "proxy.corp:3128")
        monkeypatch.setenv("no_proxy", "direct.example")
        return made

    async def test_it_gets_the_name(
        self, ways: list[str | None], names: Names, asked: list[httpx.Request], part: Path
    ) -> None:
        names({"files.example": [PUBLIC], "unknown.example": []})
        for name in ("files.example", "unknown.example"):
            await fetch(f"https://{name}/a.gif", part)
        assert [request.url.host for request in asked] == ["files.example", "unknown.example"]
        assert ways == ["http://proxy.corp:3128"] * 2

    async def test_what_this_machine_knows_to_be_private_is_refused(
        self, ways: list[str | None], names: Names, part: Path
    ) -> None:
        names({"inside.example": ["10.0.0.7"]})
        for address in ("https://inside.example/a.gif", "https://169.254.169.254/"):
            with pytest.raises(BadFile, match="private network"):
                await fetch(address, part)
        assert ways == []

    async def test_exceptions_are_connected_to_directly(
        self, ways: list[str | None], names: Names, asked: list[httpx.Request], part: Path
    ) -> None:
        names({"direct.example": [PUBLIC]})
        await fetch("https://direct.example/a.gif", part)
        await fetch("https://localhost/a.gif", part, local_allowed=True)
        assert [request.url.host for request in asked] == [PUBLIC, "127.0.0.1"]
        assert ways == [None, None]


async def test_a_cancellation_that_meets_the_answer_is_not_lost() -> None:
    """As `asyncio.wait_for` would lose it on Python 3.11."""
    came: asyncio.Future[httpx.Response] = asyncio.get_running_loop().create_future()

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await came

    async with httpx.AsyncClient(transport=Slow()) as http:
        asking = asyncio.create_task(
            addresses._first_answer(http, httpx.URL("http://127.0.0.1/a.mp4"), {}, [None])
        )
        await asyncio.sleep(0.01)
        came.set_result(httpx.Response(200, content=b""))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
