"""The configured Prefect server: it lets us in, or one sentence says why not and what to do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, get_current_settings, temporary_settings

from prefect_kie.cli.terminal import CommandFailed

ANSWER_SECONDS = 20.0
NAME_IT = "prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api"


class ServerMissing(CommandFailed):
    """The Prefect server cannot be used; the message is one sentence that says what to run."""


def server_url() -> str:
    """The address of the configured Prefect server, without a password."""
    url = get_current_settings().api.url
    if url is None:  # Prefect would start a server of its own, whose database no other machine finds
        raise ServerMissing(
            "No Prefect server is configured (PREFECT_API_URL is not set): start one with prefect server "
            f"start, or take one that runs; then name it with {NAME_IT} and run this again."
        )
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise ServerMissing(
            f"PREFECT_API_URL is not the address of a Prefect server: write it as in {NAME_IT}, and run this "
            "again."
        )
    return str(address.copy_with(userinfo=b""))


@asynccontextmanager
async def connected(httpx_settings: dict[str, Any] | None = None) -> AsyncGenerator[PrefectClient, None]:
    """A client of the configured server, once that has answered and let us in."""
    server_url()
    try:
        async with get_client(httpx_settings=httpx_settings) as client:
            await _check(client)
            yield client
    except httpx.HTTPError as error:
        raise server_missing(error) from error


def run_flow(flow: Any, *arguments: Any, **parameters: Any) -> Any:
    """What a flow of ours returns, run in this process on the configured server."""

    async def running() -> Any:
        async with connected():
            pass
        return await flow(*arguments, **parameters)

    return asyncio.run(running())


async def _check(client: PrefectClient) -> None:
    """Ask what only a Prefect server answers, and only to those it lets in (its health is public)."""
    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            await asyncio.wait_for(client.read_flows(limit=1), ANSWER_SECONDS)
        return
    except ValueError:
        why = "its answer is not Prefect's"
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status >= 500 or status in (401, 403, 408, 429):
            raise
        why = f"it answers {status}"
    except TimeoutError as error:
        raise server_missing(error) from error
    raise ServerMissing(
        f"What answers at {server_url()} is no Prefect server of version 3 ({why}): set PREFECT_API_URL to "
        "its address, which ends in /api, and run this again."
    )


def server_missing(error: httpx.HTTPError | TimeoutError) -> ServerMissing:
    """What an error of a call to the Prefect server means."""
    url = server_url()
    if isinstance(error, httpx.HTTPStatusError):
        api, status = get_current_settings().api, error.response.status_code
        given = "PREFECT_API_AUTH_STRING" if api.auth_string else "PREFECT_API_KEY" if api.key else None
        if status not in (401, 403):
            path = error.request.url.path
            said = f"answers {status} to {path}: look into its log, and run this again when it works."
        elif given is None:
            said = (
                f"wants a password, and none is set ({status}): set PREFECT_API_AUTH_STRING (for Prefect "
                "Cloud, PREFECT_API_KEY), and run this again."
            )
        else:
            said = f"does not take the password in {given} ({status}): correct it, and run this again."
        return ServerMissing(f"The Prefect server at {url} {said}")
    why = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, TimeoutError):
        why = f"nothing within {ANSWER_SECONDS:g} s"
    root: BaseException = error
    while (cause := root.__cause__ or root.__context__) is not None:
        root = cause
    if isinstance(root, ssl.SSLError):
        return ServerMissing(
            f"The Prefect server at {url} has no certificate that this machine trusts ({why}): set "
            "SSL_CERT_FILE or PREFECT_API_TLS_INSECURE_SKIP_VERIFY, and run this again."
        )
    return ServerMissing(
        f"No Prefect server answers at {url} ({why}): start it with prefect server start, or name "
        f"another with {NAME_IT}; then run this again."
    )
