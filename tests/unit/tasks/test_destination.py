"""A place for results that cannot be written to is found before anything is paid for."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from prefect.filesystems import LocalFileSystem, RemoteFileSystem

from prefect_kie.api import InvalidRequest
from prefect_kie.storage.run_storage import check_writable


def everything_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


async def test_a_directory_is_made_and_left_empty(tmp_path: Path) -> None:
    await check_writable(tmp_path / "a" / "b", None)
    assert (tmp_path / "a" / "b").is_dir()
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize(
    "block", [LocalFileSystem(basepath="videos"), RemoteFileSystem(basepath="local://videos")], ids=type
)
async def test_a_block_is_left_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: LocalFileSystem | RemoteFileSystem
) -> None:
    monkeypatch.chdir(tmp_path)
    await check_writable(None, block)
    assert (tmp_path / "videos").is_dir()
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize("place", ["file", "below a file", "/proc", "/proc/results", "/dev/null"])
async def test_what_is_no_directory_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    named = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "videos"}.get(place, Path(place))
    with pytest.raises(InvalidRequest, match="nothing was submitted") as caught:
        await check_writable(named, None)
    assert caught.value.billed == "no"
    assert str(named) in caught.value.message
    assert (tmp_path / "file").read_text() == "mine"


async def test_a_block_that_cannot_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidRequest, match=r"local://file/videos/ .*nothing was submitted"):
        await check_writable(None, RemoteFileSystem(basepath="local://file/videos"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
async def test_a_disk_that_takes_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(InvalidRequest, match=os.strerror(number)):
        await check_writable(tmp_path, None)
    assert everything_in(tmp_path) == []
