"""An event loop whose clock jumps to the next thing to do: hours of waiting in no time, and exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Where nothing is to be done before some time, it is that time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        real: Callable[[float], list[Any]] = selector.select

        def select(timeout: float | None) -> list[Any]:
            events = real(0)
            if not events:
                if timeout is None:
                    raise RuntimeError("everybody waits, and for nothing that will come")
                self.now += timeout
            return events

        selector.select = select

    def time(self) -> float:
        return self.now


def in_virtual_time(work: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """Run something that is given the clock."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work(loop.time))
    finally:
        loop.close()


def fullest(times: list[float], seconds: float) -> int:
    """How many of these times lie in the fullest window that is so long, its end not included."""
    ordered = sorted(times)
    first, most = 0, 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= seconds - 1e-6:
            first += 1
        most = max(most, last - first + 1)
    return most
