"""A Prefect Cloud webhook as the receiver: its template, and the check of what it passes on.

Cloud renders the template over a request's headers and body, and sends the event that comes out. It verifies
nothing and shows no part of the address. So the event carries Kie's signature, and whoever waits for the job
verifies it; nothing else of it is believed.
"""

from dataclasses import dataclass
from typing import Literal

from prefect.events.schemas.events import Event
from pydantic import SecretStr

from prefect_kie.api import CallbackRejected, verify_signature
from prefect_kie.blocks import KieCallbacks
from prefect_kie.run_page.events import JOB, JOB_CALLBACK

# Kie's record of the job echoes the address that it was given, and with it the submission. A request that
# names no job cannot be rendered, which Cloud answers with 400.
TEMPLATE = """\
{%- set data = body.data|default(body, true) -%}
{%- set job = data.taskId|default(data.task_id, true) -%}
{%- set job = job|default(body.taskId, true)|default(body.task_id, true) -%}
{%- set echo = (data.param|default("")|string).split("?kie-") -%}
{
  "event": "JOB_CALLBACK",
  "resource": {
    "prefect.resource.id": {{ ("JOB" ~ job)|tojson }},
    "prefect.resource.name": {{ ("job " ~ job)|tojson }},
    "kie.kind": "done"
  },
  "related": [
    {%- if echo|length > 1 %}
    {
      "prefect.resource.id": {{ ("kie.submission.kie-" ~ echo[-1][:32])|tojson }},
      "prefect.resource.role": "kie-submission"
    }
    {%- endif %}
  ],
  "payload": {
    "task_id": {{ job|tojson }},
    "timestamp": {{ headers["X-Webhook-Timestamp"]|default("")|tojson }},
    "signature": {{ headers["X-Webhook-Signature"]|default("")|tojson }}
  }
}
""".replace("JOB_CALLBACK", JOB_CALLBACK).replace("JOB", JOB)

Trust = Literal["genuine", "unsigned", "none"]


@dataclass(frozen=True)
class Verifier:
    """Which events of callbacks count."""

    webhook: bool = False
    signing_key: SecretStr | None = None
    window_seconds: float = 0.0
    accept_unsigned: bool = False

    @classmethod
    def of(cls, callbacks: KieCallbacks | None) -> "Verifier":
        """What a block says; `prefect-kie callbacks` has verified its own before it sent their events."""
        if callbacks is None or not callbacks.is_webhook:
            return cls()
        return cls(True, callbacks.signing_key, callbacks.window_seconds, callbacks.accept_unsigned)

    def trust(self, event: Event, now: float) -> Trust:
        """Whether an event comes from Kie, and lately by this time (unix seconds)."""
        if not self.webhook:
            return "none" if "signature" in event.payload else "genuine"
        timestamp, signature = (str(event.payload.get(name) or "") for name in ("timestamp", "signature"))
        if self.signing_key is None or not (timestamp or signature):
            return "unsigned" if self.accept_unsigned else "none"
        try:
            task_id, key = event.resource.id.removeprefix(JOB), self.signing_key.get_secret_value()
            window = self.window_seconds
            verify_signature(task_id, timestamp, signature, signing_key=key, now=now, window_seconds=window)
        except CallbackRejected:
            return "none"
        return "genuine"
