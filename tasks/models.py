"""One task per model of Kie: each submits a job once and returns its handle.

A model's task is made when it is first asked for: `from prefect_kie.tasks import kling_3_0_video`.
"""

import inspect
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from prefect import Task
from prefect.runtime import task_run

from prefect_kie.api import InvalidRequest, JobHandle, JobRequest
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.models import MarketModel, parse_request
from prefect_kie.models.index import MODELS
from prefect_kie.runtime.retries import retrying

P = ParamSpec("P")
RequestT = TypeVar("RequestT", bound=JobRequest)
Submitting = Coroutine[Any, Any, JobHandle]

_tasks: dict[type[JobRequest], "ModelTask[Any]"] = {}

_ARGS = """
    credentials: The Kie Credentials block, or its name; by default the block `kie`, else the key in the
        environment variable `KIE_API_KEY`.
    take: 1, 2, 3 … for deliberate variations of one request; each is a job of its own, and paid.
    job_key: Whose job it is, so that equal calls in other runs are the same job; by default it is the
        outermost run's.
    second_try: 1, 2 … for a new job after one that failed, uncharged; each is a submission of its own.
    max_credits: What all submissions of this `job_key` may pay together, credits; what would pass it is
        refused, by the prices in the variable `kie_prices`.

Returns:
    The job's handle, for `wait_for_job`.

Raises:
    SubmissionInDoubt: when the answer was lost: Kie may have created the job. The call is never repeated.
    BudgetExceeded: when it would pass `max_credits`; nothing was submitted.
    KieError: another one when Kie refuses it, or it cannot be recorded; nothing was paid.
"""


class ModelTask(Task[..., Submitting], Generic[RequestT]):
    """A Prefect task that submits a job of one model, once.

    Two equal calls are one job, paid once. Prefect retries only a call that Kie rejected (too many
    requests, maintenance, no connection); a call whose outcome is unknown is never repeated.
    """

    if TYPE_CHECKING:

        def __call__(  # type: ignore[override]
            self,
            request: RequestT,
            credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
            *,
            take: int = 1,
            job_key: str | None = None,
            second_try: int = 0,
            max_credits: float | None = None,
        ) -> Submitting: ...


def model_task(request_class: type[RequestT]) -> ModelTask[RequestT]:
    """Make the task of a model, named like the model at Kie."""

    async def submit_job(
        request: RequestT,
        credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
        *,
        take: int = 1,
        job_key: str | None = None,
        second_try: int = 0,
        max_credits: float | None = None,
    ) -> JobHandle:
        from prefect_kie.tasks._submitting import submit

        checked = request_class.model_validate(request)
        return await submit(checked, credentials, job_key, take, second_try, max_credits)

    model = request_class.model_fields["model"].default
    submit_job.__name__ = submit_job.__qualname__ = MODELS[model].task
    summary, _, _ = (request_class.__doc__ or "").partition("\n\nAttributes:")
    submit_job.__annotations__["request"] = request_class
    submit_job.__doc__ = (
        f"Submit a job of {model}, once: {summary}\n\nArgs:\n"
        f"    request: What to make; a `{request_class.__name__}`."
    )
    return cast("ModelTask[RequestT]", _task_of(request_class, model)(submit_job))


def task_for(request: RequestT) -> ModelTask[RequestT]:
    """The task of a request's model, for flows that take any request."""
    return _tasks.get(type(request)) or model_task(type(request))


def job_name() -> str:
    """The name of a submission's task run: `sora-2-text-to-video: a claymation conductor…`."""
    given = task_run.get_parameters()
    request, take = given.get("request", given.get("model")), given.get("take", 1)
    if isinstance(request, str):
        with suppress(ValueError):
            request = parse_request({"model": request, "input": given.get("input", {})})
    if not isinstance(request, JobRequest):
        return f"submit ({task_run.get_task_name()})"
    return f"{request.model_name}: {shortened(request.title)}{f' (take {take})' if take != 1 else ''}"


def shortened(text: str, length: int = 48) -> str:
    """The beginning of a text, cut at a word where one ends near."""
    if len(text) <= length:
        return text
    head = text[:length]
    return f"{head[: head.rfind(' ')] if ' ' in head[length // 2 :] else head}…"


def _task_of(
    request_class: type[JobRequest], name: str
) -> Callable[[Callable[P, Submitting]], Task[P, Submitting]]:
    """Makes the task of a function that submits; its docstring gets what all of them have in common."""

    def make(function: Callable[P, Submitting]) -> Task[P, Submitting]:
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}{_ARGS}"
        made = _tasks[request_class] = ModelTask[Any](
            function,
            name=name,
            task_run_name=job_name,
            **retrying(10, 2, 5, 10),  # no cache: the submission record decides, and it would be a second one
        )
        return cast("Task[P, Submitting]", made)

    return make


@_task_of(MarketModel, "run-model")
async def run_model(
    model: str | JobRequest | dict[str, Any],
    /,
    credentials: KieCredentials | str = DEFAULT_CREDENTIALS,
    *,
    take: int = 1,
    job_key: str | None = None,
    second_try: int = 0,
    max_credits: float | None = None,
    **input: Any,
) -> JobHandle:
    """Submit a job of any model, once.

    Example:
        ```python
        handle = await run_model("kling-2.6/text-to-video", prompt="a yak on a ridge", duration="5")
        ```

    Args:
        model: The model's name at Kie, as on its page at docs.kie.ai; or a whole request, as an object or as
            createTask takes it.
        **input: The model's input, each field by its name at Kie."""
    if isinstance(model, str):
        model = {"model": model, "input": input}
    elif input:
        raise InvalidRequest(
            f"the request says all of its input, and {', '.join(input)} came besides",
            next_step="Give the model's name and its input, or a request alone; nothing was submitted.",
        )
    from prefect_kie.tasks._submitting import read, submit

    return await submit(read(model), credentials, job_key, take, second_try, max_credits)
