"""Two ways to meet the simulator: in this process under a clock of our own, and over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from prefect_kie.simulator import Simulator, SimulatorServer, SimulatorSettings, create_app

KEY = {"Authorization": "Bearer a-key"}
TINY: dict[str, Any] = {"video_height": 36, "video_fps": 2, "create_per_10s": None, "polls_per_second": None}


def text_job(prompt: str = "a dog", model: str = "sora-2-text-to-video", **fields: Any) -> dict[str, Any]:
    """A createTask body of a text-to-video model that is as documented."""
    return {"model": model, "input": {"prompt": prompt, "upload_method": "s3", **fields}}


def character_job(origin: str, handle: str | None = None, **fields: Any) -> dict[str, Any]:
    """A createTask body of characters-pro that is as documented."""
    named = {"character_user_name": handle} if handle else {}
    given = {"origin_task_id": origin, "timestamps": "3.55,5.55", "character_prompt": "a barista"}
    return {"model": "sora-2-characters-pro", "input": {**given, **named, **fields}}


@dataclass
class World:
    """A simulator without sockets, whose time only passes when told."""

    client: httpx.AsyncClient
    simulator: Simulator
    now: float = 1_780_000_000.0

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    async def ask(self, method: str, path: str, **kwargs: Any) -> Any:
        return (await self.client.request(method, path, **kwargs)).json()

    async def create(self, body: Any, **kwargs: Any) -> Any:
        return await self.ask("POST", "/api/v1/jobs/createTask", json=body, **kwargs)

    async def created(self, body: Any) -> str:
        answer = await self.create(body)
        assert answer["code"] == 200, answer
        return str(answer["data"]["taskId"])

    async def look(self, task_id: str) -> Any:
        return await self.ask("GET", "/api/v1/jobs/recordInfo", params={"taskId": task_id})

    async def finished(self, body: Any) -> Any:
        """Create a job, let its time pass, and return its data."""
        task_id = await self.created(body)
        self.pass_time(10_000)
        return (await self.look(task_id))["data"]

    async def urls(self, body: Any) -> list[str]:
        return list(json.loads((await self.finished(body))["resultJson"])["resultUrls"])

    async def credits(self) -> float:
        return float((await self.ask("GET", "/api/v1/chat/credit"))["data"])

    async def upload(self, content: bytes, name: str = "a.png", **form: str) -> Any:
        """Upload a file into the folder `in`."""
        given = {"files": {"file": (name, content)}, "data": {"uploadPath": "in", **form}}
        return await self.ask("POST", "/api/file-stream-upload", **given)

    async def fault(self, on: str, **fields: Any) -> None:
        answer = await self.client.post("/_sim/faults", json={"on": on, **fields})
        assert answer.status_code == 200, answer.text

    async def stats(self) -> Any:
        return await self.ask("GET", "/_sim/stats")


NewWorld = Callable[..., "World"]


@pytest.fixture
async def new_world() -> AsyncIterator[NewWorld]:
    """Make worlds with settings of one's own."""
    async with AsyncExitStack() as stack:

        def make(**settings: Any) -> World:
            app = create_app(SimulatorSettings(**{**TINY, **settings}), clock=lambda: made.now)
            transport = httpx.ASGITransport(app)
            client = httpx.AsyncClient(transport=transport, base_url="http://kie.test", headers=KEY)
            stack.push_async_callback(client.aclose)
            stack.callback(app.state.simulator.stop)
            made = World(client, app.state.simulator)
            return made

        yield make


@pytest.fixture
def world(new_world: NewWorld) -> World:
    return new_world()


@dataclass
class Live:
    """A simulator on a real port, and a client with a key."""

    server: SimulatorServer
    client: httpx.Client

    def create(self, body: Any) -> Any:
        return self.client.post("/api/v1/jobs/createTask", json=body).json()

    def created(self, body: Any) -> str:
        return str(self.create(body)["data"]["taskId"])

    def look(self, task_id: str) -> Any:
        return self.client.get("/api/v1/jobs/recordInfo", params={"taskId": task_id}).json()

    def url(self, body: Any) -> str:
        """Create a job that takes no time, and return the URL of its video."""
        data = self.look(self.created(body))["data"]
        return str(json.loads(data["resultJson"])["resultUrls"][0])


NewLive = Callable[..., "Live"]


@pytest.fixture
def new_live() -> Iterator[NewLive]:
    """Start servers with settings of one's own; jobs take no time unless told otherwise."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Live:
            chosen = SimulatorSettings(**{**TINY, "duration_seconds": 0, **settings})
            server = stack.enter_context(SimulatorServer(chosen))
            client = stack.enter_context(httpx.Client(base_url=server.url, headers=KEY, timeout=5))
            return Live(server, client)

        yield make


@pytest.fixture
def live(new_live: NewLive) -> Live:
    return new_live()


@dataclass
class Receiver:
    """Takes callbacks, and answers them with the statuses it was given (then 200)."""

    url: str
    statuses: list[int] = field(default_factory=list[int])
    calls: list[tuple[dict[str, str], Any]] = field(default_factory=list[tuple[dict[str, str], Any]])
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def wait(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.came.acquire(timeout=5), f"only {len(self.calls)} callbacks came"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            taken.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(taken.statuses.pop(0) if taken.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()
            taken.came.release()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken = Receiver(f"http://127.0.0.1:{server.server_port}/callback")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield taken
        server.shutdown()
        thread.join()
