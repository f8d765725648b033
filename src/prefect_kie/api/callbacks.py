"""Whether a callback comes from Kie. It signs the task id and the time, not the body."""

import base64
import hashlib
import hmac
import re

from prefect_kie.api.errors import CallbackRejected


def verify_signature(
    task_id: str,
    timestamp: str,
    signature: str,
    *,
    signing_key: str,
    now: float,
    window_seconds: float = 300.0,
) -> None:
    """Make sure that a callback about this task was signed by Kie, lately.

    Since the body is not signed, a genuine callback proves only that Kie called back about the task:
    poll the job, and trust nothing else of the body.

    Args:
        task_id: The task the body names.
        timestamp: The `X-Webhook-Timestamp` header, unix seconds.
        signature: The `X-Webhook-Signature` header: base64(HMAC-SHA256(key, task_id + "." + timestamp)).
        signing_key: The key of Kie's settings page.
        now: The time, unix seconds.
        window_seconds: How far the timestamp may be from now.

    Raises:
        CallbackRejected: when it is not genuine, too old or from the future.
    """
    # The caller chooses these texts; half a character in one of them is only a wrong signature.
    signed = f"{task_id}.{timestamp}".encode("utf-8", "surrogatepass")
    digest = hmac.new(signing_key.encode(), signed, hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "surrogatepass")):
        raise CallbackRejected("the callback's signature is not Kie's", task_id=task_id)
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > window_seconds:
        raise CallbackRejected("the callback's time is outside the accepted window", task_id=task_id)
