"""The doctor's look at callbacks: whether the receiver answers where Kie is told to post."""

from __future__ import annotations

import asyncio

import httpx

from prefect_kie.api.hosts import http_client
from prefect_kie.blocks import KieCallbacks
from prefect_kie.callbacks.receiver import HEALTHY
from prefect_kie.cli.doctor.check import Check

ANSWER_SECONDS = 10.0


async def check_callbacks(callbacks: KieCallbacks) -> Check:
    """Whether the receiver answers at its public address; asked without any key.

    Args:
        callbacks: The credentials' callbacks.
    """
    try:
        status, found = await asyncio.wait_for(_health(callbacks), ANSWER_SECONDS)
    except (TimeoutError, httpx.HTTPError) as error:
        return _trouble(callbacks, f"nobody answers ({type(error).__name__})")
    if status != 200 or found != HEALTHY.encode():
        return _trouble(callbacks, f"something else answers there (status {status})")
    return Check("ok", f"callbacks: the receiver answers at {callbacks.base_url}")


async def _health(callbacks: KieCallbacks) -> tuple[int, bytes]:
    """What answers there: its status, and no more of its text than is needed to know it."""
    address = f"{callbacks.base_url}/health"
    async with (
        # No redirect is followed: Kie's POST would not be, either.
        http_client(address, httpx.Timeout(ANSWER_SECONDS), keepalive=0) as client,
        client.stream("GET", address) as answer,
    ):
        return answer.status_code, await anext(answer.aiter_bytes(len(HEALTHY) + 1), b"")


def _trouble(callbacks: KieCallbacks, what: str) -> Check:
    return Check(
        "trouble",
        f"callbacks: {callbacks.base_url}: {what}, so runs learn of a job's end by polling only",
        "run: prefect-kie callbacks, and lead that address to it (docs/callbacks.md)",
    )
