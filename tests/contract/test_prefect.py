"""What `prefect_kie._compat` relies on in Prefect as it is installed."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from prefect import Task, flow, task
from prefect._flow_run_suspension import FlowRunSuspensionRequest, register_flow_run_suspension_request
from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext, get_settings_context
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.runtime import task_run
from prefect.settings import get_current_settings
from prefect.states import AwaitingRetry, Completed, Paused

from prefect_kie._compat import (
    StateTask,
    block_id,
    block_name,
    is_run_here,
    mark_flow_run_suspension_requested,
    report_assets,
    says_no_block,
    task_of_states,
    task_run_outside_flows,
    without_client_retries,
)
from tests.server.tasks.test_callback_waiter import stored_events


class Cup(Block):
    """A block."""

    size: int = 1


def test_a_run_that_an_engine_runs_is_known_and_can_be_asked_to_suspend() -> None:
    run, request = uuid4(), FlowRunSuspensionRequest()
    assert not is_run_here(run)
    assert not mark_flow_run_suspension_requested(run, Paused())
    with register_flow_run_suspension_request(run, request):
        assert is_run_here(run)
        assert mark_flow_run_suspension_requested(run, Paused())
        assert request.is_requested()
    assert not is_run_here(run)


@flow
async def _asks() -> bool:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return is_run_here(context.flow_run.id)


@pytest.mark.server
async def test_an_engine_registers_the_run_that_it_runs() -> None:
    assert await _asks()


def test_a_block_that_was_never_saved_has_no_name() -> None:
    assert (block_name(Cup()), block_id(Cup())) == (None, None)


@pytest.mark.server
async def test_a_task_run_outside_of_flows_is_known_to_all_that_runs_in_it() -> None:
    @task
    async def inner() -> str | None:
        found = task_run_outside_flows()
        return str(found.id) if found is not None else None

    @flow
    async def pipeline() -> tuple[str | None, str | None]:
        submitted: Any = inner.submit()
        return await inner(), submitted.result()

    @task
    async def outermost() -> tuple[str | None, ...]:
        return str(task_run.get_id()), await inner(), *await pipeline()

    assert task_run_outside_flows() is None
    assert await pipeline() == (None, None)
    assert len(set(await outermost())) == 1


def test_prefects_client_repeats_nothing_where_it_must_not() -> None:
    before = get_current_settings().client.max_retries
    assert before > 0
    with without_client_retries():
        assert get_settings_context().settings.client.max_retries == 0
        assert get_current_settings().client.max_retries == 0
    assert get_current_settings().client.max_retries == before


def test_changed_options_leave_a_task_of_its_kind() -> None:
    @task_of_states(StateTask, name="wait")
    async def wait() -> None: ...

    assert type(Task.with_options(wait, name="other")) is Task  # why there is one of ours
    assert type(wait.with_options(name="other")) is StateTask


@pytest.mark.server
async def test_a_stored_block_knows_its_name_and_a_missing_one_is_told_apart() -> None:
    await Cup.register_type_and_schema()  # type: ignore[misc]
    saved = await Cup().asave("contract", overwrite=True)
    loaded = await Cup.aload("contract")
    assert (block_name(loaded), block_id(loaded)) == ("contract", saved)
    with pytest.raises(ValueError, match="contract-missing") as caught:
        await Cup.aload("contract-missing")
    assert says_no_block(caught.value)
    assert not says_no_block(ValueError("anything else"))


@pytest.mark.server
async def test_a_returned_state_is_the_runs_next_one_and_gives_the_result_in_the_end() -> None:
    states: list[Any] = [AwaitingRetry(), Completed(message="poured 1 cup", data={"cups": 1})]

    @task_of_states(StateTask, name="pour")
    async def pour() -> dict[str, int]:
        return states.pop(0)  # type: ignore[no-any-return]

    @task(name="plain")
    async def plain() -> Any:
        return Completed(message="poured", data=2)

    @flow
    async def pipeline() -> tuple[Any, Any]:
        poured = await pour()
        states.append(Completed(message="poured 2 cups", data=2))
        final = await pour(return_state=True)  # type: ignore[call-arg]
        states.append(Completed(data=3))
        submitted: Any = pour.submit()
        return poured, (
            final.message,
            await final.aresult(),
            submitted.result(),
            type(await plain()).__name__,
        )

    poured, (message, two, three, unlike) = await pipeline()
    assert poured == {"cups": 1}
    assert (message, two, three) == ("poured 2 cups", 2, 3)
    assert unlike == "State"  # a plain task returns the state itself


@pytest.mark.server
@pytest.mark.recorded
async def test_assets_that_are_reported_are_those_of_a_materializing_task() -> None:
    """The same events, and upstream of whoever takes the result: Prefect's own are beside them."""
    mark = uuid4().hex
    origin, properties = Asset(key=f"file:///{mark}/beans"), AssetProperties(name="Cup", description="full")
    theirs, ours, after = (
        Asset(key=f"file:///{mark}/{name}", properties=properties) for name in ("theirs", "ours", "after")
    )

    @materialize(theirs, by="mill", asset_deps=[origin])
    def brew() -> dict[str, str]:
        add_asset_metadata(theirs, {"cups": 1})
        return {"cup": "theirs"}

    @task
    def report() -> dict[str, str]:
        report_assets({ours: {"cups": 1}}, [origin], "mill")
        return {"cup": "ours"}

    @materialize(after)
    def drink(*cups: dict[str, str]) -> None: ...

    @flow
    def breakfast() -> None:
        drink(brew(), report())

    await asyncio.to_thread(breakfast)
    await stored_events()
    names = ["prefect.asset.materialization.succeeded", "prefect.asset.referenced"]
    async with get_client() as client:
        page = await client.read_events(EventFilter(event=EventNameFilter(name=names)), limit=50)

    def shown(key: str) -> list[Any]:
        return [
            (event.event, dict(event.resource) | {"prefect.resource.id": ""}, related(event), event.payload)
            for event in page.events
            if event.resource.id == key
        ]

    def related(event: Any) -> set[str]:
        return {one.id for one in event.related if one.role in ("asset", "asset-materialized-by")}

    assert shown(ours.key) == shown(theirs.key)
    ((_, resource, of, payload),) = (one for one in shown(ours.key) if one[0] == names[0])
    assert resource["prefect.asset.description"] == "full"
    assert (of, payload) == ({origin.key, "mill"}, {"cups": 1})
    assert [one[2] for one in shown(after.key)] == [{ours.key, theirs.key}]
