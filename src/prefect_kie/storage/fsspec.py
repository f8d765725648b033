"""Storage elsewhere: any Prefect block that files can be written to, and fsspec's file systems.

Several machines write there, so nothing that one of them remembers of it is believed.
"""

import inspect
import re
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import anyio.to_thread
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem

from prefect_kie._compat import block_name
from prefect_kie.errors import without_passwords
from prefect_kie.storage.base import LocalStorage, Storage, finished, part_beside

_FILE_MISSING = r"(?i)NoSuchKey|NotFound\b|\bNot Found\b|does not exist|no such file"
# Not the file but what should hold it, or who asks. Only as a word of its own:
# my-bucket/a-bucket-of-paint.json is a file. FTP says 550 of a file; fsspec makes all its errors "not found".
_PLACE_MISSING = (
    r"(?i)NoSuchBucket|No such (bucket|container)|(Bucket|Container|Profile)NotFound|Access ?Key ?Id"
    r"|(^|\s)(bucket|container|host|profile|credentials?)\s[^/:]*(does not exist|not found)"
    r"|^error_(reply|temp|proto): |^error_perm: (?!550)"
)
_TAKEN = (
    # The last one: S3 is just about to let another writer through.
    r"(?i)PreconditionFailed|pre-?conditions? .*(fail|not hold)|AlreadyExists|ResourceExists"
    r"|ConditionalRequestConflict"
)
_ONE_STEP = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"}
"""Stores that look and write in one step when asked for a new file; other drivers look first, then write."""
_ONLY_NEW: tuple[Mapping[str, Any], ...] = ({"mode": "create"}, {"overwrite": False})
"""How drivers are asked for a new file, those of Azure by the second."""
_proven: set[tuple[int, str]] = set()
"""Buckets, each as one file system reaches it, seen to refuse a file's second creation."""


def storage_for(place: WritableFileSystem | Path | str) -> Storage:
    """The storage at a block or a directory."""
    if isinstance(place, LocalFileSystem):
        return LocalStorage(place.basepath or ".")
    if isinstance(place, RemoteFileSystem):
        return RemoteStorage(place)
    if isinstance(place, WritableFileSystem):
        return BlockStorage(place)
    return LocalStorage(place)


class BlockStorage(Storage):
    """Any Prefect block that files can be written to (an S3 bucket, a GitHub repository): for results."""

    def __init__(self, block: WritableFileSystem) -> None:
        self.block = block

    def address(self, path: str) -> str:
        # Most blocks print their secrets masked, but not all are careful: name the block, not its fields.
        name = block_name(self.block)
        return f"{self.block.get_block_type_slug()}{f'/{name}' if name else ''}: {path}"

    async def read(self, path: str) -> bytes | None:
        return cast("bytes | None", await _found(_called(self.block.read_path, path), None))

    async def write(self, path: str, content: bytes) -> None:
        await _called(self.block.write_path, path, content)

    async def put(self, file: Path, path: str) -> str:
        if (upload := getattr(self.block, "upload_from_path", None)) is not None:
            await _called(upload, file, path)
        else:  # this block's interface takes only a whole file's bytes
            await self.write(path, await anyio.to_thread.run_sync(file.read_bytes))
        return self.address(path)

    async def holds(self, path: str, size: int, sha256: str) -> bool:
        return True


class RemoteStorage(Storage):
    """What Prefect's `RemoteFileSystem` block reaches through fsspec: S3, Google, Azure, SFTP, ..."""

    def __init__(self, block: RemoteFileSystem) -> None:
        self._block = block
        self._scheme, self._bucket = urlsplit(block.basepath.lower())[:2]

    def address(self, path: str) -> str:
        return without_passwords(self._url(path))  # a base path may hold one

    async def read(self, path: str) -> bytes | None:
        return cast("bytes | None", await _found(self._call("cat_file", path), None))

    async def write(self, path: str, content: bytes) -> None:
        await anyio.to_thread.run_sync(self._write_whole, path, content)

    async def create(self, path: str, content: bytes) -> bool:
        # Asked first: a store that knows no conditional writes passes over the condition without a word.
        if await self.read(path) is not None:
            return False
        if self._scheme not in _ONE_STEP:
            raise self.not_exclusive()
        filesystem = await anyio.to_thread.run_sync(self._filesystem)
        # Older drivers take any option and do nothing with it.
        known = inspect.signature(filesystem._pipe_file).parameters
        only_new = next((one for one in _ONLY_NEW if one.keys() <= known.keys()), None)
        if only_new is None:
            raise self.not_exclusive()
        store = hash(filesystem), self._bucket
        if not await self._write_new(path, content, only_new):
            _proven.add(store)
            # A client repeats a call whose answer was lost: then its own file refuses it.
            return await self.read(path) == content
        if store not in _proven:
            if await self._write_new(path, content, only_new):
                await self.delete(path)
                raise self.not_exclusive()
            _proven.add(store)
        return True

    async def delete(self, path: str) -> None:
        await _found(self._call("rm_file", path), None)

    async def names(self, folder: str) -> list[str]:
        found = await _found(self._call("ls", folder, detail=True), [])
        return finished(entry["name"].rpartition("/")[2] for entry in found if entry["type"] != "directory")

    async def put(self, file: Path, path: str) -> str:
        await anyio.to_thread.run_sync(self._write_whole, path, file)
        return self.address(path)

    async def holds(self, path: str, size: int, sha256: str) -> bool:
        found = await _found(self._call("info", path), {})
        return bool(found.get("size") == size)

    async def _write_new(self, path: str, content: bytes, only_new: Mapping[str, Any]) -> bool:
        """Write a file that must not be there, in one step with looking; false where it is refused."""
        try:
            await self._call("pipe_file", path, content, **only_new)
            return True
        except Exception as error:
            if isinstance(error, FileExistsError) or _says(_TAKEN, error):
                return False
            raise

    async def _call(self, method: str, path: str, *args: Any, **options: Any) -> Any:
        def call() -> Any:
            filesystem = self._filesystem()
            target = filesystem._strip_protocol(self._url(path))
            return getattr(filesystem, method)(target, *args, **options)

        return await anyio.to_thread.run_sync(call)  # fsspec's calls block

    def _write_whole(self, path: str, content: bytes | Path) -> None:
        """Write a file, whole or not at all: file systems move a hidden part once all of it is there."""
        filesystem = self._filesystem()
        target = str(filesystem._strip_protocol(self._url(path)))

        def write(path: str) -> None:
            if isinstance(content, Path):
                filesystem.put_file(str(content), path)
            else:
                filesystem.pipe_file(path, content)

        if filesystem.async_impl:
            write(target)
            return
        folder, _, name = target.rpartition("/")
        # Object stores know no directories, and would make a bucket of whatever name was mistyped.
        filesystem.makedirs(folder, exist_ok=True)
        part = f"{folder}/{part_beside(Path(), name)}"
        try:
            write(part)
            size = content.stat().st_size if isinstance(content, Path) else len(content)
            if (found := filesystem.info(part).get("size")) not in (size, None):
                raise OSError(f"{part} has {found:,} bytes there instead of {size:,}")
            try:
                filesystem.mv(part, target)
            except Exception:  # some servers (SFTP, SMB, some of FTP) rename to no name that is taken
                if not filesystem.exists(target):
                    raise
                filesystem.rm_file(target)
                filesystem.mv(part, target)
        except BaseException:
            with suppress(Exception):
                filesystem.rm_file(part)
            raise

    def _filesystem(self) -> Any:
        """The block's file system, without fsspec's memory of what was where and how long it was."""
        filesystem: Any = self._block.filesystem
        if filesystem.async_impl:
            # One that keeps no listings; the block's own is shared by all who have the same settings.
            return type(filesystem)(**{**self._block.settings, "use_listings_cache": False})
        filesystem.invalidate_cache()
        return filesystem

    def _url(self, path: str) -> str:
        return self._block._resolve_path(path)  # pyright: ignore[reportPrivateUsage]


async def _found(call: Awaitable[Any], missing: Any) -> Any:
    try:
        return await call
    except Exception as error:
        if _says_missing(error):
            return missing
        raise


def _says_missing(error: BaseException) -> bool:
    """Whether a storage's error surely means "no such file"; each family has words of its own."""
    causes = list(_causes(error))
    away = any(isinstance(one, ConnectionError | TimeoutError | PermissionError) for one in causes)
    if away or _says(_PLACE_MISSING, error):
        return False
    return any(isinstance(one, FileNotFoundError) for one in causes) or _says(_FILE_MISSING, error)


def _says(pattern: str, error: BaseException) -> bool:
    return any(re.search(pattern, f"{type(one).__name__}: {one}") for one in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


async def _called(method: Any, *args: Any) -> Any:
    # Blocks' methods are async, or sync with an async twin that an event loop chooses.
    result = method(*args)
    return await result if inspect.isawaitable(result) else result
