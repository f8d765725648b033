"""Storage that several machines share, on a store that really speaks S3."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fsspec import get_filesystem_class
from prefect.filesystems import RemoteFileSystem

from prefect_kie.cli.local_server import free_port
from prefect_kie.storage.base import NotExclusive, Storage
from prefect_kie.storage.fsspec import storage_for
from tests.s3_store import (
    ABSENT,
    CONFLICTING,
    FORBIDDEN,
    FORGETFUL,
    KEY,
    PLAIN,
    SECRET,
    UNCONDITIONAL,
    S3Store,
    s3_store,
)
from tests.unit.tasks import test_storage

CONTENT = test_storage.CONTENT
SHA256 = hashlib.sha256(CONTENT).hexdigest()

MACHINE = """
import asyncio, json, sys
from prefect.filesystems import RemoteFileSystem
from prefect_kie.storage.fsspec import storage_for

while line := sys.stdin.readline():
    block, method, path, *content = json.loads(line)
    storage = storage_for(RemoteFileSystem(**block))
    done = asyncio.run(getattr(storage, method)(path, *[text.encode() for text in content]))
    print(json.dumps(done.decode() if isinstance(done, bytes) else done), flush=True)
"""


class Machine:
    """Another machine: a process that shares nothing with this one but the store."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def told(self, block: RemoteFileSystem, *words: str) -> None:
        """Tell it what to do, and go on."""
        assert self._process.stdin is not None
        told = [{"basepath": block.basepath, "settings": block.settings}, *words]
        print(json.dumps(told), file=self._process.stdin, flush=True)

    def answer(self) -> Any:
        """What came of the next thing it was told."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def does(self, block: RemoteFileSystem, *words: str) -> Any:
        """Have it do one thing, and wait until it is done."""
        self.told(block, *words)
        return self.answer()


@contextmanager
def machine() -> Iterator[Machine]:
    command = [sys.executable, "-c", MACHINE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Machine(process)
        process.kill()


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two other machines."""
    with machine() as one, machine() as two:
        yield one, two


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Store]:
    with s3_store() as store:
        yield store


@pytest.fixture
def block(s3: S3Store) -> RemoteFileSystem:
    return s3.block()


@pytest.fixture
def place(block: RemoteFileSystem) -> Storage:
    return storage_for(block)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "video.part"
    path.write_bytes(CONTENT)
    return path


class TestEveryStorage(test_storage.TestEveryStorage):
    """What holds of all of them holds here."""


# What other machines do


async def test_what_another_machine_writes_is_seen_at_once_and_whole(
    block: RemoteFileSystem, machines: tuple[Machine, Machine]
) -> None:
    block.settings = {**block.settings, "default_block_size": 1024}  # from two blocks on, read in pieces
    place, other = storage_for(block), machines[0]
    old, new = b"o" * 2100, b"n" * 5000
    await place.write("a/b.json", old)
    filesystem: Any = block.filesystem
    assert len(filesystem.ls(block._resolve_path("a"))) == 1  # what fsspec then remembers, of all who use it
    assert await place.read("a/b.json") == old
    assert await place.names("a") == ["b.json"]
    assert await place.holds("a/b.json", len(old), "of no matter")
    assert await place.read("a/c.json") is None

    other.does(block, "write", "a/b.json", new.decode())
    assert await place.read("a/b.json") == new
    assert await place.holds("a/b.json", len(new), "of no matter")
    other.does(block, "write", "a/c.json", "1")
    assert await place.read("a/c.json") == b"1"
    assert await place.names("a") == ["b.json", "c.json"]
    other.does(block, "delete", "a/b.json")
    assert await place.read("a/b.json") is None
    assert not await place.holds("a/b.json", len(new), "of no matter")
    assert await place.names("a") == ["c.json"]


async def test_listing_leaves_nothing_behind_that_others_would_believe(
    block: RemoteFileSystem, place: Storage, machines: tuple[Machine, Machine]
) -> None:
    other = machines[0]
    await place.write("a/b.json", b"old")
    assert await place.names("a") == ["b.json"]
    other.does(block, "write", "a/result", "longer")
    assert await block.aread_path("a/result") == b"longer"  # as Prefect reads its results


async def test_of_two_machines_one_creates(
    block: RemoteFileSystem, place: Storage, machines: tuple[Machine, Machine]
) -> None:
    one, two = machines
    assert one.does(block, "read", "none") is None
    assert two.does(block, "read", "none") is None
    for n in range(10):
        one.told(block, "create", f"{n}.json", "one")
        two.told(block, "create", f"{n}.json", "two")
        winners = [name for name, machine in (("one", one), ("two", two)) if machine.answer()]
        assert len(winners) == 1
        assert await place.read(f"{n}.json") == winners[0].encode()


def test_of_many_threads_one_creates(block: RemoteFileSystem) -> None:
    together = threading.Barrier(8)

    def create(n: int) -> bool:
        together.wait()
        return asyncio.run(storage_for(block).create("record.json", b"%d" % n))

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(create, range(8)))
    assert sum(won) == 1
    assert asyncio.run(storage_for(block).read("record.json")) == b"%d" % won.index(True)


# Exclusive creation


def looks_too_early(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a storage's first look come before anybody else wrote."""
    true, looks = storage.read, iter([True])

    async def read(path: str) -> bytes | None:
        return None if next(looks, False) else await true(path)

    monkeypatch.setattr(storage, "read", read)


async def test_who_looked_too_early_is_refused_all_the_same(
    place: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.write("record.json", b"theirs")
    looks_too_early(place, monkeypatch)
    assert not await place.create("record.json", b"ours")
    assert await place.read("record.json") == b"theirs"


async def test_a_store_that_lets_two_writers_through_is_refused_and_keeps_nothing(s3: S3Store) -> None:
    place = storage_for(s3.block())
    assert await place.create("record.json", b"1")
    assert await place.read("record.json") == b"1"
    for refused in (storage_for(s3.block(UNCONDITIONAL)), storage_for(test_storage.memory())):
        for _ in range(2):
            with pytest.raises(NotExclusive):
                await refused.create("record.json", b"1")
            assert await refused.read("record.json") is None


async def test_an_older_driver_is_refused(block: RemoteFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    true = type(block.filesystem)._pipe_file

    async def older(self: Any, path: str, value: bytes, **options: Any) -> None:
        assert not options
        await true(self, path, value)

    monkeypatch.setattr(type(block.filesystem), "_pipe_file", older)
    place = storage_for(block)
    with pytest.raises(NotExclusive):
        await place.create("record.json", b"1")
    type(block.filesystem).clear_instance_cache()  # those made meanwhile keep the older method


async def test_azures_driver_has_a_word_of_its_own_for_a_new_file(
    block: RemoteFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = get_filesystem_class("s3")
    true = driver._pipe_file

    async def as_adlfs(self: Any, path: str, value: bytes, overwrite: bool = True, **options: Any) -> None:
        assert not options
        await true(self, path, value, mode="overwrite" if overwrite else "create")

    monkeypatch.setattr(driver, "_pipe_file", as_adlfs)
    driver.clear_instance_cache()  # those of other tests have the true method
    place = storage_for(block)
    assert await place.create("record.json", b"ours")
    assert not await place.create("record.json", b"theirs")
    looks_too_early(place, monkeypatch)
    assert not await place.create("record.json", b"theirs")
    assert await place.read("record.json") == b"ours"
    await place.write("record.json", b"later")
    assert await place.read("record.json") == b"later"
    driver.clear_instance_cache()


async def test_our_own_file_does_not_refuse_us_where_its_answer_was_lost(s3: S3Store) -> None:
    place = storage_for(s3.block(FORGETFUL))
    assert await place.create("record.json", b"ours")
    assert await place.read("record.json") == b"ours"
    assert not await place.create("record.json", b"theirs")


async def test_a_conflict_is_a_refusal(s3: S3Store) -> None:
    place = storage_for(s3.block(CONFLICTING))
    assert not await place.create("record.json", b"1")
    assert await place.read("record.json") is None
    assert await place.create("record.json", b"1")
    assert not await place.create("record.json", b"2")
    assert await place.read("record.json") == b"1"


# Missing, and out of reach


async def calls_on(place: Storage, file: Path) -> dict[str, BaseException | Any]:
    """What comes of each call."""
    calls: dict[str, Awaitable[Any]] = {
        "read": place.read("a/b.json"),
        "write": place.write("a/b.json", b""),
        "create": place.create("a/b.json", b""),
        "names": place.names("a"),
        "put": place.put(file, "a/video.mp4"),
        "holds": place.holds("a/video.mp4", 1, SHA256),
        "delete": place.delete("a/b.json"),
    }
    return dict(zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True))


@pytest.mark.parametrize(
    ("bucket", "says"),
    [(ABSENT, "bucket does not exist"), (FORBIDDEN, "Forbidden|as told"), (PLAIN, "Could not connect")],
    ids=["no bucket", "no permission", "no connection"],
)
async def test_a_store_out_of_reach_is_not_taken_for_an_empty_one(
    s3: S3Store, file: Path, bucket: str, says: str
) -> None:
    block = s3.block(bucket)
    if bucket == PLAIN:
        once = {"retries": {"total_max_attempts": 1}}
        nowhere = f"http://127.0.0.1:{free_port()}"
        block.settings = {**block.settings, "endpoint_url": nowhere, "config_kwargs": once}
    for name, found in (await calls_on(storage_for(block), file)).items():
        assert isinstance(found, Exception), name
        said = f"{found!r} {found.__cause__!r}"
        assert re.search(says, said), name
        assert KEY not in said
        assert SECRET not in said
    assert file.read_bytes() == CONTENT


async def test_a_bucket_of_a_mistyped_name_is_not_made(s3: S3Store, file: Path) -> None:
    await calls_on(storage_for(s3.block(ABSENT)), file)
    with pytest.raises(FileNotFoundError, match="bucket does not exist"):
        await storage_for(s3.block(ABSENT)).names("")


async def test_a_folder_of_many_records_is_listed(place: Storage) -> None:
    names = sorted(f"kie-{uuid4().hex}.json" for _ in range(50))
    await asyncio.gather(*(place.write(f"kie-submissions/{name}", b"{}") for name in names))
    await place.write("kie-submissions-else/other.json", b"{}")
    assert await place.names("kie-submissions") == names
    assert await place.names("kie-submissions/") == names


async def test_addresses_show_no_secret(block: RemoteFileSystem, place: Storage) -> None:
    assert place.address("a/b.mp4") == f"{block.basepath}/a/b.mp4"
    assert SECRET not in place.address("a/b.mp4")
