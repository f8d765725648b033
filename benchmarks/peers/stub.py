"""A local server that speaks as much of three providers' protocols as their clients need to wait for a job.

    python -m benchmarks.peers.stub PORT

The requests and answers are those that replicate 1.0, fal-client 1.0 and runwayml 5 make and read. A job
takes the seconds that its input names. `/stats` tells when each job ended, and how often it was asked about.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

HOLD_SECONDS = 60.0
"""So long does Replicate hold the answer to a creation that prefers to wait."""


@dataclass
class Job:
    """A job of any provider.

    Attributes:
        seconds: How long it takes.
        looks: How often it was asked about after its creation.
    """

    seconds: float
    looks: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: float = field(default_factory=time.time)

    @property
    def ends(self) -> float:
        """When it ends, epoch seconds."""
        return self.created + self.seconds

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return time.time() >= self.ends

    @property
    def file(self) -> str:
        """Its result's address."""
        return f"https://files.example/{self.id}.mp4"

    @property
    def created_at(self) -> str:
        """When it was created, as text."""
        return datetime.fromtimestamp(self.created, timezone.utc).isoformat()


class Stub:
    """All jobs, and what is said of them."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    @property
    def app(self) -> Starlette:
        """The server."""
        routes = [
            Route("/v1/models/{owner}/{name}/predictions", self._replicate_create, methods=["POST"]),
            Route("/v1/predictions/{job}", self._replicate_look),
            Route("/fal/stub/video", self._fal_submit, methods=["POST"]),
            Route("/fal/stub/video/requests/{job}/status", self._fal_look),
            Route("/fal/stub/video/requests/{job}", self._fal_result),
            Route("/v1/image_to_video", self._runway_create, methods=["POST"]),
            Route("/v1/tasks/{job}", self._runway_look),
            Route("/stats", self._stats),
        ]
        return Starlette(routes=routes)

    def _created(self, given: dict[str, Any]) -> Job:
        job = Job(float(given["seconds"]))
        self._jobs[job.id] = job
        return job

    def _looked_at(self, request: Request) -> Job:
        job = self._jobs[request.path_params["job"]]
        job.looks += 1
        return job

    async def _stats(self, _: Request) -> JSONResponse:
        return JSONResponse({job.id: {"ended": job.ends, "looks": job.looks} for job in self._jobs.values()})

    async def _replicate_create(self, request: Request) -> JSONResponse:
        job = self._created((await request.json())["input"])
        if request.headers.get("Prefer", "").startswith("wait"):
            await asyncio.sleep(max(0.0, min(HOLD_SECONDS, job.ends - time.time())))
        return JSONResponse(_prediction(job, request, "starting"), status_code=201)

    async def _replicate_look(self, request: Request) -> JSONResponse:
        return JSONResponse(_prediction(self._looked_at(request), request, "processing"))

    async def _fal_submit(self, request: Request) -> JSONResponse:
        job = self._created(await request.json())
        base = f"{request.base_url}fal/stub/video/requests/{job.id}"
        return JSONResponse(
            {
                "request_id": job.id,
                "response_url": base,
                "status_url": f"{base}/status",
                "cancel_url": f"{base}/cancel",
                "status": "IN_QUEUE",
                "queue_position": 0,
            }
        )

    async def _fal_look(self, request: Request) -> JSONResponse:
        job = self._looked_at(request)
        if not job.over:
            return JSONResponse({"status": "IN_PROGRESS", "logs": []}, status_code=202)
        return JSONResponse({"status": "COMPLETED", "logs": [], "metrics": {"inference_time": job.seconds}})

    async def _fal_result(self, request: Request) -> JSONResponse:
        return JSONResponse({"video": {"url": self._looked_at(request).file}})

    async def _runway_create(self, request: Request) -> JSONResponse:
        return JSONResponse({"id": self._created(await request.json()).id, "estimatedCost": {"credits": 50}})

    async def _runway_look(self, request: Request) -> JSONResponse:
        job = self._looked_at(request)
        known: dict[str, Any] = {"id": job.id, "createdAt": job.created_at}
        if not job.over:
            age = time.time() - job.created
            return JSONResponse(
                known | {"status": "RUNNING", "progress": age / job.seconds, "estimatedCost": {"credits": 50}}
            )
        return JSONResponse(known | {"status": "SUCCEEDED", "output": [job.file], "cost": {"credits": 50}})


def _prediction(job: Job, request: Request, unfinished: str) -> dict[str, Any]:
    url = f"{request.base_url}v1/predictions/{job.id}"
    return {
        "id": job.id,
        "model": "stub/video",
        "version": "hidden",
        "status": "succeeded" if job.over else unfinished,
        "input": {},
        "output": [job.file] if job.over else None,
        "logs": "",
        "error": None,
        "metrics": {},
        "created_at": job.created_at,
        "started_at": job.created_at,
        "completed_at": None,
        "urls": {"get": url, "cancel": f"{url}/cancel"},
    }


if __name__ == "__main__":
    uvicorn.run(Stub().app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
