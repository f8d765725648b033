"""Budgets: never exceeded, by however many at once; what was reserved is settled, given back or kept."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable

from prefect_kie.api import (
    Job,
    JobHandle,
    ServiceUnavailable,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import BudgetExceeded
from prefect_kie.flows import (
    Approval,
    Output,
    Retry,
    Scope,
    character_series,
    generate_batch,
    generate_video,
)
from prefect_kie.flows.characters import CharacterTraits
from prefect_kie.models import Slice, Sora2TextToVideo
from prefect_kie.runtime import global_limits
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions import budgets, store
from prefect_kie.submissions.budgets import CREDITS_LIMIT
from prefect_kie.tasks import sora_2_text_to_video, wait_for_job
from tests.conftest import QUICK, QUICKLY, grouped

PRICE = 30


def cat(number: int = 1) -> Sora2TextToVideo:
    return Sora2TextToVideo(prompt=f"cat number {number}")


# The whole way, on a Prefect server and the simulator


@pytest.fixture
def prices() -> Iterator[None]:
    """A price for one model."""
    Variable.set("kie_prices", {"sora-2-text-to-video": PRICE}, overwrite=True)
    yield
    Variable.unset("kie_prices")


@pytest.fixture
async def no_limit() -> AsyncIterator[None]:
    """Nothing is known of a limit before the test, and none is left after it."""
    global_limits.ask_from().clear()
    yield
    with suppress(ObjectNotFound):
        async with get_client() as client:
            await client.delete_global_concurrency_limit_by_name(CREDITS_LIMIT)


Begin = Callable[[int], Awaitable[None]]


@pytest.fixture
def limited(no_limit: None) -> Begin:
    """Make the limit `kie-credits`."""

    async def make(credits: int) -> None:
        async with get_client() as client:
            await client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(name=CREDITS_LIMIT, limit=credits)
            )

    return make


async def used() -> int:
    """How many credits of the limit are."""
    async with get_client() as client:
        return (await client.read_global_concurrency_limit_by_name(CREDITS_LIMIT)).active_slots


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process has counted."""
    budgets._counted().clear()


def of_server(test: Any) -> Any:
    for mark in (pytest.mark.server, pytest.mark.usefixtures("prefect_server", "prices", "no_limit")):
        test = mark(test)
    return test


async def submit(credentials: KieCredentials | str, number: int = 1, **options: Any) -> JobHandle:
    """Submit a cat; by default all are one job_key's."""
    return await sora_2_text_to_video(cat(number), credentials, **{"job_key": "one", **options})


async def waited(handle: JobHandle, credentials: KieCredentials) -> Job:
    return await wait_for_job(handle, credentials, poll=QUICK)


@of_server
async def test_all_runs_share_the_limit_until_it_begins_anew(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin
) -> None:
    await limited(70)
    for number in (1, 2):
        await submit(credentials, number, job_key=f"run {number}")
    assert await used() == 60
    told = r"this job would cost 30 credits.*'kie-credits'\) has 10 left of 70; nothing was submitted"
    with pytest.raises(BudgetExceeded, match=told) as caught:
        await submit(credentials, 3)
    assert (caught.value.left, caught.value.billed) == (10, "no")
    assert "prefect gcl update kie-credits --limit N" in caught.value.next_step
    assert (await submit(credentials, 2, job_key="run 2")).task_id == kie.stats()["jobs"][1]["task_id"]
    assert kie.stats()["created"] == 2

    command = [sys.executable, "-m", "prefect", "gcl", "update", CREDITS_LIMIT, "--active-slots", "0"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=60)
    await submit(credentials, 3)
    assert (await used(), kie.stats()["created"]) == (30, 3)


@of_server
async def test_an_ended_job_counts_with_what_it_has_cost(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limited(80)
    kie.change(prices={"sora-2-text-to-video": 19.5})
    for number in (1, 2):
        await submit(credentials, number, max_credits=80)
    assert await used() == 60
    for _ in range(2):  # a run that is run again settles again
        another_process(monkeypatch)
        for number in (1, 2):
            await waited(await submit(credentials, number), credentials)
        assert await used() == 40

    kie.change(prices={"sora-2-text-to-video": 75})  # more than the table says
    await waited(await submit(credentials, 3, max_credits=80), credentials)
    assert await used() == 80
    for max_credits in (80, None):
        with pytest.raises(BudgetExceeded, match=r"has 0 left of 80"):
            await submit(credentials, 4, max_credits=max_credits)
    assert kie.stats()["created"] == 3


@of_server
async def test_a_second_try_has_the_credits_of_the_first(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin, tmp_path: Path
) -> None:
    await limited(PRICE)
    kie.fault("job", times=1, fail={"failCode": "500", "failMsg": "heavy load, try again later"})
    options = grouped(directory=tmp_path, poll=QUICK, max_credits=PRICE)
    made = await generate_video(cat(), credentials, retry=Retry(attempts=2), **options)
    assert made.videos[0].status == "saved"
    assert (await used(), kie.stats()["created"]) == (PRICE, 2)


@of_server
async def test_a_success_that_is_said_to_cost_nothing_keeps_its_reservation(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    """A cap of 60 lets two jobs of 30 through, whatever Kie's record says that they cost."""
    for number, told in ((1, 0), (2, -5)):
        kie.change(prices={"sora-2-text-to-video": told})
        await waited(await submit(credentials, number, max_credits=2 * PRICE), credentials)
    with pytest.raises(BudgetExceeded):
        await submit(credentials, 3, max_credits=2 * PRICE)
    assert kie.stats()["created"] == 2


# Before the first of many


@of_server
async def test_a_run_that_would_pass_its_budget_is_not_begun(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    options = grouped(directory=tmp_path, poll=QUICK, job_key="one")
    told = r"3 jobs to submit would cost 90 credits.* has 70 left of 70"
    with pytest.raises(BudgetExceeded, match=told):
        await generate_video(cat(), credentials, count=3, approval=Approval(max_credits=70), **options)
    rows = [{"model": "sora-2-text-to-video", "prompt": f"cat number {number}"} for number in range(3)]
    with pytest.raises(BudgetExceeded, match=told):
        await generate_batch(rows, credentials, approval=Approval(max_credits=70), **options)
    assert kie.stats()["created"] == 0

    await generate_batch(rows[:2], credentials, approval=Approval(max_credits=70), **options)
    with pytest.raises(BudgetExceeded, match=r"this job would cost 30 credits.* has 10 left of 70"):
        await generate_batch(rows, credentials, approval=Approval(max_credits=70), **options)
    assert kie.stats()["created"] == 2


@of_server
async def test_a_batch_that_would_pass_the_limit_is_not_begun(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin, tmp_path: Path
) -> None:
    await limited(70)
    rows = [{"model": "sora-2-text-to-video", "prompt": f"cat number {number}"} for number in range(3)]
    with pytest.raises(BudgetExceeded, match=r"3 jobs to submit would cost 90 credits.* has 70 left of 70"):
        await generate_batch(rows, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert (await used(), kie.stats()["created"]) == (0, 0)


@of_server
async def test_a_series_fits_as_a_whole_or_is_not_begun_and_is_run_again_as_it_is(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"sora-2-text-to-video": PRICE, "sora-2-characters-pro": 5}
    await asyncio.to_thread(Variable.set, "kie_prices", table, overwrite=True)
    kie.change(prices=table)
    traits = CharacterTraits(character_prompt="a conductor in clay")
    options = grouped(slice=Slice(start=1, end=3), directory=tmp_path, poll=QUICK)
    options["credentials"] = credentials
    prompts = ["she bows", "she leaves"]
    with pytest.raises(BudgetExceeded, match=r"4 jobs to submit would cost 95 credits.* has 94 left of 94"):
        await character_series(cat(), traits, prompts, approval=Approval(max_credits=94), **options)
    assert kie.stats()["created"] == 0
    for _ in range(2):
        made = await character_series(
            cat(), traits, prompts, approval=Approval(max_credits=95), scope=Scope(job_key="s"), **options
        )
        assert [episode.status for episode in made.episodes] == ["saved", "saved"]
        another_process(monkeypatch)
    assert kie.stats()["created"] == 4


# Trouble


@of_server
async def test_where_the_server_is_away_nothing_is_submitted_under_the_limit(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limited(100)

    async def away(self: object, *args: object, **kwargs: object) -> None:
        raise httpx.ConnectError("the Prefect server is away")

    for method in ("read_global_concurrency_limit_by_name", "increment_concurrency_slots"):
        with monkeypatch.context() as broken:
            broken.setattr(PrefectClient, method, away)
            told = r"could not be asked what is left of the budget 'kie-credits'.*nothing was submitted"
            with pytest.raises(ServiceUnavailable, match=told) as caught:
                await submit(credentials)
        assert (caught.value.retryable, caught.value.billed) == (True, "no")
    assert (await used(), kie.stats()["created"]) == (0, 0)
    await submit(credentials)
    assert kie.stats()["created"] == 1


@of_server
async def test_a_lost_answer_never_gives_back_what_is_others(
    kie: SimulatorServer,
    credentials: KieCredentials,
    limited: Begin,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await limited(100)
    kie.change(prices={"sora-2-text-to-video": 10})
    handle = await submit(credentials)
    await submit(credentials, 2)
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def lost(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        answer = await send(self, request)
        if request.url.path.endswith("/v2/concurrency_limits/decrement"):
            while answer.status_code == 503:  # too busy to take it back, so far
                await answer.aread()
                answer = await send(self, request)
            await answer.aread()
            raise httpx.ReadError("the connection was reset")
        return answer

    with monkeypatch.context() as broken:
        broken.setattr(httpx.AsyncHTTPTransport, "handle_async_request", lost)
        assert (await waited(handle, credentials)).urls
    assert "until that is reset: ReadError: the connection was reset" in caplog.text
    assert await used() == 40
    await waited(handle, credentials)
    assert await used() == 40


@of_server
async def test_a_busy_server_is_asked_again_to_take_back(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limited(100)
    kie.change(prices={"sora-2-text-to-video": 10})
    handle = await submit(credentials)
    send, refused = httpx.AsyncHTTPTransport.handle_async_request, []

    async def busy(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/v2/concurrency_limits/decrement") and len(refused) < 2:
            refused.append(request)
            return httpx.Response(503, headers={"Retry-After": "0"}, request=request)
        return await send(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", busy)
    assert (await waited(handle, credentials)).urls
    assert (await used(), len(refused)) == (10, 2)


@of_server
async def test_trouble_in_settling_never_makes_a_paid_job_fail(
    kie: SimulatorServer,
    credentials: KieCredentials,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handle = await submit(credentials, max_credits=PRICE)

    async def full(self: object, path: str, content: bytes) -> bool:
        raise OSError(28, "No space left on device")

    async def unreadable(self: object, key: str) -> None:
        raise OSError(5, "Input/output error")

    for owner, name, trouble in (
        (LocalStorage, "create", full),
        (store.SubmissionRecords, "read", unreadable),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, trouble)
            assert (await waited(handle, credentials)).urls
    assert "until that is reset: OSError: [Errno 28] No space left on device" in caplog.text
    assert "until that is reset: OSError: [Errno 5] Input/output error" in caplog.text


@of_server
async def test_without_a_budget_one_question_is_all_and_nothing_is_kept(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read = PrefectClient.read_global_concurrency_limit_by_name

    async def counted(self: PrefectClient, name: str) -> Any:
        asked.append(name)
        return await read(self, name)

    monkeypatch.setattr(PrefectClient, "read_global_concurrency_limit_by_name", counted)
    for number in range(3):
        assert (await waited(await submit(credentials, number), credentials)).urls
    assert asked.count(CREDITS_LIMIT) == 1
    assert not (results / budgets.FOLDER).exists()


@of_server
async def test_a_limit_that_is_switched_off_or_deleted_is_no_budget(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin
) -> None:
    await limited(10)
    async with get_client() as client:
        off = GlobalConcurrencyLimitUpdate(active=False)
        await client.update_global_concurrency_limit(CREDITS_LIMIT, off)
        await submit(credentials)
        await client.delete_global_concurrency_limit_by_name(CREDITS_LIMIT)
    global_limits.ask_from().clear()
    await submit(credentials, 2)
    assert kie.stats()["created"] == 2
