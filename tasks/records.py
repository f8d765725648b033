"""The submission record: what prevents a second charge.

It is written before the paid call, in Prefect's result storage, and says `submitting`; afterwards it
says `submitted` with the task id, or is removed when Kie surely created nothing. A record that stays
`submitting` means that somebody sent the call and never learned its outcome: that submission is in
doubt, and is never repeated by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import socket
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prefect_kie.api import JobRequest, SubmissionNotRecorded, parse_request
from prefect_kie.api.uploads import content_identity
from prefect_kie.tasks.logs import shown_error
from prefect_kie.tasks.processes import is_gone, is_this_one
from prefect_kie.tasks.runs import storage_of_this_run
from prefect_kie.tasks.storage import Storage

FOLDER = "kie-submissions"

OUTCOME_SECONDS = 200.0
"""How long after its record another process's call may still be answered (createTask waits 180 s)."""

READS_AT_ONCE = 16
DAMAGED_PAUSES = (0.2, 0.5, 1.0)
"""Seconds between the tries to read a record that seems damaged."""


class SubmissionRecord(BaseModel):
    """What is known about one submission.

    Attributes:
        key: The submission's key; also the record's name.
        attempt: Which attempt wrote it, so that a writer recognises its own.
        state: `submitting` (sent, or about to be), `submitted` (Kie's answer named the job) or, on storages
            that cannot remove a file, `rejected` (Kie surely created nothing; free to be submitted).
        base: Whose job it is: the caller's `job_key`, or the outermost flow run's id. The same text as
            `job_key` leads another run to the same submissions.
        model: The model's name at Kie.
        input: The input that was sent.
        rings: Whether Kie was told to call back.
        reserved: Where its price is reserved in budgets; see `ledger`.
        task_id: Kie's id, once known; while `submitting`, an id that a doubtful answer named.
        reason: Why it was rejected.
        flow_run_id: The flow run that submitted.
        host: The machine it was sent from.
        process: The process there, which alone can still learn the outcome.
        written_at: When this state was written.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    key: str
    attempt: str = Field(default_factory=lambda: uuid.uuid4().hex)
    state: Literal["submitting", "submitted", "rejected"] = "submitting"
    base: str | None = None
    model: str
    input: dict[str, Any]
    rings: bool = False
    reserved: tuple[str, ...] = ()
    task_id: str | None = None
    reason: str | None = None
    flow_run_id: str | None = None
    host: str = Field(default_factory=socket.gethostname)
    process: int = Field(default_factory=os.getpid)
    written_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def open_seconds(self) -> float:
        """For how long the process that sent it may still learn its outcome, seconds; 0: nobody will."""
        if self.state != "submitting":
            return 0.0
        if is_this_one(self.host, self.process) or is_gone(self.host, self.process):
            return 0.0
        if self.written_at > datetime.now(timezone.utc) + timedelta(seconds=OUTCOME_SECONDS):
            return 0.0  # its clock is wrong, and waiting for it could take for ever
        return max(0.0, OUTCOME_SECONDS - self.age)

    @property
    def age(self) -> float:
        """Seconds since this state was written; 0 where its clock is ahead of this one."""
        return max(0.0, (datetime.now(timezone.utc) - self.written_at).total_seconds())

    @property
    def run_again(self) -> str:
        """What to do to go on with it, for people."""
        if self.base is None:
            return "run its flow run again"
        return f"run its flow run again, or another run with job_key={self.base!r}; either goes on from there"

    @property
    def title(self) -> str:
        """What was asked for, for people: the prompt, or what stands for it."""
        try:
            return parse_request({"model": self.model, "input": self.input}).title
        except (ValueError, TypeError):  # written by a version that took other input
            return str(self.input.get("prompt", ""))

    def another_attempt(self) -> SubmissionRecord:
        """The same submission, about to be made now."""
        now = datetime.now(timezone.utc)
        return self.model_copy(update={"attempt": uuid.uuid4().hex, "written_at": now})

    def became(self, state: Literal["submitted", "rejected"], **known: str) -> SubmissionRecord:
        """The record after the call: the same submission in its new state."""
        return self.model_copy(update={"state": state, "written_at": datetime.now(timezone.utc), **known})


class CannotList(SubmissionNotRecorded):
    """This storage reads and writes records, but cannot tell which there are."""


class TakenOver(Exception):
    """The record is another attempt's by now: this one was released while its call was still out.

    Args:
        by: The record that is there.
    """

    def __init__(self, by: SubmissionRecord) -> None:
        super().__init__(f"submission {by.key} was released and made again; it is job {by.task_id} now")
        self.by = by


class SubmissionRecords:
    """The records in one result storage.

    Args:
        storage: Where they are kept.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @classmethod
    async def of_this_run(cls) -> SubmissionRecords:
        """The records in the result storage of the current task or flow run.

        Raises:
            SubmissionNotRecorded: when the run's results are not stored, or not where they ought to be.
        """
        return cls(await storage_of_this_run())

    @property
    def storage(self) -> Storage:
        """Where they are kept."""
        return self._storage

    def address(self, key: str) -> str:
        """Where a submission's record is, for people."""
        return self._storage.address(_path(key))

    async def read(self, key: str) -> SubmissionRecord | None:
        """The record of a submission; None only where there is surely none.

        Raises:
            SubmissionNotRecorded: when the storage cannot be read, or holds something else there.
        """
        path = _path(key)
        for pause in (*DAMAGED_PAUSES, None):
            try:
                content = await self._storage.read(path)
            except Exception as error:
                raise SubmissionNotRecorded(
                    f"the result storage cannot be read ({shown_error(error)}), so it is not known whether "
                    f"submission {key} was made before; nothing was sent"
                ) from None  # its cause may quote a password
            if content is None:
                return None
            with suppress(ValidationError):
                return SubmissionRecord.model_validate_json(content)
            if pause is not None:  # where writes are not whole, another process may be at it
                await asyncio.sleep(pause)
        raise SubmissionNotRecorded(
            f"the record of submission {key} at {self._storage.address(path)} is damaged, so it is not "
            "known whether it was made before; nothing was sent",
            billed="unknown",
            next_step=(
                "Look in Kie's logs page (kie.ai/logs) whether the job exists: if so, run collect_job "
                "with its task id; if not, delete the damaged file and run again."
            ),
        )

    async def read_many(self, keys: Sequence[str]) -> list[SubmissionRecord | None]:
        """The records of several submissions, in their order.

        Raises:
            SubmissionNotRecorded: as `read`.
        """
        found: list[SubmissionRecord | None] = []
        for first in range(0, len(keys), READS_AT_ONCE):
            found += await asyncio.gather(*map(self.read, keys[first : first + READS_AT_ONCE]))
        return found

    async def all(self) -> AsyncGenerator[SubmissionRecord | SubmissionNotRecorded, None]:
        """Every record there is, in the order of their names; in place of a damaged one, the error about it.

        Raises:
            SubmissionNotRecorded: when this storage cannot be read, or cannot list what it holds.
        """
        try:
            names = await self._storage.names(FOLDER)
        except Exception as error:
            raise SubmissionNotRecorded(
                f"the result storage cannot be listed ({shown_error(error)})"
            ) from None  # its cause may quote a password
        if names is None:
            raise CannotList(
                "this result storage cannot list what it holds",
                next_step=(
                    "Run resolve_submission with the submission's key, which the error and the log name."
                ),
            )
        keys = [name.removesuffix(".json") for name in names if name.endswith(".json")]
        for first in range(0, len(keys), READS_AT_ONCE):
            some = keys[first : first + READS_AT_ONCE]
            for found in await asyncio.gather(*(self.read(key) for key in some), return_exceptions=True):
                if isinstance(found, SubmissionRecord | SubmissionNotRecorded):
                    yield found
                elif found is not None:
                    raise found

    async def claim(self, record: SubmissionRecord, *, instead_of: SubmissionRecord | None) -> bool:
        """Write `submitting` before the paid call, and read it back: proof that the storage keeps it.

        Args:
            record: The new record.
            instead_of: The rejected record found before; None where there was none.

        Returns:
            Whether this caller holds the submission; False when somebody else was quicker.

        Raises:
            SubmissionNotRecorded: when it cannot be written or does not stay; nothing was sent.
        """
        path, content = _path(record.key), record.model_dump_json(indent=1).encode()
        try:
            if instead_of is not None:
                await self._storage.write(path, content)
            elif not await self._storage.create(path, content):
                return False
        except Exception as error:
            raise SubmissionNotRecorded(
                f"the result storage cannot be written ({shown_error(error)}); nothing was sent"
            ) from None  # its cause may quote a password
        try:
            found = await self.read(record.key)
            if found is None:
                raise SubmissionNotRecorded(
                    "the result storage does not keep what is written; nothing was sent"
                )
        except BaseException:
            if self._storage.exclusive:  # so that what is there is ours
                with suppress(Exception):  # else the next try would take it for a call that was sent
                    await self._storage.delete(path)
            raise
        return found.attempt == record.attempt

    async def release(self, record: SubmissionRecord, reason: str) -> None:
        """Free a submission that Kie surely rejected.

        Raises:
            Exception: whatever the storage raises.
        """
        found = await self.read(record.key)
        if found is not None and found.attempt != record.attempt:
            return  # on a storage that is not exclusive, somebody else's by now
        if not await self._storage.delete(_path(record.key)):
            await self.write(record.became("rejected", reason=reason))

    async def write(self, record: SubmissionRecord) -> None:
        """Write a record's new state.

        Raises:
            TakenOver: when the record is another attempt's.
            Exception: whatever the storage raises.
        """
        found = await self.read(record.key)
        if found is not None and found.attempt != record.attempt:
            raise TakenOver(found)
        await self._storage.write(_path(record.key), record.model_dump_json(indent=1).encode())


def submission_key(base: str, request: JobRequest, take: int, second_try: int = 0) -> str:
    """The name of a submission: equal for equal calls, whatever the version of this package.

    Args:
        base: The caller's `job_key`, or the id of the run that the call belongs to.
        request: What to make. Fields left at their default do not count, so that a field added in a later
            version changes no key.
        take: 1, 2, 3 … for deliberate variations of one request.
        second_try: 1, 2 … for a new job after one that failed, uncharged.
    """
    asked = request.model_dump(mode="json", exclude={"model"}, exclude_defaults=True, exclude_none=True)
    asked = content_identity(asked)  # an upload made anew has another address and is the same file
    whose = [base, request.model_name, asked, take, *([second_try] if second_try else [])]
    text = json.dumps(whose, sort_keys=True, ensure_ascii=False)
    return f"kie-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def is_submission_key(text: str) -> bool:
    """Whether a text has the shape of a submission's key."""
    return re.fullmatch("kie-[0-9a-f]{32}", text) is not None


def _path(key: str) -> str:
    return f"{FOLDER}/{key}.json"
