"""Uploads: what Kie takes, what it answers, and names that never collide and tell the content."""

from __future__ import annotations

import hashlib
import mimetypes
import re
import stat
import uuid
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from prefect_kie.api.envelope import Envelope, as_int, first_text
from prefect_kie.api.errors import UnexpectedResponse

MAX_BYTES = 500 * 1024 * 1024
"""The largest file that any model takes; most take far less, by their own fields."""

_MIME_TYPES = mimetypes.MimeTypes()
"""Python's own table: the machine's may name types that no one else knows."""

# What Python's versions lack or call otherwise.
_MIME_TYPES.add_type("audio/x-wav", ".wav")
_MIME_TYPES.add_type("video/x-msvideo", ".avi")
_MIME_TYPES.add_type("audio/mp4", ".m4a")
_MIME_TYPES.add_type("audio/ogg", ".ogg")
_MIME_TYPES.add_type("audio/flac", ".flac")
_MIME_TYPES.add_type("video/x-matroska", ".mkv")

_MARKED = re.compile(r".*-pk([0-9a-f]{32})-[0-9a-f]{12}(\.[a-z0-9]{1,10})?")
"""A name that `unique_name` made: the hash of the content, a random part, the suffix."""


class UploadedFile(BaseModel):
    """A file at Kie; it lives for 24 hours.

    Attributes:
        url: Its public address (`downloadUrl`), for `image_urls` and the like.
        file_name: Its name at Kie.
        size: Its size in bytes, where Kie told it.
        mime_type: Its type, where Kie told it.
        expires_at: When Kie deletes it, where Kie told it.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    file_name: str
    size: int | None = None
    mime_type: str | None = None
    expires_at: datetime | None = None


def mime_type_of(name: str) -> str:
    """The MIME type that fits a file's name; a neutral one where none is known."""
    return _MIME_TYPES.guess_type(name, strict=False)[0] or "application/octet-stream"


def check_file(name: str, size: int | None) -> str:
    """The type of a file that Kie takes. Which kinds and sizes a model takes, its own fields say.

    Args:
        name: The file's name.
        size: Its size in bytes; None where there is no such file.

    Raises:
        ValueError: when it is missing, empty or too large for any model.
    """
    if size is None:
        raise ValueError(f"there is no file {name!r}")
    if not 0 < size <= MAX_BYTES:
        raise ValueError(f"{name!r} has {size:,} bytes; Kie takes 1 to {MAX_BYTES:,}")
    return mime_type_of(name)


def open_checked(path: Path) -> tuple[BinaryIO, str]:
    """Open a file that Kie takes, for streaming; its type comes with it.

    Raises:
        ValueError: as `check_file`.
    """
    try:
        size = None
        with suppress(FileNotFoundError):
            found = path.stat()  # is_file() hides, as of Python 3.14, why a file cannot be reached
            size = found.st_size if stat.S_ISREG(found.st_mode) else None
        mime_type = check_file(path.name, size)
        return path.open("rb"), mime_type
    except OSError as error:
        raise ValueError(f"{path.name!r} cannot be read: {error.strerror}") from error


def checksum(file: BinaryIO) -> str:
    """The SHA-256 of an open file's content, hex; the file is at its beginning again afterwards."""
    digest = hashlib.sha256()
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def unique_name(name: str, content: str) -> str:
    """A name at Kie for a file of this name; the same one would overwrite another, with a stale cache.

    Args:
        name: The file's own name; its suffix is kept.
        content: The content's checksum, hex, by which `content_identity` knows it again.
    """
    path = PurePosixPath(name)
    stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:40] or "file"
    suffix = path.suffix.lower()
    kept = suffix if re.fullmatch(r"\.[a-z0-9]{1,10}", suffix) else ""
    return f"{stem}-pk{content[:32]}-{uuid.uuid4().hex[:12]}{kept}"


def content_identity(value: Any) -> Any:
    """What a request's input asks for, whatever address an upload of ours has got.

    A file that is uploaded again, because Kie deleted it, gets another address and is the same content.

    Args:
        value: An input, or any part of one.

    Returns:
        The same, where each address of an upload of ours is replaced by its content's hash and suffix; any
        other address stays as it is. An address of others that looks like ours stands for that content, and
        for nothing else.
    """
    if isinstance(value, dict):
        return {name: content_identity(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [content_identity(each) for each in items]
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        return value
    try:
        marked = _MARKED.fullmatch(urlsplit(value).path.rpartition("/")[2])
    except ValueError:
        return value
    return f"upload {marked[1]}{marked[2] or ''}" if marked else value


def parse_upload(answer: Envelope) -> UploadedFile:
    """Read the answer to an upload.

    Raises:
        UnexpectedResponse: when it holds no address.
    """
    fields = answer.fields
    url = first_text(fields, "downloadUrl", "fileUrl")
    if url is None or not url.startswith(("https://", "http://")):
        raise UnexpectedResponse("Kie took the upload but gave no address for it", retryable=True)
    return UploadedFile(
        url=url,
        file_name=first_text(fields, "fileName") or "",
        size=as_int(fields.get("fileSize")),
        mime_type=first_text(fields, "mimeType"),
        expires_at=_moment(fields.get("expiresAt")),
    )


def _moment(value: Any) -> datetime | None:
    """A time as ISO 8601 or as epoch milliseconds."""
    milliseconds = as_int(value)
    try:
        if milliseconds is not None:
            return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
