"""Fetching a file: whole, checked, resumed; from nowhere it should not come from."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_kie.blocks import KieCredentials
from prefect_kie.media import addresses, download
from prefect_kie.media.addresses import BadFile
from prefect_kie.media.download import MAX_PARTS, CutTransfer, DeadLink, Transfer, fetch
from prefect_kie.simulator import SimulatorServer
from tests.file_hosts import Pieces, file_host, finished, http_answer

END = b"\0\0\0\0IEND\xaeB`\x82"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40 + END
PAGE = b"<!doctype html><html><body>Sign in to go on</body></html>"
MIB = 1024 * 1024


@pytest.fixture
async def url(kie: SimulatorServer, credentials: KieCredentials) -> str:
    """The address of a finished video on the simulator."""
    return (await finished(kie, credentials)).urls[0]


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "video.part"


@pytest.fixture
async def whole(url: str) -> bytes:
    """The video's bytes; what this costs is taken out of the simulator's list of requests."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(url)).content


def requests_of_files(kie: SimulatorServer) -> list[dict[str, Any]]:
    """Every request of a file, but for the first one, which was the test's own."""
    every: list[dict[str, Any]] = httpx.get(f"{kie.url}/_sim/file-requests", trust_env=False).json()
    return every[1:]


def ranges(kie: SimulatorServer) -> list[str | None]:
    return [request["range"] for request in requests_of_files(kie)]


async def local(url: str, part: Path, **options: Any) -> Transfer:
    """Fetch from this machine."""
    return await fetch(url, part, local_allowed=True, **options)


def assert_fetched(transfer: Transfer, part: Path, content: bytes, suffix: str) -> None:
    assert part.read_bytes() == content
    assert transfer.size == len(content)
    assert transfer.sha256 == hashlib.sha256(content).hexdigest()
    assert transfer.suffix == suffix


def picture() -> httpx.Response:
    """An answer that is streamed, as those of a network are."""
    return httpx.Response(200, stream=Pieces(PNG))


Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handler], list[httpx.Request]]:
    """Have every host of the world answered by a function; returns what it was asked."""

    looked_up = socket.getaddrinfo

    def public(host: str, *args: Any, **options: Any) -> Any:
        return looked_up("93.184.215.14" if host.endswith(".example") else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", public)

    def answered_by(handler: Handler) -> list[httpx.Request]:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return handler(request)

        def client(*_: Any, **__: Any) -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=httpx.MockTransport(answer))

        monkeypatch.setattr(addresses, "http_client", client)
        return seen

    return answered_by


class TestWhole:
    """A file that comes as it should."""

    async def test_it_is_fetched_with_its_checksum(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        assert_fetched(await local(url, part), part, whole, ".mp4")
        [request] = requests_of_files(kie)
        assert request["range"] is None
        assert request["headers"]["accept-encoding"] == "identity"
        assert "authorization" not in request["headers"]

    async def test_what_was_in_the_way_is_overwritten(self, url: str, whole: bytes, part: Path) -> None:
        part.write_bytes(bytes(MIB))
        assert_fetched(await local(url, part), part, whole, ".mp4")

    async def test_a_length_is_not_needed(self, part: Path) -> None:
        async with file_host(http_answer(PNG)) as host:
            assert_fetched(await local(host.url, part), part, PNG, ".png")

    @pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
    async def test_a_big_file_has_all_its_bytes(self, part: Path, told: bool) -> None:
        content = PNG + random.Random(1).randbytes(5 * MIB) + END
        length = {"content_length": len(content)} if told else {}
        async with file_host(http_answer(content, **length)) as host:
            assert_fetched(await local(host.url, part), part, content, ".png")

    async def test_a_file_shorter_than_any_head_is_recognised(self, part: Path) -> None:
        async with file_host(http_answer(b"GIF89a", content_length=6)) as host:
            assert_fetched(await local(host.url, part), part, b"GIF89a", ".gif")

    async def test_a_slow_drip_is_fetched(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        kie.fault("file", drip=4 * len(whole))
        assert_fetched(await local(url, part), part, whole, ".mp4")

    async def test_single_bytes_are_put_together(self, internet: Any, part: Path) -> None:
        pieces = Pieces(*(PNG[at : at + 1] for at in range(len(PNG))))
        internet(lambda _: httpx.Response(200, stream=pieces))
        assert_fetched(await fetch("https://files.example/a", part), part, PNG, ".png")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_redirects_are_followed(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path, status: int
    ) -> None:
        async with file_host(http_answer(status=f"{status} Elsewhere", location=url)) as host:
            assert_fetched(await local(f"{host.url}/a?b=c", part), part, whole, ".mp4")
        assert "GET /a?b=c HTTP/1.1" in host.requests[0]

    async def test_a_relative_redirect_stays_at_the_host(self, part: Path) -> None:
        away = http_answer(status="302 Found", location="../b.png")
        async with file_host(away, http_answer(PNG, content_length=len(PNG))) as host:
            assert_fetched(await local(f"{host.url}/x/y/a.png", part), part, PNG, ".png")
        assert "GET /x/b.png HTTP/1.1" in host.requests[1]


class TestResumed:
    """A transfer that is cut."""

    async def test_it_goes_on_where_it_was_cut(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        kie.fault("file", truncate=1000)
        assert_fetched(await local(url, part), part, whole, ".mp4")
        [_, second] = requests_of_files(kie)
        assert (second["range"], second["status"]) == ("bytes=1000-", 206)
        assert second["headers"]["if-range"].startswith('"')
        assert second["bytes"] == len(whole) - 1000

    async def test_it_may_be_cut_again_and_again(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        kie.fault("file", truncate=700, times=3)
        assert_fetched(await local(url, part), part, whole, ".mp4")
        assert ranges(kie) == [None, "bytes=700-", "bytes=1400-", "bytes=2100-"]

    async def test_a_cut_within_the_first_bytes_is_no_matter(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        kie.fault("file", truncate=5, times=4)
        assert_fetched(await local(url, part), part, whole, ".mp4")

    async def test_a_server_without_ranges_sends_it_all_again(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        kie.fault("file", truncate=1000)
        kie.fault("file", ignore_range=True)
        assert_fetched(await local(url, part), part, whole, ".mp4")
        assert [(request["range"], request["status"]) for request in requests_of_files(kie)] == [
            (None, 200),
            ("bytes=1000-", 200),
        ]

    @pytest.mark.parametrize("size", [1500, 6000], ids=["shorter", "longer"])
    async def test_another_file_than_before_is_fetched_from_its_beginning(
        self, part: Path, size: int
    ) -> None:
        old, new = b"\xff\xd8\xff" + b"o" * 5000, b"\x89PNG\r\n\x1a\n" + b"n" * size
        cut = http_answer(old[:2000], content_length=len(old), etag='"old"')
        async with file_host(cut, http_answer(new, content_length=len(new), etag='"new"')) as host:
            assert_fetched(await local(host.url, part), part, new, ".png")
        assert 'If-Range: "old"' in host.requests[1]

    async def test_a_part_that_begins_elsewhere_is_not_glued_on(self, part: Path) -> None:
        cut = http_answer(PNG[:2000], content_length=len(PNG), etag='"1"')
        wrong = http_answer(
            PNG,
            "206 Partial Content",
            content_length=len(PNG),
            content_range=f"bytes 0-{len(PNG) - 1}/{len(PNG)}",
        )
        async with file_host(cut, wrong) as host:
            assert_fetched(await local(host.url, part), part, PNG, ".png")

    async def test_a_big_file_goes_on_in_the_middle_of_a_batch(self, part: Path) -> None:
        content, cut = PNG + random.Random(2).randbytes(5 * MIB), 2 * MIB + 12_345
        rest = http_answer(
            content[cut:],
            "206 Partial Content",
            content_length=len(content) - cut,
            content_range=f"bytes {cut}-{len(content) - 1}/{len(content)}",
            etag='"1"',
        )
        async with file_host(
            http_answer(content[:cut], content_length=len(content), etag='"1"'), rest
        ) as host:
            assert_fetched(await local(host.url, part), part, content, ".png")
        assert f"Range: bytes={cut}-" in host.requests[1]

    @pytest.mark.parametrize(
        "version",
        [{}, {"etag": 'W/"1"'}, {"last_modified": "Sun, 22 Nov 2026 12:00:00 GMT"}],
        ids=["none", "weak tag", "date"],
    )
    async def test_without_a_strong_version_it_begins_anew(self, part: Path, version: dict[str, str]) -> None:
        cut = http_answer(PNG[:2000], content_length=len(PNG), **version)
        async with file_host(cut, http_answer(PNG, content_length=len(PNG), **version)) as host:
            assert_fetched(await local(host.url, part), part, PNG, ".png")
        assert "Range" not in host.requests[1]

    async def test_a_cut_that_always_comes_at_the_same_place_ends(self, part: Path) -> None:
        async with file_host(http_answer(PNG[:2000], content_length=len(PNG))) as host:
            with pytest.raises(CutTransfer, match="RemoteProtocolError"):
                await local(host.url, part)
        assert len(host.requests) == 2

    async def test_a_connection_that_brings_nothing_ends(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        kie.fault("file", reset=True)
        with pytest.raises(CutTransfer, match="Error: "):
            await local(url, part)
        assert len(requests_of_files(kie)) == 1

    async def test_many_cuts_that_bring_next_to_nothing_end(self, internet: Any, part: Path) -> None:
        def one_byte(request: httpx.Request) -> httpx.Response:
            begin = int(request.headers.get("Range", "bytes=0-")[6:-1])
            return httpx.Response(
                206,
                stream=Pieces(PNG[begin : begin + 1], error=httpx.ReadError("cut")),
                headers={"ETag": '"1"', "Content-Range": f"bytes {begin}-{len(PNG) - 1}/{len(PNG)}"},
            )

        seen = internet(one_byte)
        with pytest.raises(
            CutTransfer, match=f"cut {MAX_PARTS} times, the last time after {MAX_PARTS} bytes"
        ):
            await fetch("https://files.example/a", part)
        assert len(seen) == MAX_PARTS

    async def test_too_short_is_told_where_no_protocol_does(self, internet: Any, part: Path) -> None:
        internet(lambda _: httpx.Response(200, stream=Pieces(PNG[:50]), headers={"Content-Length": "60"}))
        with pytest.raises(CutTransfer, match="50 of 60 bytes came"):
            await fetch("https://files.example/a", part)


class TestRefused:
    """What is no result."""

    @pytest.mark.parametrize(
        ("fault", "error", "text"),
        [
            ({"dead": True}, DeadLink, "HTTP 404"),
            ({"status": 403}, DeadLink, "HTTP 403"),
            ({"status": 410}, DeadLink, "HTTP 410"),
            ({"status": 500, "body": "oops\nmore"}, CutTransfer, "HTTP 500$"),
            ({"status": 429}, CutTransfer, "HTTP 429"),
            ({"status": 204}, CutTransfer, "HTTP 204"),
            ({"status": 200, "body": "<html>"}, CutTransfer, "sent a page in the place of the file"),
            ({"body": '{"code": 404}'}, CutTransfer, 'sent an answer in JSON .*"code": 404'),
            ({"body": ""}, CutTransfer, "the file is empty"),
            ({"endless": 3 * MIB}, BadFile, "longer than the limit of 1,048,576 bytes"),
        ],
        ids=lambda value: next(iter(value.items())) if isinstance(value, dict) else None,
    )
    async def test_trouble_is_told_apart(
        self, kie: SimulatorServer, url: str, part: Path, fault: Any, error: type[Exception], text: str
    ) -> None:
        kie.fault("file", **fault)
        with pytest.raises(error, match=text):
            await local(url, part, max_bytes=MIB)

    @pytest.mark.parametrize("spare", [-1, 0])
    async def test_the_limit_is_exact(self, url: str, whole: bytes, part: Path, spare: int) -> None:
        limit = len(whole) + spare
        if spare < 0:
            with pytest.raises(BadFile, match=f"the file has {len(whole):,} bytes; the limit is {limit:,}"):
                await local(url, part, max_bytes=limit)
            assert part.stat().st_size == 0  # told by its announced length, before a byte came
        else:
            assert (await local(url, part, max_bytes=limit)).size == limit

    async def test_a_resumed_file_counts_as_a_whole(
        self, kie: SimulatorServer, url: str, whole: bytes, part: Path
    ) -> None:
        grown = http_answer(
            bytes(3000), "206 Partial Content", content_length=3000, content_range="bytes 0-2999/3000"
        )
        cut = http_answer(PNG[:1000], content_length=2000, etag='"1"')
        async with file_host(cut, grown) as host:
            with pytest.raises(BadFile, match="the file has 3,000 bytes; the limit is 2,500"):
                await local(host.url, part, max_bytes=2500)


class TestAddresses:
    """Where a file may come from."""

    @pytest.mark.parametrize(
        ("address", "text"),
        [
            ("ftp://files.example/a.mp4", "not a public http"),
            ("file:///etc/passwd", "not a public http"),
            ("https:///a.mp4", "not a public http"),
            ("/a.mp4", "not a public http"),
            ("https://me:secret@files.example/a.mp4", "not a public http"),
            ("https://:secret@files.example/a.mp4", "not a public http"),
            ("https://@files.example/a.mp4", "not a public http"),
            ("http://[::1/a.mp4", "address is none"),
            ("http://files.example/\x00", "address is none"),
            ("http://files.example:port/", "address is none"),
            ("http://127.0.0.1/a.mp4", "private network"),
            ("http://127.1/a.mp4", "private network"),
            ("http://2130706433/a.mp4", "private network"),
            ("http://0x7f000001/a.mp4", "private network"),
            ("http://localhost:4200/api", "private network"),
            ("http://LOCALHOST./api", "private network"),
            ("http://kie.localhost/api", "private network"),
            ("http://10.0.0.1/a.mp4", "private network"),
            ("http://192.168.1.1/a.mp4", "private network"),
            ("http://169.254.169.254/latest/meta-data", "private network"),
            ("http://[::1]/a.mp4", "private network"),
            ("http://[fd00::1]/a.mp4", "private network"),
            ("http://[::ffff:127.0.0.1]/a.mp4", "private network"),
            ("http://0.0.0.0/a.mp4", "private network"),
        ],
    )
    async def test_a_result_is_public(self, internet: Any, part: Path, address: str, text: str) -> None:
        seen = internet(lambda _: picture())
        with pytest.raises(BadFile, match=text):
            await fetch(address, part)
        assert seen == []

    @pytest.mark.parametrize(
        "address",
        [
            "https://files.example/a.png",
            "http://8.8.8.8/a.png",
            "http://[2606:4700::1111]/a",
            "http://é.example",
        ],
    )
    async def test_public_addresses_are_asked(self, internet: Any, part: Path, address: str) -> None:
        internet(lambda _: picture())
        assert_fetched(await fetch(address, part), part, PNG, ".png")

    @pytest.mark.parametrize(
        ("location", "text"),
        [
            ("http://files.example/a.png", "redirects from https to something else"),
            ("ftp://files.example/a.png", "redirects from https to something else"),
            ("https://127.0.0.1/a.png", "private network"),
            ("https://me:secret@files.example/a.png", "not a public http"),
            ("https://files[.example/a.png", "redirects to what is no address"),
        ],
    )
    async def test_a_redirect_leads_nowhere_else(
        self, internet: Any, part: Path, location: str, text: str
    ) -> None:
        seen = internet(lambda _: httpx.Response(302, headers={"Location": location}))
        with pytest.raises(BadFile, match=text):
            await fetch("https://kie.example/a.png", part)
        assert len(seen) == 1

    async def test_a_redirect_may_lead_from_http_to_https_only(self, internet: Any, part: Path) -> None:
        internet(
            lambda request: (
                picture()
                if request.url.scheme == "https"
                else httpx.Response(302, headers={"Location": "https://files.example/a.png"})
            )
        )
        assert_fetched(await fetch("http://files.example/a.png", part), part, PNG, ".png")
        internet(lambda _: httpx.Response(302, headers={"Location": "file:///etc/passwd"}))
        with pytest.raises(BadFile, match="not a public http"):
            await fetch("http://files.example/a.png", part)

    @pytest.mark.parametrize("redirects", [3, 4])
    async def test_redirects_are_counted(self, internet: Any, part: Path, redirects: int) -> None:
        def answer(_: httpx.Request) -> httpx.Response:
            if len(seen) <= redirects:
                return httpx.Response(302, headers={"Location": f"https://files.example/{len(seen)}"})
            return picture()

        seen = internet(answer)
        if redirects > download.MAX_REDIRECTS:
            with pytest.raises(BadFile, match="redirects more than 3 times"):
                await fetch("https://files.example/0", part)
        else:
            assert_fetched(await fetch("https://files.example/0", part), part, PNG, ".png")

    async def test_a_redirect_is_followed_anew_for_each_part(self, internet: Any, part: Path) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/a":
                return httpx.Response(302, headers={"Location": f"/b{len(seen)}"})
            begin = int(request.headers.get("Range", "bytes=0-")[6:-1])
            error = httpx.ReadTimeout("slow") if begin == 0 else None
            pieces = Pieces(PNG[begin : begin + 3000] if error else PNG[begin:], error=error)
            headers = {"ETag": '"1"', "Content-Range": f"bytes {begin}-{len(PNG) - 1}/{len(PNG)}"}
            return httpx.Response(206, stream=pieces, headers=headers)

        seen = internet(answer)
        assert_fetched(await fetch("https://files.example/a", part), part, PNG, ".png")
        assert [request.url.path for request in seen] == ["/a", "/b1", "/a", "/b3"]


async def test_many_transfers_run_side_by_side(
    kie: SimulatorServer, url: str, whole: bytes, tmp_path: Path
) -> None:
    kie.fault("file", truncate=1500, times=5)
    parts = [tmp_path / f"{number}.part" for number in range(10)]
    transfers = await asyncio.gather(*(local(url, part) for part in parts))
    for transfer, part in zip(transfers, parts, strict=True):
        assert_fetched(transfer, part, whole, ".mp4")
