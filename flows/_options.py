"""The groups of a flow's parameters: where results go, what may be paid, how a run retries and waits."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, WithJsonSchema, model_serializer

from prefect_kie.api import PollPolicy
from prefect_kie.api.forms import Group, Tabs
from prefect_kie.human_input.questions import DEFAULT_HOURS, AnswerHours
from prefect_kie.models import AnyRequest, Slice
from prefect_kie.storage.run_storage import StorageBlock


class FlowGroup(Group):
    """Base of the groups of a flow's parameters."""

    def set_fields(self) -> dict[str, Any]:
        """The fields that were given, even if as their defaults."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A form that is filled in with the nulls of a default would send them.
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}


class Output(FlowGroup):
    """Where results are saved."""

    directory: Path | None = None
    """A directory of the machine that runs this; by default kie-videos in the home directory."""
    storage: StorageBlock = None
    """Instead of a directory: a storage block, as type/name."""


class Approval(FlowGroup):
    """What may be paid. Prices come from the Prefect variable `kie_prices`."""

    max_credits: Annotated[float, Field(ge=0)] | None = None
    """What all jobs may cost together, in credits; a job that would exceed it is not submitted."""
    ask_above: Annotated[float, Field(ge=0)] | None = None
    """Ask in the UI before submitting what costs more than this many credits, or has no known price. Empty:
    never ask; 0: whenever it costs anything."""
    answer_hours: AnswerHours = DEFAULT_HOURS
    """How long a question in the UI waits before the run ends, in hours."""


Attempts = Annotated[int, Field(ge=1, le=11)]


class Retry(FlowGroup):
    """When a job that failed without a charge is submitted again; never after a refusal by moderation."""

    attempts: Attempts = 1
    """How many submissions each request has at most, where failures are transient (heavy load, timed out)."""
    fallbacks: tuple[AnyRequest, ...] = ()
    """Other requests, tried in this order when the one before has failed or its model is not served."""


class BatchRetry(FlowGroup):
    """When a row's job that failed without a charge is submitted again; never after moderation refused."""

    attempts: Attempts = 2
    """How many submissions each row has at most, where failures are transient (heavy load, timed out)."""
    fallbacks: tuple[dict[str, Any], ...] = ()
    """What counts instead of a row's values once it failed: {"model": "..."}; null drops a field."""


class Waiting(FlowGroup):
    """How a run waits for its jobs."""

    mode: Literal["poll", "suspend"] = "poll"
    """poll: the run's process waits. suspend, for deployed runs: no process waits; the run continues when Kie
    calls back, or by the deployment resume-waiting."""
    poll: Annotated[PollPolicy, WithJsonSchema({"type": "object", "title": "Polling"})] = Field(
        default_factory=PollPolicy
    )
    """When to poll a job and when to give up, as JSON: {"deadline_seconds": 3600}. Usually left empty."""


class Scope(FlowGroup):
    """What makes a job the same job in another run."""

    job_key: str | None = None
    """Runs with the same key share their jobs and pay once. By default each run has its own jobs."""


class Table(FlowGroup):
    """How a batch's manifest is read."""

    columns: dict[str, str | None] = Field(default={})
    """Which column holds which field, where their names differ; null: the column is not used."""
    storage: StorageBlock = None
    """The storage block that holds the manifest, as type/name; by default it is a file of this machine."""


SliceOrPicked = Annotated[Slice | None, Tabs("Pick it on a contact sheet")]
