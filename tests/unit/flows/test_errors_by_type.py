"""Errors are caught by their type, name the server that does not answer, and say how to go on."""

from __future__ import annotations

from prefect_kie.api import (
    KieError,
)
from prefect_kie.outcomes.results import Failure


def test_another_exception_is_told_as_what_it_is() -> None:
    error = Failure.of(ZeroDivisionError("a bug"), "t1").exception
    assert (type(error), error.message, error.billed) == (KieError, "ZeroDivisionError: a bug", "unknown")
    assert error.task_id == "t1"
