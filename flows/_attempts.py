"""Which attempt at a result follows a failure: the same request again, a fallback, or none.

Each attempt is a submission with a record of its own, by which a run that is run again finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect_kie.api import ContentRejected, FeatureDisabled, JobFailed, JobRequest, ModelNotSupported


@dataclass
class Attempts:
    """The attempts at one result, one after the other."""

    requests: Sequence[JobRequest]  # the current one, then its fallbacks
    allowed: int  # submissions of each
    repetition: int = 0  # of the current request: 0 is its first submission
    made: int = 1  # this one included
    _counted: int = 0
    postponed: int = 0  # so many of the requests come after a fallback that was made before

    @property
    def request(self) -> JobRequest:
        """What the current attempt asks for."""
        return self.requests[0]

    @property
    def fallbacks(self) -> Sequence[JobRequest]:
        """The fallbacks that have not had their turn."""
        return self.requests[1 : max(1, len(self.requests) - self.postponed)]

    def advance(
        self, error: BaseException, *, of_this_run: bool, made_before: bool = False, made_instead: int = 0
    ) -> bool:
        """Go on to the attempt that follows this failure; False where none does.

        Attempts of earlier runs (not `of_this_run`) do not count. One that was `made_before`, under whatever
        policy, may have made the result, and is polled before anything else is paid; so is a fallback, the
        one that comes so many after this request (`made_instead`).
        """
        if made_instead and not made_before and may_repeat(error):
            self.requests = [*self.requests[made_instead:], *self.requests[:made_instead]]
            self.repetition = self._counted = 0
            self.postponed += made_instead
            self.made += 1
            return True
        if (self.allowed > 1 or made_before) and may_repeat(error):
            self._counted += of_this_run
            if made_before or self._counted < self.allowed:
                self.repetition += 1
                self.made += 1
                return True
        if not may_fall_back(error) or len(self.requests) == 1:
            return False
        self.requests = self.requests[1:]
        self.repetition = self._counted = 0
        self.made += 1
        return True


def may_repeat(error: BaseException) -> bool:
    """Whether the same job may succeed: it failed for a transient reason, and surely cost nothing."""
    return may_fall_back(error) and isinstance(error, JobFailed) and error.transient


def may_fall_back(error: BaseException) -> bool:
    """Whether another request may be tried: this one failed or is not served, and surely cost nothing."""
    if isinstance(error, ContentRejected):
        return False
    if isinstance(error, JobFailed):
        return error.confirmed and error.billed == "no"
    return isinstance(error, ModelNotSupported | FeatureDisabled) and error.billed == "no"
