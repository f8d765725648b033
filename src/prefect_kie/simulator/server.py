"""Running the simulator: in a thread of this process for tests, or in the foreground for a person."""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self, TypeVar

import uvicorn
from anyio import CancelScope
from anyio.abc import TaskStatus
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from prefect_kie.simulator.answers import TRANSPORT
from prefect_kie.simulator.app import create_app
from prefect_kie.simulator.settings import SimulatorSettings
from prefect_kie.simulator.state import Simulator

T = TypeVar("T")


async def _serve(app: Starlette, host: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serve until cancelled; then wait for nobody, whatever hangs."""

    async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
        # The connection of uvicorn's request; a fault may close it.
        scope["extensions"] = {TRANSPORT: getattr(send, "__self__").transport}  # noqa: B009
        await app(scope, receive, send)

    quiet: dict[str, Any] = {"log_config": None, "log_level": "warning", "access_log": False}
    bare: dict[str, Any] = {"ws": "none", "lifespan": "off", "date_header": False, "server_header": False}
    config = uvicorn.Config(with_transport, **quiet, **bare)
    config.load()
    served, simulator = ServerState(), app.state.simulator
    server = await asyncio.get_running_loop().create_server(
        lambda: H11Protocol(config, served, {}), host, port, backlog=1024
    )
    simulator.resume()
    host, port = server.sockets[0].getsockname()[:2]
    on_start(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    try:
        await asyncio.Event().wait()
    finally:
        server.close()
        with CancelScope(shield=True):
            while served.connections or served.tasks:
                for connection in list(served.connections):
                    connection.transport.abort()
                await asyncio.sleep(0)
                # Only now, so that who wakes up finds the connection gone.
                simulator.stop()
                await asyncio.sleep(0.002)
        simulator.stop()


class SimulatorServer:
    """A simulated Kie on a free local port, in a daemon thread of this process.

        with SimulatorServer(SimulatorSettings(duration_seconds=0.2)) as kie:
            client = httpx.Client(base_url=kie.url, headers={"Authorization": "Bearer any"})

    Args:
        settings: How it behaves.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.

    Attributes:
        url: Both the base URL and the upload URL, without a slash at its end; known once it runs.
        simulator: The simulator itself: its settings, faults, jobs and files.

    Raises:
        OSError: On entry, when the port is taken.
    """

    url: str
    simulator: Simulator

    def __init__(
        self, settings: SimulatorSettings | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._settings = settings
        self._address = (host, port)
        self._running = ExitStack()
        self._portal: BlockingPortal | None = None

    def fault(self, on: str, **fields: Any) -> None:
        """Order a fault, as `POST /_sim/faults` does: `kie.fault("create", code=429, times=2)`."""
        self._do(lambda: self.simulator.faults.add({"on": on, **fields}))

    def change(self, **settings: Any) -> None:
        """Replace single settings, as `PATCH /_sim/settings` does."""
        self._do(lambda: self.simulator.change(settings))

    def stats(self) -> dict[str, Any]:
        """Return every counter and every job, as `GET /_sim/stats` does; after the end as well."""
        return self._do(self.simulator.stats)

    def reset(self) -> None:
        """Go back to the start, as `POST /_sim/reset` does."""
        self._do(self.simulator.reset)

    def _do(self, act: Callable[[], T]) -> T:
        """Act in the server's thread while it runs, so that nothing changes underneath."""
        return self._portal.call(act) if self._portal else act()

    def __enter__(self) -> Self:
        """Start it; returns when it listens."""
        app = create_app(self._settings)
        self.simulator = app.state.simulator

        async def serve_app(*, task_status: TaskStatus[str]) -> None:
            await _serve(app, *self._address, task_status.started)

        with ExitStack() as running:
            portal = running.enter_context(start_blocking_portal())
            serving, self.url = portal.start_task(serve_app)
            running.callback(serving.cancel)
            self._running = running.pop_all()
        self._portal = portal
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop it at once, whatever hangs."""
        self._portal = None
        self._running.close()


def serve(
    settings: SimulatorSettings | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    *,
    on_start: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve a simulated Kie until Ctrl-C, as SimulatorServer; `on_start` gets its URL once it listens."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(create_app(settings), host, port, on_start))
