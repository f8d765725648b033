"""Callbacks as Kie sends them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from prefect.events import emit_event

from prefect_kie.blocks import KieCallbacks
from prefect_kie.run_page.events import callback_event

SIGNING_KEY = "whsec-look-for-me-5d1f7c"
TASK = "e989621f54392584b05867f87b160672"
SUBMISSION = "kie-0123456789abcdef0123456789abcdef"
NOW = 1_780_000_000


def block(**fields: Any) -> KieCallbacks:
    """A block with a key."""
    return KieCallbacks.model_validate(
        {"base_url": "https://hooks.example", "signing_key": SIGNING_KEY, **fields}
    )


def sign(task_id: str, timestamp: str, key: str = SIGNING_KEY) -> str:
    """The signature as Kie makes it, written anew."""
    digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def signed(task_id: str = TASK, at: float = NOW, key: str = SIGNING_KEY) -> dict[str, str]:
    """The headers of a genuine callback."""
    stamp = str(int(at))
    return {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": sign(task_id, stamp, key)}


def body(task_id: str = TASK, **data: Any) -> dict[str, Any]:
    """A callback's body."""
    return {
        "code": 200,
        "msg": "Playground task completed successfully.",
        "data": {
            "taskId": task_id,
            "model": "sora-2-text-to-video",
            "state": "success",
            "resultJson": '{"resultUrls": ["https://evil.example/virus.mp4"]}',
            **data,
        },
    }


def emit_callback(task_id: str, **hints: Any) -> None:
    """Send the receiver's event without a receiver, in the background."""
    event = callback_event(task_id, **hints)
    emit_event(event.event, dict(event.resource), related=event.related, payload=event.payload)
