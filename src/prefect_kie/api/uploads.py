"""Uploads: what Kie takes, what it answers, and names that never collide."""

from __future__ import annotations

import re
import stat
import uuid
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from prefect_kie.api.envelope import Envelope, as_int, first_text
from prefect_kie.api.errors import UnexpectedResponse

MAX_BYTES = 10 * 1024 * 1024
"""Kie's limit for images and character files (kie-api: models)."""

MIME_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
}


class UploadedFile(BaseModel):
    """A file at Kie; it lives for 3 days.

    Attributes:
        url: Its public address (`downloadUrl`), for `image_urls` and the like.
        file_name: Its name at Kie.
        size: Its size in bytes, where Kie told it.
        mime_type: Its type, where Kie told it.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    file_name: str
    size: int | None = None
    mime_type: str | None = None


def check_file(name: str, size: int | None) -> str:
    """The type of a file that Kie takes.

    Args:
        name: The file's name.
        size: Its size in bytes; None where there is no such file.

    Raises:
        ValueError: when it is missing, empty, too large or of another kind.
    """
    if size is None:
        raise ValueError(f"there is no file {name!r}")
    mime_type = MIME_TYPES.get(PurePosixPath(name).suffix.lower())
    if mime_type is None:
        raise ValueError(f"{name!r} is none of the kinds Kie takes: {', '.join(MIME_TYPES)}")
    if not 0 < size <= MAX_BYTES:
        raise ValueError(f"{name!r} has {size:,} bytes; Kie takes 1 to {MAX_BYTES:,}")
    return mime_type


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


def unique_name(name: str) -> str:
    """A name at Kie for a file of this name; the same one would overwrite another, with a stale cache."""
    path = PurePosixPath(name)
    stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:40] or "file"
    suffix = path.suffix.lower()
    return f"{stem}-{uuid.uuid4().hex[:12]}{suffix if suffix in MIME_TYPES else ''}"


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
    )
