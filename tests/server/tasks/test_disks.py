"""Disks as they are: some cannot sync directories, some take short names only, and some errors stay."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.filesystems import RemoteFileSystem

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import DownloadFailed
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import Storage
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.tasks import save_result
from tests.file_hosts import finished
from tests.unit.tasks.test_disks import LONG, files_in


def with_short_names(monkeypatch: pytest.MonkeyPatch, folder: Path, most: int) -> None:
    """Have a folder take names of so many bytes, as an encrypted one does."""

    def limited(function: Callable[..., Any], paths: int) -> Callable[..., Any]:
        def checked(*args: Any, **options: Any) -> Any:
            for path in args[:paths]:
                if not isinstance(path, int) and Path(path).is_relative_to(folder):
                    for name in Path(path).relative_to(folder).parts:
                        if len(name.encode()) > most:
                            raise OSError(errno.ENAMETOOLONG, "File name too long", str(path))
            return function(*args, **options)

        return checked

    for name, paths in {"open": 1, "stat": 1, "rename": 2, "replace": 2, "link": 2, "unlink": 1}.items():
        monkeypatch.setattr(os, name, limited(getattr(os, name), paths))
    monkeypatch.setattr(io, "open", limited(io.open, 1))
    true = os.pathconf
    monkeypatch.setattr(
        os, "pathconf", lambda path, name: most if name == "PC_NAME_MAX" else true(path, name)
    )


@pytest.mark.server
async def test_no_name_of_a_saved_job_is_too_long(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = await finished(kie, credentials)
    videos = tmp_path / "videos"
    videos.mkdir()
    long = job.model_copy(update={"request_body": LONG.request_body, "model": LONG.model})
    kie.fault("file", truncate=1000)
    with_short_names(monkeypatch, videos, 143)
    saved = await save_result(long, credentials, directory=videos)
    assert sorted(files_in(videos)) == sorted([saved.files[0].name, f"{Path(saved.path).stem}.json"])
    assert await save_result(long, credentials, directory=videos) == saved
    assert kie.stats()["file_requests"] == 2


@pytest.mark.server
async def test_a_file_in_the_directorys_place_is_told_at_once(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    job = await finished(kie, credentials)
    (tmp_path / "videos").write_text("mine")
    with pytest.raises(DownloadFailed, match="Make that place writable") as caught:
        await save_result(job, credentials, directory=tmp_path / "videos")
    assert not caught.value.retryable
    assert kie.stats()["file_requests"] == 0


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
