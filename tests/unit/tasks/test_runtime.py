"""The background loop: one at a time for a key, one client for a key, and nothing of a parent's."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from prefect.cache_policies import INPUTS

from prefect_kie import tasks
from prefect_kie.blocks import KieCredentials
from prefect_kie.runtime import loop as module
from prefect_kie.runtime.clients import shared_client
from prefect_kie.runtime.loop import Cancellation, in_progress, run_on_loop, run_uncancellable, single_flight


async def here() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_threads_and_loops_have_one_background_loop() -> None:
    def elsewhere(_: int) -> asyncio.AbstractEventLoop:
        return asyncio.run(run_on_loop(here))

    with ThreadPoolExecutor(8) as threads:
        loops = set(threads.map(elsewhere, range(16)))
    assert len(loops) == 1
    assert [thread.name for thread in threading.enumerate()].count("prefect-kie") == 1


async def test_work_on_the_loop_gives_its_result_or_raises() -> None:
    async def fails() -> None:
        raise LookupError("not here")

    async def nested() -> bool:
        return await run_on_loop(here) is asyncio.get_running_loop()

    assert await run_on_loop(nested)
    with pytest.raises(LookupError, match="not here"):
        await run_on_loop(fails)


class Work:
    """Work that says how far it has come."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.outcome = ""

    async def __call__(self) -> None:
        self.begun.set()
        try:
            while not self.may_end.is_set():
                await asyncio.sleep(0.01)
            self.outcome = "done"
        except asyncio.CancelledError:
            self.outcome = "cancelled"
            raise

    async def ended(self) -> str:
        for _ in range(500):
            if self.outcome:
                return self.outcome
            await asyncio.sleep(0.01)
        raise AssertionError("it goes on")


async def cancelled_once_begun(
    run: Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]], work: Work
) -> None:
    caller = asyncio.ensure_future(run(work))
    await asyncio.to_thread(work.begun.wait, 5)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_work_ends_with_its_caller() -> None:
    work = Work()
    await cancelled_once_begun(run_on_loop, work)
    assert await work.ended() == "cancelled"


async def test_a_paid_call_that_waits_with_nothing_begun_ends_with_its_caller() -> None:
    work, cancellation = Work(), Cancellation()
    cancellation.begin_waiting()
    await cancelled_once_begun(lambda work: run_uncancellable(work, cancellation), work)
    assert await work.ended() == "cancelled"
    with pytest.raises(asyncio.CancelledError):
        cancellation.try_commit()
    assert not cancellation.committed


@pytest.mark.parametrize("committed", [True, False])
async def test_elsewhere_it_goes_on_and_begins_nothing_more(committed: bool) -> None:
    work, cancellation = Work(), Cancellation()
    if committed:
        cancellation.begin_waiting()
        cancellation.try_commit()
    await cancelled_once_begun(lambda work: run_uncancellable(work, cancellation), work)
    work.may_end.set()
    assert await work.ended() == "done"
    assert cancellation.committed == committed
    with pytest.raises(asyncio.CancelledError):
        cancellation.begin_waiting()


async def test_one_at_a_time_for_a_key() -> None:
    order: list[str] = []

    async def work(name: str) -> None:
        async with single_flight("kie-1"):
            assert in_progress("kie-1")
            order.append(f"{name} begins")
            await asyncio.sleep(0.01)
            order.append(f"{name} ends")

    await asyncio.gather(*(run_on_loop(lambda name=name: work(name)) for name in "ab"))  # type: ignore[misc]
    assert order == ["a begins", "a ends", "b begins", "b ends"]
    assert not in_progress("kie-1")


async def test_one_client_for_a_key(credentials: KieCredentials) -> None:
    async def client(kie: KieCredentials) -> object:
        return shared_client(kie)

    mine = await run_on_loop(lambda: client(credentials))
    again = KieCredentials.model_validate(credentials.model_dump())
    assert await run_on_loop(lambda: client(again)) is mine
    other = credentials.model_copy(update={"creates_per_10_seconds": 7})
    assert await run_on_loop(lambda: client(other)) is not mine


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_loop_and_locks_of_its_own() -> None:
    async def in_child() -> bool:
        async def flight() -> bool:
            async with single_flight("kie-fork"):
                return asyncio.get_running_loop() is not parents

        return await asyncio.wait_for(run_on_loop(flight), 5)

    async def in_parent() -> int:
        async with single_flight("kie-fork"):
            child = os.fork()
            if not child:
                code = 1
                try:
                    # In a thread, since in this one the parent's event loop is running.
                    with ThreadPoolExecutor(1) as thread:
                        code = 0 if thread.submit(asyncio.run, in_child()).result() else 1
                finally:
                    os._exit(code)
            return child

    parents = module._loop()
    child = asyncio.run(in_parent())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("option", [{"cache_policy": INPUTS}, {"persist_result": True}], ids=str)
def test_what_would_keep_a_waiting_state_as_the_result_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        tasks.wait_for_job.with_options(**option)
