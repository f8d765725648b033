"""The events that say what needs a person: a run asks, stops for money, or left a submission in doubt.

Each has the label `kie.occasion`, by which `prefect-kie setup --notify` tells each of them once.
"""

from collections.abc import Mapping
from typing import Any

from prefect.logging import get_logger
from prefect.runtime import flow_run, task_run

from prefect_kie.api import (
    AuthenticationFailed,
    InsufficientCredits,
    KieError,
    SubmissionInDoubt,
    UsageLimitReached,
)
from prefect_kie.errors import BudgetExceeded
from prefect_kie.run_page.events import ATTEMPT, OCCASION, emit, event_of, first_time, occasion
from prefect_kie.run_page.markdown import cell, plain

ASKED = "kie.flow-run.asked"
ANSWERED = "kie.flow-run.answered"
BUDGET_REACHED = "kie.flow-run.budget-reached"
ACCOUNT_REFUSED = "kie.flow-run.account-refused"
IN_DOUBT = "kie.submission.in-doubt"

REFUSALS: dict[type[KieError], str] = {
    InsufficientCredits: "no-credits",
    AuthenticationFailed: "key",
    UsageLimitReached: "usage-limit",
}
"""Refusals that meet every job of an account, and the labels that tell them apart."""

MESSAGE_LENGTH = 1000


async def emit_asked(question: str, asks: str, *, until: str) -> None:
    """Report that this run waits for a person's answer; a question is `kie-<kind>-…`."""
    name = flow_run.get_name()
    message = f"{name} waits for your answer: {asks} Open the run and choose Resume; it ends at {until} UTC."
    payload = {"question": asks, "until": until, "message": cell(message, MESSAGE_LENGTH)}
    await _emit_of_run(ASKED, question, {"kie.question": _kind(question)}, payload)


async def emit_answered(question: str, asks: str, answer: Mapping[str, Any]) -> None:
    """Report a person's answer, field by field."""
    said = {name: plain(value) for name, value in answer.items()}
    payload = {"question": asks, "answer": said}
    await _emit_of_run(ANSWERED, question, {"kie.question": _kind(question)}, payload)


async def emit_refusals(error: KieError) -> None:
    """Report what an error says of money or the key, once a run; a `RunIncomplete` says it of each job."""
    errors: tuple[KieError, ...] = getattr(error, "errors", ())
    for one in (error, *errors):
        reason = next((reason for kind, reason in REFUSALS.items() if isinstance(one, kind)), None)
        if isinstance(one, BudgetExceeded):
            name, reason = BUDGET_REACHED, one.budget
            labels, payload = {"kie.budget": reason}, {"left": one.left}
        elif reason is not None:
            name, labels, payload = ACCOUNT_REFUSED, {"kie.reason": reason}, {}
        else:
            continue
        await _emit_of_run(name, reason, labels, {**payload, "message": _message(one)}, once=True)


def emit_in_doubt(doubt: SubmissionInDoubt, *, model: str, key: str, attempt: str, title: str) -> None:
    """Report, once a run, that nobody knows what became of a submission; another attempt is another doubt."""
    if first_time(f"in doubt {attempt}"):
        labels = {"kie.model": plain(model), ATTEMPT: attempt, OCCASION: attempt}
        payload = {
            "model": plain(model),
            "prompt": plain(title),
            "submission": key,
            "task_id": doubt.task_id,
            "next_step": plain(doubt.next_step, MESSAGE_LENGTH),
            "message": _message(doubt),
        }
        emit(event_of(IN_DOUBT, f"kie.submission.{key}", f"{model} {key}", labels, payload))


async def _emit_of_run(
    name: str, what: str, labels: dict[str, str], payload: dict[str, Any], *, once: bool = False
) -> None:
    try:
        labels = {**labels, OCCASION: await occasion(what)}
        if once and not first_time(f"{name} {labels[OCCASION]}"):
            return
        run = flow_run.get_id()
        resource = f"prefect.flow-run.{run}" if run else f"prefect.task-run.{task_run.get_id()}"
        title = flow_run.get_name() or task_run.get_name() or ""
        emit(event_of(name, resource, title, labels, payload))
    except Exception as error:  # the server may be away, by whom Prefect knows a run's name
        get_logger("prefect_kie").debug("%s was not sent: %r", name, error)


def _kind(question: str) -> str:
    return question.removeprefix("kie-").partition("-")[0]


def _message(error: KieError) -> str:
    return cell(f"{error.message.rstrip('.')}. {error.next_step}", MESSAGE_LENGTH)
