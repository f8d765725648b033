"""The two automations that run a crashed flow run again, as the Prefect server evaluates them.

One runs it again, the other notices that a run has gone silent and calls it crashed, whereupon the first
one runs it again. Run again, a flow of this package goes on where it was: same jobs, nothing paid twice.
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

CRASH_WITHIN = timedelta(days=7)
"""A run that crashes later than this after it began is not run again; the server keeps a row so long."""

FLOW_RUN = "prefect.flow-run.*"
"""Every flow run, and every event of one."""

BEGUN = "prefect.flow-run.Running"
CRASHED = "prefect.flow-run.Crashed"
HEARTBEAT = "prefect.flow-run.heartbeat"


def rerun_crashed() -> AutomationCore:
    """Crashed while its worker lives (or called crashed by the other automation): run it again.

    Bounded twice. The label `prefect.run-count` counts how often the run has begun, and only the first
    crashes match. A run that crashes before it begins again (its infrastructure cannot start) does not
    raise that count, so it could go round for ever: hence a crash counts only `after` the run has begun
    since the last time, for which the server keeps one bucket per run and takes it away when it fires.
    """
    # What the UI's Retry does: the same flow run once more, where its deployment runs.
    again = ChangeFlowRunState(
        state=StateType.SCHEDULED,
        name="AwaitingRetry",
        message="Run again after a crash; what it has submitted is not paid again.",
        force=False,
    )
    return AutomationCore(
        name="prefect-kie: run a crashed flow run again",
        description=(
            f"Deployments tagged {RECOVERY_TAG}. A flow run that crashes is run again, {RERUNS} times at "
            "most, and goes on where it was: the same jobs, nothing paid twice. Made by prefect-kie setup."
        ),
        trigger=EventTrigger(
            posture=Posture.Reactive,
            after={BEGUN},
            expect={CRASHED},
            match={
                "prefect.resource.id": FLOW_RUN,
                "prefect.run-count": [str(count) for count in range(1, RERUNS + 1)],
            },
            match_related=_tagged(RECOVERY_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=CRASH_WITHIN,
        ),
        actions=[again],
    )


def crash_silent(heartbeat_seconds: float = HEARTBEAT_SECONDS) -> AutomationCore:
    """Gone silent, its worker as well: call it crashed.

    Any event of the run is a sign of life (it may have been suspended, or ended in a state with a name
    of its own); Running and each heartbeat start the time anew.

    Args:
        heartbeat_seconds: How often the tagged deployments send a heartbeat.
    """
    silence = timedelta(seconds=MISSED_HEARTBEATS * heartbeat_seconds)
    crashed = ChangeFlowRunState(
        state=StateType.CRASHED,
        name="Crashed",
        message=f"No sign of life for {silence.total_seconds():g} seconds: its process is gone.",
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
            after={BEGUN, HEARTBEAT},
            expect={FLOW_RUN},
            match={"prefect.resource.id": FLOW_RUN},
            match_related=_tagged(HEARTBEAT_TAG),
            for_each={"prefect.resource.id"},
            threshold=1,
            within=silence,
        ),
        actions=[crashed],
    )


def _tagged(tag: str) -> dict[str, str | list[str]]:
    return {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
