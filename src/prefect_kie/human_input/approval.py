"""Approve before you pay: what a run is about to submit, at what estimated price, and a person's yes.

The prices are the user's own (`prefect_kie.blocks.prices`); where one is missing, a person is asked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from prefect import get_run_logger
from prefect.input import RunInput
from pydantic import BaseModel, Field

from prefect_kie.api import JobRequest
from prefect_kie.blocks import PRICES, KieCredentials, PriceTable, load_prices
from prefect_kie.errors import NotAnswered, NotApproved
from prefect_kie.human_input.balance import balance_of
from prefect_kie.human_input.questions import Question, answer_key, keep_answer, kept_answer
from prefect_kie.keys import submission_key
from prefect_kie.retry_policy import NO_SECOND_TRIES, SecondTries
from prefect_kie.run_context import run_budgets, run_records
from prefect_kie.run_page.artifacts import show_markdown
from prefect_kie.run_page.markdown import code, escaped

ApproveOver = Annotated[float, Field(ge=0)] | None
"""From which estimated price on a person is asked, credits; None: never; 0: whenever it costs anything."""

ARTIFACT = "kie-approval"
CHARGES = "Kie charges for what succeeds."
MAX_LISTED = 20
"""So many jobs are listed with their prompts."""


class Approval(RunInput):
    """The form: yes or no."""

    decision: Literal["yes", "no"] = Field(
        title="Submit and pay?",
        description="yes: submit them, and be charged for each that succeeds. no: end this run; nothing is "
        "submitted.",
    )


class Approved(BaseModel):
    """What a person has said yes to, as it is kept.

    Attributes:
        credits: The estimate.
        unpriced: How many jobs had no known price, by model.
    """

    credits: float
    unpriced: dict[str, int]


@dataclass(frozen=True)
class Estimate:
    """What jobs that are not submitted yet would cost at the most.

    Attributes:
        prices: One per job, in order: of the dearest of the models that may be tried; None where the price
            table lacks one.
        requests: The jobs.
        balance: What the account has, credits; None where it is not known.
    """

    requests: Sequence[JobRequest]
    prices: Sequence[float | None]
    balance: float | None = None

    @classmethod
    def of(
        cls,
        requests: Sequence[JobRequest],
        table: PriceTable,
        second_tries: SecondTries = NO_SECOND_TRIES,
    ) -> "Estimate":
        """The estimate by a price table."""
        return cls(requests, [_dearest(second_tries.requests(request), table) for request in requests])

    async def with_balance(self, credentials: KieCredentials) -> "Estimate":
        """The same, beside what the account has; nobody is asked where there is nothing to pay."""
        return replace(self, balance=await balance_of(credentials)) if self.requests else self

    @property
    def account(self) -> str:
        """The account's balance, for people, with a warning where it will not do; empty where unknown."""
        if self.balance is None:
            return ""
        short = self.balance < self.credits or self.balance <= 0
        warning = ", which will not do: add credits at kie.ai" if short else ""
        return f"The account has {self.balance:g} credits{warning}."

    @property
    def credits(self) -> float:
        """What all jobs with a known price cost together."""
        return sum(price for price in self.prices if price is not None)

    @property
    def unpriced(self) -> dict[str, int]:
        """How many jobs have no known price, by model."""
        pairs = zip(self.requests, self.prices, strict=True)
        return dict(Counter(request.model_name for request, price in pairs if price is None))

    @property
    def asked(self) -> Approved:
        """What a yes to it is a yes to."""
        return Approved(credits=self.credits, unpriced=self.unpriced)

    @property
    def total(self) -> str:
        """The sum, for people."""
        known = f"{self.credits:g} credits"
        unpriced = sum(self.unpriced.values())
        if not unpriced:
            return known
        jobs = f"{unpriced} job{'s' if unpriced > 1 else ''}"
        return f"{known} and {jobs} of unknown price" if self.credits else f"unknown price ({jobs})"

    def is_within(self, approved: Approved) -> bool:
        """Whether an earlier approval covers this one too."""
        return self.credits <= approved.credits and all(
            count <= approved.unpriced.get(model, 0) for model, count in self.unpriced.items()
        )

    @property
    def markdown(self) -> str:
        """The artifact: what would be submitted, and at what price."""
        rows: Counter[tuple[str, float | None]] = Counter()
        for request, price in zip(self.requests, self.prices, strict=True):
            rows[(request.model_name, price)] += 1
        table = [
            f"| {code(model)} | {count} | {_credits(price)} | {_credits(price, count)} |"
            for (model, price), count in rows.items()
        ]
        listed = [
            f"1. {code(request.model_name)} {escaped(request.title, 200)}"
            for request in self.requests[:MAX_LISTED]
        ]
        further = len(self.requests) - len(listed)
        blocks = [
            " ".join(
                [f"**{len(self.requests)} to submit, estimated at {self.total}.**", CHARGES, self.account]
            ),
            "\n".join(["| model | jobs | credits each | credits |", "|---|---:|---:|---:|", *table]),
            "\n".join([*listed, *([f"\nand {further} more"] if further else [])]),
            f"Prices come from the Prefect variable {code(PRICES)}, which is yours to keep up to date."
            if not self.unpriced
            else f"Unknown prices: give them in the Prefect variable {code(PRICES)}.",
        ]
        return "\n\n".join(blocks) + "\n"


async def approved(
    jobs: Sequence[tuple[JobRequest, int]],
    further: Sequence[JobRequest] = (),
    *,
    over: float | None,
    kie: KieCredentials,
    job_key: str,
    hours: float,
    second_tries: SecondTries = NO_SECOND_TRIES,
    max_credits: float | None = None,
) -> None:
    """Ask a person before jobs are submitted, where these cost more than a limit or nobody knows what.

    Where there is a budget they have to fit into it first.

    What was submitted before is not paid again, and not counted. A yes is kept: run again, nobody is asked
    twice for the same jobs at no higher a price.

    Args:
        jobs: The requests with their takes.
        further: Requests whose input is not settled yet, such as a character's.
        over: The limit, credits; None: nobody is asked.
        kie: Whose Kie makes them; the account's balance is shown beside the estimate.
        job_key: Whose jobs they are.
        hours: For how long to wait.
        second_tries: Which further models may be tried: the dearest one counts.
        max_credits: What all jobs of `job_key` may cost together, credits; None: any sum.

    Raises:
        BudgetExceeded: when they do not fit into a budget.
        NotApproved: when the person says no.
        NotAnswered: when nobody answers.
        KieError: another one when the prices or the records cannot be read. In each case nothing was
            submitted.
    """
    left = await not_submitted(jobs, job_key, kie)
    if left:  # else the run was begun before, and nobody knows here how much of it is left
        planned = {**left, **{f"further {number}": request for number, request in enumerate(further)}}
        await (await run_budgets()).check(job_key, max_credits, planned)
    if over is None:
        return
    estimate = Estimate.of([*left.values(), *further], await load_prices(), second_tries)
    if not estimate.requests or (estimate.credits <= over and not estimate.unpriced):
        get_run_logger().info(
            "%d to submit, estimated at %s: not over %g", len(estimate.requests), estimate.total, over
        )
        return
    keys = [submission_key(kie, job_key, request, take) for request, take in jobs]
    key = answer_key("approval", job_key, *keys, *(request.model_dump_json() for request in further))
    kept = await kept_answer(key, Approved)
    if kept is not None and estimate.is_within(kept):
        get_run_logger().info("Approved before: %s", estimate.total)
        return
    await _ask(await estimate.with_balance(kie), hours)
    await keep_answer(key, estimate.asked)
    get_run_logger().info("Approved: %d to submit, estimated at %s", len(estimate.requests), estimate.total)


async def not_submitted(
    jobs: Sequence[tuple[JobRequest, int]], job_key: str, kie: KieCredentials
) -> dict[str, JobRequest]:
    """The jobs that are not submitted yet, by their submissions' keys.

    Args:
        jobs: The requests with their takes.
        job_key: Whose jobs they are.
        kie: Whose Kie makes them.

    Raises:
        SubmissionNotRecorded: when the records cannot be read.
    """
    requests = {submission_key(kie, job_key, request, take): request for request, take in jobs}
    found = await (await run_records()).read_many(list(requests))
    submitted = {record.key for record in found if record is not None and record.state == "submitted"}
    return {key: request for key, request in requests.items() if key not in submitted}


async def _ask(estimate: Estimate, hours: float) -> None:
    summary = f"{len(estimate.requests)} to submit, estimated at {estimate.total}"
    question = Question(
        # A suspended run adds up anew: what has changed meanwhile is another question, not yet answered.
        answer_key("approval", estimate.asked.model_dump_json()),
        f"submit and pay? {summary}",
        Approval,
        f"**{summary}.** {estimate.account} The run's artifact `{ARTIFACT}` lists them.",
    )
    if not await question.is_asked():
        await show_markdown(ARTIFACT, f"To be approved: {summary}", estimate.markdown)
    answer = await question.answer(
        hours,
        NotAnswered(
            f"nobody approved {summary} within {hours:g} hours",
            next_step="Run it again (in the UI: Retry) to be asked again; nothing was submitted.",
        ),
    )
    if answer.decision == "no":
        raise NotApproved(f"not approved: {summary}")


def _dearest(requests: Sequence[JobRequest], table: PriceTable) -> float | None:
    prices = [table.credits_for(request) for request in requests]
    return max((price for price in prices if price is not None), default=None) if None not in prices else None


def _credits(price: float | None, count: int = 1) -> str:
    return "unknown" if price is None else f"{price * count:g}"
