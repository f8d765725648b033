"""How far a batch is: counts and an expected end, as an artifact, in the log, and for whoever watches."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

from prefect_kie.batches.results import told_counts
from prefect_kie.outcomes.results import VideoOutcome
from prefect_kie.runtime.best_effort import best_effort

ARTIFACT = "kie-batch"
SHOW_SECONDS = 5.0
"""At least so long between two changes of the artifact."""
LIMIT_SECONDS = 5.0
"""A server that takes longer is left alone."""
TELL_PARTS = 10
"""So many times the log tells how far it is."""
CREATES_PER_SECOND = 2.0
"""What Kie takes from one key: 20 in 10 seconds."""


@dataclass(frozen=True)
class Standing:
    """How far a batch is.

    Attributes:
        total: How many videos are wanted.
        counts: How many came to what so far, by status.
        end: When it is expected to end; None where nobody can tell.
        on_their_way: How many have a job at Kie and came to nothing yet.
        results: Where the results file is.
    """

    total: int
    counts: dict[str, int]
    end: datetime | None
    on_their_way: int = 0
    results: str = ""

    @property
    def done(self) -> int:
        """How many videos came to something."""
        return sum(self.counts.values())

    @property
    def line(self) -> str:
        """The same in words: `412 of 1,000 saved, 3 failed; done about 14:32 UTC`."""
        end = f"; done about {self.end:%H:%M} UTC" if self.end and self.done < self.total else ""
        return f"{told_counts(self.counts, self.total)}{end}"


watching: ContextVar[Callable[[Standing], None] | None] = ContextVar("watching", default=None)
"""Who is told of each change, in the process that runs the flow: the command line's progress bar."""


def expected_seconds(total: int, done: int, *, elapsed: float, first: float | None, usual: float) -> float:
    """Seconds until all is done, from how it went so far.

    Args:
        total: How many videos are wanted.
        done: How many came to something.
        elapsed: Seconds since the beginning.
        first: Seconds from the beginning until the first came to something; None: none did.
        usual: How long a job usually takes, seconds.
    """
    if first is None or done < 3 or elapsed <= first:
        # At Kie's pace, the last one's job included.
        return max(1.0, total / CREATES_PER_SECOND + usual - elapsed)
    return (total - done) * (elapsed - first) / max(1, done - 1)


@dataclass
class BatchProgress:
    """The progress of one run.

    Attributes:
        total: How many videos are wanted.
        new: Places of those that no earlier run had submitted; the others tell nothing of how fast it goes.
        usual: How long a job usually takes, seconds.
        results: Where the results file is.
    """

    total: int
    new: Collection[int]
    usual: float
    results: str = ""
    counts: Counter[str] = field(default_factory=Counter[str])
    _begun: float = field(default_factory=time.monotonic)
    _on_their_way: set[int] = field(default_factory=set[int])
    _new_done: int = 0
    _first: float | None = None
    _shown: float = 0.0
    _told: int = 0
    _artifact: UUID | None = None

    @property
    def standing(self) -> Standing:
        """How far it is now."""
        elapsed, new, end = time.monotonic() - self._begun, len(self.new), None
        if self._new_done < new:
            left = expected_seconds(new, self._new_done, elapsed=elapsed, first=self._first, usual=self.usual)
            end = datetime.now(timezone.utc) + timedelta(seconds=left)
        return Standing(self.total, dict(self.counts), end, len(self._on_their_way), self.results)

    async def begin(self) -> None:
        """Show that it has begun."""
        with suppress(Exception):  # no batch fails for what it shows
            line = self.standing.line
            made = await best_effort(lambda: acreate_progress_artifact(0.0, ARTIFACT, line), LIMIT_SECONDS)
            self._artifact = made
        self._watched()

    def submitted(self, place: int) -> None:
        """Count a job that is on its way."""
        self._on_their_way.add(place)
        self._watched()

    async def take(self, place: int, outcome: VideoOutcome) -> None:
        """Count an outcome, and show it where it is time to."""
        self.counts[outcome.status] += 1
        self._on_their_way.discard(place)
        if place in self.new:
            self._new_done += 1
            if self._first is None:
                self._first = time.monotonic() - self._begun
        done = sum(self.counts.values())
        self._watched()
        part = done * TELL_PARTS // self.total
        if part > self._told and self.total > TELL_PARTS:
            self._told = part
            get_run_logger().info("%s", self.standing.line)
        if done == self.total or time.monotonic() - self._shown >= SHOW_SECONDS:
            self._shown = time.monotonic()
            await self._show(100.0 * done / self.total)

    async def _show(self, percent: float) -> None:
        if self._artifact is None:
            return
        with suppress(Exception):
            artifact, line = self._artifact, self.standing.line
            await best_effort(lambda: aupdate_progress_artifact(artifact, percent, line), LIMIT_SECONDS)

    def _watched(self) -> None:
        watcher = watching.get()
        if watcher is not None:
            watcher(self.standing)
