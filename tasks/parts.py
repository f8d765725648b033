"""The files that transfers write to until they are whole."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from prefect_kie.tasks.files import part_beside
from prefect_kie.tasks.processes import is_marked_by_one_gone
from prefect_kie.tasks.storage import Storage

STALE_SECONDS = 24 * 3600.0


@contextmanager
def part_for(place: Storage, name: str) -> Generator[Path, None, None]:
    """A file to write to that is no video yet: beside its final place where that is a disk."""
    local = place.local(name)
    if local is None:
        with tempfile.TemporaryDirectory(prefix="prefect-kie-") as directory:
            yield Path(directory) / "video.part"
        return
    local.parent.mkdir(parents=True, exist_ok=True)
    for left in local.parent.glob(f".{name}.*.part"):
        with suppress(FileNotFoundError):  # another save may just be done with it
            if _is_left_over(left):
                left.unlink()
    part = part_beside(local.parent, name)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _is_left_over(part: Path) -> bool:
    """Whether nobody writes to a part any more: its process is gone, or it has not grown for a day."""
    return is_marked_by_one_gone(part.name) or time.time() - part.stat().st_mtime > STALE_SECONDS
