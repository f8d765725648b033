"""The cost report: what submissions came to and cost, counted and added up."""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timezone
from typing import Literal

from pydantic import BaseModel

from prefect_kie.run_page.markdown import cell, harmless

CostGrouping = Literal["scope", "model", "day", "tag"]
CostStatus = Literal["made", "failed", "refused", "released", "in doubt", "running"]

UNTAGGED = "(no tag)"


class SubmissionCost(BaseModel, frozen=True):
    """What one submission came to and cost; credits are Kie's.

    Attributes:
        submission: The submission's key.
        scope: Whose it is: a `job_key`, or the outermost run's id.
        model: The model's name at Kie.
        prompt: Its prompt, or what stands for it.
        status: `made`, `failed`, `refused` (by Kie), `released` (was in doubt, and by a person's word Kie
            created nothing), `in doubt`, or `running`.
        second_try: 1, 2 … for a job made again after one that failed; 0 for what was wanted first.
        submitted_at: When it was submitted, or refused last.
        noted_at: When its end was noted; None while there is none.
        flow_run_id: The flow run that submitted it.
        tags: That run's tags.
        task_id: Kie's id of the job.
        refusals: How often Kie refused it.
        estimated: Its price by the variable `kie_prices`; None where that has none.
        reserved: What it still holds of a budget.
        charged: What Kie charged; None where that is not known (yet).
        found_again: In how many later runs it was found made, and was not paid again.
    """

    submission: str
    scope: str
    model: str
    prompt: str
    status: CostStatus
    second_try: int = 0
    submitted_at: datetime
    noted_at: datetime | None = None
    flow_run_id: str | None = None
    tags: tuple[str, ...] = ()
    task_id: str | None = None
    refusals: int = 0
    estimated: float | None = None
    reserved: float = 0.0
    charged: float | None = None
    found_again: int = 0

    @property
    def day(self) -> date:
        """The day of its submission, UTC."""
        return self.submitted_at.astimezone(timezone.utc).date()

    @property
    def saved(self) -> float:
        """What was saved by not paying it twice, credits."""
        return self.found_again * (self.charged or 0.0)

    def groups(self, by: CostGrouping) -> tuple[str, ...]:
        """The groups it counts in: one, or one for each of its tags."""
        if by == "tag":
            return self.tags or (UNTAGGED,)
        return (str({"scope": self.scope, "model": self.model, "day": self.day}[by]),)


class CostGroup(BaseModel, frozen=True):
    """Submissions of one scope, model, day or tag, counted and added up; credits are Kie's.

    Attributes:
        name: The scope, model, day or tag.
        wanted: Submissions, without those made again after a failure (`second_try`).
        made: Jobs that succeeded.
        failed: Jobs that ended without a result; not charged.
        refused: Calls that Kie refused; not charged.
        in_doubt: Submissions of which nobody knows whether Kie created the job.
        running: Jobs that have not ended.
        estimated: What all that was wanted costs by the variable `kie_prices`, where that has a price.
        reserved: What those in doubt or running still hold of budgets.
        charged: What Kie charged, as far as it said.
        saved: What was saved by not paying twice, each time a run found a job made.
    """

    name: str
    wanted: int
    made: int
    failed: int
    refused: int
    in_doubt: int
    running: int
    estimated: float
    reserved: float
    charged: float
    saved: float

    @classmethod
    def of(cls, name: str, costs: Sequence[SubmissionCost]) -> "CostGroup":
        """The sum of some submissions."""
        statuses = Counter(cost.status for cost in costs)
        first = [cost for cost in costs if not cost.second_try]
        return cls(
            name=name,
            wanted=len(first),
            made=statuses["made"],
            failed=statuses["failed"],
            refused=sum(cost.refusals for cost in costs),
            in_doubt=statuses["in doubt"],
            running=statuses["running"],
            estimated=math.fsum(cost.estimated or 0.0 for cost in first),
            reserved=math.fsum(cost.reserved for cost in costs),
            charged=math.fsum(cost.charged or 0.0 for cost in costs),
            saved=math.fsum(cost.saved for cost in costs),
        )

    @property
    def line(self) -> str:
        """All of it in one line."""
        names = ("made", "failed", "refused", "in_doubt", "running")
        of_them = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name in names if (n := getattr(self, name)))
        return (
            f"{self.wanted:,} wanted{of_them and f': {of_them}'}. {self.charged:,.10g} credits charged, "
            f"{self.estimated:,.10g} estimated, {self.reserved:,.10g} reserved, {self.saved:,.10g} saved by "
            "not paying twice."
        )

    @property
    def row(self) -> dict[str, str]:
        """The same as a row of a table."""
        numbers = self.model_dump(exclude={"name"})
        return {"group": cell(self.name), **{n.replace("_", " "): f"{v:,.10g}" for n, v in numbers.items()}}


class CostReport(BaseModel, frozen=True):
    """What submissions came to and cost.

    Attributes:
        by: What the groups are.
        groups: The most expensive first; days in their order. With several tags a submission counts in the
            group of each.
        total: All of them, each once.
        submissions: One for each submission, in the order of their times.
        unpriced: How many of those wanted have no price in `kie_prices`, by model.
        uncharged: How many were made and Kie does not say what it charged.
        unknown: How many jobs could not be asked for, by the reason; they count as running.
        unreadable: Where records or notes are that cannot be read; they do not count.
    """

    by: CostGrouping
    groups: tuple[CostGroup, ...]
    total: CostGroup
    submissions: tuple[SubmissionCost, ...]
    unpriced: dict[str, int]
    uncharged: int
    unknown: dict[str, int]
    unreadable: tuple[str, ...]

    @classmethod
    def of(
        cls,
        by: CostGrouping,
        costs: Iterable[SubmissionCost],
        unknown: Mapping[str, int] = {},
        unreadable: Iterable[str] = (),
    ) -> "CostReport":
        """The report of some submissions."""
        costs = sorted(costs, key=lambda cost: (cost.submitted_at, cost.submission))
        members: dict[str, list[SubmissionCost]] = {}
        for cost in costs:
            for name in cost.groups(by):
                members.setdefault(name, []).append(cost)
        groups = [CostGroup.of(name, found) for name, found in members.items()]
        groups.sort(key=lambda group: (0.0 if by == "day" else -group.charged, group.name))
        unpriced = Counter(one.model for one in costs if one.estimated is None and not one.second_try)
        return cls(
            by=by,
            groups=tuple(groups),
            total=CostGroup.of("total", costs),
            submissions=tuple(costs),
            unpriced=dict(sorted(unpriced.items())),
            uncharged=sum(one.status == "made" and one.charged is None for one in costs),
            unknown=dict(unknown),
            unreadable=tuple(unreadable),
        )

    @property
    def remarks(self) -> list[str]:
        """What the numbers do not hold, a line each."""
        counted = [f"{number:,} {what}" for what, number in self.unpriced.items()]
        lines = [f"No price in kie_prices, so not estimated: {', '.join(counted)}."] if counted else []
        if self.uncharged:
            lines.append(f"{self.uncharged:,} made, and Kie does not say what it charged.")
        lines += [f"{number:,} counted as running: {why}" for why, number in self.unknown.items()]
        return lines + [f"Not counted, since it cannot be read: {place}" for place in self.unreadable]

    @property
    def csv(self) -> str:
        """A row for each submission, as spreadsheets open it; to be written as UTF-8."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow(_COLUMNS)
        table.writerows(_cells(cost) for cost in self.submissions)
        return f"\ufeff{text.getvalue()}"  # by the mark a spreadsheet knows that it is UTF-8


_COLUMNS = (
    *("submission", "status", "scope", "model", "prompt", "tags", "submitted (UTC)", "noted (UTC)"),
    *("flow run", "task id", "second try", "refusals", "estimated", "reserved", "charged"),
    *("found again", "saved"),
)


def _cells(cost: SubmissionCost) -> list[str]:
    """A submission's row; text of others is made harmless."""
    texts = (cost.submission, cost.status, cost.scope, cost.model, cost.prompt, ", ".join(cost.tags))
    when = (cost.submitted_at, cost.noted_at)
    times = (f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}" if at else "" for at in when)
    ids = (cost.flow_run_id or "", cost.task_id or "")
    numbers = (cost.second_try, cost.refusals, cost.estimated, cost.reserved, cost.charged, cost.found_again)
    shown = ("" if number is None else f"{number:.10g}" for number in (*numbers, cost.saved))
    return [*map(harmless, texts), *times, *map(harmless, ids), *shown]
