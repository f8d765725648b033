"""A submission service without a Prefect server: records on a disk, a clock that jumps, lists of events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from prefect.logging import get_logger

from prefect_kie.api import JobHandle, JobRequest, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials, PriceTable
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.runtime.global_limits import ServerCreditLimit
from prefect_kie.storage.base import LocalStorage, Storage
from prefect_kie.submissions import budgets, send_tokens, store
from prefect_kie.submissions.budgets import Budgets
from prefect_kie.submissions.reconcile import Clock
from prefect_kie.submissions.service import SubmissionService
from prefect_kie.submissions.store import SubmissionRecord, SubmissionRecords

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
PRICE = 30


class JumpingClock(Clock):
    """Sleeps at once, by moving on."""

    passed = 0.0
    before_sleep: Callable[[], None] = staticmethod(lambda: None)

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return super().monotonic() + self.passed

    async def sleep(self, seconds: float) -> None:
        self.before_sleep()
        self.passed += seconds
        await asyncio.sleep(0)


class ListedEvents:
    """Events in a list, found as soon as they are emitted."""

    def __init__(self) -> None:
        self.submitted: list[SubmissionRecord] = []
        self.in_doubt: list[SubmissionRecord] = []
        self.called_back: list[str] = []
        self.flushed = 0

    def emit_submitted(self, record: SubmissionRecord) -> None:
        self.submitted.append(record)

    def emit_in_doubt(self, record: SubmissionRecord, doubt: SubmissionInDoubt) -> None:
        self.in_doubt.append(record)

    async def sent(self) -> None:
        self.flushed += 1

    async def submitted_jobs(self, record: SubmissionRecord) -> list[str]:
        return [one.task_id or "" for one in self.submitted if one.attempt == record.attempt]

    async def called_back_jobs(self, record: SubmissionRecord) -> list[str]:
        return self.called_back


class CountedLimit(ServerCreditLimit):
    """The limit `kie-credits` without a server; no credits: there is none."""

    def __init__(self) -> None:
        super().__init__("kie-credits")
        self.credits: int | None = None
        self.used = 0
        self.error: Exception | None = None

    async def find(self) -> tuple[int, int] | None:
        return None if self.credits is None else (self.credits, self.used)

    async def occupy(self, slots: int) -> int | None:
        if self.error is not None:
            raise self.error
        if self.used + slots > (self.credits or 0):
            return None
        self.used += slots
        return slots

    async def settle(self, occupied: int, slots: int) -> None:
        self.used = min(self.credits or 0, self.used + slots - occupied)


class Submissions:
    """One process's submissions.

    Args:
        folder: Where the records are.
        kie: Whose Kie it is.
        storage: Instead of the folder.
    """

    def __init__(self, folder: Path, kie: KieCredentials, storage: Storage | None = None) -> None:
        self.folder, self.kie = folder, kie
        self.storage = storage or LocalStorage(folder)
        self.records = SubmissionRecords(self.storage)
        self.clock, self.events, self.limit = JumpingClock(), ListedEvents(), CountedLimit()
        self.prices: dict[str, Any] = {"sora-2-text-to-video": PRICE}
        self.call_seconds, self.run = 30.0, "a-run-1"

    @property
    def service(self) -> SubmissionService:
        """The service as a run makes it."""

        async def load_prices() -> PriceTable:
            return PriceTable.model_validate(self.prices)

        log = get_logger("prefect_kie")
        return SubmissionService(
            records=self.records,
            kie=self.kie,
            events=self.events,
            budgets=Budgets(self.records, self.limit, load_prices, log),
            log=log,
            clock=self.clock,
            flow_run_id="a run",
            run=self.run,
            tags=("spring",),
            call_seconds=self.call_seconds,
        )

    async def submit(self, request: JobRequest = CAT, scope: str = "one", **options: Any) -> JobHandle:
        """Submit a job."""
        usual = {"take": 1, "second_try": 0, "max_credits": None}
        return await self.service.submit(request, scope, **usual | options)

    async def settle(self, handle: JobHandle, credits: float) -> None:
        """Note the end of a job."""
        record = await self.records.read(handle.submission or "")
        assert record is not None
        await self.service.budgets.settle(record, "succeeded" if credits else "failed", credits)

    def as_another_process(self) -> Submissions:
        """The same, with nothing remembered."""
        budgets._counted().clear()
        return self

    def files(self, folder: str = store.FOLDER) -> list[Path]:
        """What is kept."""
        return sorted((self.folder / folder).glob("*.json"))

    def tokens(self) -> list[str]:
        """What the send tokens say."""
        return sorted(json.loads(file.read_text())["state"] for file in self.files(send_tokens.FOLDER))

    def record(self) -> SubmissionRecord:
        """The only record."""
        (file,) = self.files()
        return SubmissionRecord.model_validate_json(file.read_bytes())

    def change_record(self, **changes: Any) -> str:
        """Change the only record; its key."""
        (file,) = self.files()
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
        return file.stem

    def forget_the_outcome(self, **changes: Any) -> str:
        """Change the only record to what a process leaves that is killed while its call is out; its key."""
        key = self.change_record(state="submitting", task_id=None, **changes)
        token = self.folder / send_tokens.FOLDER / f"{self.record().attempt}.json"
        token.write_text('{"state": "sent"}')
        return key
