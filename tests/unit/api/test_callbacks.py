"""Whether a callback comes from Kie."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_kie.api import CallbackRejected, verify_signature

TASK, NOW, SIGNING_KEY = "e989621f54392584b05867f87b160672", 1_780_000_000, "whsec-7f3a"


def signed(task_id: str = TASK, timestamp: str = str(NOW), key: str = SIGNING_KEY) -> str:
    """The signature as Kie makes it."""
    digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def verify(
    task_id: str = TASK, timestamp: str = str(NOW), signature: str | None = None, window: float = 300
) -> None:
    """Verify a callback that is genuine where nothing else is given."""
    verify_signature(
        task_id,
        timestamp,
        signed() if signature is None else signature,
        signing_key=SIGNING_KEY,
        now=NOW,
        window_seconds=window,
    )


def test_a_genuine_callback_passes() -> None:
    verify()


def test_the_signature_is_the_documented_one() -> None:
    # HMAC-SHA256 of "task_1.1700000000" under "key", calculated with openssl.
    verify_signature(
        "task_1",
        "1700000000",
        "ID58Rce2nAwtIpfn+sD7iUUJ8ZOCNyiML2w9xRpkngg=",
        signing_key="key",
        now=1_700_000_000,
    )


@pytest.mark.parametrize("seconds", [-300, -1, 0, 299, 300])
def test_a_callback_within_the_window_passes(seconds: int) -> None:
    at = str(NOW + seconds)
    verify(timestamp=at, signature=signed(timestamp=at))


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400], ids=["day old", "old", "ahead", "tomorrow"])
def test_an_old_callback_and_one_from_the_future_are_refused(seconds: int) -> None:
    at = str(NOW + seconds)
    with pytest.raises(CallbackRejected, match="outside the accepted window") as caught:
        verify(timestamp=at, signature=signed(timestamp=at))
    assert caught.value.task_id == TASK


def test_the_window_can_be_chosen() -> None:
    at = str(NOW - 301)
    verify(timestamp=at, signature=signed(timestamp=at), window=301)


@pytest.mark.parametrize(
    "signature",
    [
        signed(key="another key"),
        signed(key=""),
        signed(task_id="another task"),
        signed(timestamp=str(NOW + 1)),
        signed()[:-1],
        signed() + "=",
        f" {signed()}",
        signed().lower(),
        base64.b64decode(signed()).hex(),
        "",
        "garbage",
        "ü",
        "\ud83d",
        "x" * 10_000,
    ],
    ids=lambda text: ascii(text[:16]),
)
def test_any_other_signature_is_refused(signature: str) -> None:
    with pytest.raises(CallbackRejected, match="signature is not Kie's"):
        verify(signature=signature)


def test_the_signature_of_another_task_is_refused() -> None:
    with pytest.raises(CallbackRejected, match="signature is not Kie's"):
        verify(task_id="another task")


@pytest.mark.parametrize(
    "timestamp", ["", "now", "-1", "1.5", "²", "١", " 1780000000", "9" * 5000], ids=ascii
)
def test_a_signed_time_that_is_no_number_is_refused(timestamp: str) -> None:
    with pytest.raises(CallbackRejected, match="outside the accepted window"):
        verify(timestamp=timestamp, signature=signed(timestamp=timestamp))


anything = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=100, deadline=None)
@given(task_id=anything, timestamp=anything | st.integers().map(str), signature=anything)
def test_whatever_else_rings_is_refused(task_id: str, timestamp: str, signature: str) -> None:
    with pytest.raises(CallbackRejected):
        verify(task_id, timestamp, signature)
