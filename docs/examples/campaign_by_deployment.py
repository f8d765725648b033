"""The same campaign, its series made by a worker: a run of the deployment character-series/kie."""

import asyncio
from pathlib import Path

from campaign import EPISODES, ORIGINAL, SLICE, extract, load, star
from prefect import flow
from prefect.deployments import arun_deployment

from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import SeriesResult


@flow(flow_run_name="campaign: {campaign}")
async def make_campaign_by_deployment(database: Path, campaign: str) -> int:
    """Make the campaign's missing videos; returns how many."""
    prompts = extract(database, campaign)
    if not prompts:
        return 0
    run = await arun_deployment(
        "character-series/kie",
        parameters={
            "original": ORIGINAL.model_dump(mode="json"),
            "slice": SLICE.model_dump(mode="json"),
            "traits": star(campaign).model_dump(mode="json"),
            "prompts": prompts,
            "episodes": EPISODES.model_dump(mode="json"),
            "scope": {"job_key": f"campaign {campaign}"},
        },
    )
    assert run.state is not None  # it has ended
    try:
        series: SeriesResult = await run.state.aresult()
    except RunIncomplete as incomplete:  # what was made is written back all the same
        load(database, campaign, prompts, incomplete.result, str(incomplete))
        raise
    load(database, campaign, prompts, series, None)
    return len(prompts)


if __name__ == "__main__":
    print(asyncio.run(make_campaign_by_deployment(Path("campaigns.db"), "spring")))
