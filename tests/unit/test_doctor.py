"""`prefect-kie doctor`: what it decides without a server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from prefect.filesystems import RemoteFileSystem, WritableFileSystem
from pydantic import Field

from prefect_kie.cli.connection import WouldChange, refuse_changes
from prefect_kie.cli.doctor import check_sqlalchemy, check_versions
from prefect_kie.cli.probes import check_storage
from prefect_kie.cli.terminal import Finding
from prefect_kie.storage.base import LocalStorage
from prefect_kie.storage.fsspec import storage_for


class TestVersions:
    """Decisions from versions alone."""

    def test_the_sqlalchemy_on_which_a_server_on_sqlite_stands_still(self) -> None:
        check = check_sqlalchemy("2.0.58")
        assert check.outcome == "ok"  # PostgreSQL does well on it
        assert check.remedy == "run, where the server is: pip install --upgrade 'sqlalchemy>=2.1'"
        assert check_sqlalchemy("2.1.9") == Finding("ok", "SQLAlchemy 2.1.9")

    def test_a_server_has_to_be_as_new_as_its_client(self) -> None:
        assert check_versions("http://here/api", "3.9.1", "3.9.0").outcome == "ok"
        assert check_versions("http://here/api", "3.10.0", "3.9.1").outcome == "ok"
        check = check_versions("http://here/api", "3.8.8", "3.9.0")
        assert check.outcome == "error"
        assert "prefect==3.8.8" in str(check.remedy)


@pytest.mark.parametrize(
    ("method", "path", "passes"),
    [
        ("GET", "/api/health", True),
        ("POST", "/api/automations/filter", True),
        ("POST", "/api/automations/", False),
        ("PUT", "/api/automations/1", False),
        ("DELETE", "/api/automations/1", False),
    ],
)
async def test_nothing_but_questions_is_sent_to_the_server(method: str, path: str, passes: bool) -> None:
    request = httpx.Request(method, f"http://here{path}")
    if passes:
        await refuse_changes(request)
    else:
        with pytest.raises(WouldChange):
            await refuse_changes(request)


class Keyed(WritableFileSystem):
    """A block that knows nothing of exclusive creation."""

    files: dict[str, bytes] = Field(default_factory=dict)

    async def awrite_path(self, path: str, content: bytes) -> None:
        self.files[path] = content

    async def aread_path(self, path: str) -> bytes:
        return self.files[path]

    write_path = awrite_path
    read_path = aread_path


class Forgetful(LocalStorage):
    """A directory that gives back something else."""

    async def read(self, path: str) -> bytes | None:
        return b"something else"


class TestStorage:
    """What is said of a storage."""

    async def test_a_directory_is_in_order_for_one_machine(self, tmp_path: Path) -> None:
        check = await check_storage(LocalStorage(tmp_path), "this directory")
        assert check.outcome == "ok"
        assert "would not share it" in check.what
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("block", [Keyed(), RemoteFileSystem(basepath="memory://doctor")])
    async def test_one_that_records_refuse_is_an_error(self, block: WritableFileSystem) -> None:
        check = await check_storage(storage_for(block), "this block")
        assert check.outcome == "error"
        assert "this block keeps no records of submissions" in check.what
        assert "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK" in str(check.remedy)

    async def test_one_that_does_not_keep_what_is_written_is_an_error(self, tmp_path: Path) -> None:
        check = await check_storage(Forgetful(tmp_path), "this directory")
        assert check.outcome == "error"
        assert "does not keep" in check.what
