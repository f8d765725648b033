"""The live catalogue of a machine: its cache, its pace, and submissions that never wait for it long."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prefect.context import SettingsContext, get_settings_context

from prefect_kie.api import AuthenticationFailed, KieError, ServiceUnavailable
from prefect_kie.api.calls import RateLimiter
from prefect_kie.blocks import KieCredentials
from prefect_kie.runtime import live_catalog
from prefect_kie.runtime.clients import shared_client
from prefect_kie.runtime.live_catalog import LiveCatalog, schema_before_paying
from tests.conftest import KEY
from tests.hosting import hosting

OPENAPI = {
    "paths": {
        "/api/v1/jobs/createTask": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "properties": {
                                    "input": {
                                        "type": "object",
                                        "properties": {"prompt": {"type": "string"}},
                                        "required": ["prompt"],
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
GAP_SECONDS = 0.1  # between questions; a second with the real Kie
SCHEMA = {"code": 200, "data": {"model": "acme/any", "openapi": OPENAPI}}


class Kie:
    """A Kie with one answer to everything, or none."""

    def __init__(self) -> None:
        self.answer: Any = SCHEMA
        self.paths: list[str] = []
        self.times: list[float] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                self.paths.append(line.decode().split()[1])
                self.times.append(time.time())
                if self.answer is None:
                    await asyncio.sleep(3600)
                body = json.dumps(self.answer).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass

    @property
    def credentials(self) -> KieCredentials:
        return KieCredentials(api_key=KEY, base_url=self.url, upload_url=self.url)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    now = get_settings_context()
    settings = now.settings.model_copy(update={"home": tmp_path})
    with SettingsContext(profile=now.profile, settings=settings):
        yield tmp_path


@pytest.fixture
async def kie(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kie]:
    monkeypatch.setattr(live_catalog, "GAP_SECONDS", GAP_SECONDS)
    kie = Kie()
    async with hosting(kie.serve) as kie.url:
        shared_client(kie.credentials).catalog_calls = RateLimiter(1, GAP_SECONDS)
        yield kie
    live_catalog._away().clear()


async def test_an_answer_counts_for_a_day(kie: Kie, home: Path) -> None:
    for _ in range(3):
        schema = await LiveCatalog(kie.credentials).schema("acme/any")
        assert schema is not None
        assert schema.problems({}) == ["prompt is required"]
    assert kie.paths == ["/api/v1/models/acme/any/schema"]
    kept = next(home.glob("kie-catalog/*/*.db"))
    assert KEY.encode() not in kept.read_bytes()
    with live_catalog._opened(kept) as answers:
        answers.execute("UPDATE answers SET at = at - 86401")
    kie.answer = {"code": 500, "msg": "no"}
    assert await LiveCatalog(kie.credentials).schema("acme/any") == schema  # an older one, where Kie is away
    assert len(kie.paths) == 2


async def test_what_is_damaged_is_asked_for_anew(kie: Kie, home: Path) -> None:
    for damage in (b"no database", b'{"', b"", b"[" * 600_000):
        schema = None
        for _ in range(2):  # a damaged file is removed by whoever finds it
            with suppress(KieError):
                schema = await LiveCatalog(kie.credentials).schema("acme/any")
        assert schema is not None
        kept = next(home.glob("kie-catalog/*/*.db"))
        kept.write_bytes(damage)
        with suppress(FileNotFoundError):
            assert live_catalog._read(kept, "schema acme/any", str) is None
    file = home / "answers.db"
    with live_catalog._opened(file) as answers:
        for value in ('"b"', "{", '"' + "b" * 600_000 + '"'):
            live_catalog._keep(answers, "a", value)
            assert live_catalog._read(file, "other", str) is None
            found = live_catalog._read(file, "a", str)
            assert (found and found[1]) == ("b" if value == '"b"' else None)


def test_as_many_as_fit_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_catalog, "MAX_ANSWERS", 2)
    with live_catalog._opened(tmp_path / "answers.db") as answers:
        live_catalog._keep(answers, "x", "x" * 600_000)
        assert list(answers.execute("SELECT name FROM answers")) == []
        for name in ("a", "b", "c"):
            live_catalog._keep(answers, name, '""')
        assert sorted(answers.execute("SELECT name FROM answers")) == [("b",), ("c",)]


async def test_that_kie_has_no_such_model_counts_for_a_while(kie: Kie) -> None:
    kie.answer = {"code": 404, "msg": "no such model"}
    assert await LiveCatalog(kie.credentials).schema("acme/any") is None
    assert await LiveCatalog(kie.credentials).schema("acme/any") is None
    assert len(kie.paths) == 1


async def test_a_model_that_is_not_among_those_remembered_is_asked_for_anew(kie: Kie) -> None:
    kie.answer = {"code": 200, "data": {"models": [{"model": "a"}]}}
    await LiveCatalog(kie.credentials).models()
    await LiveCatalog(kie.credentials).models("a")
    assert len(kie.paths) == 1
    kie.answer = {"code": 200, "data": {"models": [{"model": "a"}, {"model": "b"}]}}
    assert [model.model for model in await LiveCatalog(kie.credentials).models("b")] == ["a", "b"]
    assert len(kie.paths) == 2


async def test_errors_are_kies(kie: Kie) -> None:
    kie.answer = {"code": 401, "msg": "no"}
    with pytest.raises(AuthenticationFailed):
        await LiveCatalog(kie.credentials).models()


async def test_many_at_once_are_one_question(kie: Kie) -> None:
    found = await asyncio.gather(*(schema_before_paying(kie.credentials, "acme/any") for _ in range(30)))
    assert all(found)
    assert len(kie.paths) == 1


ASK = """
import asyncio, sys
from prefect_kie.blocks import KieCredentials
from prefect_kie.runtime import live_catalog
from prefect_kie.runtime.live_catalog import LiveCatalog
url, name, gap = sys.argv[1:]
live_catalog.GAP_SECONDS = float(gap)
kie = KieCredentials(api_key="any-key-12345", base_url=url, upload_url=url)
asyncio.run(LiveCatalog(kie).price(name))
"""


async def test_processes_keep_their_calls_apart(kie: Kie, home: Path) -> None:
    kie.answer = {"code": 200, "data": {"pricingDesc": "5"}}
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    other = subprocess.Popen([sys.executable, "-c", ASK, kie.url, "a", str(GAP_SECONDS)], env=environment)
    while other.poll() is None:
        await LiveCatalog(kie.credentials).price(f"c{len(kie.paths)}")
    assert other.returncode == 0
    assert len(kie.times) >= 3
    assert min(later - earlier for earlier, later in pairwise(kie.times)) >= 0.99 * GAP_SECONDS


async def test_a_submission_waits_a_few_seconds_and_only_once(
    kie: Kie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_catalog, "PAYING_SECONDS", 0.3)
    kie.answer = None
    begun = time.monotonic()
    for _ in range(3):
        assert await schema_before_paying(kie.credentials, "acme/any") is None
    assert time.monotonic() - begun < 0.9
    assert len(kie.paths) == 1
    with pytest.raises(ServiceUnavailable, match=r"within 0\.2 s"):
        await LiveCatalog(kie.credentials, 0.2).schema("acme/any")


async def test_a_home_that_takes_no_file_fails_nothing(kie: Kie, home: Path) -> None:
    (home / "kie-catalog").write_text("a file")
    assert await schema_before_paying(kie.credentials, "acme/any") is None
    with pytest.raises(KieError):
        await LiveCatalog(kie.credentials).models()
