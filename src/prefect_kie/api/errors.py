"""Every way a call to Kie can go wrong, as one tree.

::

    KieError
    ├── AuthenticationFailed      key missing, wrong, or this address not allowed         (401)
    ├── InsufficientCredits       the account cannot pay for it                           (402)
    ├── InvalidRequest            Kie refuses the input                                   (422)
    │   └── ModelNotSupported     Kie does not (or no longer) serve this model       (422, 500)
    ├── RateLimited               too many requests; nothing was created                  (429)
    ├── UsageLimitReached         this key's hourly, daily or total cap is used up        (433)
    ├── Maintenance               Kie is closed for the moment                            (455)
    ├── FeatureDisabled           Kie switched this feature off                           (505)
    ├── JobNotFound               Kie knows no such job                                   (404, 422)
    ├── JobFailed                 the job ran and ended without a result; not charged     (501)
    │   └── ContentRejected       ... because of moderation
    ├── SubmissionInDoubt         whether the job was created is not known
    ├── UnexpectedResponse        an answer that cannot be understood
    │   └── ServiceUnavailable    no answer, or a server error: worth another poll
    └── CallbackRejected          a callback that is not proven to come from Kie

Each says what happened, to which job, whether it was charged, and what to do next.
"""

from typing import Any, ClassVar, Literal

Billed = Literal["no", "yes", "unknown"]


class KieError(Exception):
    """Base of every error of this package; it survives pickling with all it carries.

    Args:
        message: What happened, as one sentence.
        task_id: Kie's id of the job, where there is one.
        code: Kie's code (the body's, or the HTTP status where the body has none), or a job's failCode.
        billed: Whether Kie charges for it; the class's own answer unless given.
        retryable: Whether the same call may be repeated as it is; the class's own answer unless given.
        next_step: One sentence that names the call that continues; the class's own unless given.
    """

    default_billed: ClassVar[Billed] = "no"
    default_retryable: ClassVar[bool] = False
    default_next_step: ClassVar[str] = "Read the message above; nothing was submitted."

    def __init__(
        self,
        message: str,
        *,
        task_id: str | None = None,
        code: int | str | None = None,
        billed: Billed | None = None,
        retryable: bool | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.task_id = task_id
        self.code = code
        self.billed: Billed = billed or self.default_billed
        self.retryable = self.default_retryable if retryable is None else retryable
        self.next_step = next_step or self.default_next_step

    def __str__(self) -> str:
        happened = self.message.strip()
        end = "" if happened.endswith((".", "!", "?")) else "."
        job = f" Job: {self.task_id}." if self.task_id else ""
        return f"{happened}{end}{job}\nCharged: {self.billed}.\nNext: {self.next_step}"

    @property
    def line(self) -> str:
        """The same on one line, for tables and lists."""
        return " ".join(str(self).splitlines())

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way would call the class, whose arguments may be others, and lose everything else.
        return _new, (type(self), self.message), dict(self.__dict__)


def _new(cls: type[KieError], message: str) -> KieError:
    return cls.__new__(cls, message)


class AuthenticationFailed(KieError):
    """Kie does not accept the key (code 401), or not from this address (403)."""

    default_next_step = "Check the key at kie.ai/api-key, and its list of allowed addresses. Then try again."


class InsufficientCredits(KieError):
    """The account has too few credits for this job (code 402)."""

    default_next_step = "Add credits at kie.ai, then try again; nothing was created."


class InvalidRequest(KieError):
    """Kie refuses the input; nothing was created."""

    default_next_step = "Correct the input that Kie names, then run again."


class ModelNotSupported(InvalidRequest):
    """Kie does not serve this model, or has paused it, as Sora 2 since June 2026; nothing was created."""

    default_next_step = (
        "Look up the models Kie serves today at kie.ai/market and run another one, for example with "
        "MarketModel(model=..., input=...)."
    )


class RateLimited(KieError):
    """Too many requests (code 429); the request was rejected, not queued."""

    default_retryable = True
    default_next_step = "Run it again after ten seconds; Kie takes 20 submissions per 10 s per account."


class UsageLimitReached(KieError):
    """The hourly, daily or total cap set for this key is used up (code 433)."""

    default_next_step = "Raise this key's cap at kie.ai/api-key or wait for it to renew. Then run again."


class Maintenance(KieError):
    """Kie is in maintenance (code 455)."""

    default_retryable = True
    default_next_step = "Run again later; nothing was created."


class FeatureDisabled(KieError):
    """Kie switched this feature off (code 505)."""

    default_next_step = "Use another model until Kie switches this one on again."


class JobNotFound(KieError):
    """Kie knows no job of this id (or not yet: a young job may take 90 s to show)."""

    default_billed = "unknown"
    default_next_step = (
        "Check the task id in Kie's logs page (kie.ai/logs). A job younger than two minutes may not show "
        "yet: then poll it again."
    )


class JobFailed(KieError):
    """The job ended without a result; Kie charges only for success.

    A new job may succeed where the cause is passing (`transient`); that is a new submission, never a
    repetition of this one. `confirmed` says that Kie's own record of the job was seen to say so.
    """

    default_next_step = "Read Kie's reason; to try again, submit a new job."
    transient: bool = False
    confirmed: bool = False


class ContentRejected(JobFailed):
    """The provider's moderation refused the prompt, an image or a person in it."""

    default_next_step = "Change the prompt or the image; the same input will be refused again."


class SubmissionInDoubt(KieError):
    """A submission went out and it is not known whether Kie created the job.

    It is never submitted again by itself: that could pay twice. `submission` is its record's key, if any.
    """

    default_billed = "unknown"
    default_next_step = (
        "Look in Kie's logs page (kie.ai/logs). If the job is there, poll it by its task id; do not submit "
        "it again before."
    )
    submission: str | None = None


class UnexpectedResponse(KieError):
    """Kie answered something that cannot be understood."""

    default_next_step = "Run it again; if it stays, compare Kie's documentation with kie.ai's status page."


class ServiceUnavailable(UnexpectedResponse):
    """No answer, or a server error, to a call that costs nothing and may be repeated."""

    default_retryable = True
    default_next_step = "Run it again in a while."


class CallbackRejected(KieError):
    """A callback is not proven to come from Kie."""

    default_billed = "unknown"
    default_next_step = "Nothing to do for the job: it is polled anyway."
