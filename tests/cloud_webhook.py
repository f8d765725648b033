"""A Prefect Cloud webhook on this machine, as Prefect's documentation describes it.

Cloud renders the webhook's template, by the environment of its automations' templates, over `method`,
`headers` (in any case, without Authorization) and `body` (parsed where it is JSON); no part of the address.
What comes out is the event: Cloud adds what is missing, among it an ID and a payload for debugging, and the
webhook as a related resource. It answers 204, or 400 where anything is wrong.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from prefect.events import Event
from prefect.events.clients import get_events_client
from prefect.server.utilities.user_templates import render_user_template, validate_user_template

from prefect_kie.callbacks.webhook import TEMPLATE
from tests.hosting import hosting


@dataclass
class CloudWebhook:
    """The webhook: what it was sent, and the events that it made of it."""

    url: str = ""
    template: str = TEMPLATE
    addresses: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def rendered(self, method: str, headers: dict[str, str], content: bytes) -> Event:
        """The event that a request becomes; raises where it cannot be."""
        validate_user_template(self.template)
        shown = httpx.Headers({name: one for name, one in headers.items() if name.lower() != "authorization"})
        try:
            body: Any = json.loads(content)
        except ValueError:
            body = content.decode()
        context = {"method": method, "headers": shown, "body": body}
        fields = json.loads(await render_user_template(self.template, context))
        fields.setdefault("payload", {"method": method, "headers": dict(shown), "body": body})
        by = {"prefect.resource.id": "prefect-cloud.webhook.1", "prefect.resource.role": "webhook"}
        return Event.model_validate({**fields, "related": [*fields.get("related", []), by]})

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        method, address, _ = head.split(" ")
        headers = httpx.Headers(dict(line.split(": ", 1) for line in lines))
        content = await reader.readexactly(int(headers["content-length"]))
        self.addresses.append(address)
        try:
            event = await self.rendered(method, dict(headers), content)
            async with get_events_client(checkpoint_every=1) as client:
                await client.emit(event)
            self.events.append(event)
            status = 204
        except Exception:
            status = 400
        self.statuses.append(status)
        writer.write(f"HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def cloud_webhook(template: str = TEMPLATE) -> AsyncGenerator[CloudWebhook]:
    """Serve a webhook with a template."""
    webhook = CloudWebhook(template=template)
    async with hosting(webhook) as url:
        webhook.url = f"{url}/hooks/AERylZ_uewzpDx-8fcweHQ"
        yield webhook
