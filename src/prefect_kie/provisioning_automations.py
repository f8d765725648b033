"""The automations that run a crashed flow run again, as the Prefect server evaluates them.

::

    Running ────────crash────────> Crashed ──> Recovering ──10 s──> AwaitingRetry ──worker──> Running
       └─silent for 90 s─> Silent ────^

Several, since each can do but one step: `call_silent` notices that a run shows no sign of life, and
`call_silent_crashed` that it has therefore crashed; `mark_crashed` decides whether a crashed run may be run
again, `run_marked_again` does it a moment later. Run again, a flow of this package goes on where it was:
same jobs, nothing paid twice. A run that is suspended or paused, waiting for a person, is left alone.

They expect as few kinds of events as possible, and none but the marking ones look at crashes. The server
reads before it writes whatever it counts of an event that is expected but opens no new span of time, and
on a busy SQLite that may fail; after four failures it drops the event, and keeps what follows it in the
same run waiting for 15 minutes. What is dropped must never be the crash.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger, Posture
from prefect.client.schemas.objects import StateType

RECOVERY_TAG = "prefect-kie"
"""Deployments with this tag are run again when they crash; anybody's own deployment may carry it."""

HEARTBEAT_TAG = "prefect-kie-heartbeat"
"""Deployments with this tag promise a heartbeat every HEARTBEAT_SECONDS (an environment variable of theirs).

A tag of its own, since Prefect's default is one in 180 seconds: a run that does not send them more often
would be called crashed while it lives.
"""

HEARTBEAT_SECONDS = 30
"""PREFECT_FLOWS_HEARTBEAT_FREQUENCY of those deployments; Prefect takes no less."""

MISSED_HEARTBEATS = 3
"""So many intervals without a sign of life, and a run has crashed."""

RERUNS = 3
"""How often a run is run again; the next crash is for a person to look at."""

PAUSE = timedelta(seconds=10)
"""Between a crash and its re-run; the shortest time for which Prefect can wait for something."""

REMEMBERED = timedelta(days=7)
"""How long the server knows that a crash has been answered."""

RECOVERING = "Recovering"
"""Name of the state, of type Crashed, of a run that will be run again in a moment."""

TAKEN_UP = ("AwaitingRetry", "Completed", "Cancelled")
"""States of a marked run that somebody else has decided about meanwhile."""

ENDED = ("Completed", "Failed", "TimedOut", "Cancelled")
"""States after which no sign of life is expected."""

SILENT = "Silent"
"""Name of the state, of type Paused, of a run that shows no sign of life; it is called crashed at once."""

FLOW_RUN = "prefect.flow-run"


def all_automations() -> tuple[AutomationCore, ...]:
    """What `prefect-kie setup` makes."""
    return mark_crashed(), run_marked_again(), call_silent(), call_silent_crashed()


def mark_crashed() -> AutomationCore:
    """A run has crashed: mark it, if it may be run again.

    Bounded twice. The label `prefect.run-count` tells how often the run has begun, and only the first
    crashes match. A run that crashes before it begins again (its infrastructure cannot start) does not
    raise that count and would go round for ever: so each count is answered once. That is what the long
    `within` does: a reactive trigger fires at once and is then quiet for its key until that time is over.

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
                "prefect.run-count": [str(count) for count in range(1, RERUNS + 1)],
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


def call_silent(heartbeat_seconds: float = HEARTBEAT_SECONDS) -> AutomationCore:
    """No sign of life from the run, so its process is gone, and its worker, who would have told.

    Running and each heartbeat start the time anew; nothing is expected any more of a run that has ended.
    When the time is over, the run may wait for a person (suspended, without a process; perhaps for days),
    or for a worker. It is then left alone because of the type of this state: Prefect pauses nothing but a
    running run. To expect those states as well would not do: a heartbeat may come after the run has
    suspended itself, since its process beats until it leaves; and their events, lost on a busy SQLite,
    would keep the server from seeing that the run was resumed.

    Args:
        heartbeat_seconds: How often the tagged deployments send a heartbeat.
    """
    silence = timedelta(seconds=MISSED_HEARTBEATS * heartbeat_seconds)
    alive = {f"{FLOW_RUN}.Running", f"{FLOW_RUN}.heartbeat"}
    silent = ChangeFlowRunState(
        state=StateType.PAUSED,
        name=SILENT,
        message=f"No sign of life for {silence.total_seconds():g} seconds.",
        force=False,
    )
    return AutomationCore(
        name="prefect-kie: a flow run has gone silent",
        description=(
            f"Deployments tagged {HEARTBEAT_TAG}, with "
            f"PREFECT_FLOWS_HEARTBEAT_FREQUENCY={heartbeat_seconds:g} in their environment. Marks a running "
            f"flow run as {SILENT} that has shown no sign of life for {silence.total_seconds():g} seconds. "
            "Made by prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after=alive,
            expect=alive | {f"{FLOW_RUN}.{name}" for name in ENDED},
            match={"prefect.resource.id": f"{FLOW_RUN}.*"},
            match_related=_tagged(HEARTBEAT_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=silence,
        ),
        actions=[silent],
    )


def call_silent_crashed() -> AutomationCore:
    """It was running and has gone silent: its process is gone, it crashed."""
    crashed = ChangeFlowRunState(
        state=StateType.CRASHED,
        name="Crashed",
        message=f"{SILENT}: its process is gone, and nobody was there to tell.",
        force=False,
    )
    return AutomationCore(
        name="prefect-kie: a flow run gone silent has crashed",
        description=f"Calls a flow run marked as {SILENT} crashed. Made by prefect-kie setup.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={f"{FLOW_RUN}.{SILENT}"},
            match={"prefect.resource.id": f"{FLOW_RUN}.*"},
            match_related=_tagged(HEARTBEAT_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=timedelta(0),
        ),
        actions=[crashed],
    )


def _tagged(tag: str) -> dict[str, str | list[str]]:
    return {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
