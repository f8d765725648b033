"""The run whose record is looked at: `generate_batch`, in a process of its own.

Each time a task run completes, a line tells its id, and when. To be run with Prefect configured:
`python -m benchmarks.lag.client URL VIDEOS DIRECTORY`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.logging.handlers import APILogWorker
from pydantic import SecretStr

from prefect_kie.api import PollPolicy
from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import generate_batch
from prefect_kie.tasks import save_result, sora_2_text_to_video, wait_for_job

BLOCK = "kie"
JOB_SECONDS = 30.0
GAP_SECONDS = 3.0
"""Between two looks at a job. With 60 jobs on their way that is 20 looks a second: more than Kie allows, so
that the limit sets the pace."""
AT_ONCE = 150


def tell(task: Any, run: TaskRun, state: State[Any]) -> None:
    """A line for whoever started this: a task run has completed."""
    print(json.dumps({"id": str(run.id), "at": state.timestamp.timestamp()}), flush=True)


async def main(url: str, videos: int, directory: Path) -> None:
    """Make the videos."""
    credentials = KieCredentials(api_key=SecretStr("bench"), base_url=url, upload_url=url)
    await credentials.asave(BLOCK, overwrite=True)
    for one in (sora_2_text_to_video, wait_for_job, save_result):
        one.on_completion(tell)
    await generate_batch(
        [{"model": "sora-2-text-to-video", "prompt": f"number {number}"} for number in range(videos)],
        BLOCK,
        directory=directory,
        at_once=AT_ONCE,
        poll=PollPolicy(usual_seconds=JOB_SECONDS, min_gap_seconds=GAP_SECONDS, max_gap_seconds=GAP_SECONDS),
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
    APILogWorker.drain_all(timeout=30)  # while its server is still there
