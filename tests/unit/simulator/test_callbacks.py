"""Callbacks, as their receiver sees them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import pytest

from prefect_kie.simulator.callbacks import is_loopback

from .conftest import NewLive, NewWorld, Receiver, text_job


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds that no semaphore tells."""
    for _ in range(300):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def test_success_is_posted_with_the_same_data_as_record_info(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live(duration_seconds=0.1)
    task_id = live.created({**text_job(), "callBackUrl": receiver.url})
    receiver.wait()
    headers, body = receiver.calls[0]
    assert (body["code"], body["msg"]) == (200, "Playground task completed successfully.")
    assert body["data"] == live.look(task_id)["data"]
    assert json.loads(body["data"]["param"])["callBackUrl"] == receiver.url
    assert not [name for name in headers if name.startswith("x-webhook") or name == "authorization"]
    assert live.server.stats()["callbacks_sent"] == 1


def test_failure_is_posted_with_501(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live()
    live.created({**text_job("gore"), "callBackUrl": receiver.url})
    receiver.wait()
    body = receiver.calls[0][1]
    assert (body["code"], body["msg"], body["data"]["state"]) == (501, "Playground task failed.", "fail")


def test_signature_covers_task_and_timestamp(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live(signing_key="secret")
    task_id = live.created({**text_job(), "callBackUrl": receiver.url})
    receiver.wait()
    headers, body = receiver.calls[0]
    signed = f"{task_id}.{headers['x-webhook-timestamp']}".encode()
    expected = base64.b64encode(hmac.new(b"secret", signed, hashlib.sha256).digest()).decode()
    assert headers["x-webhook-signature"] == expected
    assert body["data"]["taskId"] == task_id
    assert abs(int(headers["x-webhook-timestamp"]) - time.time()) < 5


def test_progress_is_posted_for_sora_models(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live(duration_seconds=0.3)
    live.created({**text_job(), "callBackUrl": receiver.url, "progressCallBackUrl": receiver.url})
    receiver.wait(4)
    told = [(body["code"], body["data"]["state"], body["data"]["progress"]) for _, body in receiver.calls]
    assert [state for _, state, _ in told] == ["generating"] * 3 + ["success"]
    assert all(code == 200 for code, _, _ in told)
    progress = [percent for _, _, percent in told]
    assert progress == sorted(progress)
    assert progress[0] >= 25
    assert receiver.calls[0][1]["msg"] == "success"


def test_other_models_post_no_progress(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live(duration_seconds=0.05)
    body = text_job(model="sora-2-text-to-video-stable")
    live.created({**body, "callBackUrl": receiver.url, "progressCallBackUrl": receiver.url})
    receiver.wait()
    assert receiver.calls[0][1]["data"]["state"] == "success"
    assert live.server.stats()["violations"] == 1


def test_an_unanswered_callback_is_tried_three_times(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live(callback_retry_seconds=0)
    receiver.statuses += [500, 404]
    live.created({**text_job(), "callBackUrl": receiver.url})
    receiver.wait(3)
    until(lambda: live.server.stats()["callbacks_delivered"] == 1)
    receiver.statuses += [500] * 4
    live.created({**text_job(), "callBackUrl": receiver.url})
    receiver.wait(3)
    until(lambda: live.server.stats()["callbacks_sent"] == 6)
    assert live.server.stats()["callbacks_delivered"] == 1


def test_nobody_listening_is_no_trouble(new_live: NewLive) -> None:
    live = new_live(callback_retry_seconds=0)
    live.created({**text_job(), "callBackUrl": "http://127.0.0.1:1/"})
    until(lambda: live.server.stats()["callbacks_sent"] == 3)


def test_duplicates_by_setting(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live(callback_duplicates=1)
    live.created({**text_job(), "callBackUrl": receiver.url})
    receiver.wait(2)
    assert len(receiver.calls) == 2


async def test_callbacks_never_leave_this_machine(new_world: NewWorld) -> None:
    world = new_world()
    await world.created({**text_job(), "callBackUrl": "https://hooks.example/kie"})
    stats = await world.stats()
    assert (stats["callbacks_refused"], stats["callbacks_sent"]) == (1, 0)
    assert stats["jobs"][0]["callBackUrl"] == "https://hooks.example/kie"


def test_a_stuck_job_has_no_callback(new_live: NewLive, receiver: Receiver) -> None:
    live = new_live()
    live.server.fault("job", stuck=True)
    live.created({**text_job("stuck"), "callBackUrl": receiver.url})
    live.created({**text_job(), "callBackUrl": receiver.url})
    receiver.wait()
    assert "a dog" in receiver.calls[0][1]["data"]["param"]


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://127.0.0.1:9/", True),
        ("http://127.8.8.8/", True),
        ("http://[::1]:9/x", True),
        ("http://localhost/", True),
        ("http://10.0.0.1/", False),
        ("https://localhost.example/", False),
    ],
)
def test_loopback_addresses(url: str, inside: bool) -> None:
    assert is_loopback(url) is inside
