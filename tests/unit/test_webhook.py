"""A Prefect Cloud webhook's template: what passes through it, and which of its events count."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from prefect.events import Event
from prefect.server.utilities.user_templates import TemplateRenderError

from prefect_kie.blocks import KieCallbacks
from prefect_kie.callbacks.webhook import TEMPLATE, Verifier
from prefect_kie.cli.main import main
from tests.cloud_webhook import CloudWebhook
from tests.receiving import NOW, SIGNING_KEY, SUBMISSION, TASK, block, body, sign, signed

WEBHOOK = "https://api.prefect.cloud/hooks/AERylZ_uewzpDx-8fcweHQ"
ECHO = {"param": json.dumps({"model": "m", "input": "{}", "callBackUrl": f"{WEBHOOK}?{SUBMISSION}"})}


def webhook(**fields: Any) -> KieCallbacks:
    return block(base_url=WEBHOOK, receiver="Prefect Cloud webhook", **fields)


async def event(content: Any = None, headers: dict[str, str] | None = None) -> Event:
    content = body(**ECHO) if content is None else content
    return await CloudWebhook().rendered(
        "POST", signed() if headers is None else headers, json.dumps(content).encode()
    )


def trust(one: Event, at: float = NOW, **fields: Any) -> str:
    return Verifier.of(webhook(**fields)).trust(one, at)


def test_kie_is_given_one_address_without_progress() -> None:
    assert webhook().done_url(SUBMISSION) == f"{WEBHOOK}?{SUBMISSION}"
    assert webhook().progress_url(SUBMISSION) is None


async def test_a_callback_becomes_the_event_with_its_signature_and_nothing_else_of_it() -> None:
    made = await event()
    assert (made.event, dict(made.resource)) == (
        "kie.job.callback",
        {
            "prefect.resource.id": f"kie.job.{TASK}",
            "prefect.resource.name": f"job {TASK}",
            "kie.kind": "done",
        },
    )
    stamp = str(NOW)
    assert made.payload == {"task_id": TASK, "timestamp": stamp, "signature": sign(TASK, stamp)}
    assert [one.id for one in made.related] == [f"kie.submission.{SUBMISSION}", "prefect-cloud.webhook.1"]
    assert trust(made) == "genuine"
    # Where what is undefined is an error, it works as well.
    strict = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(TEMPLATE)
    again = json.loads(strict.render(method="POST", headers=signed(), body={"task_id": TASK}))
    assert again["payload"] == made.payload


@pytest.mark.parametrize(
    "content",
    [
        {"data": {"task_id": TASK}},
        {"taskId": TASK},
        {"task_id": TASK, "data": None},
        {"task_id": TASK, "data": {"state": "success"}},
        body(param={"callBackUrl": f"{WEBHOOK}?{SUBMISSION}", "input": {"prompt": 'a "cat"'}}),
        body(param=None),
    ],
)
async def test_a_job_is_found_wherever_kie_names_it(content: dict[str, Any]) -> None:
    made = await event(content)
    assert made.resource.id == f"kie.job.{TASK}"
    assert trust(made) == "genuine"


@pytest.mark.parametrize("content", [{}, {"data": {}}, [], "text", None, {"data": [1]}, {"taskId": ""}])
async def test_what_names_no_job_is_refused(content: Any) -> None:
    with pytest.raises(TemplateRenderError):
        await CloudWebhook().rendered("POST", signed(), json.dumps(content).encode())


async def test_a_text_of_the_sender_stays_a_text() -> None:
    """Nothing of a request can become another field of the event."""
    odd = 'x", "kie.kind": "y"}, "event": "prefect.flow-run.Completed", "z": {"'
    made = await event(body(odd), {"X-Webhook-Signature": odd, "X-Webhook-Timestamp": "{{ 1 + 1 }}"})
    assert (made.event, made.resource.id) == ("kie.job.callback", f"kie.job.{odd}")
    assert made.payload == {"task_id": odd, "timestamp": "{{ 1 + 1 }}", "signature": odd}
    assert trust(made) == "none"


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        (signed(key="another"), NOW),
        (signed("another-job"), NOW),
        (signed(), NOW + 301),
        (signed(), NOW - 301),
        ({**signed(), "X-Webhook-Timestamp": str(NOW + 1)}, NOW),
        ({**signed(), "X-Webhook-Timestamp": ""}, NOW),
        ({**signed(), "X-Webhook-Signature": ""}, NOW),
        ({}, NOW),
    ],
    ids=[
        "another key",
        "another job",
        "stale",
        "future",
        "another time",
        "no time",
        "no signature",
        "unsigned",
    ],
)
async def test_what_is_not_proven_to_be_kies_counts_for_nothing(headers: dict[str, str], at: float) -> None:
    assert trust(await event(headers=headers), at) == "none"


async def test_unsigned_ones_count_where_the_block_says_so_and_forged_ones_never() -> None:
    assert trust(await event(headers={}), accept_unsigned=True) == "unsigned"
    assert trust(await event(headers=signed(key="x")), accept_unsigned=True) == "none"
    assert trust(await event(), accept_unsigned=True, signing_key=None) == "unsigned"


async def test_a_receivers_events_and_a_webhooks_are_not_taken_for_each_other() -> None:
    """Who verifies is known by the block: a template that was cut short makes nothing genuine."""
    own = Verifier.of(block())
    assert own.trust(await event(), NOW) == "none"
    cut = (await event()).model_copy(update={"payload": {"task_id": TASK}})
    assert own.trust(cut, NOW) == "genuine"
    assert trust(cut) == "none"


def test_the_command_prints_the_template(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "template"]) == 0
    assert capsys.readouterr().out == TEMPLATE
    assert SIGNING_KEY not in TEMPLATE
