"""Approve before you pay: what a run is about to submit, at what estimated price, and a person's yes.

The prices are the user's own (`prefect_kie.blocks.prices`); where one is missing, a person is asked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prefect import get_run_logger
from prefect.input import RunInput
from pydantic import BaseModel, Field

from prefect_kie.api import JobRequest
from prefect_kie.blocks import PRICES, KieCredentials, PriceTable, load_prices
from prefect_kie.errors import NotAnswered, NotApproved, shown_error
from prefect_kie.human_input.questions import Question, answer_key, keep_answer, kept_answer
from prefect_kie.keys import submission_key
from prefect_kie.outcomes.results import Wanted
from prefect_kie.run_page.artifacts import show
from prefect_kie.run_page.markdown import code, escaped
from prefect_kie.runtime.best_effort import detach_after
from prefect_kie.runtime.clients import ask_kie

ARTIFACT = "kie-approval"
MAX_LISTED = 20  # so many jobs are listed with their prompts


class _Decision(RunInput):
    decision: Literal["yes", "no"] = Field(
        title="Submit and pay?",
        description="yes: submit them, and be charged for each that succeeds. no: end this run; nothing is "
        "submitted.",
    )


class _Approved(BaseModel):
    """What a person has said yes to, as it is kept: the estimate, and unpriced jobs by model."""

    credits: float
    unpriced: Counter[str]


@dataclass(frozen=True)
class Estimate:
    """What jobs that are not submitted yet would cost at the most."""

    jobs: Sequence[tuple[JobRequest, float | None]]  # with the highest price of a request and its fallbacks
    balance: float | None = None  # what the account has, credits

    @classmethod
    def of(cls, wanted: Sequence[Wanted], prices: PriceTable) -> "Estimate":
        """The estimate by a price table; a job with an unknown price has none."""

        def highest(requests: Sequence[JobRequest]) -> float | None:
            known = [price for one in requests if (price := prices.credits_for(one)) is not None]
            return max(known) if len(known) == len(requests) else None

        return cls([(one.request, highest(one.requests)) for one in wanted])

    async def with_balance(self, credentials: KieCredentials) -> "Estimate":
        """The same, beside what the account has; Kie is not asked where there is nothing to pay."""
        if not self.jobs:
            return self
        try:
            balance = ask_kie(credentials, lambda client: client.get_credits())
            return replace(self, balance=await detach_after(balance, 10.0))
        except Exception as error:
            get_run_logger().info("Kie does not report the account's balance: %s", shown_error(error))
            return self

    @property
    def account(self) -> str:
        """The account's balance, for people, with a warning where it is too low; empty where unknown."""
        if self.balance is None:
            return ""
        short = self.balance < self.credits or self.balance <= 0
        warning = ", which will not do: add credits at kie.ai" if short else ""
        return f"The account has {self.balance:g} credits{warning}."

    @property
    def credits(self) -> float:
        """What all jobs with a known price cost together."""
        return sum(price or 0.0 for _, price in self.jobs)

    @property
    def unpriced(self) -> Counter[str]:
        """How many jobs have no known price, by model."""
        return Counter(request.model_name for request, price in self.jobs if price is None)

    @property
    def total(self) -> str:
        """The sum, for people."""
        unpriced = self.unpriced.total()
        if not unpriced:
            return f"{self.credits:g} credits"
        jobs = f"{unpriced} job{'s' if unpriced > 1 else ''}"
        known = f"{self.credits:g} credits and {jobs} of unknown price"
        return known if self.credits else f"unknown price ({jobs})"

    @property
    def summary(self) -> str:
        """How many jobs, and the sum."""
        return f"{len(self.jobs)} to submit, estimated at {self.total}"

    @property
    def markdown(self) -> str:
        """The artifact: what would be submitted, and at what price."""
        table = ["| model | jobs | credits each | credits |", "|---|---:|---:|---:|"]
        alike = Counter((request.model_name, price) for request, price in self.jobs)
        for (model, price), count in alike.items():
            each, together = ("unknown",) * 2 if price is None else (f"{price:g}", f"{price * count:g}")
            table.append(f"| {code(model)} | {count} | {each} | {together} |")
        shown = self.jobs[:MAX_LISTED]
        listed = [f"1. {code(request.model_name)} {escaped(request.title, 200)}" for request, _ in shown]
        if len(self.jobs) > MAX_LISTED:
            listed.append(f"\nand {len(self.jobs) - MAX_LISTED} more")
        variable = f"the Prefect variable {code(PRICES)}"
        source = f"Prices come from {variable}, which is yours to keep up to date."
        source = f"Unknown prices: give them in {variable}." if self.unpriced else source
        head = f"**{self.summary}.** Kie charges for what succeeds. {self.account}"
        return "\n\n".join([head, "\n".join(table), "\n".join(listed), source]) + "\n"


async def approve(
    jobs: Sequence[Wanted],
    left: Sequence[Wanted],
    *,
    over: float | None,
    kie: KieCredentials,
    job_key: str,
    hours: float,
) -> None:
    """Ask a person before jobs are submitted, where those that are left cost more than `over` credits or have
    no known price; None asks nobody. A yes is kept: run again, nobody is asked twice for the same jobs at no
    higher a price. Raises NotApproved when the person says no, NotAnswered when nobody answers.
    """
    if over is None:
        return
    estimate = Estimate.of(left, await load_prices())
    if not estimate.jobs or (estimate.credits <= over and not estimate.unpriced):
        get_run_logger().info("%s: not over %g", estimate.summary, over)
        return
    keys = [submission_key(kie, job_key, job.request, job.take) for job in jobs]
    key = answer_key("approval", job_key, *keys)
    kept = await kept_answer(key, _Approved)
    if kept and estimate.credits <= kept.credits and estimate.unpriced <= kept.unpriced:
        get_run_logger().info("Approved before: %s", estimate.total)
        return
    asked = _Approved(credits=estimate.credits, unpriced=estimate.unpriced)
    estimate, summary = await estimate.with_balance(kie), estimate.summary
    question = Question(
        # A suspended run adds up anew: what has changed meanwhile is another question, not yet answered.
        answer_key("approval", asked.model_dump_json()),
        f"submit and pay? {summary}",
        _Decision,
        f"**{summary}.** {estimate.account} The run's artifact `{ARTIFACT}` lists them.",
    )
    if not await question.is_asked():
        await show(ARTIFACT, f"To be approved: {summary}", estimate.markdown)
    unanswered = NotAnswered(
        f"nobody approved {summary} within {hours:g} hours",
        next_step="Run it again (in the UI: Retry) to be asked again; nothing was submitted.",
    )
    if (await question.answer(hours, unanswered)).decision == "no":
        raise NotApproved(f"not approved: {summary}")
    await keep_answer(key, asked)
    get_run_logger().info("Approved: %s", summary)
