"""`prefect-kie doctor`: whether everything is in place; changes nothing but for a probe, spends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from importlib.metadata import version

import httpx
import prefect
from prefect.client.base import ServerType
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import WorkerStatus
from prefect.exceptions import ObjectNotFound
from rich.console import Console
from rich.text import Text

from prefect_kie._compat import block_name
from prefect_kie.api import KieError
from prefect_kie.api.hosts import API_URL
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.blocks.credentials import KEY_VARIABLE
from prefect_kie.cli import setup
from prefect_kie.cli.automations import all_automations
from prefect_kie.cli.connection import ServerMissing, connected, server_url
from prefect_kie.cli.doctor.callbacks import check_callbacks
from prefect_kie.cli.doctor.check import Check, Outcome
from prefect_kie.cli.doctor.events import check_events
from prefect_kie.cli.doctor.storage import check_result_storage
from prefect_kie.cli.doctor.versions import check_sqlalchemy, check_versions
from prefect_kie.cli.setup import Finding

STYLES: dict[Outcome, str] = {"ok": "green", "trouble": "bold red", "not there": "yellow"}

WORK_POOL = "kie"
"""The work pool of prefect.yaml."""

DEPLOYMENTS = (
    "generate-video/kie",
    "generate-video/kie-daily",
    "create-character/kie",
    "character-series/kie",
    "generate-batch/kie",
    "collect-job/kie",
    "resolve-submission/kie",
    "resume-waiting/kie",
)
"""The deployments of prefect.yaml (a test compares them)."""


class WouldChange(Exception):
    """A request to the Prefect server that would change something there; it was not sent.

    Attributes:
        creates: Whether it would make something new.
    """

    def __init__(self, request: httpx.Request) -> None:
        super().__init__(f"{request.method} {request.url.path}")
        self.creates = request.method == "POST"


async def refuse_changes(request: httpx.Request) -> None:
    """Let only questions through: GET, and the POSTs by which Prefect's API filters."""
    if request.method != "GET" and not request.url.path.endswith("/filter"):
        raise WouldChange(request)


def run_doctor(console: Console, credentials: str = DEFAULT_CREDENTIALS) -> int:
    """Check everything and tell each thing.

    Args:
        console: Where to tell it.
        credentials: Name of the credentials block.

    Returns:
        The exit code: 0 when nothing is in trouble, else 1.
    """
    return asyncio.run(_tell(console, credentials))


async def _tell(console: Console, credentials: str) -> int:
    troubles = 0
    async for check in checks(credentials):
        line = Text(f"{check.outcome:<10} ", style=STYLES[check.outcome]).append(check.what, style="none")
        console.print(line, soft_wrap=True)
        if check.advice:
            console.print(Text(f"           {check.advice}"), soft_wrap=True)
        troubles += check.outcome == "trouble"
    return 1 if troubles else 0


async def checks(credentials: str) -> AsyncIterator[Check]:
    """Everything, one after the other; without a Prefect server only what can be told without it.

    Args:
        credentials: Name of the credentials block.
    """
    yield check_sqlalchemy(version("sqlalchemy"))
    try:
        async with connected(httpx_settings={"event_hooks": {"request": [refuse_changes]}}) as client:
            yield await _versions(client, server_url())
            for check in (
                _of_setup(client),
                check_events(client),
                _credentials(credentials),
                check_result_storage(client),
                _work_pool(client),
                _deployments(client),
            ):
                async for one in check:
                    yield one
    except ServerMissing as missing:
        yield Check("trouble", str(missing), "The rest is kept on the server, and was not looked at.")


async def _versions(client: PrefectClient, url: str) -> Check:
    if client.server_type == ServerType.CLOUD:
        return Check("ok", f"Prefect Cloud {url}; client {prefect.__version__}")
    return check_versions(url, await client.api_version(), prefect.__version__)


async def _of_setup(client: PrefectClient) -> AsyncIterator[Check]:
    """What `prefect-kie setup` makes, looked at by its own eyes, with a client that changes nothing."""
    block, limit, automation = (
        setup.provide_block_type,
        setup.provide_limit,
        setup.provide_automation,
    )
    type_name = KieCredentials.get_block_type_name()
    yield await _as_setup_finds(f"block type {type_name}", block(client, KieCredentials))
    for shared in setup.LIMITS:
        yield await _as_setup_finds(f"concurrency limit {shared.name!r}", limit(client, shared))
    if (budget := await setup.provide_budget(client, None)) is not None:
        yield _check_of(budget)
    for wanted in all_automations():
        yield await _as_setup_finds(f"automation {wanted.name!r}", automation(client, wanted))


async def _as_setup_finds(what: str, looking: Awaitable[Finding]) -> Check:
    try:
        finding = await looking
    except WouldChange as change:
        if change.creates:
            return Check("not there", what, "run: prefect-kie setup")
        return Check("trouble", f"{what} is not as this version has it", "run: prefect-kie setup")
    return _check_of(finding)


def _check_of(finding: Finding) -> Check:
    if finding.outcome in ("missing", "trouble"):
        return Check("trouble", finding.what, f"run: {finding.command}")
    return Check("ok", finding.what)


async def _credentials(name: str) -> AsyncIterator[Check]:
    """The block, and Kie with its key: the balance costs nothing to ask."""
    what = f"credentials block {name!r}"
    try:
        block = await load_credentials(name)
    except KieError as error:
        remedy = error.remedy or error.next_step
        advice = "run: KIE_API_KEY=... prefect-kie setup" if name == DEFAULT_CREDENTIALS else remedy
        yield Check("trouble", error.message, advice)
        return
    except Exception as error:  # its text may quote what the block holds
        yield Check(
            "trouble",
            f"{what} cannot be read ({type(error).__name__})",
            "Enter the key anew in the UI (Blocks), then run prefect-kie doctor again.",
        )
        return
    is_stored = block_name(block) is not None
    yield Check("ok", what if is_stored else f"{KEY_VARIABLE}, used where it is set; there is no {what}")
    where = "Kie" if block.base_url == API_URL else f"Kie at {block.base_url} (not the real one)"
    try:
        async with block.get_client() as kie:
            credits = await kie.get_credits()
    except KieError as error:
        yield Check("trouble", f"{where}: {error.message}", error.remedy or error.next_step)
        return
    told = f"{where} takes the key; balance: {credits:g} credits"
    if credits > 0:
        yield Check("ok", told)
    else:
        yield Check("trouble", told, "Add credits at kie.ai.")
    if block.callbacks is not None:
        yield await check_callbacks(block.callbacks)


async def _work_pool(client: PrefectClient) -> AsyncIterator[Check]:
    what = f"work pool {WORK_POOL!r}"
    try:
        pool = await client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        yield Check(
            "not there",
            what,
            f"run: prefect work-pool create {WORK_POOL} --type process",
        )
        return
    if pool.is_paused:
        yield Check("trouble", f"{what} is paused", f"run: prefect work-pool resume {WORK_POOL}")
        return
    if pool.is_push_pool or pool.is_managed_pool:
        yield Check("ok", f"{what} ({pool.type}), which needs no worker")
        return
    workers = await client.read_workers_for_work_pool(WORK_POOL)
    online = sum(worker.status == WorkerStatus.ONLINE for worker in workers)
    if online:
        yield Check("ok", f"{what} ({pool.type}) with {online} online worker{'s' * (online > 1)}")
    else:
        yield Check(
            "trouble",
            f"{what} ({pool.type}) has no online worker, so its runs wait",
            f"run: prefect worker start --pool {WORK_POOL}",
        )


async def _deployments(client: PrefectClient) -> AsyncIterator[Check]:
    missing: list[str] = []
    for name in DEPLOYMENTS:
        try:
            await client.read_deployment_by_name(name)
        except ObjectNotFound:
            missing.append(name)
    if missing:
        yield Check(
            "not there",
            f"deployments of prefect.yaml: {', '.join(missing)}",
            "run: prefect deploy --all (in the directory with prefect.yaml)",
        )
    else:
        yield Check("ok", f"the {len(DEPLOYMENTS)} deployments of prefect.yaml")
