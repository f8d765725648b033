"""The flows' own class: a short form, no key and nothing too large in parameters; a typed name stays."""

import inspect
import json
import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar, cast

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import get_current_settings
from prefect.states import Failed
from prefect.utilities.callables import parameter_docstrings
from pydantic import Field, create_model
from pydantic.json_schema import SkipJsonSchema

from prefect_kie import __version__
from prefect_kie.api import InvalidRequest, JobRequest, KieError
from prefect_kie.api.forms import Closed
from prefect_kie.blocks.credentials import check_credentials_value
from prefect_kie.flows._options import FlowGroup
from prefect_kie.outcomes.endings import is_retried
from prefect_kie.run_page.events import emit_refusals
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.tasks.models import shortened

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

HIDDEN = cast("Any", SkipJsonSchema)()  # taken, but not in the form
LAST = ("retry", "waiting", "scope")
"""The groups that a form has in one last group, `more`."""
MORE = "more"
MORE_MEANS = "Retries, waiting, and the job key, by which runs share what is paid."
GENERATED_NAME = re.compile(r"[a-z]+-[a-z]+|[a-z]+\d+-[a-z-]+|[A-Z][a-z]+-[A-Z][A-Za-z ]{1,5}")
"""Names that Prefect makes up: `delectable-kudu`, and in its UIs `iota55-huygens` and `Sleek-Jacana`."""


class KieFlow(Flow[P, R]):
    """A flow that refuses a key among its parameters, and takes parameters of any size.

    Prefect creates a flow's run, parameters and all, before it validates these. What is larger than the
    server takes is left out of the run's record: a flow that is called has its parameters from the call.
    """

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as the run's record keeps them; the largest are left out where all are too large."""
        serialized = super().serialize_parameters(parameters)
        limit = get_current_settings().server.api.max_parameter_size
        sizes = {name: _size(value) for name, value in serialized.items()}
        for name in sorted(sizes, key=lambda name: -sizes[name]):
            if limit <= 0 or sum(sizes.values()) <= limit - 1024:
                break
            serialized[name] = f"kept out of the run's record: {sizes[name]:,} bytes; it takes {limit:,}"
            sizes[name] = _size(serialized[name])
        return serialized

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as the flow's function takes them; refuses a key where no server has before."""
        try:
            check_credentials_value(parameters.get("credentials"))
        except InvalidRequest as error:
            raise InvalidRequest(
                f"{error.message}. If that was the key, the Prefect server now has it in clear, in the "
                "parameters of this run",
                next_step=f"Delete this run, and replace that key at kie.ai/api-key. {error.next_step}",
            ) from None
        return super().validate_parameters(parameters)

    if not TYPE_CHECKING:

        def __call__(self, *args, **kwargs):
            options = {"return_state", "wait_for"}
            given = {name: value for name, value in kwargs.items() if name not in options}
            with suppress(TypeError):  # Prefect says it better
                given = inspect.signature(self.fn).bind_partial(*args, **given).arguments
            check_credentials_value(given.get("credentials"))
            return super().__call__(*args, **kwargs)

        def with_options(self, **options):
            """The same flow with other options; Prefect would make a plain `Flow` of it."""
            changed = super().with_options(**options)
            changed.__class__ = type(self)
            return changed


def run_name() -> str:
    """The name of a flow run by what it makes: `generate-video: a claymation conductor…`."""
    parameters = flow_run.get_parameters()
    request = parameters.get("request") or parameters.get("original")
    name = flow_run.get_flow_name()
    return f"{name}: {shortened(request.title)}" if isinstance(request, JobRequest) else str(name)


def kie_flow(
    flow_run_name: str | Callable[[], str], *, like: Flow[..., Any] | None = None, **options: Any
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], KieFlow[P, Coroutine[Any, Any, T]]]:
    """Prefect's `@flow`, for a `KieFlow`; a name that a person has typed for the run stays.

    The parameters mean what those of the flow `like` do, whose words the form has.

    A `KieError` fails the run without Prefect's traceback of our own code above it in the log.
    """

    def name() -> str:
        typed = flow_run.get_name()
        if typed and not GENERATED_NAME.fullmatch(typed):
            return str(typed)
        if isinstance(flow_run_name, str):
            return flow_run_name.format(**flow_run.get_parameters())
        return flow_run_name()

    def decorate(fn: Callable[P, Coroutine[Any, Any, T]]) -> KieFlow[P, Coroutine[Any, Any, T]]:
        if like is not None:
            words = inspect.cleandoc(like.fn.__doc__ or "")
            args = words[words.index("Args:") : words.index("Returns:")]
            fn.__doc__ = f"{inspect.cleandoc(fn.__doc__ or '')}\n\n{args}"
        for parameter, annotation in fn.__annotations__.items():
            title = Field(json_schema_extra={"title": parameter.replace("_", " ").capitalize()})
            fn.__annotations__[parameter] = Annotated[annotation, title]  # Prefect's title is the bare name

        signature = inspect.signature(fn)

        @wraps(fn)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            more = kwargs.pop(MORE, None)
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            if isinstance(more, FlowGroup):
                for name, group in more.set_fields().items():
                    given.arguments[name] = given.arguments[name].model_copy(update=group.set_fields())
            keep_alive()
            try:
                return await fn(*given.args, **given.kwargs)
            except KieError as error:
                await emit_refusals(error)
                if is_retried():  # Prefect counts a returned state as no failure to retry
                    raise
                state: State[Any] = Failed(message=str(error), data=error)
                return cast("T", state)

        cast("Any", run).__signature__ = _with_last_group(fn)
        return KieFlow(run, flow_run_name=name, version=__version__, **options)

    return decorate


def _with_last_group(fn: Callable[..., Any]) -> inspect.Signature:
    """What a flow takes from its form and from Python: its groups, one line each until they are opened.

    Those that few people ever set are in the form as one last group, `more`, which has them all. What
    is set there counts beside what the deployment sets.
    """
    signature, meanings = inspect.signature(fn), parameter_docstrings(inspect.getdoc(fn))
    parameters: list[inspect.Parameter] = []
    last: dict[str, Any] = {}
    for one in signature.parameters.values():
        if isinstance(one.default, FlowGroup):
            group: Any = one.annotation
            shown = Annotated[group, Closed()]
            if one.name in LAST:
                last[one.name] = Annotated[shown, Field(description=meanings[one.name])], one.default
            one = one.replace(annotation=Annotated[group, HIDDEN] if one.name in LAST else shown)
        parameters.append(one)
    if last:
        more = create_model("More", __base__=FlowGroup, __module__=__name__, **last)
        words = Field(json_schema_extra={"title": "More for this run", "description": MORE_MEANS})
        annotation, kind = Annotated[more, words, Closed()], inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(MORE, kind, default=more(), annotation=annotation))
    return signature.replace(parameters=parameters)


def _size(value: Any) -> int:
    # As the server counts it, and with the name beside it.
    return len(json.dumps(value, separators=(",", ":"), default=str)) + 50
