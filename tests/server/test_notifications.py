"""`setup --notify`: exactly one message for each thing that needs a person, and for each end of a run.

The block is Prefect's own for any webhook; what it sends is recorded here.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.automations import AutomationCore, EventTrigger, Posture, SendNotification
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.states import AwaitingRetry, Cancelled, Completed, Crashed, Failed, Pending, Running, Suspended
from prefect.variables import Variable

from prefect_kie.api import SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.automations import RECOVERING, RECOVERY_TAG, all_automations
from prefect_kie.cli.local_server import LocalServer
from prefect_kie.cli.notifications import RESUMING_FLOW, all_notifications
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import Scope, create_character, generate_batch, generate_video
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, QUICKLY, grouped
from tests.receiving import emit_callback
from tests.server.flows.test_questions import Deployed, Person, for_a_character, stored
from tests.server.test_provisioning import clear, take_into_use
from tests.unit.test_deployments import ROOT

pytestmark = [pytest.mark.server, pytest.mark.recorded, pytest.mark.usefixtures("nobody_asks")]

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
SOON = 20.0
FIRED = "the trigger fired"
DOCUMENTED = re.findall(r"^\| `(kie\.[a-z.-]+)`", (ROOT / "docs/notifications.md").read_text(), re.MULTILINE)


class Phone:
    """What a person gets: every message that the block has sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        phone = self

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                phone.messages.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def about(self, run: UUID | str) -> list[str]:
        """The subjects of the messages about a run, in order."""
        return [one["subject"] for one in self.messages if str(run) in one["body"]]

    async def has(self, count: int, run: UUID | str, seconds: float = SOON) -> None:
        """Wait until there are so many messages about a run."""
        end = time.monotonic() + seconds
        while len(self.about(run)) < count:
            assert time.monotonic() < end, self.messages
            await asyncio.sleep(0.05)

    async def is_quiet(self) -> None:
        """All that happened before is told: what happens afterwards was told, too."""
        emit_callback(later := f"later-{uuid4()}", kind="done")  # in the queue of all that this process sends
        await self.has(1, later)
        async with get_client() as client:
            run = await led(client, Running(), Completed(message="later"))
        await self.has(1, run)


async def led(
    client: PrefectClient, *states: State, flow: str = "led-by-hand", tag: str = RECOVERY_TAG
) -> UUID:
    """A run of a deployment, led through states as a worker would."""
    made = await client.create_flow_from_name(flow)
    deployment = await client.create_deployment(made, f"told-{uuid4().hex[:8]}", tags=[tag])
    run = await client.create_flow_run_from_deployment(deployment)
    for state in states:
        await client.set_flow_run_state(run.id, state, force=True)
    return run.id


@pytest.fixture(scope="module")
def phone(prefect_server: LocalServer) -> Iterator[Phone]:
    """The messages of a server that tells people, and runs crashed runs again."""
    phone, names = Phone(), [FIRED, *(one.name for one in all_notifications(UUID(int=0)))]

    async def begin() -> None:
        text = {"subject": "{{subject}}", "body": "{{body}}"}
        block = CustomWebhookNotificationBlock(name="phone", url=phone.url, json_data=text)
        saved = await block.asave("phone", overwrite=True)
        made = all_notifications(saved, crash_within=timedelta(seconds=10))
        sends = SendNotification(
            block_document_id=saved, subject=FIRED, body="{{ event.event }} {{ event.payload.task_id }}"
        )
        trigger = EventTrigger(expect=set(DOCUMENTED), posture=Posture.Reactive, threshold=1)
        documented = AutomationCore(name=FIRED, trigger=trigger, actions=[sends])
        async with get_client() as client:
            await take_into_use(client, [documented, *made, *all_automations()])

    async def end() -> None:
        async with get_client() as client:
            for name in names:
                for one in await client.read_automations_by_name(name):
                    await client.delete_automation(one.id)
        await clear()

    asyncio.run(begin())
    yield phone
    asyncio.run(end())
    phone.close()


@pytest.fixture
async def client(prefect_server: LocalServer) -> AsyncIterator[PrefectClient]:
    async with get_client() as client:
        yield client


async def events_of(run: UUID, count: int, *names: str) -> list[Any]:
    """The events of these names that are about a run, once there are so many, in order."""
    about = EventResourceFilter(id=[f"prefect.flow-run.{run}"])
    async with get_client() as client:
        wanted = EventFilter(event=EventNameFilter(name=list(names)), resource=about)
        while len(found := (await client.read_events(wanted, limit=50)).events) < count:
            await asyncio.sleep(0.05)
    return sorted(found, key=lambda event: event.occurred)


async def test_a_question_is_told_once_until_it_is_another_one(
    phone: Phone,
    prefect_server: LocalServer,
    kie: SimulatorServer,
    credentials: KieCredentials,
    client: PrefectClient,
) -> None:
    """A crash while it waits is no new question; a bad answer, or a retry after nobody answered, is one."""
    deployed = await Deployed.of(create_character, await for_a_character(credentials))
    run, subject = deployed.run.id, "A run waits for your answer"
    assert (await deployed.work()).name == "Suspended"
    await phone.has(1, run)
    await client.set_flow_run_state(run, Crashed(), force=True)  # as if before it was suspended
    await client.set_flow_run_state(run, AwaitingRetry())
    assert (await deployed.work()).name == "Suspended"
    await phone.is_quiet()
    assert phone.about(run) == [subject]
    (body,) = [one["body"] for one in phone.messages if str(run) in one["body"]]
    assert "waits for your answer: which slice? Open the run and choose Resume" in body
    assert body.endswith(f": {prefect_server.url}/runs/flow-run/{run}")

    await deployed.resume({"start": 5, "end": 3})
    assert (await deployed.work()).name == "Suspended"
    await phone.has(2, run)
    await client.set_flow_run_state(run, Failed(message="never resumed"), force=True)
    await deployed.retry()
    assert (await deployed.work()).name == "Suspended"
    await phone.has(3, run)
    await deployed.resume({"start": 1, "end": 3})
    assert (await deployed.work()).is_completed()
    await phone.is_quiet()
    assert phone.about(run) == [subject] * 3

    told = await events_of(run, 6, "kie.flow-run.asked", "kie.flow-run.answered")
    assert [event.event.rpartition(".")[2] for event in told] == [
        *("asked", "asked", "answered", "asked", "asked", "answered"),
    ]
    assert {event.resource.id for event in told} == {f"prefect.flow-run.{run}"}
    assert {event.resource["kie.question"] for event in told} == {"slice"}
    assert told[-1].payload == {"question": "which slice?", "answer": {"start": "1.0", "end": "3.0"}}
    occasions = [event.resource["kie.occasion"] for event in told]
    assert len(set(occasions)) == 3
    assert occasions[0] == occasions[1] == occasions[2] == f"{run}.kie-slice-1.0"


async def test_a_doubt_is_told_once_by_whichever_run_meets_it(
    phone: Phone, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    options = {**grouped(directory=tmp_path), "waiting": QUICKLY, "scope": Scope(job_key=f"told {uuid4()}")}
    kie.fault("create", reset=True, accept=True)
    with pytest.raises(RunIncomplete) as caught:
        await generate_video(CAT, credentials, **options)
    (doubt,) = caught.value.errors
    assert isinstance(doubt, SubmissionInDoubt)
    with pytest.raises(RunIncomplete):
        await generate_video(CAT, credentials, **options)
    await phone.is_quiet()
    (told,) = [one for one in phone.messages if str(doubt.submission) in one["body"]]
    assert told["subject"] == "A submission is in doubt"
    assert "Look in Kie's logs page (kie.ai/logs)" in told["body"]
    assert "/runs/flow-run/" in told["body"]
    assert kie.stats()["created"] == 1


async def test_a_run_that_stops_for_money_is_told_once_and_its_end_once(
    phone: Phone, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    """Three jobs are refused for it, and a retry is refused again: a person is needed twice."""
    kie.fault("create", times=None, code=402)
    parameters = {
        "request": CAT.model_dump(exclude_none=True),
        "credentials": await stored(credentials),
        "count": 3,
        **grouped(directory=str(tmp_path), poll=QUICK.model_dump()),
    }
    deployed = await Deployed.of(generate_video, parameters, tags=[RECOVERY_TAG])
    run = deployed.run.id
    assert (await deployed.work()).is_failed()
    await phone.has(2, run)
    await phone.is_quiet()
    subjects = sorted(phone.about(run))
    assert subjects[0] == "A run stops for money"
    assert subjects[1].startswith("Failed: generate-video")
    assert len(subjects) == 2
    await deployed.retry()
    assert (await deployed.work()).is_failed()
    await phone.is_quiet()
    assert phone.about(run).count("A run stops for money") == 2
    assert len(phone.about(run)) == 4
    first, second = await events_of(run, 2, "kie.flow-run.account-refused")
    assert first.resource["kie.reason"] == second.resource["kie.reason"] == "no-credits"
    assert kie.stats()["created"] == 0


@pytest.fixture
def prices(prefect_server: LocalServer) -> Iterator[None]:
    """A price for one model."""
    Variable.set("kie_prices", {"sora-2-text-to-video": 30}, overwrite=True)
    yield
    Variable.unset("kie_prices")


@pytest.mark.usefixtures("prices")
async def test_a_budget_that_is_reached_is_told_once(
    phone: Phone, credentials: KieCredentials, tmp_path: Path, kie: SimulatorServer
) -> None:
    state: State[Any] = await generate_video(
        CAT,
        credentials,
        count=2,
        **grouped(directory=tmp_path, poll=QUICK, max_credits=40),
        return_state=True,
    )
    run = state.state_details.flow_run_id
    assert run is not None
    await phone.is_quiet()
    assert phone.about(run) == ["A run stops for money"]
    (told,) = await events_of(run, 1, "kie.flow-run.budget-reached")
    assert told.resource["kie.budget"] == "max_credits"
    assert told.payload["left"] == 40
    assert "2 jobs to submit would cost 60 credits" in told.payload["message"]
    assert kie.stats()["created"] == 0


async def test_each_end_of_a_deployed_run_is_told_once(phone: Phone, client: PrefectClient) -> None:
    """A crash that is run again is no end; neither is a suspension, nor what is none of ours."""
    for_good = await led(client, Pending(), Crashed(message="No such image"))
    crashed = await led(client, Running(), Crashed(message="Process exited with -9"))
    for run in (for_good, crashed):
        await is_marked(client, run)
    for state in (AwaitingRetry(), Pending(), Crashed(message="No such image")):
        await client.set_flow_run_state(for_good, state)  # it cannot even start
    for state in (AwaitingRetry(), Pending(), Running(), Completed(message="1 video, 30 credits")):
        await client.set_flow_run_state(crashed, state)
    failed = await led(client, Running(), Suspended(), Running(), Failed(message="<!channel> a\nb"))
    others = [
        await led(client, Running(), Suspended()),
        await led(client, Running(), Completed(), tag="another"),
        await led(client, Running(), Completed(), flow=RESUMING_FLOW),
    ]
    await phone.has(1, for_good, 40)
    await client.set_flow_run_state(others[0], Cancelled(), force=True)
    await phone.is_quiet()
    assert phone.about(for_good) == [f"Crashed, and not run again: {await name_of(client, for_good)}"]
    assert phone.about(crashed) == [f"Completed: {await name_of(client, crashed)}"]
    assert phone.about(failed) == [f"Failed: {await name_of(client, failed)}"]
    (body,) = [one["body"] for one in phone.messages if str(failed) in one["body"]]
    assert body.startswith("‹!channel> a\nb\n")
    assert [phone.about(run) for run in others] == [[], [], []]


@pytest.mark.usefixtures("prices")
async def test_each_documented_event_fires_a_trigger(
    phone: Phone, kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    def made(prompt: str, **options: Any) -> Any:
        request = Sora2TextToVideo(prompt=prompt)
        return generate_video(request, credentials, **grouped(**folder, **options), return_state=True)

    folder = {"directory": tmp_path, "poll": QUICK}
    rows = [{"prompt": "a yak"}, {"prompt": "a fox"}, {"prompt": "a lost owl"}]
    kie.fault("job", prompt="a fox", fail={"failMsg": "it violates our policy"})
    kie.fault("create", prompt="a lost owl", reset=True, accept=True)
    defaults = {"model": "sora-2-text-to-video"}
    await generate_batch(rows, credentials, defaults, **grouped(**folder), return_state=True)
    await asyncio.gather(made("a cat", ask_above=0), Person({"decision": "yes"})())
    await made("a gnu", max_credits=10)
    kie.fault("create", code=402)
    await made("a hen")
    await phone.is_quiet()
    fired = {one["body"].split()[0] for one in phone.messages if one["subject"] == FIRED}
    assert fired == set(DOCUMENTED)
    assert len(DOCUMENTED) == 11


async def name_of(client: PrefectClient, run: UUID) -> str:
    return (await client.read_flow_run(run)).name


async def is_marked(client: PrefectClient, run: UUID) -> None:
    """Wait until a crashed run is about to be run again."""
    end = time.monotonic() + SOON
    while (state := (await client.read_flow_run(run)).state) is None or state.name != RECOVERING:
        assert time.monotonic() < end, state
        await asyncio.sleep(0.05)
