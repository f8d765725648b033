"""`prefect-kie setup`: what a fleet needs on its Prefect server, made once and left alone afterwards."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from prefect_kie.api.hosts import API_URL, check_key
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCallbacks, KieCharacter, KieCredentials
from prefect_kie.cli import notifications
from prefect_kie.cli.automations import all_automations
from prefect_kie.cli.connection import WouldChange, connected, server_url
from prefect_kie.cli.probes import check_events
from prefect_kie.cli.terminal import Finding, say, show_all
from prefect_kie.runtime.global_limits import CREATE_LIMIT, POLL_LIMIT
from prefect_kie.submissions.budgets import CREDITS_LIMIT

CREDENTIALS = f"credentials block {DEFAULT_CREDENTIALS!r}"
BLOCKS: tuple[type[Block], ...] = (KieCallbacks, KieCharacter, KieCredentials)

# Submissions stay below Kie's 20 in 10 seconds, whoever makes them, and polls below its 10 a second.
# In a time, `limit + decay x time` calls get through by the server's clock, in whole slots. Until they are at
# Kie, some are on their way longer than others: 2 + floor(1.8 x 10.5) = 20 and 4 + floor(5 x 1.3) = 10 leave
# half a second (polls: 0.3 s) for that. Each slot costs about 0.05 s beside its decay.
LIMITS = (
    GlobalConcurrencyLimitCreate(name=CREATE_LIMIT, limit=2, slot_decay_per_second=1.8),
    GlobalConcurrencyLimitCreate(name=POLL_LIMIT, limit=4, slot_decay_per_second=5.0),
)
"""What setup makes; limits that exist are left as they are."""

NEXT = """
Setup does not choose where flow runs are executed. Next, in the directory with prefect.yaml:
  prefect work-pool create kie --type process
  prefect --no-prompt deploy --all
  prefect worker start --pool kie"""


def run(options: argparse.Namespace) -> int:
    """Set the configured Prefect server up with KIE_API_KEY of the environment: 0 when everything exists."""
    key = os.environ.get("KIE_API_KEY", "").strip() or None
    wanted: KieCredentials | str | None = key
    if options.kie is not None:
        secret = SecretStr(key or "simulated")
        wanted = KieCredentials(api_key=secret, base_url=options.kie, upload_url=options.kie)
    failed = asyncio.run(_report(wanted, options.credits, options.notify))
    say(NEXT)
    return int(failed)


async def _report(key: KieCredentials | str | None, credits: int | None, notify: str | None) -> bool:
    async with connected() as client:
        say(f"Prefect server {server_url()}")
        failed = await show_all(set_up(client, key, credits, notify=notify), "missing", "error")
        await show_all(check_events(client, "warning"))  # which runs do without: no reason to fail
    return failed


async def set_up(
    client: PrefectClient,
    key: KieCredentials | str | None = None,
    credits: int | None = None,
    automations: Sequence[AutomationCore] = all_automations(),
    notify: str | None = None,
) -> AsyncIterator[Finding]:
    """Make what is missing, one finding per thing; what a client may not change is missing or an error.

    `notify` is the block (`type/name`) that tells people, or `none`; None leaves it as it is.
    """
    ended = await notifications.existing(client) if notify == notifications.NO_BLOCK else []
    told = [] if notify == notifications.NO_BLOCK else await notifications.wanted(client, notify)
    steps: list[tuple[str, Callable[..., Awaitable[Finding | None]], Any]] = [
        *((f"block type {one.get_block_type_name()}", provide_block_type, one) for one in BLOCKS),
        (CREDENTIALS, provide_credentials, key),
        *((f"concurrency limit {one.name!r}", provide_limit, one) for one in LIMITS),
        (f"budget of all runs, concurrency limit {CREDITS_LIMIT!r}", provide_budget, credits),
        *((f"automation {one.name!r}", provide_automation, one) for one in (*automations, *told)),
        *((f"automation {one.name!r}", delete_automation, one.id) for one in ended),
        ("messages to people", notifications.check, told),
    ]
    for what, provide, wanted in steps:
        try:
            finding = await provide(client, what, wanted)
        except WouldChange as change:
            missing = str(change) == "POST"
            why = what if missing else f"{what} is not as this version has it"
            finding = Finding("missing" if missing else "error", why, "run: prefect-kie setup")
        if finding is not None:
            yield finding


async def provide_block_type(client: PrefectClient, what: str, block: type[Block]) -> Finding:
    async def known() -> Any:
        with suppress(ObjectNotFound):
            found = await client.read_block_type_by_slug(block.get_block_type_slug())
            return found, await client.get_most_recent_block_schema_for_block_type(found.id)

    before = await known()
    await block.aregister_type_and_schema(client=client)
    return Finding("created" if before is None else "exists" if before == await known() else "updated", what)


async def provide_credentials(client: PrefectClient, what: str, key: KieCredentials | str | None) -> Finding:
    with suppress(ObjectNotFound):
        slug = KieCredentials.get_block_type_slug()
        found = await client.read_block_document_by_name(DEFAULT_CREDENTIALS, slug, include_secrets=False)
        leads_to = found.data.get("base_url", API_URL)
        if key is None or leads_to == (key.base_url if isinstance(key, KieCredentials) else API_URL):
            return Finding("exists", f"{what}, whatever KIE_API_KEY says")
        again = f"prefect block delete {slug}/{DEFAULT_CREDENTIALS}, then prefect-kie setup again"
        return Finding("warning", f"{what} leads to {leads_to}, and stays as it is", f"run: {again}")
    if isinstance(key, KieCredentials):
        await key.asave(DEFAULT_CREDENTIALS, client=client)
        return Finding("created", f"{what}, which leads to {key.base_url}")
    try:
        if key is None:
            raise ValueError("KIE_API_KEY is not set (a key is made at kie.ai/api-key)")
        secret = check_key(key)
    except ValueError as refusal:
        return Finding("missing", f"{what}: {refusal}", "run: KIE_API_KEY=... prefect-kie setup")
    await KieCredentials(api_key=secret).asave(DEFAULT_CREDENTIALS, client=client)
    return Finding("created", f"{what}, with the key of KIE_API_KEY")


async def provide_limit(client: PrefectClient, what: str, wanted: GlobalConcurrencyLimitCreate) -> Finding:
    found = await _limit(client, wanted.name)
    if found is None:
        await client.create_global_concurrency_limit(wanted)
        return Finding("created", what)
    limit, decay = found.limit, found.slot_decay_per_second
    numbers = f"limit {limit}, slot decay {decay:g} a second"
    if not found.active:
        enable = f"prefect gcl enable {wanted.name}"
        return Finding("exists", f"{what}, but switched off, so it paces nothing ({enable})")
    if limit < 1 or decay == 0:
        change = f"--limit {wanted.limit} --slot-decay-per-second {wanted.slot_decay_per_second:g}"
        why = f"{what} exists ({numbers}) but paces nothing: both have to be above 0"
        return Finding("error", why, f"run: prefect gcl update {wanted.name} {change}")
    return Finding("exists", f"{what} ({numbers})")


async def provide_budget(client: PrefectClient, what: str, credits: int | None) -> Finding | None:
    """Make the limit `kie-credits` on request; None where none exists and none is asked for."""
    found = await _limit(client, CREDITS_LIMIT)
    if found is None:
        if credits is None:
            return None
        wanted = GlobalConcurrencyLimitCreate(name=CREDITS_LIMIT, limit=credits, slot_decay_per_second=0)
        await client.create_global_concurrency_limit(wanted)
        return Finding("created", f"{what}: {credits:,} credits")
    change = f"prefect gcl update {CREDITS_LIMIT}"
    if not found.active:
        enable = f"prefect gcl enable {CREDITS_LIMIT}"
        return Finding("exists", f"{what}, but switched off, so that it caps nothing ({enable})")
    if found.slot_decay_per_second:
        forgets = f"{what} has a slot decay, by which it forgets what was paid"
        return Finding("error", forgets, f"run: {change} --slot-decay-per-second 0")
    used = f"{what}: {found.active_slots:,} of {found.limit:,} credits are used"
    if found.active_slots >= found.limit:
        return Finding("warning", f"{used}, so nothing is submitted", f"run: {change} --active-slots 0")
    return Finding("exists", f"{used} (to begin anew: {change} --active-slots 0)")


async def _limit(client: PrefectClient, name: str) -> GlobalConcurrencyLimitResponse | None:
    with suppress(ObjectNotFound):
        return await client.read_global_concurrency_limit_by_name(name)
    return None


async def provide_automation(client: PrefectClient, what: str, wanted: AutomationCore) -> Finding:
    found = await client.read_automations_by_name(wanted.name)
    if not found:
        await client.create_automation(_explicit(wanted))
        return Finding("created", what)
    if len(found) > 1:
        removal = " && ".join(f"prefect automation delete --id {one.id}" for one in found[1:])
        return Finding("error", f"{what} exists {len(found)} times, and once is enough", f"run: {removal}")
    (known,) = found
    off = "" if known.enabled else f"; switched off, and stays so (prefect automation resume --id {known.id})"
    mine = _explicit(wanted.model_copy(update={"enabled": known.enabled}))
    if _explicit(known) == mine:
        return Finding("exists", what + off)
    await client.update_automation(known.id, mine)
    return Finding("updated", what + off)


async def delete_automation(client: PrefectClient, what: str, automation: UUID) -> Finding:
    await client.delete_automation(automation)
    return Finding("deleted", what)


def _explicit(automation: AutomationCore) -> AutomationCore:
    """The automation's content alone, each field set: Prefect's client sends no field that is a default."""
    return AutomationCore.model_validate(automation.model_dump(exclude={"id", "owner_resource"}))
