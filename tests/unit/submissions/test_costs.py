"""What submissions cost: counted once whenever a process dies, and never lost."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.api import InsufficientCredits, InvalidRequest, RateLimited, SubmissionInDoubt
from prefect_kie.blocks import KieCredentials, PriceTable
from prefect_kie.cli.costs import lines
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.runtime.clients import poll_job
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions import costs
from prefect_kie.submissions.cost_reader import CostReader
from prefect_kie.submissions.cost_report import CostReport, SubmissionCost
from prefect_kie.submissions.costs import end_of
from tests.submitting import PRICE, Submissions


@pytest.fixture
def mine(tmp_path: Path, credentials: KieCredentials, kie: SimulatorServer) -> Submissions:
    """This process's submissions."""
    kie.change(duration_seconds=0.0)
    return Submissions(tmp_path, credentials)


def cat(number: int = 1) -> Sora2TextToVideo:
    return Sora2TextToVideo(prompt=f"cat number {number}")


async def reported(mine: Submissions, **options: Any) -> CostReport:
    prices = PriceTable.model_validate(mine.prices)
    everything = {"by": "scope", "since": None, "until": None, "scope": None}
    return await CostReader(mine.service, prices).report(**everything | options)


async def end(mine: Submissions, number: int = 1, **options: Any) -> None:
    """Submit a cat, and note its end as the wait does."""
    handle = await mine.submit(cat(number), **options)
    record = await mine.records.read(handle.submission or "")
    found = end_of(await poll_job(mine.kie, handle.task_id))
    assert record is not None
    assert found is not None
    await mine.service.budgets.settle(record, *found)


def counts(report: CostReport) -> tuple[int, ...]:
    total = report.total
    return total.wanted, total.made, total.failed, total.refused, total.in_doubt, total.running


async def test_each_end_is_counted_as_the_simulator_counts_it(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await end(mine)
    kie.fault("job", fail={})
    await end(mine, 2)
    kie.fault("create", code=402)
    with pytest.raises(InsufficientCredits):
        await mine.submit(cat(3))
    kie.fault("create", reset=True, accept=True)
    with pytest.raises(SubmissionInDoubt):
        await mine.submit(cat(4))
    kie.change(duration_seconds=100.0)
    await mine.submit(cat(5), max_credits=1000)
    report, stats = await reported(mine), kie.stats()
    assert counts(report) == (5, 1, 1, 1, 1, 1)
    assert report.total.refused == stats["rejected"]
    assert (report.total.charged, report.total.estimated, report.total.reserved) == (PRICE, 5 * PRICE, PRICE)
    in_doubt = sum(job["credits"] for job in stats["jobs"] if job["input"]["prompt"] == cat(4).prompt)
    assert report.total.charged == stats["charged"] - in_doubt
    assert {one.tags for one in report.submissions} == {("spring",)}
    assert "1 in doubt" in report.total.line


async def test_a_job_whose_end_no_run_has_seen_is_polled_once(
    kie: SimulatorServer, mine: Submissions
) -> None:
    for number in range(3):
        await mine.submit(cat(number), max_credits=1000)
    assert counts(await reported(mine)) == (3, 3, 0, 0, 0, 0)
    polls = kie.stats()["polls"]
    assert polls == 3
    mine.as_another_process()
    report = await reported(mine)
    assert (report.total.charged, report.total.reserved, kie.stats()["polls"]) == (3 * PRICE, 0, polls)


async def test_a_success_that_does_not_say_what_it_cost_stays_at_its_price(
    kie: SimulatorServer, mine: Submissions
) -> None:
    kie.fault("job", record={"creditsConsumed": None})
    await mine.submit(max_credits=PRICE)
    report = await reported(mine)
    assert (report.total.made, report.total.charged, report.total.reserved) == (1, 0, PRICE)
    assert report.remarks == ["1 made, and Kie does not say what it charged."]


async def test_a_run_that_finds_a_job_made_saves_its_price_once(
    kie: SimulatorServer, mine: Submissions
) -> None:
    await end(mine)
    for run in ("a-run-1", "a-run-2", "a-run-2", "a-run-3", None):
        mine.run = run
        await mine.submit(cat())
    report = await reported(mine)
    assert (report.submissions[0].found_again, report.total.saved) == (2, 2 * PRICE)
    assert kie.stats()["created"] == 1


async def test_a_second_try_is_not_wanted_again(kie: SimulatorServer, mine: Submissions) -> None:
    kie.fault("job", fail={})
    await end(mine)
    await end(mine, second_try=1)
    report = await reported(mine)
    assert counts(report) == (1, 1, 1, 0, 0, 0)
    assert (report.total.estimated, report.total.charged) == (PRICE, PRICE)


async def test_a_refusal_counts_beside_what_was_made_later(kie: SimulatorServer, mine: Submissions) -> None:
    for code, error in ((402, InsufficientCredits), (422, InvalidRequest), (429, RateLimited)):
        kie.fault("create", code=code)
        with pytest.raises(error):  # the last is only put off
            await mine.submit(cat())
    await end(mine)
    report = await reported(mine)
    assert counts(report) == (1, 1, 0, 2, 0, 0)
    assert report.submissions[0].refusals == 2


async def test_only_days_and_a_scope(mine: Submissions) -> None:
    await end(mine)
    await end(mine, scope="two")
    today = datetime.now(timezone.utc).date()
    tomorrow = date.fromordinal(today.toordinal() + 1)
    for options, wanted in (
        ({}, 2),
        ({"since": today, "until": tomorrow}, 2),
        ({"scope": "two"}, 1),
        ({"since": tomorrow}, 0),
        ({"until": date(2020, 1, 1)}, 0),
    ):
        assert counts(await reported(mine, **options))[0] == wanted, options


# Processes that die


class Dead(BaseException):
    """The process is killed."""


class MortalStorage(LocalStorage):
    """A disk whose process dies at a certain step, just before it or just after."""

    steps, dies_at, after = 0, -1, False

    async def _step(self, work: Any) -> Any:
        self.steps += 1
        if 0 <= self.dies_at < self.steps - 1 or (self.steps - 1 == self.dies_at and not self.after):
            work.close()
            raise Dead
        done = await work
        if self.steps - 1 == self.dies_at:
            raise Dead
        return done

    async def write(self, path: str, content: bytes) -> None:
        await self._step(super().write(path, content))

    async def create(self, path: str, content: bytes) -> bool:
        return bool(await self._step(super().create(path, content)))

    async def delete(self, path: str) -> None:
        await self._step(super().delete(path))


CALLS: dict[str, dict[str, Any] | None] = {
    "made": None,
    "failed": {"on": "job", "fail": {}},
    "refused": {"on": "create", "code": 402},
    "lost": {"on": "create", "reset": True, "accept": True},
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("budget", [None, 1000.0], ids=["free", "budget"])
@pytest.mark.parametrize("call", CALLS)
async def test_killed_between_any_two_steps_all_is_counted_once(
    call: str,
    budget: float | None,
    after: bool,
    kie: SimulatorServer,
    tmp_path: Path,
    credentials: KieCredentials,
) -> None:
    """A first process dies at its nth step, for every n; a second one ends the job, with a person's help."""
    kie.change(duration_seconds=0.0)
    for step in range(50):
        kie.reset()
        kie.change(duration_seconds=0.0)
        if (fault := CALLS[call]) is not None:
            kie.fault(**fault)
        disk = MortalStorage(tmp_path / str(step))
        disk.dies_at, disk.after = step, after
        mine = Submissions(tmp_path / str(step), credentials, disk)
        with suppress(Dead, InsufficientCredits, SubmissionInDoubt):
            await end(mine, max_credits=budget)
        second = Submissions(tmp_path / str(step), credentials).as_another_process()
        second.run = "a-run-2"
        second.events.submitted += mine.events.submitted
        released = 0
        for _ in range(3):  # what strikes no first process that dies too early strikes this one
            try:
                await end(second, max_credits=budget)
                break
            except InsufficientCredits:
                continue
            except SubmissionInDoubt as doubt:
                jobs = kie.stats()["jobs"]
                choice = {"task_id": jobs[0]["task_id"]} if jobs else {"release": True}
                second.clock.passed += 300
                await second.service.resolve(doubt.submission or "", **choice)
                released += not jobs
        stats, report = kie.stats(), await reported(second)
        total = report.total
        assert stats["created"] == 1, step
        assert (total.wanted, total.made, total.failed) == (1, stats["succeeded"], stats["failed"]), step
        assert (total.charged, total.in_doubt, total.running) == (stats["charged"], 0, 0), step
        # Of a refusal that a dead process alone has heard, a person tells.
        assert stats["rejected"] - released <= total.refused <= stats["rejected"], step
        if disk.steps <= step:
            break
    else:
        pytest.fail("it never came to its end")


async def test_where_no_note_can_be_kept_jobs_are_made_all_the_same(
    kie: SimulatorServer, mine: Submissions, caplog: pytest.LogCaptureFixture
) -> None:
    (mine.folder / costs.FOLDER).write_text("a file where the folder should be")
    await mine.submit(cat())
    assert (await mine.submit(cat())).submission
    kie.fault("create", code=402)
    with pytest.raises(InsufficientCredits):
        await mine.submit(cat(2))
    assert kie.stats()["created"] == 1
    assert caplog.text.count("cost could not be noted") == 1


# Arithmetic, and how it is shown


def cost(number: int, **changes: Any) -> SubmissionCost:
    fields = {
        "submission": f"kie-{number:032x}",
        "scope": "spring",
        "model": "sora-2-text-to-video",
        "prompt": "a cat",
        "status": "made",
        "submitted_at": datetime(2026, 11, number, 23, 30, tzinfo=timezone.utc),
        "estimated": 0.1,
        "charged": 0.1,
    }
    return SubmissionCost.model_validate(fields | changes)


COSTS = (
    cost(3, scope="autumn", tags=("a", "b"), found_again=3),
    cost(1, tags=("a",)),
    cost(2, status="failed", charged=0.0, model="veo3", estimated=None, prompt='=HYPERLINK("x")'),
    cost(4, status="in doubt", charged=None, reserved=0.1),
)


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("scope", {"autumn": (1, 0.1), "spring": (3, 0.1)}),
        ("model", {"sora-2-text-to-video": (3, 0.2), "veo3": (1, 0.0)}),
        ("day", {f"2026-11-0{n}": (1, charged) for n, charged in enumerate((0.1, 0.0, 0.1, 0.0), 1)}),
        ("tag", {"a": (2, 0.2), "b": (1, 0.1), "(no tag)": (2, 0.0)}),
    ],
)
def test_groups_add_up(by: Any, groups: dict[str, tuple[int, float]]) -> None:
    report = CostReport.of(by, COSTS)
    assert {group.name: (group.wanted, group.charged) for group in report.groups} == groups
    total = report.total
    assert (total.wanted, total.made, total.failed, total.in_doubt) == (4, 2, 1, 1)
    assert [total.estimated, total.reserved, total.charged, total.saved] == pytest.approx(
        [0.3, 0.1, 0.2, 0.3]
    )
    assert report.remarks == ["No price in kie_prices, so not estimated: 1 veo3."]
    assert CostReport.model_validate_json(report.model_dump_json()) == report


def test_it_fits_eighty_columns() -> None:
    report = CostReport.of("scope", [cost(1, charged=1_234_567.25, estimated=99_999.5), *COSTS[:3]])
    shown = list(lines(report))
    assert max(map(len, shown)) == 80
    assert shown[0] == "wanted made failed refused in doubt running estimated reserved   charged   saved"
    assert shown[1:3] == [
        "spring",
        "     3    2      1       0        0       0  99,999.6        0 1,234,567       0",
    ]


def test_a_spreadsheet_opens_the_csv_and_takes_nothing_for_a_formula() -> None:
    text = CostReport.of("scope", COSTS).csv
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert [row["status"] for row in rows] == ["made", "failed", "made", "in doubt"]
    assert rows[1]["prompt"] == '\'=HYPERLINK("x")'
    assert (rows[1]["estimated"], rows[1]["charged"], rows[2]["saved"]) == ("", "0", "0.3")
    assert (rows[2]["tags"], rows[0]["submitted (UTC)"]) == ("a, b", "2026-11-01 23:30:00")
