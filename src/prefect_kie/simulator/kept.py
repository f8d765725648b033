"""What survives a restart: jobs, credits, uploads and handles, in one JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from prefect_kie.simulator.files import Upload
from prefect_kie.simulator.jobs import Job


class Kept(BaseModel):
    """The memory of one simulated account; what was charged follows from the jobs."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    granted: float
    jobs: dict[str, Job]
    uploads: dict[str, Upload]
    handles: set[str]
    assets: dict[str, int] = {}

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        new = path.with_name(path.name + ".new")
        new.write_text(self.model_dump_json(exclude_unset=True), encoding="utf-8")
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it.

        Raises:
            ValueError: The file is none of these.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
