"""The submission record: what prevents a second charge.

It is written before the paid call, in Prefect's default result storage, and says `submitting`; afterwards it
says `submitted` with the task id, or is removed when Kie surely created nothing. Just before the call the
attempt's send token is created beside it. A record that stays `submitting` and has that token means that the
call may be out and nobody learned its outcome: that submission is in doubt, and is never repeated by itself.
Without the token it was surely not sent.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from prefect_kie.errors import SubmissionNotRecorded, shown_error
from prefect_kie.runtime.processes import is_gone, this_machine
from prefect_kie.storage.base import NotExclusive, Storage
from prefect_kie.submissions.send_tokens import SendToken

K = TypeVar("K")
T = TypeVar("T")

State = Literal["submitting", "submitted", "released"]
"""`released` is never stored: it is free to be submitted, and has no record any more."""

FOLDER = "kie-submissions"
OUTCOME_SECONDS = 200.0
"""How long after its record another process's call may still be answered (createTask waits 180 s)."""
MIN_FREE_BYTES = 8 * 1024 * 1024
"""With less room on its disk nothing is submitted: record, event and database may be on the same one."""
READS_AT_ONCE = 16
DAMAGED_PAUSE = 0.5


class SubmissionRecord(BaseModel, frozen=True):
    """What is known about one submission: a file named after its key."""

    version: Literal[1] = 1
    key: str
    attempt: str = Field(default_factory=lambda: uuid.uuid4().hex)
    """Who wrote it, so that a writer recognises its own."""
    state: State = "submitting"
    scope: str
    """A `job_key`, or the outermost run's id; as `job_key` it leads another run here."""
    model: str
    input: dict[str, Any]
    title: str = ""
    callback_requested: bool = False
    credits: float | None = None
    """Its price, where there was a budget."""
    slots: int = 0
    """How many slots of the limit `kie-credits` it occupied."""
    task_id: str | None = None
    """Kie's id, once known; while `submitting`, an id that a doubtful answer named."""
    second_try: int = 0
    """1, 2 … for a job made again after one that failed, uncharged."""
    flow_run_id: str | None = None
    run: str | None = None
    """Which run of that flow run: one that is run again is another, one that goes on after a pause is not."""
    tags: tuple[str, ...] = ()
    """The flow run's and the task run's tags, by which costs are told apart."""
    host: str = Field(default_factory=socket.gethostname)
    machine: str = Field(default_factory=this_machine)
    process: int = Field(default_factory=os.getpid)
    written_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))

    def in_flight_seconds(self, now: datetime) -> float:
        """For how long the process that sent it may still learn its outcome, seconds; 0: nobody will."""
        own = (self.machine, self.process) == (this_machine(), os.getpid())
        if own or is_gone(self.machine, self.process):
            return 0.0
        return self.call_seconds(now)

    def call_seconds(self, now: datetime) -> float:
        """For how long its call may still be out, seconds, even if its process is gone; 0: it is not."""
        if self.state != "submitting" or self.written_at > now + timedelta(seconds=OUTCOME_SECONDS):
            return 0.0  # that clock is wrong, and waiting for it could take for ever
        return max(0.0, OUTCOME_SECONDS - self.age(now))

    def age(self, now: datetime) -> float:
        """Seconds since this state was written; 0 where its clock is ahead of this one."""
        return max(0.0, (now - self.written_at).total_seconds())

    @property
    def run_again(self) -> str:
        """What to do to go on with it, for people."""
        return (
            f"run its flow run again, or another run with job_key={self.scope!r}; either goes on from there"
        )

    def became(self, state: State, now: datetime, **known: Any) -> "SubmissionRecord":
        """The same submission in a new state."""
        return self.model_copy(update={"state": state, "written_at": now, **known})


class ClaimLost(Exception):
    """The record is another attempt's by now: this one was released while its call was still out."""

    def __init__(self, by: SubmissionRecord) -> None:
        super().__init__(f"submission {by.key} was released and made again; it is job {by.task_id} now")


@contextmanager
def storage_errors(
    happened: str, *, retryable: bool = False, sent_before: str | None = None
) -> Generator[None, None, None]:
    """A storage's errors, as the one that says what they mean here.

    `sent_before`: it may have been sent before, and so be charged, as this job (empty: not known which).
    """
    try:
        yield
    except NotExclusive:
        raise
    except Exception as error:
        raise SubmissionNotRecorded(
            f"{happened} ({shown_error(error)}); nothing was sent{'' if sent_before is None else ' now'}",
            retryable=retryable,
            task_id=sent_before or None,
            billed="no" if sent_before is None else "unknown",
        ) from None  # its cause may quote a password


class SubmissionRecords:
    """The records in one result storage."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def address(self, key: str) -> str:
        """Where a submission's record is, for people."""
        return self.storage.address(_path(key))

    async def read(self, key: str) -> SubmissionRecord | None:
        """The record of a submission; None only where there is surely none."""
        for pause in (DAMAGED_PAUSE, 0.0):
            unknown = f"it is not known whether submission {key} was made before"
            with storage_errors(f"{unknown}: the result storage cannot be read", sent_before=""):
                content = await self.storage.read(_path(key))
            if content is None:
                return None
            with suppress(ValidationError):
                return SubmissionRecord.model_validate_json(content)
            await asyncio.sleep(pause)  # on a disk without hard links another process may be at it
        raise SubmissionNotRecorded(
            f"the record of submission {key} at {self.address(key)} is damaged, so it is not "
            "known whether it was made before; nothing was sent",
            billed="unknown",
            next_step="Look in Kie's logs page (kie.ai/logs) whether the job exists: if so, run collect_job "
            "with its task id; if not, delete the damaged file and run again.",
        )

    async def read_many(self, keys: Iterable[str]) -> list[SubmissionRecord | None]:
        """The records of several submissions, in their order."""
        return await some_at_once(self.read, keys)

    async def all(self) -> list[SubmissionRecord | SubmissionNotRecorded]:
        """Every record, in the order of their names; in place of a damaged one, the error about it."""

        async def read(key: str) -> SubmissionRecord | SubmissionNotRecorded | None:
            try:
                return await self.read(key)
            except SubmissionNotRecorded as error:
                return error

        with storage_errors("the result storage cannot be listed"):
            names = await self.storage.names(FOLDER)
        keys = [name.removesuffix(".json") for name in names if name.endswith(".json")]
        return [found for found in await some_at_once(read, keys) if found is not None]

    def token(self, record: SubmissionRecord) -> SendToken:
        return SendToken(self.storage, record.attempt)

    async def claim(self, record: SubmissionRecord) -> bool:
        """Write `submitting` before the paid call, and read it back: proof that the storage keeps it.

        Returns whether this caller holds the submission; raises `SubmissionNotRecorded` when it cannot be
        written, does not stay, or its outcome would have no room.
        """
        free = await self.storage.free_bytes()
        if free is not None and free < MIN_FREE_BYTES:
            raise SubmissionNotRecorded(
                f"the disk with the result storage has only {free // 1024:,} KiB left, so that the "
                "outcome of a paid call might not be kept; nothing was sent",
                next_step="Make room there, then run again.",
            )
        with storage_errors("the result storage cannot be written"):
            if not await self.storage.create(_path(record.key), _json(record)):
                return False
        found = await self.read(record.key)
        if found is None:
            raise SubmissionNotRecorded("the result storage does not keep what is written; nothing was sent")
        return found.attempt == record.attempt

    async def release(self, record: SubmissionRecord) -> None:
        """Free a submission of which Kie surely created nothing."""
        found = await self.read(record.key)
        if found is not None and found.attempt == record.attempt:  # else somebody else's by now
            await self.storage.delete(_path(record.key))

    async def write(self, record: SubmissionRecord) -> None:
        """Write a record's new state; `ClaimLost` where the record is another attempt's."""
        found = await self.read(record.key)
        if found is not None and found.attempt != record.attempt:
            raise ClaimLost(found)
        await self.storage.write(_path(record.key), _json(record))


def _path(key: str) -> str:
    return f"{FOLDER}/{key}.json"


def _json(record: SubmissionRecord) -> bytes:
    return record.model_dump_json(indent=1).encode()


async def some_at_once(read: Callable[[K], Coroutine[Any, Any, T]], keys: Iterable[K]) -> list[T]:
    """What each of many things reads, in their order; few at a time."""
    gate = asyncio.Semaphore(READS_AT_ONCE)

    async def gated(key: K) -> T:
        async with gate:
            return await read(key)

    return await asyncio.gather(*map(gated, keys))
