"""Disks as they are: some cannot sync directories, some take short names only, and some errors stay."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from prefect.filesystems import RemoteFileSystem

from prefect_kie.api import Job, JobState
from prefect_kie.media.saved import STEM_LENGTH, file_stem
from prefect_kie.runtime.processes import mark
from prefect_kie.storage import base
from prefect_kie.storage.base import LocalStorage, Storage, no_waiting_mends, part_beside, temporary_folder
from prefect_kie.storage.fsspec import storage_for

LONG = Job(
    task_id="t" * 40,
    model="some-provider/" + "m" * 60,
    state=JobState.SUCCESS,
    request_body={"model": "m", "input": {"prompt": "word " * 40}},
)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_directory_sync(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    true = os.fsync

    def fsync(descriptor: Any) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(number, os.strerror(number))
        true(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM]
)
async def test_a_directory_that_cannot_be_synced_is_written_to_all_the_same(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_directory_sync(monkeypatch, number)
    storage = LocalStorage(tmp_path)
    await storage.write("a.json", b"1")
    assert await storage.create("b.json", b"2")
    (tmp_path / "video.part").write_bytes(b"3")
    await storage.put(tmp_path / "video.part", "c.mp4")
    assert files_in(tmp_path) == {"a.json": b"1", "b.json": b"2", "c.mp4": b"3"}


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
async def test_a_disk_that_fails_is_told(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_directory_sync(monkeypatch, number)
    with pytest.raises(OSError, match=os.strerror(number)):
        await LocalStorage(tmp_path).write("a.json", b"1")


@pytest.mark.parametrize(
    "suffix", [".json", ".mp4", "_12.jpeg", "_watermarked_12.mp4", "_watermarked_12_data.json"]
)
def test_every_suffix_fits(suffix: str, tmp_path: Path) -> None:
    name = f"{file_stem(LONG)}{suffix}"
    assert len(file_stem(LONG)) <= STEM_LENGTH
    assert len(name) <= 143
    part = part_beside(tmp_path, name)
    assert len(part.name) <= 143
    assert len(part_beside(tmp_path, "ü" * 200).name.encode()) <= 143
    assert part.name != part_beside(tmp_path, name).name


def test_parts_of_two_long_names_are_told_apart() -> None:
    one, other = (base.part_prefix(f"{'a' * 140}{letter}") for letter in "bc")
    assert one != other
    assert base.part_prefix("short.mp4") == ".short.mp4."


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (OSError(errno.ENOSPC, "full"), True),
        (OSError(errno.EDQUOT, "quota"), True),
        (OSError(errno.EROFS, "read-only"), True),
        (OSError(errno.ENAMETOOLONG, "long"), True),
        (OSError(errno.EACCES, "denied"), True),
        (PermissionError("a store's own words"), True),
        (OSError(errno.ENOTDIR, "no directory"), True),
        (OSError(errno.EISDIR, "a directory"), True),
        (OSError(errno.EIO, "broken"), False),
        (ConnectionError("no route"), False),
        (TimeoutError(), False),
        (ValueError("any"), False),
    ],
)
def test_errors_that_stay_are_known(error: Exception, stays: bool) -> None:
    assert no_waiting_mends(error) is stays


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """A file system behind a block: one that moves in one step, and one that does not."""
    monkeypatch.chdir(tmp_path)
    scheme = request.param
    return storage_for(RemoteFileSystem(basepath=f"{scheme}://videos-{os.getpid()}-{id(request)}"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "waiting.part"
    path.write_bytes(b"a whole video")
    return path


@pytest.mark.parametrize("silent", [True, False], ids=["without a word", "with an error"])
async def test_a_disk_that_is_full_leaves_no_part_under_the_files_name(
    silent: bool, place: Storage, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(filesystem: Any, source: str, target: str, **_: Any) -> None:
        with filesystem.open(target, "wb") as opened:
            opened.write(Path(source).read_bytes()[:5])
        if not silent:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        for kind in (LocalFileSystem, MemoryFileSystem):
            patched.setattr(kind, "put_file", half)
        with pytest.raises(OSError, match="5 bytes there instead of 13" if silent else "No space left"):
            await place.put(file, "a.mp4")
    assert await place.read("a.mp4") is None
    assert await place.names("") == []
    assert list(files_in(tmp_path)) == [file.name]
    await place.put(file, "a.mp4")
    assert await place.read("a.mp4") == b"a whole video"


async def test_what_was_there_stays_until_the_new_file_is_whole(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = storage_for(RemoteFileSystem(basepath="local://videos"))
    await place.write("a.json", b"old")
    await place.write("a.mp4", b"old")
    with monkeypatch.context() as patched:

        def cut(filesystem: Any, path: str, content: bytes, **_: Any) -> None:
            Path(path).write_bytes(content[:1])
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(LocalFileSystem, "pipe_file", cut)
        with pytest.raises(OSError, match="No space"):
            await place.write("a.json", b"new")
    assert files_in(tmp_path / "videos") == {"a.json": b"old", "a.mp4": b"old"}

    true = LocalFileSystem.mv

    def onto_nothing(filesystem: Any, source: str, target: str, **options: Any) -> None:
        if Path(target).exists():
            raise OSError("SFTP: Failure")
        true(filesystem, source, target, **options)

    monkeypatch.setattr(LocalFileSystem, "mv", onto_nothing)  # as SFTP and SMB do
    await place.put(file, "a.mp4")
    assert files_in(tmp_path / "videos") == {"a.json": b"old", "a.mp4": b"a whole video"}


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from fsspec.implementations.local import LocalFileSystem
from prefect.filesystems import RemoteFileSystem
from prefect_kie.storage.base import part_for
from prefect_kie.storage.fsspec import storage_for

def killed(filesystem, source, target, **_):
    Path(target).write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

LocalFileSystem.put_file = killed
place = storage_for(RemoteFileSystem(basepath="local://videos"))
with part_for(place.local("a")) as part:
    part.write_bytes(b"a whole video")
    asyncio.run(place.put(part, "a.mp4"))
"""


async def test_what_a_killed_writer_left_is_hidden(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run([sys.executable, "-c", KILLED], env=environment, cwd=tmp_path, check=False)
    assert done.returncode == -9
    place = storage_for(RemoteFileSystem(basepath="local://videos"))
    assert await place.read("a.mp4") is None
    assert await place.names("") == []
    assert list(files_in(tmp_path / "videos").values()) == [b"half"]
    [left] = (tmp_path / "tmp").iterdir()
    assert left.name.startswith("prefect-kie-")

    await place.put(file, "a.mp4")
    assert await place.names("") == ["a.mp4"]

    alive = tmp_path / "tmp" / f"prefect-kie-{mark()}-alive"
    alive.mkdir()
    with temporary_folder() as folder:
        assert sorted((tmp_path / "tmp").iterdir()) == sorted([alive, folder])
