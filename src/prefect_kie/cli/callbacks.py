"""`prefect-kie callbacks`: the receiver as a process of its own."""

import argparse
import asyncio
import signal
import socket
from contextlib import suppress

import uvicorn
from prefect.context import AsyncClientContext

from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCallbacks, load_credentials
from prefect_kie.blocks.server import load_block
from prefect_kie.callbacks.receiver import create_app
from prefect_kie.callbacks.webhook import TEMPLATE
from prefect_kie.cli.connection import connected
from prefect_kie.cli.terminal import CommandFailed, say
from prefect_kie.flows.resuming import resume_finished


def run(options: argparse.Namespace) -> int:
    if options.act == "template":
        print(TEMPLATE, end="")
        return 0
    callbacks = asyncio.run(load_callbacks(options.block))
    if callbacks.is_webhook:
        raise CommandFailed(f"{callbacks.base_url} is a Prefect Cloud webhook, which needs no receiver.")
    ipv6 = ":" in options.host
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    try:  # opened here, so that a port in use is one sentence
        address = (options.host, options.port)
        listener = socket.create_server(address, family=family, backlog=1024, dualstack_ipv6=ipv6)
    except (OSError, OverflowError, ValueError) as error:
        raise CommandFailed(f"Cannot listen on {options.host} port {options.port}: {error}") from error
    with listener:
        host, port = f"[{options.host}]" if ipv6 else options.host, listener.getsockname()[1]
        say(
            f"Takes Kie's callbacks at http://{host}:{port}; {callbacks.base_url} has to lead there. "
            "Ctrl-C stops it."
        )
        if callbacks.accept_unsigned:
            say("Unsigned ones count, too: anybody can send them.")
        _serve(callbacks, listener)
    say("Stopped.")
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
        limit_concurrency=200,  # what comes beyond them is answered with 503
        h11_max_incomplete_event_size=16 * 1024,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )

    async def serve() -> None:
        async with AsyncClientContext.get_or_create():  # one client of the Prefect server for all events
            await uvicorn.Server(config).serve(sockets=[listener])

    # Uvicorn stops in good order at a signal and raises it again afterwards: here both do what Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


async def load_callbacks(block: str | None = None) -> KieCallbacks:
    """What is accepted, from the Prefect server."""
    async with connected():
        if block is None:
            callbacks = (await load_credentials(DEFAULT_CREDENTIALS)).callbacks
            if callbacks is None:
                raise CommandFailed(
                    f"The credentials block {DEFAULT_CREDENTIALS!r} has no callbacks. Add them in the UI "
                    "(Blocks), or name a block: prefect-kie callbacks --block NAME"
                )
            return callbacks
        found = await load_block(KieCallbacks, block.removeprefix("kie-callbacks/"), f"the block {block!r}")
        if found is None:
            raise CommandFailed(
                f"The Prefect server has no KieCallbacks block named {block!r}. Create it in the UI (Blocks, "
                f"Kie Callbacks) or with KieCallbacks(base_url=..., signing_key=...).save({block!r})."
            )
        return found
