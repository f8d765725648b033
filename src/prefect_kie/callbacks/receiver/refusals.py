"""Why a callback is refused."""

from __future__ import annotations

from enum import Enum


class Refusal(Enum):
    """Every reason, with its HTTP status and what is said of it: to the caller, in the log, in the metrics.

    None of the texts holds anything of the request.
    """

    MALFORMED = 400, "the body is no JSON object that names one job"
    BROKEN_OFF = 400, "the body broke off"
    TWO_SIGNATURES = 400, "there are several signatures or times"
    UNSIGNED = 401, "there is no signature"
    NOT_GENUINE = 401, "the signature is not Kie's, or its time is outside the accepted window"
    NO_SUCH_PATH = 404, "there is nothing here"
    METHOD = 405, "this is not how it is called"
    SLOW = 408, "the body took too long"
    TOO_LARGE = 413, "the body is too large"
    MEDIA_TYPE = 415, "the body is not plain JSON"
    TOO_MANY = 429, "there are too many unsigned callbacks"
    BROKEN = 500, "the receiver failed"
    BUSY = 503, "too many rings wait to be told"

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.value[0]

    @property
    def text(self) -> str:
        """What is said of it."""
        return self.value[1]

    @property
    def label(self) -> str:
        """Its name in the metrics."""
        return self.name.lower()


class Refused(Exception):
    """A callback is refused.

    Args:
        refusal: Why.
        task_id: The job it is about, where it names one.
    """

    def __init__(self, refusal: Refusal, task_id: str | None = None) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal
        self.task_id = task_id
