"""The automations of `prefect-kie setup`: which events they look at, and when a process gives its run up."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

import pytest
from prefect.automations import AutomationCore
from prefect.client.schemas.objects import State, StateType
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.states import Cancelling, Completed, Crashed, Paused, Pending, Running, Scheduled, Suspended

from prefect_kie.cli.automations import RECOVERY_TAG, all_automations
from prefect_kie.runtime.heartbeat import HEARTBEAT, SILENT, any_taken_away

_, AGAIN, SILENCE, _, CRASH = all_automations()


def read(automation: AutomationCore) -> EventTrigger:
    """The trigger as the server reads it."""
    return EventTrigger.model_validate(automation.trigger.model_dump(mode="json"))


class TestSilentRuns:
    """The trigger that notices silence, as the server reads it; benchmarks/recovery.py shows it at work."""

    RUN = "prefect.flow-run.0197"

    @pytest.fixture
    def trigger(self) -> EventTrigger:
        return read(SILENCE)

    def event(self, name: str, *tags: str, resource: str = RUN) -> ReceivedEvent:
        """An event of a flow run, with what Prefect's engine and server tell of it."""
        related = [
            ("flow", "flow.1"),
            ("deployment", "deployment.2"),
            *(("tag", f"tag.{tag}") for tag in tags),
        ]
        return ReceivedEvent.model_validate(
            {
                "id": uuid4(),
                "occurred": "2026-01-01T00:00:00Z",
                "received": "2026-01-01T00:00:00Z",
                "event": name,
                "resource": {"prefect.resource.id": resource, "prefect.resource.name": "the run"},
                "related": [
                    {"prefect.resource.role": role, "prefect.resource.id": f"prefect.{id}"}
                    for role, id in related
                ],
            }
        )

    def test_three_intervals_without_a_sign_of_life(self, trigger: EventTrigger) -> None:
        assert trigger.within.total_seconds() == 90
        assert trigger.meets_threshold(0)
        assert not trigger.meets_threshold(1)

    def test_a_heartbeat_alone_starts_the_time(self, trigger: EventTrigger) -> None:
        assert trigger.after == {HEARTBEAT}
        event = self.event(HEARTBEAT, RECOVERY_TAG)
        assert trigger.covers(event)
        assert trigger.starts_after(event.event)
        assert trigger.expects(event.event)
        assert trigger.bucketing_key(event) == (self.RUN,)

    @pytest.mark.parametrize("name", ["Completed", "Failed", "TimedOut", "Cancelled"])
    def test_what_ends_it(self, trigger: EventTrigger, name: str) -> None:
        event = self.event(f"prefect.flow-run.{name}", RECOVERY_TAG)
        assert trigger.covers(event)
        assert trigger.expects(event.event)
        assert not trigger.starts_after(event.event)

    @pytest.mark.parametrize("name", ["Running", "Suspended", "Paused", "Resuming", "AwaitingRetry"])
    def test_a_wait_is_none_of_its_business(self, trigger: EventTrigger, name: str) -> None:
        # The server refuses to call a waiting run silent; events that are not looked at cannot be lost.
        assert not trigger.covers(self.event(f"prefect.flow-run.{name}", RECOVERY_TAG))

    def test_a_crash_is_for_the_other_automation_alone(self, trigger: EventTrigger) -> None:
        for automation in (SILENCE, CRASH, AGAIN):
            for name in ("Crashed", "Pending"):
                assert not read(automation).covers(self.event(f"prefect.flow-run.{name}", RECOVERY_TAG))

    def test_runs_that_promise_no_heartbeat_are_never_called_crashed(self, trigger: EventTrigger) -> None:
        # Prefect's own come every 180 seconds, or every 30, as each deployment's variables say.
        assert not trigger.covers(self.event("prefect.flow-run.heartbeat", RECOVERY_TAG))
        assert not trigger.covers(self.event(HEARTBEAT, f"{RECOVERY_TAG}-not"))
        assert not trigger.covers(self.event(HEARTBEAT))


class TestRunsThatGoOnElsewhere:
    """A process ends when the run that it executes was taken up by another one, and never otherwise."""

    CASES: ClassVar[list[tuple[list[State], bool]]] = [
        ([], False),
        ([Crashed()], True),
        ([State(type=StateType.PAUSED, name=SILENT)], True),
        ([Scheduled(name="AwaitingRetry"), Pending(), Running()], True),
        ([Scheduled(name="Resuming"), Pending(), Running()], True),
        ([Scheduled(name="AwaitingRetry"), Running(name="Retrying")], False),  # the flow's own retry
        ([Paused(), Running()], False),  # paused and resumed in its process
        ([Suspended()], False),  # Prefect itself ends it
        ([Cancelling()], False),
        ([Completed()], False),
    ]

    @pytest.mark.parametrize(("states", "lost"), CASES)
    def test_by_the_states_that_it_comes_into(self, states: list[State], lost: bool) -> None:
        assert any_taken_away(states) is lost
