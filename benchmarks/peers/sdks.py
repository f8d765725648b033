"""Waits for jobs with one of the other clients, by its own call for that; run in their environment.

    python sdks.py replicate|fal-client|runwayml URL APART SECONDS...

Prints, as JSON, for each job its result's address and when the call returned, in epoch seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

Wait = Callable[[float], Awaitable[str]]


def replicate(url: str) -> Wait:
    """`replicate.async_run`: holds for a minute, then looks every half second."""
    import replicate

    client = replicate.Client(api_token="bench", base_url=url)

    async def wait(seconds: float) -> str:
        output: Any = await client.async_run("stub/video", input={"seconds": seconds})
        return str(output[0])

    return wait


def fal(url: str) -> Wait:
    """`subscribe`: looks every tenth of a second."""
    import fal_client
    import fal_client.client

    fal_client.client.QUEUE_URL_FORMAT = (
        f"{url}/fal/"  # it can be told of another host, but not of plain http
    )
    client = fal_client.AsyncClient(key="bench")

    async def wait(seconds: float) -> str:
        result: Any = await client.subscribe("stub/video", {"seconds": seconds})
        return str(result["video"]["url"])

    return wait


def runwayml(url: str) -> Wait:
    """`wait_for_task_output`: looks every 4.5 to 7.5 seconds."""
    from runwayml import AsyncRunwayML

    client = AsyncRunwayML(api_key="bench", base_url=url)

    async def wait(seconds: float) -> str:
        task = await client.image_to_video.create(
            model="gen4_turbo",
            prompt_image="https://files.example/first.png",
            ratio="1280:720",
            extra_body={"seconds": seconds},
        )
        done: Any = await task.wait_for_task_output(timeout=None)  # its own ten minutes may be too few
        return str(done.output[0])

    return wait


CLIENTS = {"replicate": replicate, "fal-client": fal, "runwayml": runwayml}


async def waited(wait: Wait, apart: float, durations: list[float]) -> list[tuple[str, float]]:
    """All jobs side by side, submitted `apart` seconds after one another."""

    async def one(number: int, seconds: float) -> tuple[str, float]:
        await asyncio.sleep(number * apart)
        return await wait(seconds), time.time()

    return await asyncio.gather(*(one(*numbered) for numbered in enumerate(durations)))


if __name__ == "__main__":
    client, url, apart, *durations = sys.argv[1:]
    print(
        json.dumps(asyncio.run(waited(CLIENTS[client](url), float(apart), [float(one) for one in durations])))
    )
