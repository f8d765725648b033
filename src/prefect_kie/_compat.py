"""What we rely on in Prefect beyond its documented API, in one place: tests/contract has a test for each."""

from collections.abc import Callable, Collection, Coroutine, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import Task
from prefect._flow_run_suspension import _active_flow_run_suspension_requests as _engines  # pyright: ignore[reportPrivateUsage]
from prefect._flow_run_suspension import (
    mark_flow_run_suspension_requested as mark_flow_run_suspension_requested,
)
from prefect.assets import Asset
from prefect.blocks.core import Block
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import AssetContext, SettingsContext, TaskRunContext, get_settings_context
from prefect.states import Completed

P = ParamSpec("P")
R = TypeVar("R")


def is_run_here(flow_run_id: UUID) -> bool:
    """Whether an engine of this process runs the flow run, and would see that it is to be suspended."""
    return flow_run_id in _engines


def task_run_outside_flows() -> TaskRun | None:
    """The outermost of the task runs that this is called in and that belong to no flow run."""
    context, found = TaskRunContext.get(), None
    while isinstance(context, TaskRunContext):
        if context.task_run.flow_run_id is None:
            found = context.task_run
        entered = context._token  # pyright: ignore[reportPrivateUsage]
        context = entered.old_value if entered is not None else None
    return found


def block_name(block: Block) -> str | None:
    """The name that a block was loaded or saved under."""
    return block._block_document_name  # pyright: ignore[reportPrivateUsage]


def block_id(block: Block) -> UUID | None:
    """The ID that a block was loaded or saved under."""
    return block._block_document_id  # pyright: ignore[reportPrivateUsage]


def says_no_block(error: ValueError) -> bool:
    """Whether `Block.aload` raised this since no block has that name; it has no type of its own for it."""
    return "Unable to find block document" in str(error)


@contextmanager
def without_client_retries() -> Generator[None, None, None]:
    """Have Prefect's client not repeat a call whose answer was lost."""
    now = get_settings_context()
    once = now.settings.client.model_copy(update={"max_retries": 0})
    with SettingsContext(profile=now.profile, settings=now.settings.model_copy(update={"client": once})):
        yield


def report_assets(made: Mapping[Asset, dict[str, Any]], origins: Collection[Asset], by: str) -> None:
    """Send the events of a `@materialize` task that made these, with their metadata, of those, by a tool.

    Prefect wants to know the assets before a task begins; this is for what has its name only afterwards. In a
    task, what it made is upstream of whoever takes its result.
    """
    AssetContext(
        downstream_assets=set(made),
        direct_asset_dependencies=set(origins),
        materialized_by=by,
        materialization_metadata={asset.key: about for asset, about in made.items()},
    ).emit_events(Completed())
    if (task := AssetContext.get()) is not None:
        task.direct_asset_dependencies |= set(made)
        task.update_tracked_assets()


class StateTask(Task[P, R]):
    """A task whose function may return a state in place of its result.

    Prefect's engine takes a returned state as the run's next state: AwaitingRetry schedules the function
    anew, and Completed ends the run with a message. But a direct call of the task would then return that
    very state, even where the run fails in the end. Here the run's final state gives the result, or raises.
    """

    if not TYPE_CHECKING:

        def __call__(self, *args, return_state=False, **kwargs):
            final = super().__call__(*args, return_state=True, **kwargs)
            return final if return_state else _result(final)

        def with_options(self, **options):
            changed = super().with_options(**options)
            changed.__class__ = type(self)  # Prefect makes a plain Task of it
            return changed


async def _result(final: Coroutine[Any, Any, State[R]]) -> R:
    return await (await final).aresult()


def task_of_states(
    kind: type[Task[..., Any]] = StateTask, **options: Any
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Task[P, Coroutine[Any, Any, R]]]:
    """Prefect's `@task`, for functions that return states."""
    return partial(cast("Any", kind), **options)
