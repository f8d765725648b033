"""The configured Prefect server: it lets us in, or one sentence says why not and what to do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import get_current_settings

from prefect_kie._compat import without_client_retries
from prefect_kie.cli.terminal import CommandFailed

NAME_IT = "prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api"


class ServerMissing(CommandFailed):
    """The Prefect server cannot be used; the message is one sentence that says what to run."""


class WouldChange(Exception):
    """A request to the Prefect server, of this method, that would change something; it was not sent."""


def server_url() -> str:
    """The address of the configured Prefect server, without a password."""
    url = get_current_settings().api.url
    if url is None:  # Prefect would start a server of its own, whose database no other machine finds
        raise ServerMissing(
            "No Prefect server is configured (PREFECT_API_URL is not set): start one with prefect server "
            f"start, or take one that runs; then name it with {NAME_IT} and run this again."
        )
    with suppress(httpx.InvalidURL):
        address = httpx.URL(url)
        if address.scheme in ("http", "https") and address.host:
            return str(address.copy_with(userinfo=b""))
    raise ServerMissing(
        f"PREFECT_API_URL is not the address of a Prefect server: write it as in {NAME_IT}, and run this "
        "again."
    )


@asynccontextmanager
async def connected(*, read_only: bool = False) -> AsyncGenerator[PrefectClient, None]:
    """A client of the configured server, once that has answered and let us in."""
    server_url()
    settings = {"event_hooks": {"request": [refuse_changes]}} if read_only else None
    try:
        async with get_client(httpx_settings=settings) as client:
            try:
                with without_client_retries():
                    # Only a Prefect server answers this, and only to those it lets in: its health is public.
                    await client.read_flows(limit=1)
            except ValueError as error:
                raise server_missing(error) from error
            yield client
    except httpx.HTTPError as error:
        raise server_missing(error) from error


async def refuse_changes(request: httpx.Request) -> None:
    """Let only questions through: GET, and the POSTs by which Prefect's API filters."""
    if request.method != "GET" and not request.url.path.endswith("/filter"):
        raise WouldChange(request.method)


def run_flow(flow: Any, *arguments: Any, **parameters: Any) -> Any:
    """What a flow of ours returns, run in this process on the configured server."""

    async def running() -> Any:
        async with connected():
            pass
        return await flow(*arguments, **parameters)

    return asyncio.run(running())


def server_missing(error: Exception) -> ServerMissing:
    url, api = server_url(), get_current_settings().api
    server = f"The Prefect server at {url}"
    why = " ".join(str(error).split()) or type(error).__name__
    status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
    if isinstance(error, ValueError) or status in (404, 405):
        why = f"it answers {status}" if status else "its answer is not Prefect's"
        said = f"What answers at {url} is no Prefect server of version 3 ({why}): its address ends in /api"
    elif status in (401, 403):
        given = "PREFECT_API_AUTH_STRING" if api.auth_string else "PREFECT_API_KEY" if api.key else ""
        why = f"does not take the one in {given}" if given else "none is set"
        setting = given or "PREFECT_API_AUTH_STRING (for Prefect Cloud, PREFECT_API_KEY)"
        said = f"{server} wants a password, and {why} ({status}): set {setting}"
    elif isinstance(error, httpx.HTTPStatusError):
        said = f"{server} answers {status} to {error.request.url.path}: look into its log"
    elif "CERTIFICATE_VERIFY_FAILED" in why:
        settings = "SSL_CERT_FILE or PREFECT_API_TLS_INSECURE_SKIP_VERIFY"
        said = f"{server} has no certificate that this machine trusts ({why}): set {settings}"
    else:
        start = f"start it with prefect server start, or name another with {NAME_IT}"
        said = f"No Prefect server answers at {url} ({why}): {start}"
    return ServerMissing(f"{said}; then run this again.")
