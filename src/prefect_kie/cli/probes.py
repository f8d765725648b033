"""What is tried out, not only read: result storage, the two ways of events, the receiver of callbacks."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events import Event, Resource, get_events_client
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.filesystems import LocalFileSystem, WritableFileSystem
from prefect.settings import get_current_settings
from pydantic import ValidationError

from prefect_kie.api.hosts import http_client
from prefect_kie.blocks import KieCallbacks
from prefect_kie.callbacks.receiver import HEALTHY
from prefect_kie.cli.terminal import Finding, Outcome
from prefect_kie.errors import shown_error
from prefect_kie.run_page.events import JOB, JOB_CALLBACK
from prefect_kie.storage.base import LocalStorage, NotExclusive, Storage
from prefect_kie.storage.fsspec import storage_for

ARRIVE_SECONDS = 20.0  # a server writes events down every five seconds, a busy one later

# Two events, found by one query, and what is lost where one does not arrive.
WAYS = {
    "kie.check.websocket": (
        "no event reaches the server over its websocket ({}): no task runs and kie.* events in the UI, no "
        "automations from them, no callbacks; runs go on, and are found when they die"
    ),
    "kie.check.http": (
        "no event reaches the server over HTTP ({}): it hears no heartbeats, so a run whose process and "
        "worker are both gone is not run again by itself"
    ),
}
SET_BLOCK = "prefect config set PREFECT_DEFAULT_RESULT_STORAGE_BLOCK=TYPE/NAME"


async def check_events(client: PrefectClient, problem: Outcome = "error") -> AsyncIterator[Finding]:
    """Send one event on each way, as runs do, and ask the server for them."""
    mark = f"kie.check.{uuid4().hex}"
    problems: dict[str, str] = {}
    for name in WAYS:
        try:
            await asyncio.wait_for(_send(name, mark), 10)
        except Exception as error:
            problems[name] = shown_error(error).splitlines()[0]
    sent = WAYS.keys() - problems.keys()
    missing = sent - (await _arrived(client, sent, mark)).keys()
    problems |= dict.fromkeys(missing, f"sent, and still missing {ARRIVE_SECONDS:g} seconds later")
    for name, why in problems.items():
        remedy = "See docs/proxies.md: what a proxy has to let through, and which settings help."
        yield Finding(problem, WAYS[name].format(why), remedy)
    if not problems:
        yield Finding("ok", "events arrive, over the websocket and over HTTP")


async def _send(name: str, mark: str) -> None:
    event = Event(event=name, resource=Resource({"prefect.resource.id": mark}))
    if name.endswith("http"):
        async with get_client() as client:
            await client.request("POST", "/events", json=[event.model_dump(mode="json")])
    else:  # asked for a confirmation of each event, and not to try again
        async with get_events_client(reconnection_attempts=0, checkpoint_every=1) as events:
            await events.emit(event)


async def _arrived(client: PrefectClient, names: Collection[str], resource: str) -> dict[str, Any]:
    """What events of these names about a resource hold, by name, once all are there or the time is over."""
    wanted = EventFilter(event=EventNameFilter(name=[*names]), resource=EventResourceFilter(id=[resource]))
    end, found = time.monotonic() + ARRIVE_SECONDS, dict[str, Any]()
    while len(found) < len(names) and time.monotonic() < end:
        page = await client.read_events(wanted, limit=len(names))
        found = {event.event: event.payload for event in page.events}
        await asyncio.sleep(0.3 if len(found) < len(names) else 0)
    return found


async def check_webhook(callbacks: KieCallbacks, client: PrefectClient) -> Finding:
    """Whether a request to a Prefect Cloud webhook becomes the event that runs wait for; none believes it."""
    address, job = callbacks.done_url("doctor"), f"doctor-{uuid4().hex}"
    try:
        async with http_client(address, httpx.Timeout(10), keepalive=0) as http:
            answer = await http.post(address, json={"data": {"taskId": job}})
        problem = f"it answers with status {answer.status_code}"
        if answer.is_success:
            problem = f"it sends no event {JOB_CALLBACK} with a callback's signature"
            if "signature" in (await _arrived(client, [JOB_CALLBACK], f"{JOB}{job}")).get(JOB_CALLBACK, ()):
                return Finding("ok", f"callbacks: the webhook {callbacks.base_url} passes them on")
    except httpx.HTTPError as error:
        problem = f"it cannot be asked ({type(error).__name__})"
    why = f"callbacks: {callbacks.base_url}: {problem}, so runs learn of a job's end by polling only"
    remedy = "Give the webhook the template that prefect-kie callbacks template prints (docs/callbacks.md)."
    return Finding("error", why, remedy)


async def check_callbacks(callbacks: KieCallbacks, seconds: float = 10.0) -> Finding:
    """Whether the receiver answers at its public address; asked without any key, from outside."""
    address = f"{callbacks.base_url}/health"
    try:
        # No redirect is followed: Kie's POST would not be, either.
        async with http_client(address, httpx.Timeout(seconds), keepalive=0) as client:
            answer = await client.get(address)
        if answer.status_code == 200 and answer.text == HEALTHY:
            return Finding("ok", f"callbacks: the receiver answers at {callbacks.base_url}")
        problem = f"something else answers there (status {answer.status_code})"
    except httpx.HTTPError as error:
        problem = f"nobody answers ({type(error).__name__})"
    why = f"callbacks: {callbacks.base_url}: {problem}, so runs learn of a job's end by polling only"
    remedy = "run: prefect-kie callbacks, and lead that address to it (docs/callbacks.md)"
    return Finding("error", why, remedy)


async def check_result_storage(client: PrefectClient) -> Finding:
    """Where runs keep what they have submitted: without it nothing is sent."""
    settings = get_current_settings().results
    named = settings.default_storage_block
    try:
        if named is not None:
            block = await Block.aload(named, client=client)
        elif default := (await client.read_server_default_result_storage()).default_result_storage_block_id:
            block = await Block.aload_from_ref(default, client=client)
        else:
            block = LocalFileSystem(basepath=str(settings.local_storage_path))
        if not isinstance(block, WritableFileSystem):
            raise TypeError(f"{block.get_block_type_slug()} is no block that files can be written to")
        storage = storage_for(block)
    except Exception as error:
        what = f"result storage {named or '(the default of the server)'} cannot be loaded ({_reason(error)})"
        remedy = f"See which blocks exist with prefect block ls; choose one: {SET_BLOCK}"
        return Finding("error", what, remedy)
    return await check_storage(storage, f"result storage {named or storage.address('')}")


async def check_storage(storage: Storage, what: str) -> Finding:
    """Whether a storage creates a small file as records are created, gives it back and removes it."""
    path = f"prefect-kie-doctor-{uuid4().hex}.txt"
    content = f"Written by prefect-kie doctor; may be deleted. {uuid4().hex}".encode()
    remedy = (
        f"Make that directory writable and the disk not full, or choose a storage block: {SET_BLOCK}"
        if isinstance(storage, LocalStorage)
        else "Correct the storage block in the UI (Blocks), then run prefect-kie doctor again."
    )
    try:
        await storage.create(path, content)
        kept = await storage.read(path)
        await storage.delete(path)
    except NotExclusive as error:
        return Finding("error", f"{what} keeps no records of submissions: {error.message}", error.next_step)
    except Exception as error:
        with suppress(Exception):
            await storage.delete(path)
        return Finding("error", f"{what} cannot be used ({_reason(error)})", remedy)
    if kept != content:
        return Finding("error", f"{what} does not keep what is written", remedy)
    able = f"{what}: creates, reads and deletes"
    if not isinstance(storage, LocalStorage):
        return Finding("ok", able)
    able += ". It is this machine's disk: several machines would not share it, and could pay twice"
    return Finding("ok", able, f"For several machines, choose a shared storage block on each: {SET_BLOCK}")


def _reason(error: Exception) -> str:
    # A refused block's text quotes its fields, among them secrets.
    return type(error).__name__ if isinstance(error, ValidationError) else shown_error(error)
