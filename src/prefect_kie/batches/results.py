"""What becomes of a batch: how far it is, a line per row in a file beside the videos, and the sum."""

import asyncio
import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Self

from prefect import get_run_logger
from pydantic import BaseModel, Field

from prefect_kie.api import JobHandle
from prefect_kie.batches.tables import read_table
from prefect_kie.errors import shown_error
from prefect_kie.outcomes.endings import lines_of
from prefect_kie.outcomes.results import VideoOutcome
from prefect_kie.run_page.artifacts import show
from prefect_kie.run_page.markdown import harmless
from prefect_kie.storage.base import Storage

WRITE_SECONDS = 2.0  # at least so long between two writings of the results file
MAX_LISTED = 20  # so many missing videos are named in the run's message; the results file has all
COLUMNS = ("row", "status", "tries", "made_with", "file", "seconds", "credits", "link", "task_id", "error")


class BatchResult(BaseModel, frozen=True):
    """What a run of `generate_batch` made.

    Attributes:
        job_key: Whose jobs these are: started again with the same one, only what is missing is paid.
        results: Where the results file is; None for a dry run.
        counts: How many videos came to what: `saved`, `failed`, `rejected` (by moderation), `in doubt`,
            `not submitted` (the account was refused); for a dry run `to submit` and `submitted before`.
        credits: What the saved videos cost, as far as Kie tells it; for a dry run, what the rest would cost
            at the most, by the prices of the variable kie_prices; None where a price is missing.
        credits_before: How much of that was for jobs which an earlier run had submitted.
        unrecorded: For a dry run: how many rows the results file of an earlier run calls paid, though not one
            submission of this batch is on record: all of it would be paid again.
        unpriced: For a dry run: how many of the rest have no price there, by model.
        account: For a dry run: what the account has, in words, and whether it will do; empty where unknown.
        videos: One outcome per row, in order; none for a dry run.
    """

    job_key: str
    results: str | None = None
    counts: dict[str, int]
    credits: float | None
    credits_before: float = 0.0
    unrecorded: int = 0
    unpriced: dict[str, int] = Field(default_factory=dict[str, int])
    account: str = ""
    videos: tuple[VideoOutcome, ...] = ()

    @classmethod
    def of(cls, videos: tuple[VideoOutcome, ...], job_key: str, results: str, new: Collection[int]) -> Self:
        """The sum of a batch's outcomes; `new` are the places of rows that no earlier run had submitted."""
        costs = [video.credits or 0.0 for video in videos]
        return cls(
            job_key=job_key,
            results=results,
            counts=dict(Counter(video.status for video in videos)),
            credits=sum(costs),
            credits_before=sum(cost for place, cost in enumerate(costs) if place not in new),
            videos=videos,
        )

    @property
    def summary(self) -> str:
        """One line: `998 of 1,000 saved, 1 failed, 1 rejected`."""
        return counts_text(self.counts, len(self.videos))

    @property
    def story(self) -> str:
        """The summary, and a line for each video that is missing, as far as they are few."""
        missing = lines_of(self.videos, "row ")
        lines = [f"{self.summary}. All rows: {self.results}", *missing[:MAX_LISTED]]
        if len(missing) > MAX_LISTED:
            lines.append(f"- and {len(missing) - MAX_LISTED:,} more, in the results file")
        lines.append(
            f"Run again with the same manifest, or with job_key={self.job_key!r}, it pays only for what is "
            "missing. What moderation refused, or failed for another lasting reason, stays so until its row "
            "changes; what is in doubt is settled with resolve_submission."
        )
        return "\n".join(lines)


def videos_text(count: int) -> str:
    """`1 video`, `1,000 videos`."""
    return f"{count:,} video{'' if count == 1 else 's'}"


def counts_text(counts: Mapping[str, int], total: int) -> str:
    """How many videos came to what, in words."""
    others = [f"{count:,} {status}" for status, count in counts.items() if status != "saved" and count]
    return ", ".join([f"{counts.get('saved', 0):,} of {total:,} saved", *others])


@dataclass
class ResultsFile:
    """The file with a line per row, beside the videos; in the manifest's dialect: the same program opens it.

    It is written anew, whole, at most every few seconds, and at the end. If it cannot be, no video is lost.
    """

    storage: Storage
    name: str
    rows: Sequence[Mapping[str, str]]
    delimiter: str = ","
    prefix: str = ""
    _known: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    _next: float = 0.0
    _warned: bool = False
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return self.storage.address(self.name)

    async def paid_rows(self) -> int:
        """How many rows an earlier run's file calls paid; 0 where there is none, or it cannot be read."""
        try:
            content = await self.storage.read(self.name)
            rows = read_table(content, self.name).rows if content else []
        except Exception as error:
            get_run_logger().warning("%s could not be read (%s)", self.address, shown_error(error))
            return 0
        return sum(row.cells.get("status") in ("saved", "submitted") for row in rows)

    async def submitted(self, place: int, job: JobHandle, tries: int) -> None:
        """Put in that a row's job is on its way, and write the file where it is time to."""
        cells = {"status": "submitted", "tries": str(tries), "made_with": job.model}
        await self._put(place, {**cells, "task_id": harmless(job.task_id)})

    async def take(self, place: int, outcome: VideoOutcome) -> None:
        """Put a row's outcome in, and write the file where it is time to."""
        cells = {
            "status": outcome.status,
            "tries": str(outcome.tries),
            "made_with": outcome.model,
            "credits": "" if outcome.credits is None else f"{outcome.credits:g}",
            "task_id": harmless(outcome.task_id),
            "error": harmless(outcome.error),
        }
        if (video := outcome.video) is not None:
            seconds = "" if video.seconds is None else f"{video.seconds:g}"
            cells |= {"file": video.path, "seconds": seconds, "link": harmless(video.files[0].url)}
        await self._put(place, cells)

    async def _put(self, place: int, cells: dict[str, str]) -> None:
        self._known[place] = cells
        if time.monotonic() >= self._next and not self._writing.locked():
            await self.write()

    async def write(self) -> None:
        """Write the file as it is now."""
        async with self._writing:
            begun = time.monotonic()
            try:
                await self.storage.write(self.name, self._content().encode(errors="replace"))
            except Exception as error:
                if not self._warned:
                    message = "The results file %s could not be written (%s); the run's result has the same."
                    get_run_logger().warning(message, self.address, shown_error(error))
                self._warned = True
            took = time.monotonic() - begun
            self._next = begun + took + max(WRITE_SECONDS, 20 * took)  # a slow storage is not kept busy

    def _content(self) -> str:
        given = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO()
        # Not by line feeds alone: Python 3.11 would leave a carriage return unquoted, which ends a row, too.
        table = csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n")
        table.writerow([*COLUMNS, *(f"{name} (given)" if name in COLUMNS else name for name in given)])
        for place, row in enumerate(self.rows):
            cells = {"row": str(place + 1), **self._known.get(place, {"status": "open"})}
            table.writerow([*map(cells.get, COLUMNS), *map(row.get, given)])  # None is an empty cell
        return self.prefix + text.getvalue()


ARTIFACT = "kie-batch"
LOG_LINES = 10  # so many times the log says how far it is


def expected_seconds(total: int, done: int, *, elapsed: float, first: float | None, usual: float) -> float:
    """Seconds until all is done: at Kie's pace and a job's usual time, then as it went since the first."""
    if first is None or done < 3 or elapsed <= first:
        return max(1.0, total / 2.0 + usual - elapsed)  # Kie takes 20 submissions in 10 seconds
    return (total - done) * (elapsed - first) / max(1, done - 1)


@dataclass
class BatchProgress:
    """How far one run of a batch is."""

    total: int
    new: Collection[int]  # places that no earlier run had submitted; the others say nothing of the pace
    usual: float  # how long a job usually takes, seconds
    results: str = ""  # where the results file is
    counts: Counter[str] = field(default_factory=Counter[str])  # by status
    on_their_way: set[int] = field(default_factory=set[int])  # places whose job goes on at Kie
    _begun: float = field(default_factory=time.monotonic)
    _new_done: int = 0
    _first: float | None = None
    _shown: float = 0.0

    @property
    def done(self) -> int:
        """How many videos came to something."""
        return self.counts.total()

    @property
    def line(self) -> str:
        """The same in words: `412 of 1,000 saved, 3 failed; done about 14:32 UTC`."""
        elapsed, new, end = time.monotonic() - self._begun, len(self.new), ""
        if self._new_done < new:
            left = expected_seconds(new, self._new_done, elapsed=elapsed, first=self._first, usual=self.usual)
            end = f"; done about {datetime.now(timezone.utc) + timedelta(seconds=left):%H:%M} UTC"
        return f"{counts_text(self.counts, self.total)}{end}"

    async def begin(self) -> None:
        """Show that it has begun."""
        watching.get()(self)
        await show(ARTIFACT, self.line, 0.0)

    def submitted(self, place: int) -> None:
        """Count a job that is on its way."""
        self.on_their_way.add(place)
        watching.get()(self)

    async def take(self, place: int, outcome: VideoOutcome) -> None:
        """Count an outcome, and show it where it is time to."""
        self.counts[outcome.status] += 1
        self.on_their_way.discard(place)
        if place in self.new:
            self._new_done += 1
            self._first = self._first or time.monotonic() - self._begun
        watching.get()(self)
        done, total, line = self.done, self.total, self.line
        if total > LOG_LINES and done * LOG_LINES // total > (done - 1) * LOG_LINES // total:
            get_run_logger().info("%s", line)
        if done == total or time.monotonic() - self._shown >= 5.0:
            self._shown = time.monotonic()
            await show(ARTIFACT, line, 100.0 * done / total)


watching: ContextVar[Callable[[BatchProgress], None]] = ContextVar("watching", default=lambda progress: None)
"""Who sees each change, in the process that runs the flow: the command line's progress bar."""
