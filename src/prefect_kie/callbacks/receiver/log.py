"""The receiver's log: one line for each ring and each refusal, and never more than a disk can take."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from prefect.logging import get_logger

from prefect_kie.callbacks.receiver.memory import Rate
from prefect_kie.callbacks.receiver.reading import Ring
from prefect_kie.callbacks.receiver.refusals import Refusal

LINES_PER_SECOND = 2.0
LINES_AT_ONCE = 50

logger = get_logger("prefect_kie.callbacks.receiver")


class RingLog:
    """Writes no more than a few lines a second of what anybody can cause; the others are counted.

    A line holds nothing of a request but what has a checked shape: the task id, and words of ours.

    Args:
        clock: The time, seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._rate = Rate(LINES_PER_SECOND, LINES_AT_ONCE, clock)
        self._unwritten = 0

    def rang(self, ring: Ring, *, again: bool) -> None:
        """Write that Kie rang; always where nobody else can cause it: signed, for the first time."""
        if (again or not ring.signed) and not self._may_write():
            return
        logger.info(
            "Kie rang%s about job %s: %s%s%s",
            " again" if again else "",
            ring.task_id,
            ring.kind,
            f", {ring.state}" if ring.state else "",
            "" if ring.signed else " (unsigned)",
        )

    def refused(self, refusal: Refusal, task_id: str | None) -> None:
        """Write that a callback was refused."""
        if self._may_write():
            about = f" that names job {task_id}" if task_id else ""
            self._write_refusal(f"Refused a callback{about} ({refusal.status}): {refusal.text}")

    def broken(self, error: Exception) -> None:
        """Write that the receiver failed at a request: where, not the error's text, which may quote it."""
        if self._may_write():
            places = traceback.extract_tb(error.__traceback__)
            where = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
            self._write_refusal(f"The receiver failed at a request: {type(error).__name__}{where}")

    def _may_write(self) -> bool:
        if self._rate.take():
            return True
        self._unwritten += 1
        return False

    def _write_refusal(self, line: str) -> None:
        before = f" (and {self._unwritten} lines before this one were left out)" if self._unwritten else ""
        self._unwritten = 0
        logger.warning("%s%s", line, before)
