"""Second tries: a job that failed without a charge is made again, or by another model, as a policy says.

Each try is a submission of its own, with a record of its own. A run that is run again walks along the same
tries and finds them by their records, so that it neither repeats one nor counts it twice.
"""

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from prefect_kie.api import (
    ContentRejected,
    FeatureDisabled,
    InvalidRequest,
    JobFailed,
    JobRequest,
    ModelNotSupported,
)
from prefect_kie.api.forms import described
from prefect_kie.batches.templates import fill, placeholders
from prefect_kie.models import MarketModel, Sora2Characters, Sora2CharactersPro, parse_request
from prefect_kie.models.registry import TYPED

LEFT_OUT = {"size", "remove_watermark", "upload_method"}
"""Fields that say how a video is made; another model that does not have them makes it without. No other field
may be left out: a video without its picture or its characters is another video."""

MAX_TRIES = 10


def _typed(name: str) -> str:
    if name not in TYPED:
        raise ValueError(
            f"{name!r} is none of the typed models ({', '.join(TYPED)}); of another one give model and "
            "input, with {prompt} and the like where the fields of the first request belong"
        )
    return name


class SecondTries(BaseModel):
    """When a job that failed, uncharged, is submitted anew. What moderation refused never is.

    Attributes:
        times: How often, where the failure is a passing one.
        models: Which models are tried afterwards.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=described)

    times: Annotated[int, Field(ge=0, le=MAX_TRIES)] = 0
    """How often a job is submitted again that failed for a passing reason (heavy load, timed out); each model
    has that many tries."""
    models: tuple[Annotated[str, AfterValidator(_typed)] | MarketModel, ...] = ()
    """Models to go to, in this order, when the one before has failed or is not served: names of Sora models,
    or any other model with its input, in which {prompt} and the like stand for the first request's fields."""

    def requests(self, first: JobRequest) -> list[JobRequest]:
        """The request, and the same for each further model; a character has no second model.

        Raises:
            InvalidRequest: when a model cannot make what the request asks for; says which and why.
        """
        if isinstance(first, Sora2CharactersPro | Sora2Characters):
            return [first]
        requests = [first]
        for request in (_for_model(first, model) for model in self.models):
            if request not in requests:  # a batch's list may name a row's own model
                requests.append(request)
        return requests


NO_SECOND_TRIES = SecondTries()


@dataclass
class Tries:
    """The tries at one video, one after the other.

    Attributes:
        requests: What to ask for, model by model.
        times: How many second tries each model has.
        second_try: Which of the current model's tries it is: 0 is the first.
    """

    requests: list[JobRequest]
    times: int
    second_try: int = 0
    _counted: int = field(default=0, repr=False)
    _made: int = field(default=1, repr=False)

    @property
    def request(self) -> JobRequest:
        """What the current try asks for."""
        return self.requests[0]

    @property
    def made(self) -> int:
        """How many tries there were, this one included."""
        return self._made

    def goes_on(self, error: BaseException, *, of_this_run: bool, made_before: bool = False) -> bool:
        """Whether there is another try after this failure; if so, it is the current one.

        Args:
            error: How the current try failed.
            of_this_run: Whether this very run had submitted it. Tries of earlier runs do not count: whoever
                starts a run anew wants what is missing. Where the policy allows none, there are none.
            made_before: Whether the next try at the same model was submitted already, under whatever policy:
                it may have made the video, and is polled before anything else is paid.
        """
        if (self.times or made_before) and may_be_made_again(error):
            self._counted += of_this_run
            if made_before or self._counted <= self.times:
                self.second_try += 1
                self._made += 1
                return True
        if not may_go_to_another_model(error) or len(self.requests) == 1:
            return False
        self.requests = self.requests[1:]
        self.second_try = self._counted = 0
        self._made += 1
        return True


def may_be_made_again(error: BaseException) -> bool:
    """Whether the same job may succeed: it failed for a passing reason, and surely cost nothing."""
    return may_go_to_another_model(error) and isinstance(error, JobFailed) and error.transient


def may_go_to_another_model(error: BaseException) -> bool:
    """Whether another model may be asked: this one failed or is not served, and surely cost nothing."""
    if isinstance(error, ContentRejected):
        return False
    if isinstance(error, JobFailed):
        return error.confirmed and error.billed == "no"
    return isinstance(error, ModelNotSupported | FeatureDisabled) and error.billed == "no"


def _for_model(first: JobRequest, model: str | MarketModel) -> JobRequest:
    given = first.input_fields()
    if isinstance(model, MarketModel):
        missing = sorted(name for name in set(placeholders(model.input)) if name not in given)
        if missing:
            raise InvalidRequest(
                f"the input of {model.model} mentions {{{missing[0]}}}, which {first.model_name} does not "
                "have; nothing was submitted",
                next_step="Correct second_tries and run again.",
            )
        return MarketModel(model=model.model, input=_filled(model.input, given))
    known = TYPED[model].model_fields
    fields = {name: value for name, value in given.items() if name in known or name not in LEFT_OUT}
    try:
        return parse_request({"model": model, "input": fields})
    except ValueError as error:
        raise InvalidRequest(
            f"{model} cannot make what is asked of {first.model_name} ({_first_line(error)}); nothing was "
            "submitted",
            next_step="Take that model out of second_tries and run again.",
        ) from None


def _filled(value: object, fields: dict[str, Any]) -> Any:
    """A value with the first request's fields put in; `{image_urls}` alone is that list itself."""
    if isinstance(value, str) and (name := value[1:-1]) in fields and value == f"{{{name}}}":
        return fields[name]
    if isinstance(value, list):
        return [_filled(one, fields) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _filled(one, fields) for name, one in cast("dict[str, object]", value).items()}
    return fill(value, lambda name: _text(fields[name]))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _first_line(error: ValueError) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return ", ".join(line.partition(" [type=")[0] for line in lines[1:3]) or lines[0]
