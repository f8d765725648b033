"""What this project is compared with: the same three calls, in a bare script or a straightforward flow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

LOOK_SECONDS = 5.0
SUBMIT_SECONDS = 0.55
"""Between two submissions: Kie takes 20 jobs in 10 seconds, and some calls take longer than others."""

Saved = tuple[str, float]
"""A job's task id, and when its file was whole, epoch seconds."""


async def make(http: httpx.AsyncClient, prompt: str, directory: Path) -> Saved:
    """Create a job, look at it every 5 s until it has ended, download its file."""
    body = {"model": "sora-2-text-to-video", "input": {"prompt": prompt}}
    answer = (await http.post("/api/v1/jobs/createTask", json=body)).raise_for_status().json()
    task_id: str = answer["data"]["taskId"]
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        look = await http.get("/api/v1/jobs/recordInfo", params={"taskId": task_id})
        job = look.raise_for_status().json()["data"]
        if job["state"] == "success":
            break
        if job["state"] == "fail":
            raise RuntimeError(job["failMsg"])
    (url,) = httpx.Response(200, text=job["resultJson"]).json()["resultUrls"]
    with (directory / f"{task_id}.mp4").open("wb") as file:
        async with http.stream("GET", url) as download:
            async for chunk in download.raise_for_status().aiter_bytes():
                file.write(chunk)
    return task_id, time.time()


async def many(
    url: str, count: int, directory: Path, making: Callable[[httpx.AsyncClient, str, Path], Awaitable[Saved]]
) -> list[Saved]:
    """Make so many videos side by side, submitted as fast as Kie takes them, through one HTTP client."""

    async def one(http: httpx.AsyncClient, number: int) -> Saved:
        await asyncio.sleep(number * SUBMIT_SECONDS)
        return await making(http, "a claymation conductor", directory)

    headers = {"Authorization": "Bearer bench"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        return await asyncio.gather(*(one(http, number) for number in range(count)))
