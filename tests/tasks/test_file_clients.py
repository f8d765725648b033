"""Clients for files: one for all transfers under way, and nothing of it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from prefect_kie.tasks import file_clients
from prefect_kie.tasks.download import fetch
from prefect_kie.tasks.file_clients import file_client
from tests.tasks.file_hosts import file_host, http_answer

GIF = b"GIF89a" + bytes(100)
OWN, OTHER = "http://127.0.0.1:1/a.mp4", "https://files.example/a.mp4"


def test_transfers_under_way_share_one_which_ends_with_the_last_of_them() -> None:
    with file_client(OTHER) as first:
        with file_client("https://elsewhere.example/b.mp4") as second:
            assert second is first
        assert not first.is_closed
    assert first.is_closed
    with file_client(OTHER) as third:
        assert third is not first


def test_this_machines_own_hosts_are_reached_without_a_proxy() -> None:
    with file_client(OWN) as own, file_client(OTHER) as other:
        assert (own.trust_env, other.trust_env) == (False, True)


def test_one_that_fails_leaves_the_others_theirs() -> None:
    with file_client(OTHER) as http:
        with pytest.raises(OSError, match="no space"), file_client(OTHER):
            raise OSError("no space")
        assert not http.is_closed
    assert http.is_closed


async def test_many_at_once_need_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[httpx.Client] = []
    make: Callable[..., httpx.Client] = file_clients.blocking_http_client

    def counted(url: str, timeout: httpx.Timeout) -> httpx.Client:
        made.append(make(url, timeout))
        return made[-1]

    monkeypatch.setattr(file_clients, "blocking_http_client", counted)
    async with file_host(http_answer(GIF, content_length=len(GIF))) as host:
        with file_client(host.url):  # as one transfer that takes longer
            many = [fetch(f"{host.url}/{one}", tmp_path / f"{one}", local_allowed=True) for one in range(50)]
            assert {done.size for done in await asyncio.gather(*many)} == {len(GIF)}
    assert len(made) == 1
    assert made[0].is_closed


async def test_no_cookie_goes_from_one_file_to_the_next(tmp_path: Path) -> None:
    answer = http_answer(GIF, content_length=len(GIF), set_cookie="who=me; Path=/")
    async with file_host(answer) as host:
        with file_client(host.url) as http:
            for name in ("first", "second"):
                await fetch(f"{host.url}/{name}", tmp_path / name, local_allowed=True)
            assert not http.cookies
    assert len(host.requests) == 2
    assert "cookie" not in host.requests[1].lower()


def test_a_forked_process_has_one_of_its_own() -> None:
    with file_client(OTHER) as http:
        file_clients._forget_the_parents()
        with file_client(OTHER) as child:
            assert child is not http
    assert http.is_closed
