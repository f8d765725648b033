"""A campaign: prompts from a table, a series made of them, the results written back into the table."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import Episodes, NewCharacter, Scope, SeriesResult, character_series
from prefect_kie.models import Slice, Wan30Video

TABLE = """
CREATE TABLE IF NOT EXISTS episodes (
    campaign TEXT NOT NULL, prompt TEXT NOT NULL,
    status TEXT, path TEXT, task_id TEXT, credits REAL, error TEXT,
    PRIMARY KEY (campaign, prompt)
)
"""
ORIGINAL = Wan30Video(prompt="A robot barista in a green apron pours a latte")
SLICE = Slice(start=1, end=4)
EPISODES = Episodes(model="kling-3.0/video", input={"duration": "5"})


def star(campaign: str) -> NewCharacter:
    """The campaign's character, like @spring_bot; so a campaign's name has small letters, digits and _."""
    return NewCharacter(handle=f"{campaign}_bot", description="a cheerful robot barista in a green apron")


@task(cache_policy=NO_CACHE)  # a table changes: read it each time
def extract(database: Path, campaign: str) -> list[str]:
    """The prompts of which there is no video yet."""
    query = "SELECT prompt FROM episodes WHERE campaign = ? AND status IS NOT 'saved' ORDER BY prompt"
    with closing(sqlite3.connect(database)) as connection:
        return [prompt for (prompt,) in connection.execute(query, [campaign])]


@task(cache_policy=NO_CACHE, retries=3, retry_delay_seconds=5)
def load(database: Path, campaign: str, prompts: list[str], series: SeriesResult, error: str | None) -> None:
    """Write what became of each prompt: the episodes are in the order of the prompts."""
    rows = [
        (
            episode.status,
            episode.video.path if episode.video else None,
            episode.task_id,
            episode.video.credits if episode.video else None,
            episode.error,
        )
        for episode in series.episodes
    ] or [("failed", None, None, None, error)] * len(prompts)  # it ended before the first episode
    update = """
        UPDATE episodes SET status = ?, path = ?, task_id = ?, credits = ?, error = ?
        WHERE campaign = ? AND prompt = ?
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            update, [(*row, campaign, prompt) for row, prompt in zip(rows, prompts, strict=True)]
        )


@flow(flow_run_name="campaign: {campaign}")
async def make_campaign(database: Path, campaign: str) -> int:
    """Make the campaign's missing videos; returns how many."""
    prompts = extract(database, campaign)
    if not prompts:
        return 0
    try:
        series = await character_series(
            original=ORIGINAL,
            slice=SLICE,
            traits=star(campaign),
            prompts=prompts,
            episodes=EPISODES,
            scope=Scope(job_key=f"campaign {campaign}"),
        )
    except RunIncomplete as incomplete:  # what was made is written back all the same
        load(database, campaign, prompts, incomplete.result, str(incomplete))
        raise
    load(database, campaign, prompts, series, None)
    return len(prompts)


if __name__ == "__main__":
    print(asyncio.run(make_campaign(Path("campaigns.db"), "spring")))
