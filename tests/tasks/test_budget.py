"""Budgets: never exceeded, by however many at once; what was reserved is settled, freed or kept."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect import flow
from prefect.filesystems import RemoteFileSystem
from prefect.variables import Variable
from pydantic import SecretStr

from prefect_kie.api import (
    BudgetExceeded,
    InsufficientCredits,
    InvalidRequest,
    Job,
    JobFailed,
    JobHandle,
    KieError,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    SubmissionInDoubt,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.budgets import guard, reservations
from prefect_kie.budgets.caps import Budget, budgets_of
from prefect_kie.budgets.guard import BudgetLeft, budget_left, check_budget
from prefect_kie.budgets.ledger import FOLDER, Entry, Ledger, Sums, exact, reservation
from prefect_kie.budgets.reservations import reserve
from prefect_kie.flows import resolve_submission
from prefect_kie.keys import submission_key
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage, Storage
from prefect_kie.storage.fsspec import storage_for
from prefect_kie.submissions import store
from prefect_kie.tasks import sora_2_pro_text_to_video, sora_2_text_to_video, wait_for_job
from tests.conftest import KEY, QUICK

PRICE = 30
NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def capped(cap: float, folder: str = "run-1") -> Budget:
    return Budget(exact(cap), folder, "the budget", "Raise it.")


def cat(number: int = 1) -> Sora2TextToVideo:
    return Sora2TextToVideo(prompt=f"cat number {number}")


# What the names of the files come to


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ((), "0"),
        (("kie-a.1.reserved-30.json", "kie-b.1.reserved-0.5.json"), "30.5"),
        (("kie-a.1.reserved-30.json", "kie-a.2.reserved-40.json"), "40"),  # one of them was killed
        (("kie-a.1.reserved-30.json", "kie-a.1.spent-28.25.json"), "28.25"),
        (("kie-a.1.reserved-30.json", "kie-a.1.spent-45.json"), "45"),
        (("kie-a.1.reserved-30.json", "kie-a.1.spent-0.json"), "0"),  # failed, not charged
        (("kie-a.1.spent-0.json", "kie-a.1.spent-30.json"), "30"),
        (("kie-a.1.spent-30.json", "kie-a.2.spent-30.json"), "60"),  # its record was lost: paid twice
        (("kie-a.1.reserved-1E+16.json", "kie-b.1.reserved-1E-7.json"), "10000000000000000.0000001"),
        (("notes.txt", "kie-a.1.reserved-x.json", "kie-a.1.reserved-1.2.3.json"), "0"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else value,
)
def test_names_add_up(names: tuple[str, ...], taken: str) -> None:
    assert Sums.of(names).taken == Decimal(taken)


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False), st.sampled_from(["reserved", "spent"]))
def test_a_name_says_exactly_what_was_meant(credits: float, state: Any) -> None:
    entry = Entry("kie-a", "1", state, exact(credits))
    assert Entry.of_name(entry.name) == entry
    assert float(entry.credits) == credits


def test_three_times_a_tenth_fits_into_three_tenths() -> None:
    sums = Sums.of((), {f"kie-{number}": exact(0.1) for number in range(3)})
    assert capped(0.3).refusal(sums, 3) is None


def test_a_refusal_says_what_is_left() -> None:
    sums = Sums.of(
        ("kie-a.1.reserved-1000.json", "kie-b.1.spent-20.5.json"), {"kie-c": exact(30), "kie-d": exact(30)}
    )
    error = capped(1050).refusal(sums, 2)
    assert error is not None
    assert error.message == (
        "2 jobs to submit would cost 60 credits, and the budget has 29.5 left of 1,050: 20.5 are spent, "
        "1,000 reserved for jobs that have not ended"
    )
    assert (error.left, error.billed, error.retryable, error.next_step) == (29.5, "no", False, "Raise it.")


def test_a_days_budget_belongs_to_the_block_and_the_day_in_utc() -> None:
    nameless = KieCredentials(api_key=SecretStr(KEY), max_credits_per_day=100)
    named = nameless.model_copy()
    named._block_document_name = "kie"
    evening = datetime(2026, 11, 22, 20, tzinfo=timezone(timedelta(hours=-5)))
    (of_block,) = budgets_of(named, "run", None, evening)
    (of_key,) = budgets_of(nameless, "run", None, NOON)
    assert of_block.folder == "day-kie-2026-11-23"
    assert of_key.folder.startswith("day-key_")
    assert KEY not in of_key.folder
    of_run, of_day = budgets_of(named, "run", 5, NOON)
    assert (of_run.cap, of_day.cap) == (5, 100)
    assert of_run.folder != budgets_of(named, "another run", 5, NOON)[0].folder


@pytest.mark.parametrize("cap", [-1, float("nan"), float("inf")])
def test_what_is_no_cap_is_refused(cap: float) -> None:
    with pytest.raises(ValueError, match=r"max_credits must be|finite"):
        budgets_of(KieCredentials(api_key=SecretStr(KEY)), "run", cap, NOON)
    with pytest.raises(ValueError, match="max_credits_per_day"):
        KieCredentials(api_key=SecretStr(KEY), max_credits_per_day=cap)


# Many at once


class Interleaved(Storage):
    """A storage whose every call takes its time, and which is listed while others write and delete."""

    def __init__(self, seed: int) -> None:
        self.files: dict[str, bytes] = {}
        self._seed, self._random = seed, random.Random(seed)

    async def pause(self) -> None:
        for _ in range(self._random.randrange(5)):
            await asyncio.sleep(0)

    async def read(self, path: str) -> bytes | None:
        await self.pause()
        return self.files.get(path)

    async def write(self, path: str, content: bytes) -> None:
        await self.pause()
        self.files[path] = content
        await self.pause()

    async def delete(self, path: str) -> bool:
        await self.pause()
        self.files.pop(path, None)
        return True

    async def names(self, folder: str) -> list[str]:
        found: list[str] = []
        place = -1  # in a directory's own order, page by page
        await self.pause()
        while following := sorted((at, path) for path in self.files if (at := self.place_of(path)) > place):
            page = following[: self._random.randrange(1, 4)]
            found += [path.removeprefix(f"{folder}/") for _, path in page]
            place = page[-1][0]
            await self.pause()
        return found

    def place_of(self, path: str) -> int:
        return zlib.crc32(f"{self._seed} {path}".encode())

    async def create(self, path: str, content: bytes) -> bool:
        raise NotImplementedError

    async def put(self, file: Path, path: str) -> str:
        raise NotImplementedError

    async def holds(self, path: str, size: int, sha256: str) -> bool:
        raise NotImplementedError

    def address(self, path: str) -> str:
        return path


@asynccontextmanager
async def without_turns(key: str) -> AsyncGenerator[None, None]:
    """As between two processes."""
    yield


async def race(seed: int, prices: list[int], cap: int) -> None:
    storage = Interleaved(seed)
    ledger, chance = Ledger(storage), random.Random(seed + 1)
    cost: dict[int, int] = {}  # what is paid, or may still be

    async def job(number: int) -> None:
        for _ in range(number):
            await storage.pause()
        try:
            (path,) = await reserve(ledger, [capped(cap)], f"kie-{number}", "1", exact(prices[number]))
        except BudgetExceeded:
            return
        cost[number] = prices[number]
        assert sum(cost.values()) <= cap
        await storage.pause()
        what = chance.choice(["refused", "ended", "ended", "in doubt"])
        if what == "refused":
            del cost[number]
            await ledger.free([path])
        elif what == "ended":  # for less, perhaps
            cost[number] -= chance.choice([0, 0, chance.randrange(prices[number] + 1)])
            await ledger.settle(path, cost[number])

    await asyncio.gather(*(job(number) for number in range(len(prices))))

    sums = await ledger.sums("run-1")
    assert sums.taken == sum(cost.values())  # nothing is left behind by those who stepped back
    if sums.taken < cap:
        await reserve(ledger, [capped(cap)], "kie-last", "1", cap - sums.taken)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 9), min_size=2, max_size=8), st.integers(1, 20))
def test_no_order_of_things_exceeds_a_budget(seed: int, prices: list[int], cap: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reservations, "single_flight", without_turns)
        patch.setattr(reservations, "PAUSE_SECONDS", (0.0, 0.0))
        asyncio.run(race(seed, prices, cap))


async def test_many_at_once_in_one_process_use_all_of_it(tmp_path: Path) -> None:
    ledger = Ledger(LocalStorage(tmp_path))
    jobs = [reserve(ledger, [capped(300)], f"kie-{number}", "1", Decimal(PRICE)) for number in range(40)]
    done = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(one, tuple) for one in done) == 10
    assert sum(isinstance(one, BudgetExceeded) for one in done) == 30
    assert len(list((tmp_path / FOLDER / "run-1").iterdir())) == 10


ROUNDS = 5
RACER = """
import asyncio, sys, time
from decimal import Decimal
from pathlib import Path
from prefect_kie.api import BudgetExceeded
from prefect_kie.budgets.caps import Budget
from prefect_kie.budgets.ledger import Ledger
from prefect_kie.budgets.reservations import reserve
from prefect_kie.storage.base import LocalStorage

directory, me, other, rounds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
ledger = Ledger(LocalStorage(directory))

async def race():
    granted = []
    for number in range(rounds):
        (directory / f"{number}-{me}").touch()
        while not (directory / f"{number}-{other}").exists():
            time.sleep(0.0005)
        budget = Budget(Decimal(30), f"run-{number}", "the budget", "Raise it.")
        try:
            await reserve(ledger, [budget], f"kie-{me}", "1", Decimal(30))
        except BudgetExceeded:
            continue
        granted.append(number)
    print(*granted)

asyncio.run(race())
"""


def test_two_processes_race_for_the_last_credits_and_one_gets_them(tmp_path: Path) -> None:
    (tmp_path / "racer.py").write_text(RACER)
    processes = [
        subprocess.Popen(
            [sys.executable, str(tmp_path / "racer.py"), str(tmp_path), *names, str(ROUNDS)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for names in (("a", "b"), ("b", "a"))
    ]
    granted: list[str] = []
    for process in processes:
        with process:
            granted += process.communicate(timeout=60)[0].split()
        assert process.returncode == 0
    assert len(granted) == len(set(granted)), "both got the same credits"
    assert len(granted) > ROUNDS // 2, "both stepped back"


@pytest.mark.parametrize("place", ["directory", "memory"])
async def test_it_is_kept_in_any_storage_that_can_list(place: str, tmp_path: Path) -> None:
    block = RemoteFileSystem(basepath=f"memory://{uuid4().hex}") if place == "memory" else tmp_path
    ledger = Ledger(storage_for(block))
    (path,) = await reserve(ledger, [capped(50)], "kie-1", "1", Decimal(PRICE))
    with pytest.raises(BudgetExceeded):
        await reserve(ledger, [capped(50)], "kie-2", "1", Decimal(PRICE))
    for _ in range(2):  # a run that is run again settles again
        assert await ledger.settle(path, 12.5)
    assert await ledger.sums("run-1") == Sums(Decimal("12.5"), Decimal(0), Decimal(0))
    (other,) = await reserve(ledger, [capped(50)], "kie-2", "1", Decimal(PRICE))
    await ledger.free([other])
    assert (await ledger.sums("run-1")).reserved == 0
    assert not await ledger.settle(other, 12.5)


async def test_one_of_two_budgets_that_refuses_leaves_nothing_in_the_other(tmp_path: Path) -> None:
    ledger = Ledger(LocalStorage(tmp_path))
    with pytest.raises(BudgetExceeded):
        await reserve(ledger, [capped(100), capped(0, "day-1")], "kie-1", "1", Decimal(PRICE))
    assert (await ledger.sums("run-1")).taken == (await ledger.sums("day-1")).taken == 0


# The whole way, on the simulator


@pytest.fixture
def prices() -> Iterator[None]:
    """A price for one model."""
    Variable.set("kie_prices", {"sora-2-text-to-video": PRICE}, overwrite=True)
    yield
    Variable.unset("kie_prices")


server = [pytest.mark.server, pytest.mark.usefixtures("prefect_server", "prices")]


def of_server(test: Any) -> Any:
    for mark in server:
        test = mark(test)
    return test


async def submit(credentials: KieCredentials | str, number: int = 1, **options: Any) -> JobHandle:
    """Submit a cat in a flow run of its own; by default all are one job_key's."""

    @flow
    async def pipeline() -> JobHandle:
        return await sora_2_text_to_video(cat(number), credentials, **{"job_key": "one", **options})

    return await pipeline()


async def waited(handle: JobHandle, credentials: KieCredentials) -> Job:
    @flow
    async def pipeline() -> Job:
        return await wait_for_job(handle, credentials, poll=QUICK)

    return await pipeline()


async def left(credentials: KieCredentials, **options: Any) -> BudgetLeft:
    @flow
    async def pipeline() -> BudgetLeft:
        return await budget_left(credentials, job_key="one", **options)

    return await pipeline()


@of_server
async def test_what_would_pass_a_runs_budget_is_not_submitted(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    for number in (1, 2):
        await submit(credentials, number, max_credits=70)
    with pytest.raises(BudgetExceeded, match=r"this job would cost 30 credits.* has 10 left of 70") as caught:
        await submit(credentials, 3, max_credits=70)
    assert "Charged: no." in str(caught.value)
    assert "a higher max_credits, as another run with job_key='one'" in caught.value.next_step

    again = await submit(credentials, 2, max_credits=0)  # submitted before: no question of money
    assert again.task_id == kie.stats()["jobs"][1]["task_id"]
    assert (await left(credentials, max_credits=70)).credits == 10
    await submit(credentials, 3, max_credits=70, job_key="another")
    assert kie.stats()["created"] == 3

    await submit(credentials, 3, max_credits=90)
    assert kie.stats()["created"] == 4


@of_server
async def test_an_ended_job_counts_with_what_it_has_cost(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.change(prices={"sora-2-text-to-video": 20})
    for number in (1, 2):
        await submit(credentials, number, max_credits=80)
    assert await left(credentials, max_credits=80) == BudgetLeft(run=20)
    for number in (1, 2):  # in another run, which finds them by their records
        await waited(await submit(credentials, number), credentials)
    assert await left(credentials, max_credits=80) == BudgetLeft(run=40)

    kie.change(prices={"sora-2-text-to-video": 75})  # more than the table says
    await waited(await submit(credentials, 3, max_credits=80), credentials)
    assert kie.stats()["charged"] == 115
    with pytest.raises(BudgetExceeded, match="has 0 left of 80: 115 are spent, 0 reserved"):
        await submit(credentials, 4, max_credits=80)
    assert kie.stats()["created"] == 3


@of_server
@pytest.mark.parametrize(
    ("fault", "error"),
    [({"code": 402}, InsufficientCredits), ({"code": 422, "msg": "prompt is too long"}, InvalidRequest)],
    ids=["402", "422"],
)
async def test_what_kie_refuses_is_free_again(
    fault: dict[str, Any], error: type[KieError], kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("create", **fault)
    with pytest.raises(error):
        await submit(credentials, max_credits=PRICE)
    assert await left(credentials, max_credits=PRICE) == BudgetLeft(run=PRICE)
    await submit(credentials, 2, max_credits=PRICE)
    assert kie.stats()["created"] == 1


@of_server
async def test_a_failed_job_frees_its_credits(kie: SimulatorServer, credentials: KieCredentials) -> None:
    kie.fault("job", fail={"failCode": "500", "failMsg": "Internal Error"})
    handle = await submit(credentials, max_credits=PRICE)
    for _ in range(2):
        with pytest.raises(JobFailed):
            await waited(handle, credentials)
    await submit(credentials, 2, max_credits=PRICE)
    assert kie.stats()["created"] == 2


@of_server
async def test_a_doubt_keeps_its_credits_until_it_is_released(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie.fault("create", reset=True)
    with pytest.raises(SubmissionInDoubt) as caught:
        await submit(credentials, max_credits=PRICE)
    for number in (2, 1):
        with pytest.raises(SubmissionInDoubt if number == 1 else BudgetExceeded):
            await submit(credentials, number, max_credits=PRICE)
    monkeypatch.setattr(store, "OUTCOME_SECONDS", 0.0)  # some minutes later
    await resolve_submission(submission=caught.value.submission, release=True, credentials=credentials)
    await submit(credentials, 2, max_credits=PRICE)
    assert kie.stats()["created"] == 1


@of_server
async def test_a_doubt_bound_to_its_job_is_settled_when_it_is_waited_for(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.change(prices={"sora-2-text-to-video": 20})
    kie.fault("create", reset=True, accept=True)
    with pytest.raises(SubmissionInDoubt) as caught:
        await submit(credentials, max_credits=PRICE)
    (job,) = kie.stats()["jobs"]
    await resolve_submission(
        submission=caught.value.submission, task_id=job["task_id"], credentials=credentials
    )
    assert await left(credentials, max_credits=PRICE) == BudgetLeft(run=0)
    await waited(await submit(credentials, max_credits=PRICE), credentials)
    assert await left(credentials, max_credits=PRICE) == BudgetLeft(run=10)


@of_server
async def test_a_run_killed_between_reservation_and_record_has_its_own_credits(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    (run,) = budgets_of(credentials, "one", PRICE, NOON)
    key = submission_key(credentials, "one", cat(), 1)
    await Ledger(LocalStorage(results)).write(reservation(run.folder, key, "killed", Decimal(PRICE)))

    with pytest.raises(BudgetExceeded):
        await submit(credentials, 2, max_credits=PRICE)
    await submit(credentials, max_credits=PRICE)
    assert await left(credentials, max_credits=PRICE) == BudgetLeft(run=0)
    assert kie.stats()["created"] == 1


@of_server
async def test_all_runs_of_a_day_share_the_blocks_budget(
    kie: SimulatorServer, credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = [NOON]
    monkeypatch.setattr(guard, "_now", lambda: day[0])
    name = f"daily-{uuid4().hex[:8]}"
    await credentials.model_copy(update={"max_credits_per_day": 45}).asave(name)

    await submit(name, job_key=None)
    with pytest.raises(BudgetExceeded, match=rf"2026-11-22, UTC .*{name}'\) has 15 left") as caught:
        await submit(name, job_key=None)
    assert caught.value.left == 15
    day[0] += timedelta(days=1)
    await submit(name, job_key=None)
    assert kie.stats()["created"] == 2


@of_server
async def test_a_job_without_a_price_is_not_submitted_under_a_budget(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    @flow
    async def pipeline() -> None:
        await sora_2_pro_text_to_video(Sora2ProTextToVideo(prompt="a cat"), credentials, max_credits=1000)

    with pytest.raises(
        InvalidRequest, match="'kie_prices' has no price for sora-2-pro-text-to-video"
    ) as told:
        await pipeline()
    assert '{"sora-2-pro-text-to-video": 30}' in told.value.next_step
    assert kie.stats()["created"] == 0


@of_server
@pytest.mark.parametrize("told", [0, -5])
async def test_a_success_that_is_said_to_cost_nothing_keeps_its_reservation(
    told: int, kie: SimulatorServer, credentials: KieCredentials
) -> None:
    """A cap of 60 lets two jobs of 30 through, whatever Kie's record says that they cost."""
    kie.change(prices={"sora-2-text-to-video": told})
    for number in (1, 2):
        await waited(await submit(credentials, number, max_credits=2 * PRICE), credentials)
    for number in (3, 4):
        with pytest.raises(BudgetExceeded):
            await submit(credentials, number, max_credits=2 * PRICE)
    assert kie.stats()["created"] == 2


@of_server
async def test_a_cap_that_is_lowered_while_a_batch_runs_holds_for_what_follows(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    await credentials.model_copy(update={"max_credits_per_day": 100}).asave("lowered", overwrite=True)
    loaded = await KieCredentials.aload("lowered")
    await submit(loaded, 1)
    await credentials.model_copy(update={"max_credits_per_day": 10}).asave("lowered", overwrite=True)
    with pytest.raises(BudgetExceeded, match="0 left of 10"):
        await submit(loaded, 2)
    assert kie.stats()["created"] == 1


@of_server
async def test_trouble_in_settling_never_makes_a_paid_job_fail(
    kie: SimulatorServer,
    credentials: KieCredentials,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handle = await submit(credentials, max_credits=PRICE)

    async def full(self: object, path: str, credits: float) -> bool:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "settle", full)
        assert (await waited(handle, credentials)).urls
    assert "No space left on device. It stays reserved" in caplog.text
    assert (await waited(handle, credentials)).urls
    assert [json.loads(file.read_text())["of"] for file in (results / FOLDER).rglob("*spent*")]


@of_server
async def test_a_batch_is_told_what_is_left_before_its_first_job(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    await submit(credentials, max_credits=100)

    @flow
    async def batch(count: int) -> BudgetLeft:
        jobs = {
            submission_key(credentials, "one", cat(number), 1): cat(number) for number in range(2, 2 + count)
        }
        return await check_budget(jobs, credentials, job_key="one", max_credits=100)

    assert await batch(2) == BudgetLeft(run=70)
    with pytest.raises(BudgetExceeded, match=r"3 jobs to submit would cost 90 credits.* has 70 left of 100"):
        await batch(3)
    assert kie.stats()["created"] == 1


@of_server
async def test_without_a_budget_there_is_no_ledger(
    kie: SimulatorServer, credentials: KieCredentials, results: Path
) -> None:
    handle = await submit(credentials)
    assert (await waited(handle, credentials)).urls
    assert handle.reserved == ()
    assert not (results / FOLDER).exists()


WORKER = """
import asyncio, sys
from prefect import flow
from prefect_kie.api import BudgetExceeded, Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.tasks import sora_2_text_to_video

credentials = KieCredentials(api_key="any", base_url=sys.argv[1], upload_url=sys.argv[1])

@flow
async def pipeline():
    requests = [Sora2TextToVideo(prompt=f"{sys.argv[2]} {number}") for number in range(5)]
    calls = [sora_2_text_to_video(each, credentials, job_key="one", max_credits=170) for each in requests]
    done = await asyncio.gather(*calls, return_exceptions=True)
    others = [each for each in done if isinstance(each, Exception) and not isinstance(each, BudgetExceeded)]
    if others:
        raise others[0]

asyncio.run(pipeline())
"""


@of_server
async def test_two_workers_race_and_the_budget_is_used_and_not_exceeded(
    kie: SimulatorServer, results: Path, tmp_path: Path
) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    environment = {**os.environ, "PREFECT_LOCAL_STORAGE_PATH": str(results)}
    command = [sys.executable, str(tmp_path / "worker.py"), kie.url]
    ended = await asyncio.gather(
        *(
            asyncio.to_thread(
                subprocess.run,
                [*command, name],
                env=environment,
                capture_output=True,
                timeout=90,
                check=False,
            )
            for name in ("left", "right")
        )
    )
    assert [each.returncode for each in ended] == [0, 0], ended
    assert 4 <= kie.stats()["created"] <= 5  # of ten, 170 credits allow five
