"""`prefect-kie doctor`: whether everything is in place; changes nothing but for a probe, spends nothing."""

import argparse
import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from typing import Any

import prefect
from prefect.client.base import ServerType
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import WorkerStatus
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from prefect_kie._compat import block_name
from prefect_kie.api import KieError
from prefect_kie.api.envelope import as_list, as_object
from prefect_kie.api.hosts import API_URL
from prefect_kie.blocks import DEFAULT_CREDENTIALS, load_credentials
from prefect_kie.blocks.credentials import KEY_VARIABLE
from prefect_kie.cli.connection import ServerMissing, connected, server_url
from prefect_kie.cli.probes import check_callbacks, check_events, check_result_storage, check_webhook
from prefect_kie.cli.setup import CREDENTIALS, set_up
from prefect_kie.cli.terminal import Finding, Outcome, show_all
from prefect_kie.runtime.live_catalog import LiveCatalog

# The work pool and the deployments of prefect.yaml; a test compares them.
WORK_POOL = "kie"
DEPLOYMENTS = (
    *("generate-video/kie", "generate-image/kie", "generate-audio/kie", "generate-video/kie-daily"),
    *("create-character/kie", "character-series/kie"),
    *("generate-batch/kie", "collect-job/kie", "resolve-submission/kie", "report-costs/kie"),
    "resume-waiting/kie",
)
OF_SETUP: dict[str, Outcome] = {"exists": "ok", "missing": "missing"}
FOR_UI = "for runs from the UI and by schedules"
PAGE = 200  # so many deployments a server gives at once


def run(options: argparse.Namespace) -> int:
    return int(asyncio.run(show_all(findings(options.credentials), "error")))


async def findings(credentials: str) -> AsyncIterator[Finding]:
    """Everything, one after the other; without a Prefect server only what is known without it."""
    yield check_sqlalchemy(version("sqlalchemy"))
    try:
        async with connected(read_only=True) as client:
            if client.server_type == ServerType.CLOUD:
                yield Finding("ok", f"Prefect Cloud {server_url()}; client {prefect.__version__}")
            else:
                yield check_versions(server_url(), await client.api_version(), prefect.__version__)
            async for made in set_up(client):
                if not made.what.startswith(CREDENTIALS):  # checked with what they hold, below
                    outcome = OF_SETUP.get(made.outcome, "error")
                    yield Finding(outcome, made.what, made.remedy)
            async for finding in check_events(client):
                yield finding
            async for finding in _credentials(credentials, client):
                yield finding
            yield await check_result_storage(client)
            yield await _work_pool(client)
            yield await _deployments(client)
            async for finding in _deployed_models(client, credentials):
                yield finding
    except ServerMissing as missing:
        yield Finding("error", str(missing), "The rest is kept on the server, and was not checked.")


def check_sqlalchemy(installed: str) -> Finding:
    """Whether a server on SQLite answers at all times with this version of SQLAlchemy."""
    what = f"SQLAlchemy {installed}"
    if _numbers(installed) >= (2, 1):
        return Finding("ok", what)
    what += "; before 2.1 a server on SQLite stands still for a minute now and then"
    return Finding("ok", what, "run, where the server is: pip install --upgrade 'sqlalchemy>=2.1'")


def check_versions(url: str, server: str, client: str) -> Finding:
    """Whether the server is as new as its client: Prefect promises that only this works."""
    what = f"Prefect server {url}, version {server}"
    if _numbers(server) >= _numbers(client):
        return Finding("ok", f"{what}; client {client}")
    remedy = f"run: pip install 'prefect=={server}' (here), or upgrade the server to {client}"
    return Finding("error", f"{what}, is older than this client ({client})", remedy)


def _numbers(text: str) -> tuple[int, ...]:
    """A version's first two numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


async def _credentials(name: str, client: PrefectClient) -> AsyncIterator[Finding]:
    """The block, and Kie with its key: the balance costs nothing to ask."""
    what = f"credentials block {name!r}"
    try:
        block = await load_credentials(name)
    except KieError as error:
        advice = "run: KIE_API_KEY=... prefect-kie setup" if name == DEFAULT_CREDENTIALS else error.next_step
        yield Finding("error", error.message, advice)
        return
    except Exception as error:  # its text may quote what the block holds
        advice = "Enter the key anew in the UI (Blocks), then run prefect-kie doctor again."
        yield Finding("error", f"{what} cannot be read ({type(error).__name__})", advice)
        return
    is_stored = block_name(block) is not None
    yield Finding("ok", what if is_stored else f"{KEY_VARIABLE}, used where it is set; no {what} exists")
    where = "Kie" if block.base_url == API_URL else f"Kie at {block.base_url} (not the real one)"
    try:
        async with block.get_client() as kie:
            credits = await kie.get_credits()
    except KieError as error:
        yield Finding("error", f"{where}: {error.message}", error.next_step)
        return
    balance = f"{where} takes the key; balance: {credits:g} credits"
    yield Finding("ok", balance) if credits > 0 else Finding("error", balance, "Add credits at kie.ai.")
    if block.callbacks is not None and block.callbacks.is_webhook:
        yield await check_webhook(block.callbacks, client)
    elif block.callbacks is not None:
        yield await check_callbacks(block.callbacks)


async def _work_pool(client: PrefectClient) -> Finding:
    what = f"work pool {WORK_POOL!r}"
    try:
        pool = await client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        return Finding(
            "missing", f"{what}, {FOR_UI}", f"run: prefect work-pool create {WORK_POOL} --type process"
        )
    if pool.is_paused:
        return Finding("error", f"{what} is paused", f"run: prefect work-pool resume {WORK_POOL}")
    if pool.is_push_pool or pool.is_managed_pool:
        return Finding("ok", f"{what} ({pool.type}), which needs no worker")
    workers = await client.read_workers_for_work_pool(WORK_POOL)
    if online := sum(worker.status == WorkerStatus.ONLINE for worker in workers):
        return Finding("ok", f"{what} ({pool.type}) with {online} online worker{'s' * (online > 1)}")
    why = f"{what} ({pool.type}) has no online worker, so its runs wait"
    return Finding("error", why, f"run: prefect worker start --pool {WORK_POOL}")


async def _deployments(client: PrefectClient) -> Finding:
    missing: list[str] = []
    for name in DEPLOYMENTS:
        try:
            await client.read_deployment_by_name(name)
        except ObjectNotFound:
            missing.append(name)
    if not missing:
        return Finding("ok", f"the {len(DEPLOYMENTS)} deployments of prefect.yaml")
    remedy = "run: prefect --no-prompt deploy --all (in the directory with prefect.yaml)"
    return Finding("missing", f"deployments of prefect.yaml, {FOR_UI}: {', '.join(missing)}", remedy)


async def _deployed_models(client: PrefectClient, credentials: str) -> AsyncIterator[Finding]:
    """Deployments whose parameters name a model that Kie's catalogue does not have any more."""
    deployments: list[DeploymentResponse] = []
    while len(page := await client.read_deployments(limit=PAGE, offset=len(deployments))) == PAGE:
        deployments += page
    named = [(one, model) for one in [*deployments, *page] for model in sorted({*models_in(one.parameters)})]
    if not named:
        return
    try:
        catalog = LiveCatalog(await load_credentials(credentials))
        served = {one.model for one in await catalog.models(*(model for _, model in named))}
    except Exception:  # what is wrong with the key or with Kie was said before
        return
    for deployment, model in named:
        if served and model not in served:
            flow = await client.read_flow(deployment.flow_id)
            what = f"deployment {flow.name}/{deployment.name} runs {model}, which Kie does not serve any more"
            yield Finding("warning", what, "Give it another model: prefect-kie models list")


def models_in(parameters: Any) -> Iterator[str]:
    """The models that a deployment's parameters name, however deep."""
    fields = as_object(parameters)
    if isinstance(model := fields.get("model"), str):
        yield model
        return
    for value in as_list(parameters) or fields.values():
        yield from models_in(value)
