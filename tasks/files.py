"""Files of this machine's disk: written and moved whole or not at all, known by their checksum."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from prefect_kie.tasks.processes import mark

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What a disk answers that knows no hard links."""


def write_whole(target: Path, content: bytes, replace: bool) -> bool:
    """Write a file that is there whole or not at all, even where the machine dies meanwhile.

    Args:
        target: The file; its directory is made.
        content: All of it.
        replace: Whether it may be written over one that is there.

    Returns:
        Whether it was written: always, where it may replace.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_beside(target.parent, target.name)
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(target)
        else:
            link_new(part, target, content)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    sync_directory(target.parent)
    return True


def link_new(part: Path, target: Path, content: bytes) -> None:
    """Give a file a second name; whole at once where the disk knows hard links.

    Raises:
        FileExistsError: when that name is taken.
    """
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # exFAT, some network disks: exclusive all the same, and a torn file is never taken for a record.
        with target.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def move_whole(file: Path, target: Path) -> None:
    """Move a file to its final place, whole or not at all, also from another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.parent.stat().st_dev == target.parent.stat().st_dev:
        file.replace(target)
    else:
        part = part_beside(target.parent, target.name)
        try:
            shutil.copyfile(file, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        file.unlink()
    sync_directory(target.parent)


def is_file_of(path: Path, size: int, sha256: str) -> bool:
    """Whether a file is there, of this size (bytes) and with this checksum (hex)."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        checksum = hashlib.sha256()
        while chunk := file.read(1024 * 1024):
            checksum.update(chunk)
    return checksum.hexdigest() == sha256


def files_in(directory: Path) -> list[str]:
    """The names of the finished files directly in a directory, sorted; none where there is no directory."""
    try:
        with os.scandir(directory) as entries:
            return finished(entry.name for entry in entries if entry.is_file())
    except FileNotFoundError:
        return []


def finished(names: Iterable[str]) -> list[str]:
    """Of these names, sorted, those of files that are whole: neither hidden nor still being written."""
    return sorted(name for name in names if name and not name.startswith(".") and not name.endswith(".part"))


def sync_directory(directory: Path) -> None:
    """Have the disk keep a directory's new names, so that a loss of power does not take them back."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def part_beside(directory: Path, name: str) -> Path:
    """A name for a file that is not whole yet: hidden, of one writer only, and telling whose it is."""
    return directory / f".{name}.{mark()}-{uuid.uuid4().hex[:8]}.part"
