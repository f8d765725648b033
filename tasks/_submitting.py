"""What the task of each model does; a module of its own, for an import of a task need not wait for it."""

from typing import Any

from pydantic import ValidationError

from prefect_kie.api import InvalidRequest, JobHandle, JobRequest, KieError
from prefect_kie.blocks import KieCredentials, load_credentials
from prefect_kie.characters.keeping import with_characters
from prefect_kie.keys import submission_key
from prefect_kie.models import MarketModel, parse_request
from prefect_kie.models.registry import meant, read_request
from prefect_kie.run_context import run_submissions
from prefect_kie.run_page.events import emit_refusals
from prefect_kie.runtime.heartbeat import keep_alive
from prefect_kie.runtime.live_catalog import schema_before_paying
from prefect_kie.runtime.logs import run_logger
from prefect_kie.storage.run_storage import submission_scope


def read(value: JobRequest | dict[str, Any]) -> JobRequest:
    """A request as `read_request` reads it, whose refusal says that nothing was submitted."""
    try:
        return read_request(value)
    except ValueError as error:
        model = value.get("model") if isinstance(value, dict) else None
        raise _not_taken(f"{model or 'Kie'} does not take this input", error) from None


async def submit(
    request: JobRequest,
    credentials: KieCredentials | str,
    job_key: str | None,
    take: int,
    second_try: int,
    max_credits: float | None,
) -> JobHandle:
    keep_alive()
    scope = await submission_scope(job_key)
    kie = await load_credentials(credentials)
    request = await with_characters(request, kie, scope)
    service = await run_submissions(kie)
    if isinstance(request, MarketModel) and (refused := await _refused(kie, request)) is not None:
        # What was submitted before is found again, whatever the catalogue says today.
        key = submission_key(kie, scope, request, take, second_try)
        if await service.records.read(key) is None:
            raise refused
    try:
        return await service.submit(request, scope, take=take, second_try=second_try, max_credits=max_credits)
    except KieError as error:
        await emit_refusals(error)
        raise


async def _refused(kie: KieCredentials, request: MarketModel) -> Exception | None:
    """Why an input without a typed request is not submitted: the model's typed request, where there is one,
    refuses it, unless Kie's live schema, which may be newer, takes it; or that schema does.
    """
    refusal: ValueError | None = None
    try:
        parse_request(request.body())
    except ValueError as error:
        refusal = error
    schema = await schema_before_paying(kie, request.model)
    problems = schema.problems(request.input_fields()) if schema is not None else []
    if refusal is not None and (schema is None or problems):
        return _not_taken(f"{request.model} does not take this input", refusal)
    if problems:
        return _not_taken(f"{request.model} does not take this input, by Kie's own schema", *problems)
    if schema is None:
        known = meant(request.model)
        hint = f"did you mean {known!r}?" if known else "`prefect-kie models list` has all that are known"
        run_logger().warning(
            f"The input of {request.model} is not checked before it is sent: Kie's catalogue has no schema of "
            f"this model, or does not answer; {hint}"
        )
    elif refusal is not None:
        newer = "newer than this version of prefect-kie; Kie's own schema takes it"
        run_logger().info(f"The input of {request.model} is {newer}")
    return None


def _not_taken(head: str, *problems: str | ValueError) -> InvalidRequest:
    said: list[str] = []
    for one in problems:
        errors: list[Any] = [{"loc": (), "msg": str(one)}]
        for each in one.errors() if isinstance(one, ValidationError) else errors:
            said.append(": ".join([*map(str, each["loc"]), each["msg"].removeprefix("Value error, ")]))
    next_step = "Correct the input, then run again; nothing was submitted."
    return InvalidRequest(f"{head}: {'; '.join(said)}", next_step=next_step)
