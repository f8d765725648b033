"""Running the simulator: in a thread of this process for tests, or in the foreground for a person."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from prefect_kie.simulator.answers import TRANSPORT
from prefect_kie.simulator.app import create_app
from prefect_kie.simulator.settings import SimulatorSettings
from prefect_kie.simulator.state import Simulator

T = TypeVar("T")


class _Protocol(H11Protocol):
    """Uvicorn's HTTP connection, which also shows the application its transport."""

    # Narrower than asyncio's own signature, as in uvicorn itself.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        application: ASGIApp = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport


class _Server(uvicorn.Server):
    """Uvicorn's server, which reports when it listens, and waits for nobody when it stops."""

    def __init__(self, app: Starlette, on_start: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
        )
        super().__init__(config)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._simulator: Simulator = app.state.simulator
        self._on_start = on_start
        self._ending = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self._on_start()

    async def main_loop(self) -> None:
        # Uvicorn looks every 0.1 s whether it should exit; a test suite starts and stops many servers.
        if not self.should_exit:
            await self._ending.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.end()

    def end(self) -> None:
        """Stop it; from a signal handler or another thread."""
        self.should_exit = True
        if self.loop:
            self.loop.call_soon_threadsafe(self._ending.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Uvicorn would wait until each client has got its answer; a hanging one never does.
        for server in self.servers:
            server.close()
        while self.server_state.connections or self.server_state.tasks:
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)
            # Only now, so that who wakes up finds the connection gone.
            self._simulator.stop()
            await asyncio.sleep(0.002)
        self._simulator.stop()


class SimulatorServer:
    """A simulated Kie on a free local port, in a daemon thread of this process.

        with SimulatorServer(SimulatorSettings(duration_seconds=0.2)) as kie:
            client = httpx.Client(base_url=kie.url, headers={"Authorization": "Bearer any"})

    Args:
        settings: How it behaves.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.

    Raises:
        OSError: On entry, when the port is taken.
    """

    def __init__(
        self, settings: SimulatorSettings | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._settings = settings
        self._address = (host, port)
        self._url = ""

    @property
    def url(self) -> str:
        """Both the base URL and the upload URL, without a slash at its end."""
        if not self._url:
            raise RuntimeError("the simulator is not running: use it as `with SimulatorServer() as kie:`")
        return self._url

    @property
    def simulator(self) -> Simulator:
        """The simulator itself: its settings, faults, jobs and files."""
        simulator: Simulator = self._app.state.simulator
        return simulator

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
        if not self._url or self._server.loop is None:
            return act()

        async def acting() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(acting(), self._server.loop).result(10)

    def __enter__(self) -> Self:
        """Start it; returns when it listens."""
        listener = _listen(*self._address)
        started = threading.Event()
        self._app = create_app(self._settings)
        self._server = _Server(self._app, started.set)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="kie-simulator", daemon=True
        )
        self._thread.start()
        started.wait(10)
        self._url = _url(listener)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it at once, whatever hangs."""
        if self._url:
            self._url = ""
            self._server.end()
            self._thread.join(10)


def serve(
    settings: SimulatorSettings | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    *,
    on_start: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve a simulated Kie until Ctrl-C.

    Args:
        settings: How it behaves.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        on_start: Called with the URL once it listens.

    Raises:
        OSError: The port is taken.
    """
    listener = _listen(host, port)
    server = _Server(create_app(settings), lambda: on_start(_url(listener)))
    # Uvicorn stops in good order first, and raises the signal again afterwards.
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Open the listening socket here, so that a port that is taken is the caller's error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: only then does asyncio switch Nagle's algorithm off, without which each answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
