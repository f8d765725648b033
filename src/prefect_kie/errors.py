"""How a run can go wrong beside Kie's own errors (`prefect_kie.api`), and what its next call is.

::

    KieError
    ├── JobTimedOut               we stopped waiting; the job goes on and may be charged
    ├── SubmissionNotRecorded     the record could not be kept, so nothing was sent
    ├── DownloadFailed            the result could not be fetched or stored
    ├── BudgetExceeded            your own budget does not allow it; nothing was sent
    ├── NotApproved               a person was asked before paying, and said no
    ├── NotAnswered               a person was asked, and nobody answered in time
    └── RunIncomplete             a flow run that ends without some of what it was asked for
"""

import re
from typing import Any

from prefect_kie import api
from prefect_kie.api import KieError

_NEXT_STEPS: dict[type[KieError], str] = {
    api.AuthenticationFailed: (
        "Check the key at kie.ai/api-key (and its list of allowed addresses) and save it in the "
        "KieCredentials block. Then run again."
    ),
    api.InsufficientCredits: (
        "Add credits at kie.ai, then retry this run: what it has submitted is not paid again. A new run "
        "would pay for all of it, unless it has the same job_key."
    ),
    api.JobNotFound: (
        "Check the task id in Kie's logs page (kie.ai/logs). A job younger than two minutes may not show "
        "yet: then run collect_job again."
    ),
    api.JobFailed: (
        "Read Kie's reason; to try again, start a new run for this video alone, with another job_key if this "
        "one had one."
    ),
    api.ContentRejected: (
        "Change the prompt or the image, in a run for this video alone; the same input will be refused again."
    ),
    api.SubmissionInDoubt: (
        "Look in Kie's logs page (kie.ai/logs). If the job is there, run collect_job with its task id; do "
        "not submit it again before."
    ),
}


def add_next_step(error: KieError) -> None:
    """Give an error of Kie's API, which knows no Prefect, the exact next call of a run, in place."""
    if error.next_step == error.default_next_step:
        error.next_step = _NEXT_STEPS.get(type(error), error.next_step)


def remedy(error: KieError) -> str:
    """What to put right before any call can succeed, with a blank after it; empty where there is nothing."""
    first, then, _ = error.next_step.rpartition("Then ")
    return first if then and not error.retryable else ""


class JobTimedOut(KieError):
    """The deadline passed before the job ended. The job goes on and is charged if it succeeds."""

    default_billed = "unknown"
    default_next_step = "Run collect_job with this task id later; results live 14 days."


class SubmissionNotRecorded(KieError):
    """The submission's record could not be written and read back, so nothing was sent."""

    default_next_step = (
        "Make Prefect's result storage writable (PREFECT_LOCAL_STORAGE_PATH, or the result storage block), "
        "then run again."
    )


class DownloadFailed(KieError):
    """A result could not be fetched or stored. It is paid and still at Kie."""

    default_billed = "yes"
    default_next_step = "Run collect_job with this task id; results live 14 days at Kie."


class BudgetExceeded(KieError):
    """A budget of yours (`max_credits`, or the limit `kie-credits`) does not allow it; nothing was sent.

    `left` is what may still be paid, credits, and `budget` says of which: `max_credits` or `kie-credits`.
    """

    default_next_step = (
        "Raise the budget (max_credits, or the concurrency limit kie-credits), then run its flow run again; "
        "what it has submitted is not paid again."
    )
    left: float | None = None
    budget: str = ""


class NotApproved(KieError):
    """A person was asked whether to submit and pay, and said no. Nothing was submitted."""

    default_next_step = "Run it again to be asked again; nothing was submitted."


class NotAnswered(KieError):
    """A flow run asked a person something, and nobody answered in time."""

    default_next_step = "Run it again (in the UI: Retry); it goes on where it was and asks again."


class RunIncomplete(KieError):
    """A flow run ends without some of the videos it was asked for; none of the others is lost.

    `result` is what the flow would have returned: every outcome, those that succeeded included. `errors` are
    the exceptions of what is missing, to be told apart by their type.
    """

    default_billed = "unknown"
    default_next_step = "See the line of each video."
    result: Any = None
    errors: tuple[KieError, ...] = ()

    def __str__(self) -> str:
        return self.message  # its lines are whole errors with charges and next steps of their own


def without_passwords(text: str) -> str:
    """A text without the passwords of the addresses in it: `ftp://user:***@host/videos`."""
    return re.sub(r"(\w://[^/\s:]*):[^/\s]*@", r"\1:***@", text)


def shown_error(error: BaseException) -> str:
    """Somebody else's error as a text that may be logged and stored."""
    return without_passwords(f"{type(error).__name__}: {error}")
