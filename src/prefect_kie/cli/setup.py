"""`prefect-kie setup`: what a fleet needs on its Prefect server, made once and left alone afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prefect.automations import AutomationCore
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectNotFound
from rich.console import Console
from rich.text import Text

import prefect_kie.blocks
from prefect_kie.api.hosts import check_key
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.cli.automations import all_automations
from prefect_kie.cli.connection import connected, server_url
from prefect_kie.cli.doctor.events import check_events
from prefect_kie.runtime.global_limits import CREATE_LIMIT, POLL_LIMIT
from prefect_kie.submissions.budgets import CREDITS_LIMIT

Outcome = Literal["created", "there", "updated", "missing", "trouble"]


@dataclass(frozen=True)
class SharedLimit:
    """A concurrency limit by which all processes together stay below one of Kie's limits.

    In a time it lets at most `slots + decay x time` calls through, by its server's clock. Between that and
    Kie's they are on their way, some longer than others: the numbers leave room for that.

    Attributes:
        name: The limit's.
        slots: How many calls at once.
        decay: How many more in a second.
        kies: What Kie takes in so many `seconds`.
        what: What it is good for.
    """

    name: str
    slots: int
    decay: float
    kies: int
    seconds: float
    what: str

    def paces(self, slots: int, decay: float) -> bool:
        """Whether other numbers stay below Kie's as well."""
        return slots + decay * self.seconds <= self.kies


# Slots decay as whole ones: 2 + floor(1.8 x 10.5) = 20 and 4 + floor(5 x 1.3) = 10, so some calls may be on
# their way half a second (looks: 0.3 s) longer than others. Each slot costs about 0.05 s beside its decay.
LIMITS = (
    SharedLimit(CREATE_LIMIT, 2, 1.8, 20, 10.0, "submissions stay below Kie's 20 in 10 seconds"),
    SharedLimit(POLL_LIMIT, 4, 5.0, 10, 1.0, "polls stay below Kie's 10 a second"),
)
"""What setup makes; limits that are there already are left as they are."""

NEXT = """
Setup does not choose where flow runs are executed. Next, in the directory with prefect.yaml:
  prefect work-pool create kie --type process
  prefect deploy --all
  prefect worker start --pool kie"""

STYLES: dict[Outcome, str] = {
    "created": "green",
    "there": "dim",
    "updated": "yellow",
    "missing": "bold red",
    "trouble": "yellow",
}


@dataclass(frozen=True)
class Finding:
    """What setup did about one thing.

    Attributes:
        outcome: Made now, there already and left as it is, brought up to date, missing still, or nothing that
            setup could make.
        what: The thing, and what there is to say about it.
        command: What to run where it is missing, or to do about the trouble.
    """

    outcome: Outcome
    what: str
    command: str | None = None


@dataclass(frozen=True)
class Setup:
    """What is to be there.

    Attributes:
        key: The key to Kie, for the credentials block where none exists; None: none is known.
        credits: The slots of the limit `kie-credits`, where it does not exist; None: it is not made.
        automations: The automations to have.
    """

    key: str | None
    credits: int | None = None
    automations: Sequence[AutomationCore] = all_automations()

    async def run(self) -> AsyncIterator[Finding]:
        """Make what is missing on the connected server, one finding per thing.

        Raises:
            ServerMissing: when there is no server to set up.
        """
        async with connected() as client:
            for block in _block_types():
                yield await provide_block_type(client, block)
            yield await _credentials(client, self.key)
            for limit in LIMITS:
                yield await provide_limit(client, limit)
            if (budget := await provide_budget(client, self.credits)) is not None:
                yield budget
            for automation in self.automations:
                yield await provide_automation(client, automation)
            async for check in check_events(client):
                yield Finding("there" if check.outcome == "ok" else "trouble", check.what, check.advice)


def run_setup(console: Console, credits: int | None = None) -> int:
    """Set the configured Prefect server up with KIE_API_KEY of the environment, and tell each thing.

    Args:
        console: Where to tell it.
        credits: What all runs may pay, where there is no such budget yet; None: no budget is made.

    Returns:
        The exit code: 0 when everything is there in the end, else 1.

    Raises:
        ServerMissing: as `Setup.run`.
    """
    setup = Setup(key=os.environ.get("KIE_API_KEY", "").strip() or None, credits=credits)
    complete = asyncio.run(_tell(setup, console))
    # Text and soft_wrap: brackets are no markup, and a command stays on its line.
    console.print(Text(NEXT), soft_wrap=True)
    return 0 if complete else 1


async def _tell(setup: Setup, console: Console) -> bool:
    """Print each finding as it comes; whether nothing is missing in the end."""
    complete = True
    async with connected():
        console.print(Text(f"Prefect server {server_url()}"), soft_wrap=True)
    async for finding in setup.run():
        line = Text(f"{finding.outcome:<8} ", style=STYLES[finding.outcome]).append(
            finding.what, style="none"
        )
        console.print(line, soft_wrap=True)
        if finding.outcome == "missing":
            complete = False
            console.print(Text(f"         run: {finding.command}"), soft_wrap=True)
        elif finding.command:
            console.print(Text(f"         {finding.command}"), soft_wrap=True)
    return complete


def _block_types() -> list[type[Block]]:
    public: list[Any] = [getattr(prefect_kie.blocks, name) for name in prefect_kie.blocks.__all__]
    return [block for block in public if isinstance(block, type) and issubclass(block, Block)]


async def provide_block_type(client: PrefectClient, block: type[Block]) -> Finding:
    before = await _described(client, block)
    await block.aregister_type_and_schema(client=client)
    what = f"block type {block.get_block_type_name()}"
    if before is None:
        return Finding("created", what)
    return Finding("there" if before == await _described(client, block) else "updated", what)


async def _described(client: PrefectClient, block: type[Block]) -> list[Any] | None:
    """What the server knows about a block type: its texts and its newest schema."""
    try:
        known = await client.read_block_type_by_slug(block.get_block_type_slug())
    except ObjectNotFound:
        return None
    schema = await client.get_most_recent_block_schema_for_block_type(known.id)
    texts = [known.logo_url, known.documentation_url, known.description, known.code_example]
    return [*texts, schema and schema.id]


async def _credentials(client: PrefectClient, key: str | None) -> Finding:
    what = f"credentials block {DEFAULT_CREDENTIALS!r}"
    slug = KieCredentials.get_block_type_slug()
    try:
        await client.read_block_document_by_name(DEFAULT_CREDENTIALS, slug, include_secrets=False)
    except ObjectNotFound:
        pass
    else:
        return Finding("there", f"{what}, whatever KIE_API_KEY says")
    again = "KIE_API_KEY=... prefect-kie setup"
    if key is None:
        return Finding("missing", f"{what}: KIE_API_KEY is not set (a key is made at kie.ai/api-key)", again)
    try:
        secret = check_key(key)
    except ValueError as refusal:
        return Finding("missing", f"{what}: {refusal}", again)
    await KieCredentials(api_key=secret).asave(DEFAULT_CREDENTIALS, client=client)
    return Finding("created", f"{what}, with the key of KIE_API_KEY")


async def provide_limit(client: PrefectClient, wanted: SharedLimit) -> Finding:
    what = f"concurrency limit {wanted.name!r}"
    try:
        found = await client.read_global_concurrency_limit_by_name(wanted.name)
    except ObjectNotFound:
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(
                name=wanted.name, limit=wanted.slots, slot_decay_per_second=wanted.decay
            )
        )
        return Finding("created", f"{what}: {wanted.what}, whoever makes them")
    numbers = f"limit {found.limit}, slot decay {found.slot_decay_per_second:g} a second"
    if not found.active:
        enable = f"prefect gcl enable {wanted.name}"
        return Finding("there", f"{what}, but switched off, so it paces nothing ({enable})")
    if found.limit < 1 or found.slot_decay_per_second == 0:
        return Finding(
            "missing",
            f"{what} is there ({numbers}) but paces nothing: both have to be above 0",
            f"prefect gcl update {wanted.name} --limit {wanted.slots} "
            f"--slot-decay-per-second {wanted.decay:g}",
        )
    if not wanted.paces(found.limit, found.slot_decay_per_second):
        numbers += f"; that is more than Kie's usual {wanted.kies} in {wanted.seconds:g} s"
    return Finding("there", f"{what} ({numbers})")


async def provide_budget(client: PrefectClient, credits: int | None) -> Finding | None:
    """Make the limit `kie-credits` on request; None where there is none and none is asked for."""
    what = f"budget of all runs, concurrency limit {CREDITS_LIMIT!r}"
    try:
        found = await client.read_global_concurrency_limit_by_name(CREDITS_LIMIT)
    except ObjectNotFound:
        if credits is None:
            return None
        await client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=CREDITS_LIMIT, limit=credits, slot_decay_per_second=0)
        )
        return Finding("created", f"{what}: {credits:,} credits")
    change = f"prefect gcl update {CREDITS_LIMIT}"
    if not found.active:
        enable = f"prefect gcl enable {CREDITS_LIMIT}"
        return Finding("there", f"{what}, but switched off, so that it caps nothing ({enable})")
    if found.slot_decay_per_second:
        return Finding(
            "missing",
            f"{what} has a slot decay, by which it forgets what was paid",
            f"{change} --slot-decay-per-second 0",
        )
    used = f"{what}: {found.active_slots:,} of {found.limit:,} credits are used"
    if found.active_slots >= found.limit:
        return Finding("trouble", f"{used}, so nothing is submitted", f"{change} --active-slots 0")
    return Finding("there", f"{used} (to begin anew: {change} --active-slots 0)")


async def provide_automation(client: PrefectClient, wanted: AutomationCore) -> Finding:
    what = f"automation {wanted.name!r}"
    found = await client.read_automations_by_name(wanted.name)
    if not found:
        await client.create_automation(_explicit(wanted))
        return Finding("created", what)
    if len(found) > 1:
        ids = [str(one.id) for one in found[1:]]
        return Finding(
            "missing",
            f"{what} is there {len(found)} times, and once is enough",
            " && ".join(f"prefect automation delete --id {one}" for one in ids),
        )
    (known,) = found
    off = "" if known.enabled else f"; switched off, and stays so (prefect automation resume --id {known.id})"
    mine = wanted.model_copy(update={"enabled": known.enabled})
    if _explicit(known) == _explicit(mine):
        return Finding("there", what + off)
    await client.update_automation(known.id, _explicit(mine))
    return Finding("updated", what + off)


def _explicit(automation: AutomationCore) -> AutomationCore:
    """The automation's content alone, each field set: Prefect's client sends no field that is a default."""
    content = automation.model_dump(exclude={"id", "owner_resource"})
    return AutomationCore.model_validate(content)
