"""Budgets: never exceeded, by however many at once; what was reserved is settled, given back or kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.api import (
    InsufficientCredits,
    InvalidRequest,
    JobHandle,
    KieError,
    ServiceUnavailable,
    SubmissionInDoubt,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import BudgetExceeded
from prefect_kie.models import Sora2ProTextToVideo, Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions import budgets, costs
from prefect_kie.submissions.budgets import slots_for
from tests.submitting import PRICE, Submissions


@pytest.fixture
def mine(tmp_path: Path, credentials: KieCredentials) -> Submissions:
    """This process's submissions."""
    return Submissions(tmp_path, credentials)


def cat(number: int = 1) -> Sora2TextToVideo:
    return Sora2TextToVideo(prompt=f"cat number {number}")


@pytest.mark.parametrize(
    ("credits", "slots"), [(0, 0), (0.1, 1), (1, 1), (0.1 + 0.2 + 0.7, 1), (1.5, 2), (30, 30), (-5, 0)]
)
def test_a_slot_is_a_credit_and_a_fraction_takes_a_whole_one(credits: float, slots: int) -> None:
    assert slots_for(credits) == slots


async def test_what_would_pass_a_runs_budget_is_not_submitted(
    kie: SimulatorServer, mine: Submissions
) -> None:
    for number in (1, 2):
        await mine.submit(cat(number), max_credits=70)
    with pytest.raises(BudgetExceeded) as caught:
        await mine.submit(cat(3), max_credits=70)
    assert str(caught.value) == (
        "this job would cost 30 credits, and the run's budget (max_credits) has 10 left of 70; nothing was "
        "submitted.\nCharged: no.\nNext: Run it again with a higher max_credits, as another run with "
        "job_key='one'; it goes on from there, and pays nothing again."
    )
    assert (caught.value.left, caught.value.retryable) == (10, False)

    again = await mine.submit(cat(2), max_credits=0)  # submitted before: no question of money
    assert again.task_id == kie.stats()["jobs"][1]["task_id"]
    await mine.submit(cat(3), scope="another", max_credits=70)
    assert kie.stats()["created"] == 3

    mine.as_another_process()
    with pytest.raises(BudgetExceeded, match="has 10 left of 70"):
        await mine.submit(cat(3), max_credits=70)
    await mine.submit(cat(3), max_credits=90)
    assert kie.stats()["created"] == 4


async def test_three_times_a_tenth_fits_into_three_tenths(kie: SimulatorServer, mine: Submissions) -> None:
    mine.prices = {"sora-2-text-to-video": 0.1}
    for number in range(3):
        await mine.submit(cat(number), max_credits=0.3)
    with pytest.raises(BudgetExceeded, match=r"would cost 0\.1 credits.* has 0 left of 0\.3"):
        await mine.submit(cat(3), max_credits=0.3)
    assert kie.stats()["created"] == 3


async def test_many_at_once_use_all_of_a_runs_budget(kie: SimulatorServer, mine: Submissions) -> None:
    calls = [mine.submit(cat(number), max_credits=100) for number in range(8)]
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, JobHandle) for one in done) == kie.stats()["created"] == 3
    assert sum(isinstance(one, BudgetExceeded) for one in done) == 5


async def test_all_runs_share_the_limit_until_it_begins_anew(kie: SimulatorServer, mine: Submissions) -> None:
    mine.limit.credits = 70
    for number in (1, 2):
        await mine.submit(cat(number), scope=f"run {number}")
    assert mine.limit.used == 60
    message = r"this job would cost 30 credits.*'kie-credits'\) has 10 left of 70; nothing was submitted"
    with pytest.raises(BudgetExceeded, match=message) as caught:
        await mine.submit(cat(3))
    assert (caught.value.left, caught.value.billed) == (10, "no")
    assert "prefect gcl update kie-credits --limit N" in caught.value.next_step
    assert (await mine.submit(cat(2), scope="run 2")).task_id == kie.stats()["jobs"][1]["task_id"]
    assert kie.stats()["created"] == 2

    mine.limit.used = 0
    await mine.submit(cat(3))
    assert (mine.limit.used, kie.stats()["created"]) == (30, 3)


async def test_racers_of_a_run_never_pass_the_limit(kie: SimulatorServer, mine: Submissions) -> None:
    mine.limit.credits = 100
    calls = [mine.submit(cat(number), scope=f"run {number}") for number in range(8)]
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, JobHandle) for one in done) == kie.stats()["created"] == 3
    assert mine.limit.used == 90


async def test_an_ended_job_counts_with_what_it_has_cost(kie: SimulatorServer, mine: Submissions) -> None:
    mine.limit.credits = 80
    handles = [await mine.submit(cat(number), max_credits=80) for number in (1, 2)]
    assert mine.limit.used == 60
    for _ in range(2):  # a run that is run again settles again
        mine.as_another_process()
        for handle in handles:
            await mine.settle(handle, 19.5)
        assert mine.limit.used == 40

    await mine.settle(await mine.submit(cat(3), max_credits=80), 75)  # more than the table says
    assert mine.limit.used == 80
    for max_credits in (80, None):
        with pytest.raises(BudgetExceeded, match=r"has 0 left of 80"):
            await mine.submit(cat(4), max_credits=max_credits)
    assert kie.stats()["created"] == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"code": 402}, InsufficientCredits), ({"code": 422, "msg": "prompt is too long"}, InvalidRequest)],
    ids=["402", "422"],
)
async def test_what_kie_refuses_is_free_again(
    fault: dict[str, Any], error: type[KieError], kie: SimulatorServer, mine: Submissions
) -> None:
    mine.limit.credits = PRICE
    kie.fault("create", **fault)
    with pytest.raises(error):
        await mine.submit(max_credits=PRICE)
    assert mine.limit.used == 0
    await mine.submit(cat(2), max_credits=PRICE)
    assert (mine.limit.used, kie.stats()["created"]) == (PRICE, 1)


async def test_a_failed_job_gives_its_credits_back_once(kie: SimulatorServer, mine: Submissions) -> None:
    mine.limit.credits = PRICE
    handle = await mine.submit(max_credits=PRICE)
    await mine.settle(handle, 0)
    mine.as_another_process()
    await mine.submit(cat(2), max_credits=PRICE)
    await mine.settle(handle, 0)  # once more: those are the other job's
    assert (mine.limit.used, kie.stats()["created"]) == (PRICE, 2)


async def test_a_doubt_keeps_its_credits_until_it_is_released(
    kie: SimulatorServer, mine: Submissions
) -> None:
    mine.limit.credits = PRICE
    kie.fault("create", reset=True)
    with pytest.raises(SubmissionInDoubt) as caught:
        await mine.submit(max_credits=PRICE)
    with pytest.raises(BudgetExceeded):
        await mine.submit(cat(2), max_credits=PRICE)
    with pytest.raises(SubmissionInDoubt):
        await mine.submit(max_credits=PRICE)
    assert mine.limit.used == PRICE
    mine.clock.passed += 300
    await mine.service.resolve(caught.value.submission or "", release=True)
    assert mine.limit.used == 0
    await mine.submit(cat(2), max_credits=PRICE)
    assert kie.stats()["created"] == 1


async def test_a_doubt_bound_to_its_job_is_settled_when_that_ends(
    kie: SimulatorServer, mine: Submissions
) -> None:
    mine.limit.credits = PRICE
    kie.fault("create", reset=True, accept=True)
    with pytest.raises(SubmissionInDoubt) as caught:
        await mine.submit()
    (job,) = kie.stats()["jobs"]
    await mine.service.resolve(caught.value.submission or "", task_id=job["task_id"])
    assert mine.limit.used == PRICE
    await mine.settle(await mine.submit(), 20)
    assert mine.limit.used == 20


async def test_a_job_without_a_price_is_not_submitted_under_a_budget(
    kie: SimulatorServer, mine: Submissions
) -> None:
    request = Sora2ProTextToVideo(prompt="a cat")
    message = "'kie_prices' has no price for sora-2-pro-text-to-video"
    with pytest.raises(InvalidRequest, match=message) as caught:
        await mine.submit(request, max_credits=1000)
    assert '{"sora-2-pro-text-to-video": 30}' in caught.value.next_step
    mine.limit.credits = 1000
    with pytest.raises(InvalidRequest, match=message):
        await mine.submit(request)
    assert kie.stats()["created"] == 0


@pytest.mark.parametrize("cap", [-1, float("nan"), float("inf")])
async def test_what_is_no_budget_is_refused(cap: float, kie: SimulatorServer, mine: Submissions) -> None:
    with pytest.raises(ValueError, match="max_credits must be 0 or more, and finite"):
        await mine.submit(max_credits=cap)
    assert kie.stats()["created"] == 0


async def test_several_jobs_fit_together_or_are_not_begun(mine: Submissions) -> None:
    planned = {f"job {number}": cat(number) for number in range(3)}
    await mine.service.budgets.check("one", 90, planned)
    with pytest.raises(BudgetExceeded, match=r"3 jobs to submit would cost 90 credits.* has 70 left of 70"):
        await mine.service.budgets.check("one", 70, planned)
    mine.limit.credits = 70
    with pytest.raises(BudgetExceeded, match=r"3 jobs to submit would cost 90 credits.* has 70 left of 70"):
        await mine.service.budgets.check("one", None, planned)


async def test_where_the_limit_cannot_be_asked_nothing_is_submitted(
    kie: SimulatorServer, mine: Submissions
) -> None:
    mine.limit.credits, mine.limit.error = 100, ServiceUnavailable("the Prefect server is away")
    with pytest.raises(ServiceUnavailable):
        await mine.submit(max_credits=PRICE)
    assert (mine.files(), kie.stats()["created"]) == ([], 0)
    mine.limit.error = None
    await mine.submit(max_credits=PRICE)
    assert (mine.limit.used, kie.stats()["created"]) == (PRICE, 1)


async def test_a_refund_that_fails_is_logged(
    kie: SimulatorServer,
    mine: Submissions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def full(occupied: int, slots: int) -> None:
        raise OSError(28, "No space left on device")

    mine.limit.credits = PRICE
    monkeypatch.setattr(mine.limit, "settle", full)
    kie.fault("create", code=402)
    with pytest.raises(InsufficientCredits):
        await mine.submit()
    assert "until that is reset: OSError: [Errno 28] No space left on device" in caplog.text


async def test_without_a_budget_nothing_is_kept(mine: Submissions) -> None:
    await mine.settle(await mine.submit(), 30)
    assert not (mine.folder / budgets.FOLDER).exists()


async def test_a_note_that_cannot_be_read_counts_at_the_price(mine: Submissions) -> None:
    await mine.settle(await mine.submit(max_credits=PRICE), 10)
    (note,) = mine.files(costs.FOLDER)
    assert json.loads(note.read_text())["credits"] == 10
    note.write_text("{")
    mine.as_another_process()
    with pytest.raises(BudgetExceeded, match="has 0 left of 30"):
        await mine.submit(cat(2), max_credits=PRICE)
