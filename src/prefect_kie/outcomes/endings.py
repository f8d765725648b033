"""How a flow run ends: completed with a message, or with an error that names each video."""

from collections.abc import Sequence
from typing import TypeVar, cast

from prefect.context import FlowRunContext
from prefect.states import Completed

from prefect_kie.api.errors import Billed
from prefect_kie.errors import RunIncomplete
from prefect_kie.outcomes.results import Character, VideoOutcome, total_credits

ResultT = TypeVar("ResultT")

NOUNS = {"video": "video", "image": "picture", "audio": "sound"}


def complete(
    result: ResultT,
    outcomes: tuple[VideoOutcome, ...],
    what: str,
    job_key: str,
    *,
    beside: Sequence[VideoOutcome | Character] = (),
) -> ResultT:
    """The completed state, where every video is saved.

    `what` they are (`videos`, `episodes`) stands in the summary; `beside` is what else was made and paid for.
    Raises RunIncomplete when one is not; its message names each.
    """
    missing = [outcome for outcome in outcomes if outcome.status != "saved"]
    if not missing:
        return completed(result, summary([*beside, *outcomes]))
    lines = [f"{len(missing)} of {len(outcomes)} {what} failed:", *lines_of(outcomes)]
    if any(isinstance(one, Character) or one.billed != "no" for one in [*beside, *outcomes]):
        lines.append(how_to_go_on(job_key))
    raise incomplete("\n".join(lines), result, [*beside, *outcomes])


def incomplete(message: str, result: object, made: Sequence[VideoOutcome | Character]) -> RunIncomplete:
    """The error with what the flow would have returned, every outcome's exception, and what was charged."""
    videos = [one for one in made if isinstance(one, VideoOutcome)]
    charges = {one.billed for one in videos}
    billed: Billed = "unknown" if "unknown" in charges else "yes" if "yes" in charges else "no"
    error = RunIncomplete(message, billed=billed)
    error.result = result
    error.errors = tuple(one.exception for one in videos if one.exception is not None)
    return error


def lines_of(outcomes: Sequence[VideoOutcome], first: str = "") -> list[str]:
    """A line for each outcome; one for all that were not submitted for the same reason.

    `first` stands before an outcome's number, as in `row 3: `; empty: no numbers, and saved ones too.
    """
    lines: list[str] = []
    unsubmitted: dict[str, list[tuple[str, VideoOutcome]]] = {}
    for number, outcome in enumerate(outcomes, start=1):
        line = f"- {f'{first}{number}: ' if first else ''}{outcome.line}"
        if outcome.status == "not submitted" and outcome.failure is not None:
            unsubmitted.setdefault(outcome.failure.type, []).append((line, outcome))
        elif not first or outcome.status != "saved":
            lines.append(line)
    for (line, one), *more in unsubmitted.values():  # the one that was refused, or the first not tried
        count = f"{len(more) + 1:,} of {len(outcomes):,}"
        lines.append(f"- {count} not submitted: {one.error}" if more else line)
    return lines


def completed(result: ResultT, message: str) -> ResultT:
    """The state of a flow run that has made everything: its result, with a message for the UI."""
    if is_retried():  # Prefect would raise the error of an earlier try in place of a returned state
        return result
    return cast("ResultT", Completed(message=message, data=result))


def is_retried() -> bool:
    """Whether this run's flow has retries."""
    context = FlowRunContext.get()
    return context is not None and context.flow is not None and bool(context.flow.retries)


def table(made: Sequence[VideoOutcome | Character]) -> list[dict[str, str]]:
    """The rows of the table artifact; the last one is the total."""
    rows = [one.row for one in made]
    columns = max(rows, key=len)
    total = {"status": "total", "prompt": _counts(made), "credits": _credits(made)}
    return [{name: row.get(name, "") for name in columns} for row in (*rows, total)]


def summary(made: Sequence[VideoOutcome | Character]) -> str:
    """The final message of a run: `3 videos, 1 character, 95 credits`."""
    return f"{_counts(made)}, {_credits(made)} credits"


def how_to_go_on(job_key: str) -> str:
    """How to run what is missing without paying again for the rest."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    retry = "choose Retry in the UI, or " if run is not None and run.deployment_id is not None else ""
    return (
        f"To go on without paying again, {retry}start a new run with job_key={job_key!r}: what is there is "
        "found again, and only what was not submitted, or whose input has changed, is paid. A failed job "
        "stays failed until its input changes, or retry allows another attempt."
    )


def _credits(made: Sequence[VideoOutcome | Character]) -> str:
    return f"{total_credits(one.credits for one in made):g}"


def _counts(made: Sequence[VideoOutcome | Character]) -> str:
    wanted = [one for one in made if isinstance(one, VideoOutcome)]
    saved = sum(one.status == "saved" for one in wanted)
    of_all = "" if saved == len(wanted) else f" of {len(wanted):,}"
    kinds = {one.kind for one in wanted}
    noun = NOUNS.get(kinds.pop(), "result") if len(kinds) == 1 else "result"
    counts = f"{saved:,}{of_all} {noun}{'' if saved == 1 and not of_all else 's'}"
    return f"{counts}, 1 character" if len(wanted) < len(made) else counts
