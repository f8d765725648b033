"""The automations of `prefect-kie setup --notify`: people are told what needs them, once, and how runs end.

Each sends a text with a link to the run's page through one of Prefect's notification blocks. A link leads to
the page and does nothing by itself.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger, Posture, SendNotification
from prefect.client.base import ServerType
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import Automation
from prefect.exceptions import ObjectNotFound

from prefect_kie.cli.automations import RECOVERING, TAGGED
from prefect_kie.cli.terminal import CommandFailed, Finding
from prefect_kie.run_page.events import ACCOUNT_REFUSED, ASKED, BUDGET_REACHED, IN_DOUBT, OCCASION

NO_BLOCK = "none"
REPEATED_WITHIN = timedelta(days=30)  # so long one occasion is known; Kie keeps results for 14 days
CRASH_WITHIN = timedelta(minutes=1)  # a crash that is run again is marked in a moment
RESUMING_FLOW = "resume-waiting"  # runs every minute, and its end is no news

# In both UIs; the text stands where the server does not know its own address.
_RUN = "{% if flow_run %}{{ flow_run.name }}: {{ flow_run | ui_url or flow_run.id }}{% endif %}"
_STATE = "{{ event.resource['prefect.state-message'] | truncate(1000) | replace('<', '‹') }}"
_OURS: list[Any] = [
    TAGGED,
    {"prefect.resource.role": "deployment"},
    {"prefect.resource.role": "flow", "prefect.resource.name": f"!{RESUMING_FLOW}"},
]
"""A run of a deployment with the tag."""


def all_notifications(block: UUID, *, crash_within: timedelta = CRASH_WITHIN) -> tuple[AutomationCore, ...]:
    message = "{{ event.payload.message }}"
    told = (
        ("a run asks", "A run waits for your answer", message, _once(ASKED)),
        ("a submission is in doubt", "A submission is in doubt", message, _once(IN_DOUBT)),
        ("a run stops for money", "A run stops for money", message, _once(BUDGET_REACHED, ACCOUNT_REFUSED)),
        (
            "a run has ended",
            "{{ event.resource['prefect.state-name'] }}: {{ flow_run.name }}",
            _STATE,
            # Each end once, also where a busy server evaluates its event twice.
            _trigger(("Completed", "Failed", "TimedOut"), "prefect.state-timestamp", timedelta(days=1)),
        ),
        (
            "a run has crashed for good",
            "Crashed, and not run again: {{ flow_run.name }}",
            f"{_STATE}\nChoose Retry on its page: what it has submitted is not paid again.",
            # By the count of its begins: a run that cannot even start crashes with the same one again, which
            # begins the time anew, as a heartbeat does.
            _trigger(("Crashed", RECOVERING, "AwaitingRetry"), "prefect.run-count", crash_within, "Crashed"),
        ),
    )
    return tuple(
        AutomationCore(
            name=f"prefect-kie tells people: {name}",
            description="A message with a link to the run's page; made by prefect-kie setup --notify.",
            trigger=trigger,
            actions=[SendNotification(block_document_id=block, subject=subject, body=f"{body}\n{_RUN}")],
        )
        for name, subject, body, trigger in told
    )


def _once(*events: str) -> EventTrigger:
    """What needs a person is told once for each occasion, whoever reports it."""
    return EventTrigger(
        posture=Posture.Reactive, expect=set(events), for_each={OCCASION}, threshold=1, within=REPEATED_WITHIN
    )


def _trigger(expect: Iterable[str], each: str, within: timedelta, after: str | None = None) -> EventTrigger:
    return EventTrigger(
        posture=Posture.Proactive if after else Posture.Reactive,
        after={f"prefect.flow-run.{after}"} if after else set(),
        expect={f"prefect.flow-run.{one}" for one in expect},
        match={"prefect.resource.id": "prefect.flow-run.*"},
        match_related=_OURS,
        for_each={"prefect.resource.id", each},
        threshold=1,
        within=within,
    )


async def wanted(client: PrefectClient, block: str | None) -> list[AutomationCore]:
    """The automations that setup keeps: all, for a block named `type/name`; for None those that exist now."""
    if block is not None:
        return list(all_notifications(await _block_id(client, block)))
    blocks = {known.name: _block_of(known) for known in await existing(client)}
    return [
        one
        for block in dict.fromkeys(blocks.values())
        for one in all_notifications(block)
        if blocks.get(one.name) == block
    ]


async def existing(client: PrefectClient) -> list[Automation]:
    found = [await client.read_automations_by_name(one.name) for one in all_notifications(UUID(int=0))]
    return [one for same in found for one in same]


async def check(client: PrefectClient, what: str, kept: Iterable[AutomationCore]) -> Finding | None:
    """Why messages do not arrive, or have no link; None where they do."""
    blocks = {_block_of(one) for one in kept}
    for block in blocks:
        try:
            await client.read_block_document(block)
        except ObjectNotFound:
            gone = f"{what} go nowhere: their notification block does not exist any more"
            return Finding("error", gone, "run: prefect-kie setup --notify TYPE/NAME (or none)")
    if not blocks or client.server_type == ServerType.CLOUD:
        return None
    if (await client.request("GET", "/admin/settings")).json().get("ui_url"):
        return None
    remedy = "set PREFECT_UI_URL=http://SERVER:4200, as browsers reach it, where the server runs; restart it"
    return Finding("warning", f"{what} have no link: the server does not know its own address", remedy)


def _block_of(automation: AutomationCore) -> UUID:
    sends = (one.block_document_id for one in automation.actions if isinstance(one, SendNotification))
    return next(sends, UUID(int=0))


async def _block_id(client: PrefectClient, block: str) -> UUID:
    slug, _, name = block.partition("/")
    with suppress(ObjectNotFound):
        found = await client.read_block_document_by_name(name, slug, include_secrets=False)
        if found.block_schema is not None and "notify" in found.block_schema.capabilities:
            return found.id
    able = {"block_schemas": {"block_capabilities": {"all_": ["notify"]}}}
    answer = await client.request("POST", "/block_documents/filter", json=able)
    known = [f"{one['block_type']['slug']}/{one['name']}" for one in answer.json() if one["name"]]
    there = (
        f"there are: {', '.join(known)}" if known else "make one in the UI (Blocks), such as Slack Webhook"
    )
    raise CommandFailed(
        f"No notification block {block!r} exists on this server; {there}. Then run prefect-kie setup "
        "--notify TYPE/NAME."
    )
