"""The automations that run a crashed flow run again, as the Prefect server evaluates them.

::

    Running ──crash──> Crashed ──> Recovering ──10 s──> AwaitingRetry ──worker──> Running
       └───── silent for 90 s ───────^

Several, since each can do but one step: `call_silent_crashed` notices that a run shows no sign of life,
`mark_crashed` and `mark_silent` decide whether a crashed run may be run again, `run_marked_again` does it
a moment later. Run again, a flow of this package goes on where it was: same jobs, nothing paid twice.

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

QUIET = ("Completed", "Failed", "TimedOut", "Cancelled", "Suspended", "Paused", "AwaitingRetry")
"""States in which no sign of life is expected."""

SILENT = "No sign of life"
"""How the message begins of a crash that nobody reported."""

FLOW_RUN = "prefect.flow-run"


def all_automations() -> tuple[AutomationCore, ...]:
    """What `prefect-kie setup` makes."""
    return mark_crashed(), mark_silent(), run_marked_again(), call_silent_crashed()


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
    return _mark("prefect-kie: a crashed flow run may be run again", message=f"!{SILENT}*")


def mark_silent() -> AutomationCore:
    """The same for a run that `call_silent_crashed` has called crashed, and counted apart.

    That may happen to a run which crashed before, was scheduled again, and finds no worker: when the
    server was restarted, or its SQLite was busy, and it does not know of the scheduling.
    """
    return _mark("prefect-kie: a silent flow run may be run again", message=f"{SILENT}*")


def _mark(name: str, message: str) -> AutomationCore:
    mark = ChangeFlowRunState(
        state=StateType.CRASHED,
        name=RECOVERING,
        message=f"It crashed, and is run again in {PAUSE.total_seconds():g} seconds or a little more.",
        force=True,
    )
    return AutomationCore(
        name=name,
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
                "prefect.state-message": message,
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


def call_silent_crashed(heartbeat_seconds: float = HEARTBEAT_SECONDS) -> AutomationCore:
    """No sign of life from the run, so its process is gone, and its worker, who would have told: it crashed.

    Running and each heartbeat start the time anew; nothing is expected any more of a run that has ended
    or waits without a process. (One that ends in a state with a name of its own is called crashed in
    vain: it is in a final state, and Prefect lets nobody report a crash of it.)

    Args:
        heartbeat_seconds: How often the tagged deployments send a heartbeat.
    """
    silence = timedelta(seconds=MISSED_HEARTBEATS * heartbeat_seconds)
    alive = {f"{FLOW_RUN}.Running", f"{FLOW_RUN}.heartbeat"}
    crashed = ChangeFlowRunState(
        state=StateType.CRASHED,
        name="Crashed",
        message=f"{SILENT} for {silence.total_seconds():g} seconds: its process is gone.",
        force=False,  # a run that has ended, or that is being cancelled, is left alone
    )
    return AutomationCore(
        name="prefect-kie: a flow run gone silent has crashed",
        description=(
            f"Deployments tagged {HEARTBEAT_TAG}, with "
            f"PREFECT_FLOWS_HEARTBEAT_FREQUENCY={heartbeat_seconds:g} in their environment. No sign of life "
            f"for {silence.total_seconds():g} seconds: the run's process and its worker are gone. Made by "
            "prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after=alive,
            expect=alive | {f"{FLOW_RUN}.{name}" for name in QUIET},
            match={"prefect.resource.id": f"{FLOW_RUN}.*"},
            match_related=_tagged(HEARTBEAT_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=silence,
        ),
        actions=[crashed],
    )


def _tagged(tag: str) -> dict[str, str | list[str]]:
    return {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
