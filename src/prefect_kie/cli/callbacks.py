"""`prefect-kie callbacks`: the receiver as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import suppress

import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from prefect_kie._compat import says_no_block
from prefect_kie.api import KieError
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCallbacks, load_credentials
from prefect_kie.callbacks.receiver import create_app
from prefect_kie.cli.connection import connected
from prefect_kie.flows.resuming import resume_finished

DEFAULT_PORT = 4280
MAX_REQUESTS = 200
"""At once; what comes beyond them is answered with 503."""
HEAD_BYTES = 16 * 1024
IDLE_SECONDS = 5
STOP_SECONDS = 5


class NoCallbacks(Exception):
    """There is nothing that says which callbacks to take; the message says what to do."""


def run_callbacks(
    console: Console, host: str = "127.0.0.1", port: int = DEFAULT_PORT, block: str | None = None
) -> int:
    """Take Kie's callbacks until Ctrl-C or SIGTERM.

    Args:
        console: Where to tell it.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        block: Name of a KieCallbacks block; by default the callbacks of the credentials block `kie`.

    Returns:
        The exit code: 0 when it was stopped, 1 when it could not start.

    Raises:
        ServerMissing: when there is no Prefect server.
    """
    try:
        callbacks = asyncio.run(load_callbacks(block))
        # Opened here, so that a port that is taken is told in one sentence.
        ipv6 = ":" in host
        family = socket.AF_INET6 if ipv6 else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=ipv6)
    except NoCallbacks as error:
        return _failed(console, str(error))
    except (OSError, OverflowError, ValueError) as error:
        return _failed(console, f"Cannot listen on {host} port {port}: {error}")
    with listener:
        address = f"{f'[{host}]' if ipv6 else host}:{listener.getsockname()[1]}"
        console.print(
            Text(
                f"Takes Kie's callbacks at http://{address}; {callbacks.base_url} has to lead there. "
                "Ctrl-C stops it."
            ),
            soft_wrap=True,
        )
        if callbacks.accept_unsigned:
            console.print(Text("Unsigned ones count, too: anybody can send them."), soft_wrap=True)
        _serve(callbacks, listener)
    console.print("Stopped.")
    return 0


def _serve(callbacks: KieCallbacks, listener: socket.socket) -> None:
    config = uvicorn.Config(
        create_app(callbacks, resume=resume_finished),
        http="h11",  # of uvicorn's two, the one whose head of a request is bounded
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        # Who is asking is never used, so nothing that a proxy or anybody else says of it is read.
        proxy_headers=False,
        limit_concurrency=MAX_REQUESTS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    # Uvicorn stops in good order at a signal and raises it again afterwards: here both do what Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _failed(console: Console, message: str) -> int:
    console.print(Text(message, style="red"), soft_wrap=True)
    return 1


async def load_callbacks(block: str | None = None) -> KieCallbacks:
    """What is accepted, from the Prefect server.

    Args:
        block: Name of a KieCallbacks block; by default the callbacks of the credentials block `kie`.

    Raises:
        NoCallbacks: when there is no such block.
        ServerMissing: when there is no server to ask.
    """
    try:
        async with connected():
            if block is not None:
                return await _load_block(block.removeprefix("kie-callbacks/"))
            credentials = await load_credentials(DEFAULT_CREDENTIALS)
    except KieError as error:
        raise NoCallbacks(f"{error.message}. {error.remedy or error.next_step}") from None
    except ValidationError as error:
        raise NoCallbacks(f"The stored block cannot be used: {error}") from None
    if credentials.callbacks is None:
        raise NoCallbacks(
            f"The credentials block {DEFAULT_CREDENTIALS!r} has no callbacks. Add them in the UI "
            "(Blocks), or name a block: prefect-kie callbacks --block NAME"
        )
    return credentials.callbacks


async def _load_block(name: str) -> KieCallbacks:
    try:
        return await KieCallbacks.aload(name)
    except ValidationError:
        raise
    except ValueError as error:
        if not says_no_block(error):
            raise
        raise NoCallbacks(
            f"The Prefect server has no KieCallbacks block named {name!r}. Create it in the UI (Blocks, Kie "
            f"Callbacks) or with KieCallbacks(base_url=..., signing_key=...).save({name!r})."
        ) from None
