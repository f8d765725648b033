"""`prefect-kie doctor`: what it decides without a server."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from prefect.filesystems import RemoteFileSystem, WritableFileSystem
from pydantic import Field

from prefect_kie.cli.doctor import WouldChange, check_sqlalchemy, check_versions, refuse_changes
from prefect_kie.cli.probes import check_storage
from prefect_kie.cli.terminal import Finding
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


class Stubborn(WritableFileSystem):
    """A block that can neither list nor delete; it may forget."""

    files: dict[str, bytes] = Field(default_factory=dict)
    forgets: bool = False

    async def awrite_path(self, path: str, content: bytes) -> None:
        if not self.forgets:
            self.files[path] = content

    async def aread_path(self, path: str) -> bytes:
        return self.files.get(path, b"something else")

    write_path = awrite_path
    read_path = aread_path


class TestStorage:
    """What is said of a storage."""

    async def test_a_block_that_cannot_delete_keeps_one_small_file(self) -> None:
        block = Stubborn()
        for _ in range(2):
            check = await check_storage(storage_for(block), "this block")
            assert check.outcome == "ok"
            assert "cannot delete" in check.what
        assert len(block.files) == 1

    async def test_one_that_does_not_keep_what_is_written_is_an_error(self) -> None:
        check = await check_storage(storage_for(Stubborn(forgets=True)), "this block")
        assert check.outcome == "error"
        assert "does not keep" in check.what

    async def test_one_that_no_other_machine_sees_says_so(self) -> None:
        memory = RemoteFileSystem(basepath=f"memory://{uuid4().hex}")
        check = await check_storage(storage_for(memory), "this block")
        assert check.outcome == "ok"
        assert "would not share it" in check.what
