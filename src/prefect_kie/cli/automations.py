"""The automations that run a crashed flow run again, as the Prefect server evaluates them.

::

    Pending ──15 min──> NotStarted ──┐
    Running ─────────crash────────> Crashed ──> Recovering ──10 s──> AwaitingRetry ──worker──> Running
       └─silent for 90 s─> Silent ───┘

Several, since each can do but one step: `call_silent` notices that a run has stopped sending heartbeats,
`call_not_started` that one was claimed by a worker and never begun, and `call_crashed` that they have
therefore crashed; `mark_crashed` decides whether a crashed run may be run again, `run_marked_again` does it a
moment later. Run again, a flow of this package goes on where it was: same jobs, nothing paid twice. A run
that is suspended or paused, waiting for a person, is left alone.

A heartbeat that does not come proves nothing by itself. So nothing is concluded of a run that was never
heard, the heartbeats go the way on which the run does everything else (`prefect_kie.runtime.heartbeat`), and
a process that lives nevertheless ends itself before another one begins in its place.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger, Posture
from prefect.client.schemas.objects import StateType

from prefect_kie.runtime.heartbeat import HEARTBEAT, SILENT
from prefect_kie.settings import KieSettings

RECOVERY_TAG = "prefect-kie"
"""Deployments with this tag are run again when they crash; anybody's own deployment may carry it."""

MISSED_HEARTBEATS = 3
"""So many intervals without a heartbeat, and a run has crashed."""

RERUNS = 3
"""How often a run is run again; the next crash is for a person to look at."""

PAUSE = timedelta(seconds=10)
"""Between a crash and its re-run; the shortest time for which Prefect can wait for something."""

STARTS_WITHIN = timedelta(minutes=15)
"""Between a worker's claim of a run and the run's begin: long enough to pull an image and find a machine."""

REMEMBERED = timedelta(days=7)
"""How long the server knows that a crash has been answered."""

RECOVERING = "Recovering"
"""Name of the state, of type Crashed, of a run that will be run again in a moment."""

TAKEN_UP = ("AwaitingRetry", "Submitting", "Running", "Completed", "Cancelled")
"""States of a marked run that somebody else has decided about meanwhile: a person, or a container that was
slow to start."""

ENDED = ("Completed", "Failed", "TimedOut", "Cancelled")
"""States after which no heartbeat is expected."""

NOT_STARTED = "NotStarted"
"""Name of the state, of type Pending, of a run that nobody has begun; it is called crashed at once."""

LEFT_PENDING = (
    *("Running", "AwaitingConcurrencySlot", "AwaitingRetry", "Scheduled", "Crashed", "Failed"),
    *("Completed", "Cancelling", "Cancelled"),
)
"""States by which a run that a worker has claimed is claimed no more."""

FLOW_RUN = "prefect.flow-run"


def all_automations() -> tuple[AutomationCore, ...]:
    """What `prefect-kie setup` makes."""
    return mark_crashed(), run_marked_again(), call_silent(), call_not_started(), call_crashed()


def mark_crashed() -> AutomationCore:
    """A run has crashed: mark it, if it may be run again.

    Bounded twice. The label `prefect.run-count` tells how often the run has begun, and only the first
    crashes match. A run that crashes before it begins again (its infrastructure cannot start) does not
    raise that count and would go round for ever: so each count, 0 too, is answered once. That is what the
    long `within` does: a reactive trigger fires at once and is then quiet for its key until it is over.

    The mark is not yet the re-run, because a worker tells of one crash twice, seconds apart: the first
    time from the runner inside it, the second time by itself. Were the run scheduled in between, the
    second report would crash it anew. To a run in a final state, and this is one, Prefect lets nobody
    report a crash, hence also the `force`.
    """
    mark = ChangeFlowRunState(
        state=StateType.CRASHED,
        name=RECOVERING,
        message=f"It crashed, and is run again in {PAUSE.total_seconds():g} seconds or a little more.",
        force=True,
    )
    return AutomationCore(
        name="prefect-kie: a crashed flow run may be run again",
        description=(
            f"Deployments tagged {RECOVERY_TAG}: marks a crashed flow run as {RECOVERING}, once for each "
            f"time that it had begun, {RERUNS} times at most. Made by prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={f"{FLOW_RUN}.Crashed"},
            match={
                "prefect.resource.id": f"{FLOW_RUN}.*",
                "prefect.run-count": [str(count) for count in range(RERUNS + 1)],
            },
            match_related=_tagged(RECOVERY_TAG),
            for_each={"prefect.resource.id", "prefect.run-count"},
            threshold=1,
            within=REMEMBERED,
        ),
        actions=[mark],
    )


def run_marked_again() -> AutomationCore:
    """Marked, and nobody has taken the run up meanwhile: run it again, as the UI's Retry does."""
    again = ChangeFlowRunState(
        state=StateType.SCHEDULED,
        name="AwaitingRetry",
        message="Run again after a crash; what it has submitted is not paid again.",
        force=False,
    )
    return AutomationCore(
        name="prefect-kie: run a crashed flow run again",
        description=(
            f"Runs a flow run marked as {RECOVERING} again after {PAUSE.total_seconds():g} seconds: the same "
            "flow run, which goes on where it was. Made by prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={f"{FLOW_RUN}.{RECOVERING}"},
            expect={f"{FLOW_RUN}.{name}" for name in TAKEN_UP},
            match={"prefect.resource.id": f"{FLOW_RUN}.*"},
            match_related=_tagged(RECOVERY_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=PAUSE,
        ),
        actions=[again],
    )


def call_silent(heartbeat_seconds: float | None = None) -> AutomationCore:
    """The run was heard, and is heard no more: its process is gone, and its worker, who would have told.

    Each heartbeat starts the time anew, and nothing else does: a run whose heartbeats never came says nothing
    by its silence. Only the run's end ends it. Running does not: a run comes into that state at each of its
    retries, and whenever it tells what it waits for, after its heartbeat and perhaps just before its death.
    When the time is over, the run may wait for a person (suspended, without a process; perhaps for days),
    or for a worker. It is then left alone because of the type of this state: Prefect pauses nothing but a
    running run. To expect those states as well would not do: a heartbeat may come after the run has
    suspended itself, since its process beats until it leaves.

    Args:
        heartbeat_seconds: How often runs send a heartbeat; None takes the setting.
    """
    interval = heartbeat_seconds or KieSettings().heartbeat_seconds
    silence = timedelta(seconds=MISSED_HEARTBEATS * interval)
    silent = ChangeFlowRunState(
        state=StateType.PAUSED,
        name=SILENT,
        message=f"No heartbeat for {silence.total_seconds():g} seconds.",
        force=False,
    )
    return AutomationCore(
        name="prefect-kie: a flow run has gone silent",
        description=(
            f"Deployments tagged {RECOVERY_TAG}: marks a running flow run as {SILENT} that has sent "
            f"heartbeats, and none for {silence.total_seconds():g} seconds. Made by prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={HEARTBEAT},
            expect={HEARTBEAT, *(f"{FLOW_RUN}.{name}" for name in ENDED)},
            match={"prefect.resource.id": f"{FLOW_RUN}.*"},
            match_related=_tagged(RECOVERY_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=silence,
        ),
        actions=[silent],
    )


def call_not_started(within: timedelta = STARTS_WITHIN) -> AutomationCore:
    """A worker has claimed the run, and nobody has begun it: the worker died between the two.

    What begins late all the same, a container whose image took longer, is not in the way: Prefect lets it
    begin the run if no other process has, and refuses it otherwise. The new state is of type Pending, which
    Prefect gives to no running run.

    Args:
        within: How long a start may take.
    """
    not_started = ChangeFlowRunState(
        state=StateType.PENDING,
        name=NOT_STARTED,
        message=f"Claimed by a worker {within.total_seconds() / 60:g} minutes ago, and not begun since.",
        force=False,
    )
    pending = f"{FLOW_RUN}.Pending"
    return AutomationCore(
        name="prefect-kie: a flow run was not started",
        description=(
            f"Deployments tagged {RECOVERY_TAG}: marks a flow run as {NOT_STARTED} that a worker has claimed "
            f"and that has not begun for {within.total_seconds() / 60:g} minutes. Made by prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={pending},
            expect={pending, *(f"{FLOW_RUN}.{name}" for name in LEFT_PENDING)},
            match={"prefect.resource.id": f"{FLOW_RUN}.*"},
            match_related=_tagged(RECOVERY_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=within,
        ),
        actions=[not_started],
    )


def call_crashed() -> AutomationCore:
    """It has gone silent, or was never begun: its process is gone, it crashed."""
    crashed = ChangeFlowRunState(
        state=StateType.CRASHED,
        name="Crashed",
        message="Its process is gone, and nobody was there to tell.",
        force=False,
    )
    return AutomationCore(
        name="prefect-kie: a flow run gone silent has crashed",
        description=(
            f"Calls a flow run marked as {SILENT} or {NOT_STARTED} crashed. Made by prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={f"{FLOW_RUN}.{SILENT}", f"{FLOW_RUN}.{NOT_STARTED}"},
            match={"prefect.resource.id": f"{FLOW_RUN}.*"},
            match_related=_tagged(RECOVERY_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=timedelta(0),
        ),
        actions=[crashed],
    )


def _tagged(tag: str) -> dict[str, str | list[str]]:
    return {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
