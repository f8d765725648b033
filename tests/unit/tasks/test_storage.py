"""Files in a directory or behind a block: there, missing, or out of reach; written whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import ftplib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem
from pydantic import PrivateAttr

from prefect_kie.storage.base import LocalStorage, NotExclusive, Storage, sync_directory
from prefect_kie.storage.fsspec import BlockStorage, RemoteStorage, storage_for

CONTENT = b"a video" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class NoSuchKey(Exception):
    """What an S3 client raises for a missing object."""


class NotFound(Exception):
    """What a Google client raises for a missing object, or a missing bucket."""


class ResourceNotFoundError(Exception):
    """What an Azure client raises for a missing blob, or a missing container."""


class ProfileNotFound(Exception):
    """What an S3 client raises where it is not set up."""


class AsyncShelf(WritableFileSystem):
    """A block as people write them: async, and an error of its own for what is missing."""

    _block_type_slug = "async-shelf"
    token: str = "hunter2"

    _files: dict[str, bytes] = PrivateAttr(default_factory=dict)

    async def read_path(self, path: str) -> bytes:
        try:
            return self._files[path]
        except KeyError:
            raise NoSuchKey("the specified key does not exist") from None

    async def write_path(self, path: str, content: bytes) -> None:
        self._files[path] = content


class SyncShelf(WritableFileSystem):
    """A block with plain methods."""

    _block_type_slug = "sync-shelf"

    _files: dict[str, bytes] = PrivateAttr(default_factory=dict)

    def read_path(self, path: str) -> bytes:
        if path not in self._files:
            raise ValueError(f"Path {path} does not exist.")
        return self._files[path]

    def write_path(self, path: str, content: bytes) -> None:
        self._files[path] = content


class Bucket(AsyncShelf):
    """A block that also takes files from disk, as the bucket blocks do."""

    _block_type_slug = "test-bucket"

    _uploads: list[str] = PrivateAttr(default_factory=list)

    async def upload_from_path(self, from_path: Path, to_path: str) -> str:
        self._uploads.append(to_path)
        await self.write_path(to_path, from_path.read_bytes())
        return to_path


class Unreachable(WritableFileSystem):
    """A block whose every call raises."""

    _block_type_slug = "unreachable"

    _error: Exception = OSError()

    async def read_path(self, path: str) -> bytes:
        raise self._error

    async def write_path(self, path: str, content: bytes) -> None:
        raise self._error


def unreachable(error: Exception) -> WritableFileSystem:
    block = Unreachable()
    block._error = error
    return block


def memory() -> RemoteFileSystem:
    return RemoteFileSystem(basepath=f"memory://{uuid.uuid4().hex}/videos")


PLACES: dict[str, Callable[[], WritableFileSystem | str]] = {
    "directory": lambda: "directory",
    "local block": lambda: LocalFileSystem(basepath="block"),
    "memory": memory,
    "file": lambda: RemoteFileSystem(basepath="local://videos"),
    "async block": AsyncShelf,
    "sync block": SyncShelf,
    "bucket": Bucket,
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Every kind of storage in turn."""
    monkeypatch.chdir(tmp_path)
    return storage_for(PLACES[request.param]())


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "root")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that waits to be put somewhere."""
    path = tmp_path / "waiting" / "video.part"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def files_in(root: Path) -> dict[str, bytes]:
    """Every file under a directory, leftovers included."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def failing(error: int = errno.EIO) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(error, os.strerror(error))

    return fail


class TestEveryStorage:
    """What holds of all of them."""

    async def test_what_was_never_written_is_missing(self, place: Storage) -> None:
        assert await place.read("a/b.json") is None

    async def test_what_was_written_last_is_read(self, place: Storage) -> None:
        await place.write("a/b.json", b"old, and longer")
        await place.write("a/b.json", b"new")
        assert await place.read("a/b.json") == b"new"

    async def test_a_file_is_created_once_or_not_at_all(self, place: Storage) -> None:
        try:
            assert await place.create("a/b.json", b"first")
        except NotExclusive:
            assert not isinstance(place, LocalStorage)
            assert await place.read("a/b.json") is None
            return
        assert not await place.create("a/b.json", b"second")
        assert await place.read("a/b.json") == b"first"

    async def test_a_file_is_moved_in(self, place: Storage, file: Path) -> None:
        address = await place.put(file, "a/video.mp4")
        assert address == place.address("a/video.mp4")
        assert address.endswith("a/video.mp4")
        assert await place.read("a/video.mp4") == CONTENT
        assert file.exists() is (place.local("a") is None)  # moved on one disk, copied elsewhere
        assert await place.holds("a/video.mp4", len(CONTENT), SHA256)

    async def test_a_file_is_deleted_where_that_is_possible(self, place: Storage) -> None:
        await place.write("a/b.json", b"1")
        for _ in range(2):  # what is gone already is as well
            await place.delete("a/b.json")
        assert (await place.read("a/b.json") is None) is not isinstance(place, BlockStorage)

    async def test_the_names_in_a_folder_are_listed_where_that_is_possible(self, place: Storage) -> None:
        if isinstance(place, BlockStorage):
            with pytest.raises(NotExclusive):
                await place.names("a")
            return
        assert await place.names("a") == []
        for name in ("a/c.json", "a/b.json", "a/deeper/d.json", "else/e.json", "a/.hidden", "a/f.part"):
            await place.write(name, b"1")
        assert await place.names("a") == ["b.json", "c.json"]
        assert await place.names("nowhere/at/all") == []


class TestDirectory:
    """What a directory promises beyond that."""

    async def test_of_many_creators_one_wins(self, local: LocalStorage) -> None:
        won = await asyncio.gather(*(local.create("record.json", b"%d" % n) for n in range(20)))
        assert sum(won) == 1
        assert files_in(local.root) == {"record.json": b"%d" % won.index(True)}

    @pytest.mark.parametrize(
        ("size", "sha256", "held"),
        [
            (len(CONTENT), SHA256, True),
            (len(CONTENT) + 1, SHA256, False),
            (len(CONTENT), "0" * 64, False),
        ],
        ids=["right", "other size", "other checksum"],
    )
    async def test_a_file_is_known_by_its_checksum(
        self, local: LocalStorage, file: Path, size: int, sha256: str, held: bool
    ) -> None:
        await local.put(file, "video.mp4")
        assert await local.holds("video.mp4", size, sha256) is held

    async def test_neither_nothing_nor_a_directory_is_a_file(self, local: LocalStorage) -> None:
        (local.root / "directory").mkdir(parents=True)
        assert not await local.holds("missing", 0, SHA256)
        assert not await local.holds("directory", 0, SHA256)

    @pytest.mark.parametrize("path", ["../else", "a/../../else", "/etc/passwd", "link/else", ".."])
    async def test_no_path_leads_outside(self, local: LocalStorage, tmp_path: Path, path: str) -> None:
        local.root.mkdir()
        (local.root / "link").symlink_to(tmp_path)
        for call in (local.read(path), local.write(path, b""), local.create(path, b"")):
            with pytest.raises(ValueError, match="lies outside"):
                await call
        assert not (tmp_path / "else").exists()

    async def test_a_link_inside_is_followed(self, local: LocalStorage) -> None:
        await local.write("true/file", b"1")
        (local.root / "link").symlink_to(local.root / "true")
        assert await local.read("link/file") == b"1"

    async def test_a_sibling_with_a_longer_name_is_outside(self, local: LocalStorage) -> None:
        with pytest.raises(ValueError, match="lies outside"):
            await local.read(f"../{local.root.name}-else/file")

    async def test_addresses_are_absolute_paths(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert LocalStorage("videos").address("a.mp4") == str(tmp_path / "videos" / "a.mp4")
        assert LocalStorage("~/videos").address("a.mp4") == str(tmp_path / "home" / "videos" / "a.mp4")
        assert LocalStorage("videos").address("") == str(tmp_path / "videos")

    async def test_trouble_while_reading_is_not_taken_for_missing(self, local: LocalStorage) -> None:
        await local.write("folder/file", b"")
        with pytest.raises(IsADirectoryError):
            await local.read("folder")
        with pytest.raises(NotADirectoryError):
            await local.read("folder/file/below")
        with pytest.raises(NotADirectoryError):
            await local.names("folder/file")

    @pytest.mark.parametrize("broken", ["fsync", "replace"])
    async def test_a_write_that_fails_leaves_the_old_content(
        self, local: LocalStorage, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        await local.write("record.json", b"old")
        with monkeypatch.context() as patched:
            patched.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[broken], failing())
            with pytest.raises(OSError, match="Input/output error"):
                await local.write("record.json", b"new")
        assert files_in(local.root) == {"record.json": b"old"}

    @pytest.mark.parametrize("broken", ["fsync", "link"])
    async def test_a_create_that_fails_leaves_nothing(
        self, local: LocalStorage, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(os, broken, failing())
            with pytest.raises(OSError, match="Input/output error"):
                await local.create("record.json", b"new")
        assert files_in(local.root) == {}

    async def test_a_move_that_fails_leaves_the_file_where_it_was(
        self, local: LocalStorage, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", failing())
            with pytest.raises(OSError, match="Input/output error"):
                await local.put(file, "video.mp4")
        assert files_in(local.root) == {}
        assert file.read_bytes() == CONTENT

    async def test_a_file_moves_between_disks(
        self, local: LocalStorage, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_another_disk(monkeypatch, file.parent)
        assert await local.put(file, "a/video.mp4") == str(local.root / "a" / "video.mp4")
        assert files_in(local.root) == {"a/video.mp4": CONTENT}
        assert not file.exists()

    async def test_a_move_between_disks_that_fails_leaves_the_old_file(
        self, local: LocalStorage, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await local.write("video.mp4", b"old")

        def half(source: Path, target: Path) -> None:
            target.write_bytes(source.read_bytes()[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            on_another_disk(patched, file.parent)
            patched.setattr(shutil, "copyfile", half)
            with pytest.raises(OSError, match="No space left"):
                await local.put(file, "video.mp4")
        assert files_in(local.root) == {"video.mp4": b"old"}
        assert file.read_bytes() == CONTENT

    def test_directories_are_not_synced_where_that_is_not_possible(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(os, "name", "nt")
            patched.setattr(os, "open", failing())
            sync_directory(tmp_path)


def on_another_disk(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Have nothing be renamed out of a directory, as between two mounts; those of a container may be of one
    disk, and then look like the same device.
    """
    true = os.replace

    def replace(source: Path, target: Path) -> None:
        if source.parent == directory:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        true(source, target)

    monkeypatch.setattr(os, "replace", replace)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


MISSING = {
    "a local file": FileNotFoundError(2, "No such file or directory"),
    "S3": NoSuchKey(
        "An error occurred (NoSuchKey) when calling the GetObject operation: "
        "The specified key does not exist."
    ),
    "S3, head": Exception("An error occurred (404) when calling the HeadObject operation: Not Found"),
    "Google": NotFound(
        "404 GET https://storage.example/b/my-bucket/o/a.json: No such object: my-bucket/a.json"
    ),
    "Azure": ResourceNotFoundError("The specified blob does not exist.\nErrorCode:BlobNotFound"),
    "HTTP": ValueError("404 Not Found"),
    "Prefect's own": ValueError("Path /data/container/a.json does not exist."),
    "a prompt about a bucket": NotFound("No such object: videos/a-bucket-of-paint_sora-2_1.json"),
    "SFTP": OSError("[Errno 2] No such file"),
    "FTP": caused(FileNotFoundError("a.json"), ftplib.error_perm("550 a.json: No such file")),
}
NOT_MISSING = {
    "no connection": ConnectionError("host not found"),
    "connection refused": ConnectionRefusedError(111, "Connection refused"),
    "too slow": TimeoutError("endpoint not found in time"),
    "no bucket on S3": Exception("An error occurred (NoSuchBucket): The specified bucket does not exist"),
    "no bucket at Google": NotFound(
        "404 GET https://storage.example/b/x: The specified bucket does not exist."
    ),
    "no container": ResourceNotFoundError(
        "The specified container does not exist.\nErrorCode:ContainerNotFound"
    ),
    "no profile": ProfileNotFound("The config profile (videos) could not be found"),
    "no credentials": ValueError("Google credentials were not found"),
    "no host": RuntimeError("Host not found: sftp.example"),
    "forbidden": PermissionError(13, "Permission denied"),
    "denied on S3": Exception("An error occurred (403) when calling the HeadObject operation: Forbidden"),
    "unknown key on S3": Exception(
        "An error occurred (InvalidAccessKeyId) when calling the GetObject operation: "
        "The AWS Access Key Id you provided does not exist in our records."
    ),
    "unknown key through s3fs": PermissionError("The key you provided does not exist in our records."),
    "no bucket through s3fs": FileNotFoundError("The specified bucket does not exist"),
    "no container through adlfs": FileNotFoundError(2, "No such container", "videos"),
    "not logged in": caused(FileNotFoundError("a.json"), ftplib.error_perm("530 Login incorrect")),
    "no connection, FTP": caused(FileNotFoundError("a.json"), ftplib.error_temp("421 Timeout")),
    "no library": ModuleNotFoundError("No module named 's3fs'"),
    "a bug": KeyError("a.json"),
}


@pytest.mark.parametrize("error", MISSING.values(), ids=MISSING)
async def test_every_family_has_its_own_words_for_missing(error: Exception) -> None:
    assert await BlockStorage(unreachable(error)).read("a.json") is None


@pytest.mark.parametrize("error", NOT_MISSING.values(), ids=NOT_MISSING)
async def test_out_of_reach_is_not_missing(error: Exception) -> None:
    storage = BlockStorage(unreachable(error))
    with pytest.raises(type(error)):
        await storage.read("a.json")


@pytest.mark.parametrize(
    ("cause", "missing"),
    [(NoSuchKey("a.json"), True), (ConnectionError("no route"), False)],
    ids=["missing", "out of reach"],
)
async def test_the_cause_of_a_wrapped_error_counts(cause: Exception, missing: bool) -> None:
    wrapped = RuntimeError("could not read a.json")
    wrapped.__cause__ = cause
    storage = BlockStorage(unreachable(wrapped))
    if missing:
        assert await storage.read("a.json") is None
    else:
        with pytest.raises(RuntimeError, match="could not read"):
            await storage.read("a.json")


async def test_a_remote_file_is_known_by_its_size(file: Path) -> None:
    storage = RemoteStorage(memory())
    await storage.put(file, "a/video.mp4")
    assert await storage.holds("a/video.mp4", len(CONTENT), "of no matter")
    assert not await storage.holds("a/video.mp4", len(CONTENT) - 1, SHA256)
    assert not await storage.holds("a/other.mp4", len(CONTENT), SHA256)


async def test_a_bucket_takes_the_file_itself(file: Path) -> None:
    bucket = Bucket()
    await BlockStorage(bucket).put(file, "video.mp4")
    assert bucket._uploads == ["video.mp4"]


async def test_a_file_that_cannot_be_put_stays_where_it_was(file: Path) -> None:
    with pytest.raises(ConnectionError):
        await BlockStorage(unreachable(ConnectionError())).put(file, "video.mp4")
    assert file.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("block", "address"),
    [
        (
            RemoteFileSystem(basepath="memory://videos", settings={"secret": "hunter2"}),
            "memory://videos/a/b.mp4",
        ),
        (
            RemoteFileSystem(basepath="ftp://me:hunter2@files.example/videos"),
            "ftp://me:***@files.example/videos/a/b.mp4",
        ),
        (
            RemoteFileSystem(basepath="abfs://videos@account.example/kie"),
            "abfs://videos@account.example/kie/a/b.mp4",
        ),
        (AsyncShelf(token="hunter2"), "async-shelf: a/b.mp4"),
    ],
    ids=["settings", "password in the path", "container in the path", "another block"],
)
def test_an_address_shows_no_secret(block: WritableFileSystem, address: str) -> None:
    assert storage_for(block).address("a/b.mp4") == address


def test_a_saved_block_is_named_in_addresses() -> None:
    shelf = AsyncShelf()
    shelf._block_document_name = "top"
    assert BlockStorage(shelf).address("a.mp4") == "async-shelf/top: a.mp4"


def test_only_directories_are_on_this_disk(tmp_path: Path) -> None:
    assert storage_for(tmp_path).local("a.mp4") == tmp_path / "a.mp4"
    assert storage_for(LocalFileSystem(basepath=str(tmp_path))).local("a.mp4") == tmp_path / "a.mp4"
    assert storage_for(AsyncShelf()).local("a.mp4") is None


def test_a_local_block_without_a_path_is_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage_for(LocalFileSystem()).local("a.mp4") == tmp_path / "a.mp4"


async def test_a_disk_without_hard_links_creates_exclusively_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    storage = LocalStorage(tmp_path)
    assert await storage.create("record.json", b"first")
    assert not await storage.create("record.json", b"second")
    assert await storage.read("record.json") == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]
