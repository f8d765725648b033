"""What of a job's result becomes a file: the files at Kie, and its text and data as files of ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Literal

from prefect_kie.api import CharacterResult, Job, ResultFile
from prefect_kie.media.saved import SavedFile
from prefect_kie.storage.base import Storage

Content = tuple[Literal["text", "data"], bytes]


def files_of(job: Job) -> list[ResultFile]:
    """A finished job's files at Kie, the main one first; watermarked ones alone are what was asked for."""
    if job.result is None or isinstance(job.result, CharacterResult):
        return []
    files = job.result.files
    if not job.urls:
        files = tuple(
            file.model_copy(update={"role": "result"}) if file.role == "watermarked" else file
            for file in files
        )
    return sorted(files, key=lambda file: file.role != "result")


async def save_contents(job: Job, place: Storage, stem: str, taken: set[str]) -> list[SavedFile]:
    """Save what a job made beside files: a text, data, a character's id and handle.

    Args:
        job: The finished job.
        place: Where to.
        stem: The names' beginning.
        taken: Names that its files have.
    """
    saved: list[SavedFile] = []
    for role, content in _contents(job):
        name, suffix = (stem, ".txt") if role == "text" else (f"{stem}_data", ".json")
        name = f"{name}_2{suffix}" if f"{name}{suffix}" in taken else f"{name}{suffix}"
        await place.write(name, content)
        saved.append(
            SavedFile(
                name=name,
                path=place.address(name),
                url=None,
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                role=role,
            )
        )
    return saved


def readable_json(value: Any) -> bytes:
    """JSON for people, too."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def _contents(job: Job) -> Iterator[Content]:
    result = job.result
    if isinstance(result, CharacterResult):
        yield "data", readable_json(result.model_dump())
    elif result is not None:
        if result.text is not None:
            yield "text", result.text.encode()
        if result.data is not None:
            yield "data", readable_json(result.data)
