"""Whether events reach the Prefect server, on both of their ways: a websocket, and HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

from prefect.client.orchestration import PrefectClient, get_client
from prefect.events import Event, Resource, get_events_client
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter

from prefect_kie.cli.doctor.check import Check
from prefect_kie.runtime.logs import shown_error

SEND_SECONDS = 10.0
ARRIVE_SECONDS = 20.0
"""How long a sent event may take: a server writes events down every five seconds, a busy one later."""

ADVICE = "See docs/proxies.md: what a proxy has to let through, what works without, and which settings help."


async def check_events(client: PrefectClient) -> AsyncIterator[Check]:
    """Send one event on each way, as runs do, and ask the server for them.

    Args:
        client: A client of the Prefect server; it only asks.
    """
    mark = f"kie.check.{uuid4().hex}"
    # Both names begin alike, so that one look finds both.
    ways = {"kie.check.websocket": _by_websocket, "kie.check.http": _by_http}
    troubles = [await _sent(send, Event(event=name, resource=_resource(mark))) for name, send in ways.items()]
    sent = {name for name, trouble in zip(ways, troubles, strict=True) if trouble is None}
    arrived = await _arrived(client, mark, sent)
    for name, trouble in zip(ways, troubles, strict=True):
        if name in arrived:
            continue
        why = trouble or f"sent, and not there {ARRIVE_SECONDS:g} seconds later"
        if name == "kie.check.websocket":
            what = (
                f"no event reaches the server over its websocket ({why}): no task runs and kie.* events in "
                "the UI, no automations from them, no callbacks; runs go on, and are found when they die"
            )
        else:
            what = (
                f"no event reaches the server over HTTP ({why}): it hears no heartbeats, so a run whose "
                "process and worker are both gone is not run again by itself"
            )
        yield Check("trouble", what, ADVICE)
    if len(arrived) == len(ways):
        yield Check("ok", "events arrive, over the websocket and over HTTP")


def _resource(mark: str) -> Resource:
    return Resource({"prefect.resource.id": mark})


async def _sent(send: Callable[[Event], Awaitable[None]], event: Event) -> str | None:
    """Why it could not be sent; None: it was."""
    try:
        await asyncio.wait_for(send(event), SEND_SECONDS)
    except Exception as error:
        return shown_error(error).splitlines()[0]
    return None


async def _by_websocket(event: Event) -> None:
    # Asked for a confirmation of each event, and not to try again.
    async with get_events_client(reconnection_attempts=0, checkpoint_every=1) as events:
        await events.emit(event)


async def _by_http(event: Event) -> None:
    async with get_client() as client:
        await client.request("POST", "/events", json=[event.model_dump(mode="json")])


async def _arrived(client: PrefectClient, mark: str, sent: set[str]) -> set[str]:
    wanted = EventFilter(event=EventNameFilter(name=sorted(sent)), resource=EventResourceFilter(id=[mark]))
    end = time.monotonic() + ARRIVE_SECONDS
    found: set[str] = set()
    while found != sent and time.monotonic() < end:
        found = {event.event for event in (await client.read_events(wanted, limit=len(sent))).events}
        if found != sent:
            await asyncio.sleep(0.3)
    return found
