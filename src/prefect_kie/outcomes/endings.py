"""How a flow run ends: completed with a message, or failed with an error that names each video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed

from prefect_kie.api import KieError
from prefect_kie.errors import RunIncomplete
from prefect_kie.outcomes.results import Character, VideoOutcome
from prefect_kie.outcomes.totals import how_to_go_on, told

ResultT = TypeVar("ResultT")


def complete_or_failed(
    result: ResultT,
    outcomes: tuple[VideoOutcome, ...],
    task: str,
    job_key: str,
    *,
    beside: Sequence[VideoOutcome | Character] = (),
) -> ResultT:
    """The completed state, if every video is saved; else the failed state that names each.

    Args:
        result: What the flow returns.
        outcomes: Its videos.
        task: What they are, for the summary: `videos`, `episodes`.
        job_key: Whose jobs they are, with which another run goes on with them.
        beside: What else was made and paid for.
    """
    missing = [outcome for outcome in outcomes if outcome.status != "saved"]
    if not missing:
        return completed(result, told([*beside, *outcomes]))
    head = f"{len(missing)} of {len(outcomes)} {task} failed:"
    error = RunIncomplete("\n".join([head, *lines_of(outcomes), how_to_go_on(job_key)]))
    return failed(incomplete(error, result, [*beside, *outcomes]), type(result))


def incomplete(
    error: RunIncomplete, result: object, made: Sequence[VideoOutcome | Character]
) -> RunIncomplete:
    """The error with what the flow would have returned, every outcome's exception, and what was charged."""
    error.result = result
    videos = [one for one in made if isinstance(one, VideoOutcome)]
    error.errors = tuple(one.failure.exception for one in videos if one.failure is not None)
    charges = {one.billed for one in videos}
    error.billed = "unknown" if "unknown" in charges else "yes" if "yes" in charges else "no"
    return error


def lines_of(outcomes: Sequence[VideoOutcome], first: str = "") -> list[str]:
    """A line for each outcome; one for all that were not submitted for the same reason.

    Args:
        outcomes: The outcomes.
        first: What stands before the first outcome's number, as in `row 3: `; empty: no numbers.
    """
    lines: list[str] = []
    unsubmitted: dict[str, list[int]] = {}
    for number, outcome in enumerate(outcomes, start=1):
        if outcome.status == "not submitted" and outcome.failure is not None:
            unsubmitted.setdefault(outcome.failure.type, []).append(number)
        elif not first or outcome.status != "saved":
            lines.append(f"- {f'{first}{number}: ' if first else ''}{outcome.line}")
    for numbers in unsubmitted.values():
        one = outcomes[numbers[0] - 1]  # the one that was refused, or that came first of those not tried
        many = f"{len(numbers):,} of {len(outcomes):,} not submitted: {one.error}"
        lines.append(
            f"- {f'{first}{numbers[0]}: ' if first else ''}{one.line}" if len(numbers) == 1 else f"- {many}"
        )
    return lines


def completed(result: ResultT, message: str) -> ResultT:
    """The state of a flow run that has made everything: its result, with a message for the UI.

    Args:
        result: What the flow returns; its caller gets this.
        message: What was made and what it cost.
    """
    if _is_retried():  # Prefect would raise the error of an earlier try in place of a returned state
        return result
    state: State[Any] = Completed(message=message, data=result)
    return cast("ResultT", state)


def failed(error: KieError, instead_of: type[ResultT]) -> ResultT:
    """The state of a flow run that fails with this error.

    Raising it does the same, but with Prefect's traceback of our own code above it in the log. Where the
    flow has retries it is raised all the same: Prefect counts a returned state as no failure to retry.

    Args:
        error: Why it fails; the flow's caller gets it raised.
        instead_of: What the flow returns otherwise, for the type checker.
    """
    del instead_of
    if _is_retried():
        raise error
    state: State[Any] = Failed(message=str(error), data=error)
    return cast("ResultT", state)


def _is_retried() -> bool:
    context = FlowRunContext.get()
    return context is not None and context.flow is not None and bool(context.flow.retries)
