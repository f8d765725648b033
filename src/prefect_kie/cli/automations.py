"""The automations that run a crashed flow run again, as the Prefect server evaluates them.

One for each step of the diagram in docs/guarantees.md, since an automation can do but one. A missing
heartbeat proves nothing by itself. So nothing is concluded of a run that was never heard, the heartbeats go
the way on which the run does everything else (`prefect_kie.runtime.heartbeat`), and a process that lives
nevertheless ends itself before another one begins in its place.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger, Posture
from prefect.client.schemas.objects import StateType

from prefect_kie.runtime.heartbeat import HEARTBEAT, SILENT
from prefect_kie.settings import KieSettings

RECOVERY_TAG = "prefect-kie"
"""Deployments with this tag are run again when they crash; anybody's own deployment may carry it."""
TAGGED: Any = {"prefect.resource.id": f"prefect.tag.{RECOVERY_TAG}", "prefect.resource.role": "tag"}

RERUNS = 3  # the next crash is for a person to look at
PAUSE = timedelta(seconds=10)  # between a crash and its re-run; the shortest for which Prefect can wait
STARTS_WITHIN = timedelta(minutes=15)  # after a worker's claim: enough to pull an image and find a machine

RECOVERING = "Recovering"  # the state, of type Crashed, of a run that will be run again in a moment
NOT_STARTED = "NotStarted"  # the state, of type Pending, of a run that nobody has begun

# States by which a run that a worker has claimed is claimed no more.
CLAIMED_NO_MORE = (
    *("Running", "AwaitingConcurrencySlot", "AwaitingRetry", "Scheduled", "Crashed", "Failed"),
    *("Completed", "Cancelling", "Cancelled"),
)


def all_automations(
    *, silence: timedelta | None = None, starts_within: timedelta = STARTS_WITHIN
) -> tuple[AutomationCore, ...]:
    """What `prefect-kie setup` makes, in the order in which a crash meets them."""
    silence = silence or timedelta(seconds=3 * KieSettings().heartbeat_seconds)
    return (
        # Bounded twice: only the first crashes match, by the label `prefect.run-count`. A run that crashes
        # before it begins again (its infrastructure cannot start) does not raise that count, so each count is
        # answered once: a reactive trigger fires at once and is then quiet for its key for `within`.
        # The mark is not yet the re-run, because a worker reports one crash twice, seconds apart. If the run
        # were scheduled in between, the second report would crash it anew. To a run in a final state, as this
        # is, Prefect lets nobody report a crash; hence also the `force`.
        _automation(
            "a crashed flow run may be run again",
            (StateType.CRASHED, RECOVERING),
            f"It crashed, and is run again in {PAUSE.total_seconds():g} seconds or a little more.",
            expect=("Crashed",),
            within=timedelta(days=7),
            force=True,
            match={"prefect.run-count": [str(count) for count in range(RERUNS + 1)]},
        ),
        # Nobody has taken the run up meanwhile, neither a person nor a container that was slow to start.
        _automation(
            "run a crashed flow run again",
            (StateType.SCHEDULED, "AwaitingRetry"),
            "Run again after a crash; what it has submitted is not paid again.",
            after=RECOVERING,
            expect=("AwaitingRetry", "Submitting", "Running", "Completed", "Cancelled"),
            within=PAUSE,
        ),
        # The process is gone, and its worker, which would have reported it. Only a heartbeat starts the time
        # anew, and only the run's end ends it: a run comes into Running at each retry, perhaps just before it
        # dies. A run that waits for a person or a worker by then is left alone because of the type of this
        # state: Prefect pauses nothing but a running run. To expect the waiting states would not do: a
        # heartbeat may come after the run has suspended itself.
        _automation(
            "a flow run has gone silent",
            (StateType.PAUSED, SILENT),
            f"No heartbeat for {silence.total_seconds():g} seconds.",
            after=HEARTBEAT,
            expect=(HEARTBEAT, "Completed", "Failed", "TimedOut", "Cancelled"),
            within=silence,
        ),
        # Claimed by a worker that died before it began the run. A process that begins late all the same may
        # if no other has begun it. The new state is of type Pending, which Prefect gives to no running run.
        _automation(
            "a flow run was not started",
            (StateType.PENDING, NOT_STARTED),
            f"Claimed by a worker {starts_within.total_seconds() / 60:g} minutes ago, and not begun since.",
            after="Pending",
            expect=("Pending", *CLAIMED_NO_MORE),
            within=starts_within,
        ),
        _automation(
            "a flow run gone silent has crashed",
            (StateType.CRASHED, "Crashed"),
            "Its process is gone, and nobody was there to report it.",
            expect=(SILENT, NOT_STARTED),
            within=timedelta(0),
        ),
    )


def _automation(
    name: str,
    state: tuple[StateType, str],
    message: str,
    *,
    expect: Iterable[str],
    within: timedelta,
    after: str | None = None,
    force: bool = False,
    match: Mapping[str, str | list[str]] | None = None,
) -> AutomationCore:
    """Change the state of a tagged deployment's run; `match` is answered once for each of its values."""
    more: dict[str, Any] = dict(match or {})
    return AutomationCore(
        name=f"prefect-kie: {name}",
        description=f"{message} For deployments tagged {RECOVERY_TAG}; made by prefect-kie setup.",
        trigger=EventTrigger(
            posture=Posture.Proactive if after else Posture.Reactive,
            after={_event(after)} if after else set(),
            expect={_event(one) for one in expect},
            match={"prefect.resource.id": "prefect.flow-run.*", **more},
            match_related=TAGGED,
            for_each={"prefect.resource.id", *more},
            threshold=1,
            within=within,
        ),
        actions=[ChangeFlowRunState(state=state[0], name=state[1], message=message, force=force)],
    )


def _event(name: str) -> str:
    return name if "." in name else f"prefect.flow-run.{name}"
