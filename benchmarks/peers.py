"""How soon an ended job is known, and how many polls that takes, beside other providers' own clients.

    python -m benchmarks.peers [--jobs N] [--sigma S] [--scale N] [--seed N] [--write]

replicate, fal-client and runwayml (`pip install --group bench`) wait for the same jobs as `wait_for_job`, by
the call that its documentation names, with its own settings, on a local server that speaks its provider's
protocol. All wait at the same time, each in a process of its own, in real time.

Required: every job of every client comes back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.processes import (
    Child,
    callback_receiver,
    environment_of,
    plain_environment,
    running,
    wait_until_it_answers,
)
from benchmarks.report import ROOT, Figures, command, machine, report
from benchmarks.waiting import SUBMIT_SECONDS, USUAL, Cost, Wait, jobs, real_waits
from prefect_kie.cli.local_server import free_port, local_server

CALLS = {
    "polling": "`wait_for_job`, polling",
    "callbacks": "`wait_for_job`, callbacks",
    "replicate": "`async_run`: held for 60 s, then every 0.5 s",
    "fal-client": "`subscribe`: every 0.1 s",
    "runwayml": "`wait_for_task_output`: every 4.5 to 7.5 s",
}
OURS = ("polling", "callbacks")
HEADS = ("client", "its call", "jobs", "delay, s", "median", "p95", "polls per job", "delay × polls")
HOLD_SECONDS = 60.0
"""How long Replicate holds the answer to a creation that prefers to wait."""


# The other clients


Call = Callable[[float], Awaitable[str]]
"""Create a job of so many seconds, wait for it, and return its result's URL."""


def replicate(url: str) -> Call:
    """`replicate.async_run`."""
    import replicate

    client = replicate.Client(api_token="bench", base_url=url)

    async def call(seconds: float) -> str:
        output: Any = await client.async_run("stub/video", input={"seconds": seconds})
        return str(output[0])

    return call


def fal(url: str) -> Call:
    """`fal_client.subscribe`."""
    import fal_client

    # It takes another host as a setting, but not plain HTTP.
    fal_client.client.QUEUE_URL_FORMAT = f"{url}/fal/"
    client = fal_client.AsyncClient(key="bench")

    async def call(seconds: float) -> str:
        result: Any = await client.subscribe("stub/video", {"seconds": seconds})
        return str(result["video"]["url"])

    return call


def runwayml(url: str) -> Call:
    """`wait_for_task_output`."""
    from runwayml import AsyncRunwayML

    client = AsyncRunwayML(api_key="bench", base_url=url)
    image = "https://files.example/first.png"

    async def call(seconds: float) -> str:
        create = client.image_to_video.create
        more = {"seconds": seconds}
        task = await create(model="gen4_turbo", prompt_image=image, ratio="1280:720", extra_body=more)
        done: Any = await task.wait_for_task_output(timeout=None)  # its own ten minutes may be too few
        return str(done.output[0])

    return call


CLIENTS = {"replicate": replicate, "fal-client": fal, "runwayml": runwayml}


async def _called(call: Call, durations: list[float]) -> list[tuple[str, float]]:
    async def one(number: int, seconds: float) -> tuple[str, float]:
        await asyncio.sleep(number * SUBMIT_SECONDS)
        return await call(seconds), time.time()

    return await asyncio.gather(*(one(*numbered) for numbered in enumerate(durations)))


def _ours(way: str, options: argparse.Namespace) -> list[tuple[float, int]]:
    with (
        tempfile.TemporaryDirectory(prefix="prefect-kie-peers-") as home,
        local_server(Path(home) / "prefect", ui=False) as server,
        callback_receiver(environment_of(server), Path(home) / "receiver.log") as (receiver, _),
    ):
        os.environ |= environment_of(server)
        given = {"scale": options.scale, "count": options.jobs, "seed": options.seed}
        made = real_waits(receiver, options.sigma, callbacks=way == "callbacks", **given)
    return [(wait.delay, wait.polls) for wait in made]


# Their providers


@dataclass
class Job:
    """A job of any provider: how many seconds it takes, and how often it was polled."""

    seconds: float
    polls: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: float = field(default_factory=time.time)

    @property
    def age(self) -> float:
        """Seconds since its creation."""
        return time.time() - self.created

    @property
    def output(self) -> list[str] | None:
        """Its result's URL, once it has ended."""
        return [f"https://files.example/{self.id}.mp4"] if self.age >= self.seconds else None


class Providers:
    """As much of three providers' protocols as replicate 1.0, fal-client 1.0 and runwayml 5 need to wait."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self.app = Starlette(
            routes=[
                Route("/v1/models/{owner}/{name}/predictions", self._replicate_create, methods=["POST"]),
                Route("/v1/predictions/{job}", self._replicate_poll),
                Route("/fal/stub/video", self._fal_create, methods=["POST"]),
                Route("/fal/stub/video/requests/{job}/status", self._fal_poll),
                Route("/fal/stub/video/requests/{job}", self._fal_result),
                Route("/v1/image_to_video", self._runway_create, methods=["POST"]),
                Route("/v1/tasks/{job}", self._runway_poll),
                Route("/stats", self._stats),
            ]
        )

    def _created(self, given: dict[str, Any]) -> Job:
        job = Job(float(given["seconds"]))
        self._jobs[job.id] = job
        return job

    def _polled(self, request: Request) -> Job:
        job = self._jobs[request.path_params["job"]]
        job.polls += 1
        return job

    async def _stats(self, _: Request) -> Response:
        return JSONResponse({job.id: (job.created + job.seconds, job.polls) for job in self._jobs.values()})

    async def _replicate_create(self, request: Request) -> Response:
        job = self._created((await request.json())["input"])
        if request.headers.get("Prefer", "").startswith("wait"):
            await asyncio.sleep(min(HOLD_SECONDS, job.seconds))
        return self._prediction(job, request, "starting")

    async def _replicate_poll(self, request: Request) -> Response:
        return self._prediction(self._polled(request), request, "processing")

    def _prediction(self, job: Job, request: Request, unfinished: str) -> Response:
        known = {"id": job.id, "model": "stub/video", "version": "hidden", "input": {}, "output": job.output}
        url = f"{request.base_url}v1/predictions/{job.id}"
        urls = {"get": url, "cancel": f"{url}/cancel"}
        return JSONResponse({**known, "status": "succeeded" if job.output else unfinished, "urls": urls})

    async def _fal_create(self, request: Request) -> Response:
        job = self._created(await request.json())
        base = f"{request.base_url}fal/stub/video/requests/{job.id}"
        urls = {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}
        return JSONResponse({"request_id": job.id, "status": "IN_QUEUE", "queue_position": 0, **urls})

    async def _fal_poll(self, request: Request) -> Response:
        if not self._polled(request).output:
            return JSONResponse({"status": "IN_PROGRESS", "logs": []}, status_code=202)
        return JSONResponse({"status": "COMPLETED", "logs": [], "metrics": {}})

    async def _fal_result(self, request: Request) -> Response:
        (url,) = self._polled(request).output or [""]
        return JSONResponse({"video": {"url": url}})

    async def _runway_create(self, request: Request) -> Response:
        return JSONResponse({"id": self._created(await request.json()).id, "estimatedCost": {"credits": 50}})

    async def _runway_poll(self, request: Request) -> Response:
        job = self._polled(request)
        known = {"id": job.id, "createdAt": datetime.fromtimestamp(job.created, timezone.utc).isoformat()}
        ended = {"status": "SUCCEEDED", "output": job.output, "cost": {"credits": 50}}
        running = {"status": "RUNNING", "progress": job.age / job.seconds, "estimatedCost": {"credits": 50}}
        return JSONResponse(known | (ended if job.output else running))


# The comparison


def measure(options: argparse.Namespace) -> dict[str, list[Wait]]:
    """Let all clients wait at the same time."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    serve = (
        f"import uvicorn; from benchmarks.peers import Providers; uvicorn.run(Providers().app, port={port})"
    )
    words = ["-c", serve]
    with tempfile.TemporaryDirectory(prefix="prefect-kie-peers-") as home:
        log = Path(home) / "providers.log"
        with running(words, plain_environment(), log, directory=ROOT) as process:
            wait_until_it_answers(f"{url}/stats", process, log)
            given = [f"--{name}={getattr(options, name)}" for name in ("jobs", "sigma", "scale", "seed")]
            children = {
                client: Child(["benchmarks.peers", *given, "--child", client, url], plain_environment())
                for client in CALLS
            }
            results = {client: child.result() for client, child in children.items()}
            stats: dict[str, tuple[float, int]] = httpx.get(f"{url}/stats", trust_env=False).json()
    waits: dict[str, list[Wait]] = {}
    for client, result in results.items():
        if client in OURS:
            waits[client] = [Wait(*one) for one in result]
        else:
            known = [(stats[Path(file).stem], at) for file, at in result]
            waits[client] = [Wait(at - ended, polls) for (ended, polls), at in known]
    return waits


def main() -> int:
    """Compare.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("peers", __doc__)
    parser.add_argument("--jobs", type=int, default=20, help="jobs of each client, all at the same time")
    parser.add_argument("--sigma", type=float, default=0.5, help="the spread of their durations' logarithms")
    parser.add_argument("--scale", type=float, default=1.0, help="how much shorter than 180 s they are")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        client, url = options.child
        durations = [job.duration * options.scale for job in jobs(options.sigma, options.jobs, options.seed)]
        result = _ours(client, options) if client in OURS else _called(CLIENTS[client](url), durations)
        print(json.dumps(asyncio.run(result) if asyncio.iscoroutine(result) else result))
        return 0

    figures, broken = Figures("peers", HEADS, words=2), list[str]()
    for client, waits in measure(options).items():
        name, cost = "prefect-kie" if client in OURS else client, Cost.of(waits)
        cells = (cost.mean, cost.median, cost.p95, cost.polls, cost.product)
        figures.add(f"{name} {version(name)}", CALLS[client], len(waits), *cells)
        if len(waits) != options.jobs:
            broken.append(f"{client}: {len(waits)} of {options.jobs} jobs came back")
    below = machine(f"durations log-normal around {USUAL * options.scale:g} s with sigma {options.sigma:g}")
    return report(figures, below, broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
