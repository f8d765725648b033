"""The one client of Kie that a process has for each key, and the calls that are made with it.

It lives on the background loop, so that calls reuse its connections and share its rate limiters, whichever
run, thread or event loop they come from.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from prefect_kie.api import Job, KieClient, KieError
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import add_next_step
from prefect_kie.runtime.global_limits import CREATE_LIMIT, POLL_LIMIT, acquire_slot
from prefect_kie.runtime.loop import per_process, run_on_loop

T = TypeVar("T")


@per_process
def _clients() -> dict[Hashable, KieClient]:
    return {}


def shared_client(kie: KieCredentials) -> KieClient:
    """The process's client for these credentials; used on the background loop only, and never closed."""
    clients = _clients()
    known = kie.base_url, kie.upload_url, kie.api_key, kie.creates_per_10_seconds, kie.polls_per_second
    if known not in clients:
        clients[known] = kie.get_client()
    return clients[known]


async def ask_kie(kie: KieCredentials, ask: Callable[[KieClient], Coroutine[Any, Any, T]]) -> T:
    """Make a call with the process's client, from any event loop; its errors name the run's next call."""
    try:
        return await run_on_loop(lambda: ask(shared_client(kie)))
    except KieError as error:
        add_next_step(error)
        raise


async def poll_job(kie: KieCredentials, task_id: str) -> Job:
    """Poll a job once, when the rate limits have a slot for it; raises as `KieClient.get_job`."""

    async def poll(client: KieClient) -> Job:
        async with client.polls.slot():
            await acquire_slot(POLL_LIMIT)
            return await client.get_job(task_id, has_slot=True)

    return await ask_kie(kie, poll)


@asynccontextmanager
async def create_slot(kie: KieCredentials) -> AsyncGenerator[KieClient, None]:
    """Wait until one more job may be submitted, by this process and by all; on the background loop only.

    Enter it before the submission's record is written: a run that is killed while it waits leaves no doubt.
    """
    client = shared_client(kie)
    async with client.creates.slot():
        await acquire_slot(CREATE_LIMIT)
        try:
            yield client
        except KieError as error:
            add_next_step(error)
            raise
