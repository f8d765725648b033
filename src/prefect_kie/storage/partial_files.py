"""The files that transfers write to until they are whole."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from prefect_kie.runtime.processes import is_marked_by_one_gone, mark
from prefect_kie.storage.base import Storage
from prefect_kie.storage.local import part_beside, part_prefix

STALE_SECONDS = 24 * 3600.0
FOLDERS = "prefect-kie-"
"""How the names of temporary folders begin."""


@contextmanager
def part_for(place: Storage, name: str) -> Generator[Path, None, None]:
    """A file to write to that is no video yet: beside its final place where that is a disk."""
    local = place.local(name)
    if local is None:
        with temporary_folder() as folder:
            yield folder / "video.part"
        return
    local.parent.mkdir(parents=True, exist_ok=True)
    for left in local.parent.glob(f"{part_prefix(local.parent, name)}*.part"):
        with suppress(FileNotFoundError):  # another save may just be done with it
            if _is_left_over(left):
                left.unlink()
    part = part_beside(local.parent, name)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def temporary_folder() -> Generator[Path, None, None]:
    """A folder of this process; those that killed ones left are removed, each with a whole video perhaps."""
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        if is_marked_by_one_gone(left.name):
            shutil.rmtree(left, ignore_errors=True)  # another user's stays
    with tempfile.TemporaryDirectory(prefix=f"{FOLDERS}{mark()}-") as folder:
        yield Path(folder)


def _is_left_over(part: Path) -> bool:
    """Whether nobody writes to a part any more: its process is gone, or it has not grown for a day."""
    return is_marked_by_one_gone(part.name) or time.time() - part.stat().st_mtime > STALE_SECONDS
