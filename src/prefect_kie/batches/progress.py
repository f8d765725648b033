"""How far a batch is: counts and an expected end, as an artifact, in the log, and for whoever watches."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from prefect import get_run_logger

from prefect_kie.batches.results import counts_text
from prefect_kie.outcomes.results import VideoOutcome
from prefect_kie.run_page.artifacts import show

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
        self._watched()
        await show(ARTIFACT, self.line, 0.0)

    def submitted(self, place: int) -> None:
        """Count a job that is on its way."""
        self.on_their_way.add(place)
        self._watched()

    async def take(self, place: int, outcome: VideoOutcome) -> None:
        """Count an outcome, and show it where it is time to."""
        self.counts[outcome.status] += 1
        self.on_their_way.discard(place)
        if place in self.new:
            self._new_done += 1
            self._first = self._first or time.monotonic() - self._begun
        self._watched()
        done, total, line = self.done, self.total, self.line
        if total > LOG_LINES and done * LOG_LINES // total > (done - 1) * LOG_LINES // total:
            get_run_logger().info("%s", line)
        if done == total or time.monotonic() - self._shown >= 5.0:
            self._shown = time.monotonic()
            await show(ARTIFACT, line, 100.0 * done / total)

    def _watched(self) -> None:
        if (watcher := watching.get()) is not None:
            watcher(self)


watching: ContextVar[Callable[[BatchProgress], None] | None] = ContextVar("watching", default=None)
"""Who sees each change, in the process that runs the flow: the command line's progress bar."""
