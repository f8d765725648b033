"""The cost notes: what each attempt at a submission came to and cost, written once.

They lie beside the records, one file for each attempt, created exclusively: whoever learns of an end notes
it, and however many do, it counts once. A refused attempt is noted before its record goes, so it is never
lost on the way. Beside them is a note for each later run that found a submission made and paid.
"""

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

from pydantic import BaseModel, Field

from prefect_kie.api import Job, JobState
from prefect_kie.storage.base import Storage
from prefect_kie.submissions.store import SubmissionRecord

FOLDER = "kie-costs"

AttemptOutcome = Literal["succeeded", "failed", "refused", "released", "void"]
"""`refused`: by Kie, which created nothing; `released`: a person said that it created nothing; `void`: never
sent, or rejected for a moment and tried again, and nobody counts it."""

NOTHING_MADE = ("refused", "released", "void")
_FOUND = ".found-"


class CostNote(BaseModel, frozen=True):
    """What one attempt at a submission came to."""

    version: Literal[1] = 1
    outcome: AttemptOutcome
    credits: float | None
    """What Kie charged, credits; None where it did not say."""
    noted_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))
    record: SubmissionRecord | None = None
    """The record of an attempt that made nothing, which goes away."""
    by: str = Field(default_factory=lambda: uuid.uuid4().hex)
    """A mark of its own: a store may repeat a creation whose answer was lost."""


@dataclass(frozen=True)
class CostNotes:
    """The cost notes in one result storage; its methods raise whatever the storage raises."""

    storage: Storage

    async def create(self, record: SubmissionRecord, outcome: AttemptOutcome, credits: float | None) -> bool:
        """Note an attempt's end, unless it is noted; returns whether this call did."""
        note = CostNote(outcome=outcome, credits=credits, record=record if outcome in NOTHING_MADE else None)
        return await self.storage.create(self._path(record.attempt), note.model_dump_json(indent=1).encode())

    async def read(self, attempt: str) -> CostNote | None:
        """What an attempt came to; None where nobody has noted it."""
        content = await self.storage.read(self._path(attempt))
        return None if content is None else CostNote.model_validate_json(content)

    async def found_again(self, record: SubmissionRecord, run: str) -> None:
        """Note that a run found a submission made, and did not pay it again; a run counts once."""
        content = json.dumps({"run": run, "at": datetime.now(timezone.utc).isoformat()})
        await self.storage.create(self._path(f"{record.attempt}{_FOUND}{run}"), content.encode())

    async def listed(self) -> tuple[list[str], Counter[str]]:
        """The attempts whose end is noted, and in how many later runs each was found again."""
        names = [name.removesuffix(".json") for name in await self.storage.names(FOLDER)]
        found = Counter(name.partition(_FOUND)[0] for name in names if _FOUND in name)
        return [name for name in names if _FOUND not in name], found

    def address(self, attempt: str) -> str:
        """Where an attempt's note is, for people."""
        return self.storage.address(self._path(attempt))

    def _path(self, name: str) -> str:
        return f"{FOLDER}/{name}.json"


def end_of(job: Job) -> tuple[AttemptOutcome, float | None] | None:
    """How a job ended and what Kie charged, credits (None: not known); None where it has not ended."""
    if job.state is JobState.SUCCESS:  # said to cost nothing, or less, it is not known what it cost
        return "succeeded", job.credits if job.credits and job.credits > 0 else None
    if job.failure_is_told:  # Kie charges for no failure, unless its record says so
        return "failed", max(0.0, job.credits or 0.0)
    return None
