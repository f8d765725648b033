"""What is kept between requests is bounded, and expires."""

from __future__ import annotations

import logging

import pytest

from prefect_kie.callbacks.receiver.log import LINES_AT_ONCE, RingLog
from prefect_kie.callbacks.receiver.memory import Rate, Seen
from prefect_kie.callbacks.receiver.reading import Ring
from prefect_kie.callbacks.receiver.refusals import Refusal
from tests.receiver.calling import TASK


class Clock:
    """A clock that stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def ring(task_id: str = TASK) -> Ring:
    return Ring(task_id, None, "done")


def test_a_ring_is_new_once() -> None:
    seen = Seen(300)
    assert [seen.first(ring(), "1000", 1000), seen.first(ring(), "1000", 1599)] == [True, False]
    assert seen.first(ring(), "1001", 1000)
    assert seen.first(Ring(TASK, None, "progress"), "1000", 1000)
    assert not seen.first(Ring(TASK, "kie-other", "done", state="fail"), "1000", 1000)


def test_it_is_remembered_for_as_long_as_its_signature_is_accepted() -> None:
    seen = Seen(300)
    assert seen.first(ring(), "1300", 1000)  # signed by a clock that is ahead
    assert not seen.first(ring(), "1300", 1600)
    assert seen.first(ring(), "1300", 1601)
    assert len(seen) == 1


def test_what_is_remembered_is_bounded() -> None:
    seen = Seen(300, most=100)
    assert all(seen.first(ring(str(number)), "1000", 1000) for number in range(1000))
    assert len(seen) == 100
    assert not seen.first(ring("999"), "1000", 1000)


def test_a_forgotten_ring_may_come_again() -> None:
    seen = Seen(300)
    seen.first(ring(), "1000", 1000)
    seen.forget(ring(), "1000")
    seen.forget(ring(), "1000")
    assert seen.first(ring(), "1000", 1000)


def test_a_rate_lets_a_burst_through_and_then_so_many_a_second() -> None:
    clock = Clock()
    rate = Rate(2, 5, clock)
    assert [rate.take() for _ in range(7)] == [True] * 5 + [False] * 2
    clock.now += 1.5
    assert [rate.take() for _ in range(4)] == [True] * 3 + [False]
    clock.now -= 3600  # set back
    assert not rate.take()
    clock.now += 0.5
    assert rate.take()


def test_a_flood_writes_few_lines_and_says_how_many_it_left_out(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RingLog(clock)
    with caplog.at_level(logging.INFO, "prefect.prefect_kie.receiver"):
        for _ in range(5000):
            log.refused(Refusal.NOT_GENUINE, TASK)
        log.rang(Ring(TASK, None, "done", signed=False), again=False)
        assert len(caplog.records) == LINES_AT_ONCE
        log.rang(ring(), again=False)  # what is signed is always written
        clock.now += 1
        log.refused(Refusal.TOO_LARGE, None)
    assert "Kie rang about job" in caplog.messages[-2]
    assert caplog.messages[-1].startswith("Refused a callback (413): the body is too large")
    assert f"and {5001 - LINES_AT_ONCE} lines before this one were left out" in caplog.messages[-1]
