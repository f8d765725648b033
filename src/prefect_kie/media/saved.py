"""What was saved of a job: plain data, and the content of the sidecar."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from prefect_kie.api.results import Role


class SavedFile(BaseModel):
    """One file of a result, as it was saved.

    Attributes:
        name: Its name in the directory or storage.
        path: Where it is: an absolute path, or the storage's address of it.
        url: Kie's address of it (dead after 14 days at the latest); None for a text or data.
        size: Bytes.
        sha256: Checksum, hex.
        seconds: How long it plays, where it is an MP4, or by Kie's word.
        role: What it is to the job: `result`, `watermarked`, `first_frame`, `cover` …, as in `ResultFile`;
            `text` or `data` where it is no file of Kie's.
        title: A track's title.
    """

    model_config = ConfigDict(frozen=True)

    # Read back from a sidecar it must still be a name, and lead to no other directory.
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    path: str
    url: str | None
    size: int
    sha256: str
    seconds: float | None = None
    role: Role | Literal["text", "data"] = "result"
    title: str | None = None

    @property
    def watermarked(self) -> bool:
        """Whether it is the watermarked twin of a file without."""
        return self.role == "watermarked"


class SavedResult(BaseModel):
    """What a job made, saved.

    Attributes:
        task_id: Kie's id of the job.
        model: The model's name at Kie.
        request: The echo of what was asked: `{"model": ..., "input": {...}}`.
        credits: What Kie charged, credits.
        created_at: When Kie created the job.
        completed_at: When it ended.
        saved_at: When it was saved.
        files: The files; the first one is the main one: what was asked for, else the text, else the data.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    task_id: str
    model: str
    request: dict[str, Any]
    credits: float | None
    created_at: datetime | None
    completed_at: datetime | None
    saved_at: datetime
    files: tuple[SavedFile, ...]

    @property
    def path(self) -> str:
        """Where the main file is: an absolute path, or the storage's address of it."""
        return self.files[0].path

    @property
    def seconds(self) -> float | None:
        """How long the main file plays, where it is known."""
        return self.files[0].seconds
