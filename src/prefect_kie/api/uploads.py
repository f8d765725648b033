"""Uploads: what Kie takes, what it answers, and names that never collide and tell the content."""

import hashlib
import mimetypes
import re
import stat
import uuid
from contextlib import suppress
from datetime import datetime
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from prefect_kie.api.envelope import Envelope, as_int, as_time, first_text, mapped
from prefect_kie.api.errors import UnexpectedResponse

MAX_BYTES = 500 * 1024 * 1024
"""The largest file that any model takes; most take far less, by their own fields."""

_MIME_TYPES = mimetypes.MimeTypes()
"""Python's own table, not the machine's; below what some of its versions lack or call otherwise."""
for suffix, kind in {
    ".wav": "audio/x-wav",
    ".avi": "video/x-msvideo",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".mkv": "video/x-matroska",
}.items():
    _MIME_TYPES.add_type(kind, suffix)

_MARKED = re.compile(r".*-pk([0-9a-f]{32})-[0-9a-f]{12}(\.[a-z0-9]{1,10})?")
"""A name that `unique_name` made: the hash of the content, a random part, the suffix."""


class UploadedFile(BaseModel, frozen=True):
    """A file at Kie; it lives for 24 hours.

    Attributes:
        url: Its public address (`downloadUrl`), for `image_urls` and the like.
        file_name: Its name at Kie.
        size: Its size in bytes, where Kie told it.
        mime_type: Its type, where Kie told it.
        expires_at: When Kie deletes it, where Kie told it.
    """

    url: str
    file_name: str
    size: int | None = None
    mime_type: str | None = None
    expires_at: datetime | None = None


def check_file(name: str, size: int | None) -> str:
    """The type of a file; a `ValueError` if it is missing (no size), empty or too large for any model."""
    if size is None:
        raise ValueError(f"there is no file {name!r}")
    if not 0 < size <= MAX_BYTES:
        raise ValueError(f"{name!r} has {size:,} bytes; Kie takes 1 to {MAX_BYTES:,}")
    return _MIME_TYPES.guess_type(name, strict=False)[0] or "application/octet-stream"


def open_checked(path: Path) -> tuple[BufferedReader, str]:
    """Open a file that Kie takes, for streaming; its type comes with it, and errors are as `check_file`'s."""
    try:
        size = None
        with suppress(FileNotFoundError):
            found = path.stat()  # is_file() hides, as of Python 3.14, why a file cannot be reached
            size = found.st_size if stat.S_ISREG(found.st_mode) else None
        mime_type = check_file(path.name, size)
        return path.open("rb"), mime_type
    except OSError as error:
        raise ValueError(f"{path.name!r} cannot be read: {error.strerror}") from error


def checksum(file: BufferedReader) -> str:
    """The SHA-256 of an open file's content, hex; the file is at its beginning again afterwards."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def unique_name(name: str, content: str) -> str:
    """A name at Kie for a file of this name and checksum, by which `content_identity` knows it again."""
    # It never comes twice: the same name would overwrite another file, with a stale cache.
    path = PurePosixPath(name)
    stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:40] or "file"
    suffix = path.suffix.lower()
    kept = suffix if re.fullmatch(r"\.[a-z0-9]{1,10}", suffix) else ""
    return f"{stem}-pk{content[:32]}-{uuid.uuid4().hex[:12]}{kept}"


def content_identity(value: Any) -> Any:
    """An input that names each upload of ours by its content, which stays when it is uploaded again."""
    return mapped(value, _content)


def _content(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        return value
    try:
        marked = _MARKED.fullmatch(urlsplit(value).path.rpartition("/")[2])
    except ValueError:
        return value
    return f"upload {marked[1]}{marked[2] or ''}" if marked else value


def parse_upload(answer: Envelope) -> UploadedFile:
    """Read the answer to an upload; without an address it is an `UnexpectedResponse`."""
    fields = answer.fields
    url = first_text(fields, "downloadUrl", "fileUrl")
    if url is None or not url.startswith(("https://", "http://")):
        raise UnexpectedResponse("Kie took the upload but gave no address for it", retryable=True)
    return UploadedFile(
        url=url,
        file_name=first_text(fields, "fileName") or "",
        size=as_int(fields.get("fileSize")),
        mime_type=first_text(fields, "mimeType"),
        expires_at=as_time(fields.get("expiresAt")),
    )
