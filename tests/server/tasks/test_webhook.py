"""Callbacks by a Prefect Cloud webhook: polled at once and saved, and nothing by what Kie has not signed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from prefect_kie.api import PollPolicy, SubmissionInDoubt
from prefect_kie.blocks import KieCallbacks, KieCredentials
from prefect_kie.cli.probes import check_webhook
from prefect_kie.flows import Output, Waiting, generate_video
from prefect_kie.models import Wan30Video
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.tasks import wan_3_0_video
from tests.cloud_webhook import CloudWebhook, cloud_webhook
from tests.conftest import KEY
from tests.receiving import SIGNING_KEY, body, signed
from tests.server.tasks.test_callback_waiter import stored_events

pytestmark = [pytest.mark.server, pytest.mark.recorded]

CAT = Wan30Video(prompt="a cat, ?kie-nothing", duration=3)
PATIENT = PollPolicy(usual_seconds=40, min_gap_seconds=0.05, seconds_per_poll=100)
"""Without its callback a job of one second would be found after a minute."""


@pytest.fixture
def kie() -> Iterator[SimulatorServer]:
    """A Kie that signs its callbacks, and repeats the last one."""
    settings = SimulatorSettings(
        signing_key=SIGNING_KEY, callback_duplicates=1, duration_seconds=2.0, video_height=36, video_fps=2
    )
    with SimulatorServer(settings) as simulator:
        yield simulator


def credentials(kie: SimulatorServer, webhook: CloudWebhook) -> KieCredentials:
    callbacks = KieCallbacks.model_validate(
        {"receiver": "Prefect Cloud webhook", "base_url": webhook.url, "signing_key": SIGNING_KEY}
    )
    return KieCredentials(api_key=KEY, base_url=kie.url, upload_url=kie.url, callbacks=callbacks)


async def test_a_waiting_run_is_called_back_and_forgeries_move_nobody(
    kie: SimulatorServer, tmp_path: Path
) -> None:
    """Forged, unsigned and stale ones before the job's end cause no poll; Kie's own causes one, at once."""

    async def forge(webhook: CloudWebhook) -> None:
        while not kie.stats()["jobs"]:
            await asyncio.sleep(0.05)
        job = kie.stats()["jobs"][0]["task_id"]
        now = time.time()
        async with httpx.AsyncClient() as anybody:
            for headers in (signed(job, now, "another key"), {}, signed(job, now - 3600)):
                evil = body(job, state="success")
                assert (await anybody.post(webhook.url, json=evil, headers=headers)).status_code == 204
            assert (await anybody.post(webhook.url, content=b"no job")).status_code == 400

    async with cloud_webhook() as webhook:
        begun = time.monotonic()
        made, _ = await asyncio.gather(
            generate_video(
                CAT,
                credentials(kie, webhook),
                output=Output(directory=tmp_path),
                waiting=Waiting(poll=PATIENT),
            ),
            forge(webhook),
        )
        assert time.monotonic() - begun < 45
        (job,) = kie.stats()["jobs"]
        assert Path(made.path).stat().st_size > 0
        assert job["polls"] == 1
        assert kie.stats()["created"] == 1
        while webhook.statuses.count(204) < 5:  # Kie's own, and its copy
            await asyncio.sleep(0.05)
        assert job["callBackUrl"].startswith(f"{webhook.url}?kie-")
        # One that is played again later finds nobody.
        again = webhook.events[-1].payload
        replayed = {f"X-Webhook-{name}": again[name.lower()] for name in ("Timestamp", "Signature")}
        async with httpx.AsyncClient() as anybody:
            await anybody.post(webhook.url, json=body(job["task_id"]), headers=replayed)
        assert kie.stats()["jobs"][0]["polls"] == 1


async def test_it_settles_a_submission_in_doubt_only_by_a_signed_callback(kie: SimulatorServer) -> None:
    """Kie's record of the job, in the body, echoes the address that names the submission."""

    @flow
    async def submit(key: KieCredentials) -> str:
        return (await wan_3_0_video(CAT, key, job_key="by-webhook")).task_id

    async with cloud_webhook() as webhook:
        key = credentials(kie, webhook)
        kie.fault("create", accept=True, reset=True)
        with pytest.raises(SubmissionInDoubt) as caught:
            await submit(key)
        job = kie.stats()["jobs"][0]["task_id"]
        param = f'{{"callBackUrl": "{webhook.url}?{caught.value.submission}"}}'
        async with httpx.AsyncClient() as anybody:
            await anybody.post(webhook.url, json=body(job, param=param))
            await stored_events()
            with pytest.raises(SubmissionInDoubt):
                await submit(key)
            while not any(event.payload["signature"] for event in webhook.events):
                await asyncio.sleep(0.05)
        await stored_events()
        assert await submit(key) == job
        assert kie.stats()["created"] == 1


async def test_the_doctor_sends_one_through_it(kie: SimulatorServer) -> None:
    async with get_client() as client:
        async with cloud_webhook() as webhook:
            found = await check_webhook(callbacks_of(kie, webhook), client)
            assert (found.outcome, found.what) == (
                "ok",
                f"callbacks: the webhook {webhook.url} passes them on",
            )
            resource = '{"prefect.resource.id": "kie.job.{{ body.data.taskId }}"}'
            webhook.template = f'{{"event": "kie.job.callback", "resource": {resource}}}'
            found = await check_webhook(callbacks_of(kie, webhook), client)
            assert found.outcome == "error"
            assert "sends no event kie.job.callback with a callback's signature" in found.what
            webhook.template = "{{ nothing|tojson }}"
            assert "status 400" in (await check_webhook(callbacks_of(kie, webhook), client)).what
        assert "cannot be asked" in (await check_webhook(callbacks_of(kie, webhook), client)).what


def callbacks_of(kie: SimulatorServer, webhook: CloudWebhook) -> KieCallbacks:
    callbacks = credentials(kie, webhook).callbacks
    assert callbacks is not None
    return callbacks
