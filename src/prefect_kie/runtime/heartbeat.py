"""A flow run's heartbeat, over HTTP; and its end in this process once it goes on in another.

Prefect's own heartbeats do not do for this: they go over a websocket, which many proxies refuse, and come
every 180 seconds unless each deployment says otherwise; the automations of `prefect-kie setup` need more.

Silence does not prove that a process is dead: a laptop wakes up, a network comes back, and by then the run
may have begun again elsewhere. So the process also checks whether the run is still its own; if not, it ends
as a suspended run does, at its next step, and reports nothing.
"""

import os
import threading
import time
from collections.abc import Iterable
from contextvars import copy_context
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events import Event, RelatedResource, Resource
from prefect.events.related import tags_as_related_resources
from prefect.logging.loggers import flow_run_logger, get_logger

from prefect_kie._compat import is_run_here, mark_flow_run_suspension_requested
from prefect_kie.settings import KieSettings

HEARTBEAT = "kie.flow-run.heartbeat"  # the event's name; its resource is the flow run
SILENT = "Silent"
"""Name of the state, of type Paused, of a run that shows no sign of life; it is marked as crashed at once."""

_watched: set[UUID] = set()
_guard = threading.Lock()


def keep_alive() -> None:
    """Send heartbeats for the flow run that this process was started for, from now until the process ends.

    Does nothing where no worker, runner or `prefect flow-run execute` has started the process for that run.
    """
    name = os.environ.get("PREFECT__FLOW_RUN_ID")
    run = UUID(name) if name else None
    with _guard:
        if run is None or run in _watched or not is_run_here(run):
            return
        _watched.add(run)
    # With this context: the thread is to ask the server that the run's settings name.
    threading.Thread(target=copy_context().run, args=(_watch, run), name="kie-heartbeat", daemon=True).start()


def _watch(run_id: UUID) -> None:
    settings = KieSettings()
    heartbeat = Heartbeat(run_id, settings.heartbeat_seconds)
    while not heartbeat.over:
        try:
            with get_client(sync_client=True) as client:
                while not heartbeat.over:
                    heartbeat.next(client)
                    _sleep(settings.ownership_check_seconds)
        except Exception:  # the next one may arrive
            get_logger("prefect_kie.heartbeat").debug("No heartbeat of %s was sent", run_id, exc_info=True)
            _sleep(settings.ownership_check_seconds)


def _sleep(seconds: float) -> None:
    """By the clock on the wall, which goes on while a machine sleeps: the first check after it is at once."""
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(min(1.0, seconds))


class Heartbeat:
    """The heartbeat of one flow run in this process; `over` once it has ended or goes on elsewhere."""

    def __init__(self, run_id: UUID, seconds: float) -> None:
        self.over = False
        self._run_id, self._seconds = run_id, seconds
        self._known: set[UUID] | None = None
        self._beat_at = 0.0

    def next(self, client: SyncPrefectClient) -> None:
        """Check that the run is still this process's, and send a heartbeat where one is due."""
        run = client.read_flow_run(self._run_id)
        if self._is_lost(run, client):
            self.over = True
            flow_run_logger(run).warning(
                "This flow run was taken for crashed while this process could not be heard, and goes on in "
                "another. This process ends at its next step; nothing is paid twice, and nothing is lost."
            )
            # What Prefect itself does where a run was suspended and resumed before its process saw it.
            elsewhere = State(type=StateType.PAUSED, name="Suspended", message="It goes on elsewhere.")
            mark_flow_run_suspension_requested(self._run_id, elsewhere)
        elif run.state is not None and run.state.is_final():
            self.over = True
        elif time.time() >= self._beat_at:
            event = heartbeat_event(run)
            client.request("POST", "/events", json=[event.model_dump(mode="json")])
            self._beat_at = time.time() + self._seconds

    def _is_lost(self, run: FlowRun, client: SyncPrefectClient) -> bool:
        if self._known is not None and (run.state is None or run.state.id in self._known):
            return False
        states = client.read_flow_run_states(self._run_id)
        new = [state for state in states if self._known is not None and state.id not in self._known]
        self._known = {state.id for state in states}
        return any_taken_away(new)


def any_taken_away(states: Iterable[State]) -> bool:
    """Whether a run that came into these states, while its process lived, is that process's no more.

    A worker claims a run (Pending) before each process that it starts; a retry or a pause is not like that.
    """
    taken = (StateType.CRASHED, StateType.PENDING)
    return any(state.type in taken or state.name == SILENT for state in states)


def heartbeat_event(run: FlowRun) -> Event:
    """The event that says: this flow run is alive. Automations know the run by its tags."""
    related = tags_as_related_resources(set(run.tags))
    for role, known in (("flow", run.flow_id), ("deployment", run.deployment_id)):
        if known is not None:
            fields = {"prefect.resource.id": f"prefect.{role}.{known}", "prefect.resource.role": role}
            related.append(RelatedResource(fields))
    resource = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name or ""}
    return Event(event=HEARTBEAT, resource=Resource(resource), related=related)
