"""`prefect-kie setup`: what it makes, leaves, corrects and misses; its automations do what they say."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.automations import Automation, AutomationCore
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import (
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
    Suspended,
)
from pydantic import SecretStr

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.automations import PAUSE, RECOVERING, RECOVERY_TAG, RERUNS, all_automations
from prefect_kie.cli.main import main
from prefect_kie.cli.notifications import all_notifications
from prefect_kie.cli.setup import LIMITS, provide_automation, provide_budget, provide_limit, set_up
from prefect_kie.cli.terminal import Finding
from prefect_kie.runtime.global_limits import CREATE_LIMIT, POLL_LIMIT
from prefect_kie.runtime.heartbeat import SILENT, Heartbeat, heartbeat_event
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions.budgets import CREDITS_LIMIT
from tests.conftest import KEY

AUTOMATIONS = all_automations()
MARK, _, SILENCE, _, CRASH = AUTOMATIONS
TELLING = all_notifications(UUID(int=0))


async def clear() -> None:
    """Remove from the session's server what setup makes."""
    async with get_client() as client:
        names = {wanted.name for wanted in (*AUTOMATIONS, *TELLING)}
        for found in await client.read_automations():
            if found.name in names:
                await client.delete_automation(found.id)
        for name in (*(limit.name for limit in LIMITS), CREDITS_LIMIT):
            with suppress(ObjectNotFound):
                await client.delete_global_concurrency_limit_by_name(name)
        with suppress(ObjectNotFound):
            block = await client.read_block_document_by_name("kie", "kie-credentials")
            await client.delete_block_document(block.id)


@pytest.fixture(scope="module")
def _nothing_of_ours(prefect_server: object) -> None:
    """Whatever other tests have left is gone."""
    asyncio.run(clear())


@pytest.fixture
def server(_nothing_of_ours: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server without anything of ours, and an environment with a key."""
    monkeypatch.setenv("KIE_API_KEY", KEY)
    yield
    asyncio.run(clear())


def with_client(work: Callable[[PrefectClient], Coroutine[Any, Any, Any]]) -> Any:
    """Do something with a client of the server."""

    async def doing() -> Any:
        async with get_client() as client:
            return await work(client)

    return asyncio.run(doing())


def setup(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str]]:
    """Run the command: its exit code, and by the things' names what it said of each, remedy included."""
    code = main(["setup", *words])
    shown = capsys.readouterr()
    assert shown.err == ""
    server, *lines = shown.out.partition("\n\n")[0].splitlines()
    assert server.startswith("Prefect server http://127.0.0.1:")
    assert KEY not in shown.out
    assert "prefect --no-prompt deploy --all" in shown.out
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if line.startswith(" "):
            found[name] += "\n" + line.strip()
        else:
            quoted = re.match(r"[a-z ]+ '[^']+'", line[9:])
            name = quoted[0] if quoted else line[9:].split(",")[0]
            found[name] = line
    return code, found


def outcomes(found: dict[str, str]) -> dict[str, str]:
    """What became of each thing, in one word."""
    return {name: line.split(" ")[0] for name, line in found.items()}


def provided(what: str, key: str | None = KEY) -> Finding:
    """What setup finds of one thing, where it does everything but the automations."""

    async def providing(client: PrefectClient) -> list[Finding]:
        return [finding async for finding in set_up(client, key, automations=())]

    (found,) = [finding for finding in with_client(providing) if finding.what.startswith(what)]
    return found  # type: ignore[no-any-return]


BLOCK_TYPE, BLOCK = "block type Kie Credentials", "credentials block 'kie'"
MADE = [
    BLOCK,
    *(f"concurrency limit {limit.name!r}" for limit in LIMITS),
    *(f"automation {wanted.name!r}" for wanted in AUTOMATIONS),
]
"""What no server has before setup."""
BUDGET = "budget of all runs"


class TestWhatIsMade:
    """Each thing is told in one line, and told truly."""

    pytestmark = pytest.mark.server

    def test_the_first_run_makes_everything_and_those_after_it_change_nothing(
        self, server: None, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        code, found = setup(capsys)
        assert code == 0
        assert {name: outcomes(found)[name] for name in MADE} == dict.fromkeys(MADE, "created")
        assert found["events arrive"].startswith("ok ")
        assert BUDGET not in found
        assert KEY not in "\n".join(caplog.messages)

        async def check(client: PrefectClient) -> None:
            stored = await KieCredentials.aload("kie")
            assert stored.api_key.get_secret_value() == KEY
            creates = await client.read_global_concurrency_limit_by_name(CREATE_LIMIT)
            assert creates.limit + 10.5 * creates.slot_decay_per_second < 21  # whole slots
            looks = await client.read_global_concurrency_limit_by_name(POLL_LIMIT)
            assert looks.limit + 1.3 * looks.slot_decay_per_second < 11
            for wanted in AUTOMATIONS:
                (found,) = await client.read_automations_by_name(wanted.name)
                assert found.enabled

        with_client(check)

        async def made(client: PrefectClient) -> list[Any]:
            automations = [await client.read_automations_by_name(one.name) for one in AUTOMATIONS]
            return [
                *(one.model_dump() for found in automations for one in found),
                *[await client.read_global_concurrency_limit_by_name(limit.name) for limit in LIMITS],
                await client.read_block_document_by_name("kie", "kie-credentials"),
                await client.read_block_type_by_slug("kie-credentials"),
            ]

        before = with_client(made)
        code, found = setup(capsys)
        assert code == 0
        assert outcomes(found).keys() > set(MADE)
        assert set(outcomes(found).values()) == {"exists", "ok"}
        assert with_client(made) == before

        # Its automations are known by their names, and a person's switch is a person's.
        (known,) = with_client(lambda client: client.read_automations_by_name(CRASH.name))
        with_client(lambda client: client.pause_automation(known.id))
        with_client(lambda client: client.create_automation(MARK))
        code, found = setup(capsys)
        assert code == 1
        twice = f"automation {MARK.name!r}"
        said = outcomes(found)
        assert (said.pop(twice), set(said.values())) == ("error", {"exists", "ok"})
        assert "exists 2 times" in found[twice]
        assert "run: prefect automation delete --id" in found[twice]
        resume = f"switched off, and stays so (prefect automation resume --id {known.id})"
        assert resume in found[f"automation {CRASH.name!r}"]
        assert not with_client(lambda client: client.read_automation(known.id)).enabled

    def test_a_server_that_knows_no_block_types_learns_them(self, server: None) -> None:
        # A server with this package installed has them from its start; one in a container has not.
        async def forget(client: PrefectClient) -> None:
            with suppress(ObjectNotFound):
                known = await client.read_block_type_by_slug("kie-credentials")
                await client.delete_block_type(known.id)

        with_client(forget)
        assert [provided(BLOCK_TYPE).outcome for _ in range(2)] == ["created", "exists"]

    def test_a_block_type_of_another_version_is_brought_up_to_date(
        self, server: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provided(BLOCK_TYPE)
        monkeypatch.setattr(KieCredentials, "_description", "The key to a Kie AI account, as of tomorrow.")
        assert provided(BLOCK_TYPE).outcome == "updated"
        monkeypatch.undo()
        provided(BLOCK_TYPE)


class TestCredentials:
    """The key goes into the block once, and nowhere else."""

    pytestmark = pytest.mark.server

    def test_without_a_key_it_says_what_to_run(
        self, server: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KIE_API_KEY", "  ")
        for made in ("created", "exists"):
            code, found = setup(capsys)
            assert code == 1
            wanted = dict.fromkeys(MADE, made) | {BLOCK: "missing"}
            assert {name: outcomes(found)[name] for name in MADE} == wanted
            assert "KIE_API_KEY is not set" in found[BLOCK]
            assert found[BLOCK].endswith("\nrun: KIE_API_KEY=... prefect-kie setup")
            monkeypatch.delenv("KIE_API_KEY", raising=False)

    def test_what_cannot_be_a_key_is_refused_and_not_shown(self, server: None) -> None:
        found = provided(BLOCK, f"{KEY} {KEY}")
        assert found.outcome == "missing"
        assert "holds a space or a character that no key has" in found.what
        assert KEY not in str(found)

    def test_a_block_for_a_simulated_kie(self, server: None, kie: SimulatorServer) -> None:
        wanted = KieCredentials(api_key=SecretStr("simulated"), base_url=kie.url, upload_url=kie.url)
        assert provided(BLOCK, wanted).outcome == "created"
        assert provided(BLOCK, wanted).outcome == "exists"
        made = with_client(lambda client: KieCredentials.aload("kie", client=client))
        assert (made.base_url, made.upload_url) == (kie.url, kie.url)

    def test_a_block_that_exists_is_never_overwritten(self, server: None, kie: SimulatorServer) -> None:
        mine = KieCredentials(api_key=SecretStr("mine"), base_url=kie.url, upload_url=kie.url)
        with_client(lambda client: mine.asave("kie", client=client))
        for key, outcome in ((KEY, "warning"), (mine, "exists"), (None, "exists")):
            assert provided(BLOCK, key).outcome == outcome
            assert with_client(lambda client: KieCredentials.aload("kie", client=client)) == mine


class TestLimit:
    """A limit that somebody chose is left, and told where it does not do its work."""

    pytestmark = pytest.mark.server

    async def test_it_is_left_as_it_is(self, server: None, client: PrefectClient) -> None:
        theirs = GlobalConcurrencyLimitCreate(name=CREATE_LIMIT, limit=1, slot_decay_per_second=1.0)
        await client.create_global_concurrency_limit(theirs)
        for active, limit, decay, outcome, told in (
            (True, 2, 0.5, "exists", "(limit 2, slot decay 0.5 a second)"),
            (True, 20, 2.0, "exists", "(limit 20, slot decay 2 a second)"),
            (False, 4, 1.6, "exists", "prefect gcl enable kie-create"),
            (True, 0, 1.6, "error", "paces nothing: both have to be above 0"),
            (True, 4, 0.0, "error", "paces nothing: both have to be above 0"),
        ):
            change = GlobalConcurrencyLimitUpdate(active=active, limit=limit, slot_decay_per_second=decay)
            await client.update_global_concurrency_limit(CREATE_LIMIT, change)
            said = await provide_limit(client, "concurrency limit", LIMITS[0])
            found = await client.read_global_concurrency_limit_by_name(CREATE_LIMIT)
            assert (said.outcome, told in said.what) == (outcome, True)
            assert (found.active, found.limit, found.slot_decay_per_second) == (active, limit, decay)

        # The command that the last one names.
        assert said.remedy == "run: prefect gcl update kie-create --limit 2 --slot-decay-per-second 1.8"
        corrected = GlobalConcurrencyLimitUpdate(limit=2, slot_decay_per_second=1.8)
        await client.update_global_concurrency_limit(CREATE_LIMIT, corrected)
        assert (await provide_limit(client, "concurrency limit", LIMITS[0])).outcome == "exists"


class TestABudgetOfAllRuns:
    """It is made on request only, and its use is told."""

    pytestmark = pytest.mark.server

    def test_it_is_made_on_request_and_left_as_it_is(
        self, server: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, said = setup(capsys, "--credits", "3000")
        line = said[BUDGET]
        assert (code, line.startswith("created "), "3,000 credits" in line) == (0, True, True)
        code, said = setup(capsys, "--credits", "5")
        line = said[BUDGET]
        assert (code, line.startswith("exists "), "0 of 3,000 credits are used" in line) == (0, True, True)
        found = with_client(lambda client: client.read_global_concurrency_limit_by_name(CREDITS_LIMIT))
        assert (found.limit, found.slot_decay_per_second) == (3000, 0)

    async def test_it_says_how_much_is_used_and_what_to_run(
        self, server: None, client: PrefectClient
    ) -> None:
        assert await provide_budget(client, "budget", None) is None
        theirs = GlobalConcurrencyLimitCreate(name=CREDITS_LIMIT, limit=100)
        await client.create_global_concurrency_limit(theirs)
        for used, decay, active, outcome, told in (
            (60, 0.0, True, "exists", "60 of 100 credits are used"),
            (100, 0.0, True, "warning", "prefect gcl update kie-credits --active-slots 0"),
            (0, 0.5, True, "error", "run: prefect gcl update kie-credits --slot-decay-per-second 0"),
            (0, 0.0, False, "exists", "prefect gcl enable kie-credits"),
        ):
            change = GlobalConcurrencyLimitUpdate(
                active=active, active_slots=used, slot_decay_per_second=decay
            )
            await client.update_global_concurrency_limit(CREDITS_LIMIT, change)
            said = await provide_budget(client, "budget", None)
            assert said is not None
            assert (said.outcome, told in f"{said.what}\n{said.remedy}") == (outcome, True)


class TestAutomationsAreKept:
    """By their names; a person's switch is a person's."""

    pytestmark = pytest.mark.server

    @pytest.mark.parametrize("enabled", [True, False])
    def test_one_of_another_version_is_brought_up_to_date(self, server: None, enabled: bool) -> None:
        # Of what once did the work of two.
        changed = {**SILENCE.model_dump(), "name": CRASH.name, "enabled": enabled}

        async def updating(client: PrefectClient) -> tuple[Finding, Automation, Finding]:
            made = await client.create_automation(AutomationCore.model_validate(changed))
            found = await provide_automation(client, "automation", CRASH)
            now = await client.read_automation(made)
            return found, now, await provide_automation(client, "automation", CRASH)

        found, now, again = with_client(updating)
        assert (found.outcome, again.outcome) == ("updated", "exists")
        assert ("switched off" in found.what) != enabled
        assert now.trigger == CRASH.trigger
        assert now.enabled == enabled


class TestTellingPeople:
    """`--notify`: made on request, kept by every later setup, and given up by a word."""

    pytestmark = pytest.mark.server

    NAMES: ClassVar = [f"automation {one.name!r}" for one in TELLING]

    def save(self, name: str) -> None:
        """Make a block that nobody answers."""
        block = CustomWebhookNotificationBlock(name=name, url="http://127.0.0.1:9/secret")
        with_client(lambda client: block.asave(name, overwrite=True, client=client))

    def told(self, notify: str | None = None) -> set[str]:
        """What becomes of the automations, in one word each."""

        async def providing(client: PrefectClient) -> dict[str, str]:
            found = set_up(client, KEY, automations=(), notify=notify)
            return {finding.what: finding.outcome async for finding in found}

        found = with_client(providing)
        assert not {"missing", "error"} & set(found.values())
        return {found.get(name, "") for name in self.NAMES}

    def test_they_are_made_kept_moved_and_given_up(
        self, server: None, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in ("team", "night"):
            self.save(name)
        assert self.told() == {""}
        code, found = setup(capsys, "--notify", "custom-webhook/team")
        assert (code, {outcomes(found)[name] for name in self.NAMES}) == (0, {"created"})
        assert self.told("custom-webhook/team") == {"exists"}
        assert self.told() == {"exists"}
        main(["doctor"])
        checked = capsys.readouterr().out
        assert all(f"ok       {name}" in checked for name in self.NAMES)
        (known,) = with_client(lambda client: client.read_automations_by_name(TELLING[-1].name))
        with_client(lambda client: client.delete_automation(known.id))
        assert self.told() == {"exists", ""}  # who deletes one does not want it
        assert self.told("custom-webhook/night") == {"updated", "created"}
        assert "secret" not in "\n".join(caplog.messages)

        night = with_client(
            lambda client: client.read_block_document_by_name(
                "night", "custom-webhook", include_secrets=False
            )
        )
        with_client(lambda client: client.delete_block_document(night.id))
        code, found = setup(capsys)
        assert code == 1
        gone = found["messages to people go nowhere: their notification block does not exist any more"]
        assert gone.endswith("run: prefect-kie setup --notify TYPE/NAME (or none)")
        assert self.told("none") == {"deleted"}
        assert self.told() == {""}

    def test_a_block_that_is_none_is_told_with_those_that_are(
        self, server: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.save("team")
        for block in ("slack-webhook/team", "custom-webhook/nobody", "team", "kie-credentials/kie"):
            assert main(["setup", "--notify", block]) == 1
            said = capsys.readouterr().err
            assert f"No notification block {block!r} exists on this server; there are:" in said
            assert "custom-webhook/team" in said
        assert not with_client(lambda client: client.read_automations_by_name(MARK.name))


async def state_of(client: PrefectClient, run: UUID) -> str:
    """The name of a flow run's state."""
    state = (await client.read_flow_run(run)).state
    assert state is not None
    return state.name


async def states_of(client: PrefectClient, run: UUID) -> list[State]:
    """All states that a flow run has been in."""
    return sorted(await client.read_flow_run_states(run), key=lambda state: state.timestamp)


class Runs:
    """Flow runs of deployments, led through their states by hand as a worker would."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client

    async def of_deployment(self, *tags: str) -> UUID:
        """A new flow run of a new deployment with these tags."""
        flow = await self._client.create_flow_from_name("led-by-hand")
        deployment = await self._client.create_deployment(flow, f"test-{uuid4()}", tags=list(tags))
        return (await self._client.create_flow_run_from_deployment(deployment)).id

    async def crash(self, run: UUID) -> None:
        """It begins and crashes."""
        await self._client.set_flow_run_state(run, Running())
        await self._client.set_flow_run_state(run, Crashed(message="Process exited with status code: -9"))

    async def take_up(self, run: UUID) -> None:
        """The server schedules it again, and a worker takes it."""
        for state in (Scheduled(), Pending()):
            await self._client.set_flow_run_state(run, state)

    async def becomes(self, name: str, run: UUID, seconds: float = 20) -> bool:
        """Whether its state has this name within so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if await state_of(self._client, run) == name:
                return True
            await asyncio.sleep(0.25)
        return False

    async def stays_crashed(self, run: UUID) -> bool:
        """Whether nothing happens to it while one that crashed after it is answered."""
        later = await self.of_deployment(RECOVERY_TAG)
        await self.crash(later)
        assert await self.becomes(RECOVERING, later)
        return await state_of(self._client, run) == "Crashed"


async def take_into_use(client: PrefectClient, automations: Sequence[AutomationCore]) -> Runs:
    """Flow runs on a server that has these automations in use."""
    await clear()
    async for _ in set_up(client, automations=automations):
        pass
    runs = Runs(client)
    for _ in range(5):  # the server takes new automations into use in the background
        run = await runs.of_deployment(RECOVERY_TAG)
        await runs.crash(run)
        if await runs.becomes(RECOVERING, run, 2):
            break
    return runs


@asynccontextmanager
async def runs_under(automations: Sequence[AutomationCore]) -> AsyncGenerator[Runs, None]:
    """Flow runs on a server that has these automations in use."""
    async with get_client() as client:
        yield await take_into_use(client, automations)
    await clear()


@pytest.fixture(scope="class")
def automations_in_use(prefect_server: object) -> Iterator[None]:
    """Those of setup, with the least waits that Prefect takes, for a class of tests."""
    automations = all_automations(silence=PAUSE, starts_within=PAUSE)
    with_client(lambda client: take_into_use(client, automations))
    yield
    asyncio.run(clear())


@pytest.fixture
async def runs(client: PrefectClient) -> Runs:
    """Flow runs on the session's server."""
    return Runs(client)


def waiting(state: State, key: str) -> State:
    """The state as `suspend_flow_run` and `pause_flow_run` propose it."""
    return state.model_copy(
        update={"state_details": state.state_details.model_copy(update={"pause_key": key})}
    )


async def send_heartbeat(client: PrefectClient, run: UUID) -> None:
    """As a run sent it eight seconds ago: ten of silence are over in two."""
    event = heartbeat_event(await client.read_flow_run(run))
    event = event.model_copy(update={"occurred": event.occurred - timedelta(seconds=8)})
    await client.request("POST", "/events", json=[event.model_dump(mode="json")])


async def crashed_ones_are_run_again(runs: Runs, client: PrefectClient) -> None:
    run = await runs.of_deployment(RECOVERY_TAG)
    await runs.crash(run)
    crashed = time.monotonic()
    assert await runs.becomes(RECOVERING, run)
    assert await runs.becomes("AwaitingRetry", run, 40)
    assert time.monotonic() - crashed > 9
    state = (await client.read_flow_run(run)).state
    assert state is not None
    assert state.is_scheduled()
    assert state.message == "Run again after a crash; what it has submitted is not paid again."


async def waiting_ones_crash_only_by_a_silence_after_they_were_resumed(
    runs: Runs, client: PrefectClient
) -> None:
    suspended = await runs.of_deployment(RECOVERY_TAG)
    paused = await runs.of_deployment(RECOVERY_TAG)
    for run, state in ((suspended, Suspended()), (paused, Paused())):
        await client.set_flow_run_state(run, Running())
        await client.set_flow_run_state(run, waiting(state, "0"))
        await send_heartbeat(client, run)  # the last one of a process that is on its way out
    silent = await runs.of_deployment(RECOVERY_TAG)
    never_heard = await runs.of_deployment(RECOVERY_TAG)
    for run in (silent, never_heard):
        await client.set_flow_run_state(run, Running())
    await send_heartbeat(client, silent)
    await client.set_flow_run_state(silent, Running(message="Waits for Kie: 1 of 1 jobs"))
    assert await runs.becomes(RECOVERING, silent, 90)
    assert await state_of(client, suspended) == "Suspended"
    assert await state_of(client, paused) == "Paused"
    assert await state_of(client, never_heard) == "Running"
    names = [state.name for state in await states_of(client, silent)]
    assert names[-3:] == [SILENT, "Crashed", RECOVERING]
    for run in (suspended, paused):
        await client.resume_flow_run(run)
    for state in (Pending(), Running()):  # a worker takes the suspended one; the paused one runs on
        await client.set_flow_run_state(suspended, state)
    for run in (suspended, paused):
        await send_heartbeat(client, run)
    again = [runs.becomes(RECOVERING, run, 90) for run in (suspended, paused)]
    assert await asyncio.gather(*again) == [True, True]


async def claimed_ones_are_found_and_those_that_begin_left_alone(runs: Runs, client: PrefectClient) -> None:
    led: dict[str, list[State]] = {
        "Pending": [Pending()],
        "Submitting": [Pending(), Pending(name="Submitting")],
        "Running": [Pending(), Running()],
        "Suspended": [Pending(), Running(), waiting(Suspended(), "0")],
        "AwaitingConcurrencySlot": [Pending(), Scheduled(name="AwaitingConcurrencySlot")],
        "Cancelled": [Pending(), Cancelled()],
    }
    made = {name: await runs.of_deployment(RECOVERY_TAG) for name in led}
    for name, run in made.items():
        for state in led[name]:
            await client.set_flow_run_state(run, state)
    lost = [made.pop(name) for name in ("Pending", "Submitting")]
    # At the same time: it is called Recovering for ten seconds, then scheduled again.
    assert await asyncio.gather(*(runs.becomes(RECOVERING, run, 90) for run in lost)) == [True, True]
    for run in lost:
        names = [state.name for state in await states_of(client, run) if state.name != "AwaitingRetry"]
        # Each once: a busy server may fire one trigger twice. The second mark changes nothing, since the
        # run is scheduled again ten seconds after the first.
        told = " ".join(name for name in dict.fromkeys(names) if name != "Submitting")
        assert told == "Scheduled Pending NotStarted Crashed Recovering"
    for name, run in made.items():
        assert await state_of(client, run) == name
    # Lost a second time it is called crashed, for a person to see.
    assert await runs.becomes("AwaitingRetry", lost[0], 60)
    await runs.take_up(lost[0])
    assert await runs.becomes("Crashed", lost[0], 60)
    assert await runs.stays_crashed(lost[0])


@pytest.mark.usefixtures("automations_in_use")
class TestRunsThatDie:
    """The automations that run them again, on a real server with real events."""

    pytestmark = pytest.mark.server

    async def test_those_that_crash_go_silent_or_never_begin_are_run_again_and_no_others(
        self, runs: Runs, client: PrefectClient
    ) -> None:
        async with asyncio.TaskGroup() as side_by_side:  # each waits for many seconds
            for story in (
                crashed_ones_are_run_again,
                waiting_ones_crash_only_by_a_silence_after_they_were_resumed,
                claimed_ones_are_found_and_those_that_begin_left_alone,
            ):
                side_by_side.create_task(story(runs, client))

    async def test_a_worker_that_tells_of_the_crash_a_second_time_does_not_stop_it(
        self, runs: Runs, client: PrefectClient
    ) -> None:
        run = await runs.of_deployment(RECOVERY_TAG)
        await runs.crash(run)
        assert await runs.becomes(RECOVERING, run)
        second = await client.set_flow_run_state(run, Crashed(message="Infrastructure exited with -9"))
        assert second.status == "ABORT"
        assert await state_of(client, run) == RECOVERING

    async def test_it_is_run_again_three_times(self, runs: Runs, client: PrefectClient) -> None:
        run = await runs.of_deployment(RECOVERY_TAG, "another")
        for _ in range(RERUNS):
            await runs.crash(run)
            assert await runs.becomes(RECOVERING, run)
            await runs.take_up(run)
        await runs.crash(run)
        assert (await client.read_flow_run(run)).run_count == RERUNS + 1
        assert await runs.stays_crashed(run)

    async def test_a_run_that_crashes_before_it_begins_does_not_go_round(
        self, runs: Runs, client: PrefectClient
    ) -> None:
        never_begun = await runs.of_deployment(RECOVERY_TAG)
        await client.set_flow_run_state(never_begun, Pending())
        await client.set_flow_run_state(never_begun, Crashed(message="No such image"))
        assert await runs.becomes(RECOVERING, never_begun)  # once: its worker may have died
        await runs.take_up(never_begun)
        await client.set_flow_run_state(never_begun, Crashed(message="No such image"))
        begun_once = await runs.of_deployment(RECOVERY_TAG)
        await runs.crash(begun_once)
        assert await runs.becomes(RECOVERING, begun_once)
        await runs.take_up(begun_once)
        await client.set_flow_run_state(begun_once, Crashed(message="No such image"))
        assert (await client.read_flow_run(begun_once)).run_count == 1
        assert await runs.stays_crashed(begun_once)
        assert await state_of(client, never_begun) == "Crashed"

    async def test_runs_of_other_deployments_are_left_alone(self, runs: Runs, client: PrefectClient) -> None:
        others = [await runs.of_deployment("kie"), await runs.of_deployment(f"{RECOVERY_TAG}-other")]
        for run in others:
            await runs.crash(run)
        assert await runs.stays_crashed(others[0])
        assert await state_of(client, others[1]) == "Crashed"

    async def test_a_run_that_ends_otherwise_is_left_alone(self, runs: Runs, client: PrefectClient) -> None:
        completed = await runs.of_deployment(RECOVERY_TAG)
        cancelled = await runs.of_deployment(RECOVERY_TAG)
        for run in (completed, cancelled):
            await client.set_flow_run_state(run, Running())
        await client.set_flow_run_state(completed, Completed())
        for state in (Cancelling(), Crashed(), Cancelled()):  # Prefect does not let a cancelled run crash
            await client.set_flow_run_state(cancelled, state)
        crashed = await runs.of_deployment(RECOVERY_TAG)
        await runs.crash(crashed)
        assert await runs.becomes(RECOVERING, crashed)
        assert await state_of(client, completed) == "Completed"
        assert await state_of(client, cancelled) == "Cancelled"


@pytest.fixture
async def client(prefect_server: object) -> AsyncIterator[PrefectClient]:
    """A client of the session's server."""
    async with get_client() as client:
        yield client


@pytest.mark.server
async def test_nothing_but_a_running_run_can_be_called_silent(runs: Runs, client: PrefectClient) -> None:
    silent = State(type=StateType.PAUSED, name=SILENT)
    led: dict[str, list[State]] = {
        "Scheduled": [],
        "Pending": [Pending()],
        "Suspended": [Running(), waiting(Suspended(), "0")],
        "Paused": [Running(), waiting(Paused(), "0")],
        "Cancelling": [Running(), Cancelling()],
        "Failed": [Running(), Failed()],
    }
    for name, states in led.items():
        run = await runs.of_deployment("kie")
        for state in states:
            await client.set_flow_run_state(run, state)
        assert (await client.set_flow_run_state(run, silent)).status != "ACCEPT"
        assert await state_of(client, run) == name
    run = await runs.of_deployment("kie")
    await client.set_flow_run_state(run, Running())
    assert (await client.set_flow_run_state(run, silent)).status == "ACCEPT"


@pytest.mark.server
async def test_only_a_claimed_run_can_be_called_not_started(runs: Runs, client: PrefectClient) -> None:
    not_started = Pending(name="NotStarted")
    for states in ([Running()], [Running(), waiting(Suspended(), "0")], [Cancelled()]):
        run = await runs.of_deployment("kie")
        for state in states:
            await client.set_flow_run_state(run, state)
        name = await state_of(client, run)
        assert (await client.set_flow_run_state(run, not_started)).status != "ACCEPT"
        assert await state_of(client, run) == name


@pytest.mark.server
def test_a_heartbeat_comes_while_the_run_is_its_processs_own(prefect_server: object) -> None:
    async def prepare() -> UUID:
        async with get_client() as client:
            run = await Runs(client).of_deployment(RECOVERY_TAG)
            for state in (Pending(), Running()):
                await client.set_flow_run_state(run, state)
            return run

    run = asyncio.run(prepare())
    requests: list[str] = []

    def note(request: httpx.Request) -> None:
        if "csrf" not in request.url.path:
            requests.append(f"{request.method} {request.url.path.removeprefix('/api')}")

    settings = {"event_hooks": {"request": [note]}}
    with get_client(sync_client=True, httpx_settings=settings) as client:
        heartbeat = Heartbeat(run, 30)
        for _ in range(3):
            heartbeat.next(client)
        assert requests.count("POST /events") == 1  # one in thirty seconds
        assert len(requests) == 5  # the run thrice, its states once
        client.set_flow_run_state(run, Crashed())
        client.set_flow_run_state(run, Scheduled(name="AwaitingRetry"))
        client.set_flow_run_state(run, Pending())
        client.set_flow_run_state(run, Running())
        assert not heartbeat.over
        heartbeat.next(client)
        assert heartbeat.over
        assert requests.count("POST /events") == 1
