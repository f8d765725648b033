"""Many runs that begin at once: how long a Prefect server on SQLite lets a call wait at most.

    python -m benchmarks.many_runs [--runs N] [--seconds S] [--write]

So many clients at once create runs of a deployment, and take each through its states with what a worker and
a run tell meanwhile. Where two of them write at the same moment, the server may answer 503 ("database is
locked"); Prefect's client repeats that by itself, so what counts here is how long an answer takes, not which.

With SQLAlchemy 2.0 the server stands still for the minute that SQLite waits for a lock, time and again: a
cursor of a failed statement is left to the garbage collector, which may come by in the event loop while the
cursor's connection waits for the lock in its thread, and then waits for that connection. Who holds the lock
needs the event loop to give it back. With 2.1 that was not seen.

The exit code is 0 when no call took longer than 10 seconds.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from benchmarks.command import command, ended
from benchmarks.tables import Figures, machine
from prefect_kie.cli.local_server import local_server

MOST_SECONDS = 10.0
PATIENCE = 100.0
"""Longer than SQLite waits for a lock, 60 s with Prefect."""


@dataclass
class Calls:
    """The calls of all clients."""

    http: httpx.AsyncClient
    seconds: list[float] = field(default_factory=list[float])
    statuses: Counter[int] = field(default_factory=Counter[int])

    async def post(self, path: str, content: Any) -> Any:
        """One call; None where the server could not do it."""
        begun = time.monotonic()
        try:
            response = await self.http.post(path, json=content)
        except httpx.TransportError:  # the server had just closed this connection, since it was idle
            return None
        self.seconds.append(time.monotonic() - begun)
        self.statuses[response.status_code] += 1
        return response.json() if response.is_success else None


async def prepare(http: httpx.AsyncClient) -> str:
    """A flow, a work pool, and a deployment.

    Returns:
        The deployment's id.
    """

    async def made(path: str, **content: str) -> str:
        response = await http.post(path, json=content)
        response.raise_for_status()
        return str(response.json()["id"])

    flow = await made("/flows/", name="many-runs")
    await made("/work_pools/", name="many", type="process")
    return await made(
        "/deployments/", name="many", flow_id=flow, work_pool_name="many", entrypoint="flow.py:flow"
    )


async def begin_runs(calls: Calls, deployment: str, end: float) -> None:
    """One client: a run after the other, until the time is over."""
    while time.monotonic() < end:
        run = await calls.post(f"/deployments/{deployment}/create_flow_run", {"parameters": {}})
        if run is None:
            continue
        line = {"name": "a", "level": 20, "message": "x" * 200, "flow_run_id": run["id"]}
        for state in ("PENDING", "RUNNING", "COMPLETED"):
            now = datetime.now(timezone.utc).isoformat()
            await calls.post(f"/flow_runs/{run['id']}/set_state", {"state": {"type": state}, "force": True})
            await calls.post("/logs/", [{**line, "timestamp": now}] * 5)
            await calls.post("/work_pools/many/get_scheduled_flow_runs", {})
            await calls.post("/flow_runs/filter", {"limit": 50})


async def measure(url: str, clients: int, seconds: float) -> Calls:
    """Let so many clients begin runs for so long."""
    limits = httpx.Limits(max_connections=2 * clients)
    async with httpx.AsyncClient(
        base_url=f"{url}/api", timeout=PATIENCE, limits=limits, trust_env=False
    ) as http:
        deployment = await prepare(http)
        calls = Calls(http)
        end = time.monotonic() + seconds
        await asyncio.gather(*(begin_runs(calls, deployment, end) for _ in range(clients)))
    return calls


def main() -> int:
    """Measure, and say whether it is good.

    Returns:
        The exit code.
    """
    parser = command("many_runs", "Many runs that begin at once, on SQLite.")
    parser.add_argument("--runs", type=int, default=15, help="so many begin at once")
    parser.add_argument("--seconds", type=float, default=60.0, help="for so long")
    options = parser.parse_args()
    console = Console(width=100)
    with (
        tempfile.TemporaryDirectory(prefix="kie-many-runs-", ignore_cleanup_errors=True) as home,
        local_server(Path(home), ui=False) as server,
        console.status("runs begin"),
    ):
        calls = asyncio.run(measure(server.url, options.runs, options.seconds))
    longest = max(calls.seconds)
    figures = Figures("many_runs", ("SQLAlchemy", "calls", "answered 503", "longest, s"))
    figures.add(version("sqlalchemy"), len(calls.seconds), calls.statuses[503], longest)
    figures.show(console)
    said = f"a call took {longest:.1f} s; required: at most {MOST_SECONDS:g}"
    below = machine(f"{options.runs} at once for {options.seconds:g} s")
    return ended(console, below, [] if longest <= MOST_SECONDS else [said], figures.write, options.write)


if __name__ == "__main__":
    sys.exit(main())
