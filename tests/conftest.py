"""What all tests share: a Prefect home of their own and, for those that ask, one real Prefect server.

Prefect's settings are chosen before anything imports Prefect, so that no test ever sees the home, the
profile or the server of the person who runs it.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOME = Path(tempfile.mkdtemp(prefix="prefect-kie-tests-"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As of what a shell runs in the background. Processes that tests start would inherit it, and Ctrl-C, by
    # which some of them are stopped, would not be heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)

for name in [name for name in os.environ if name.startswith(("PREFECT_", "KIE_"))]:
    del os.environ[name]
os.environ |= {
    "PREFECT_HOME": str(HOME),
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",  # a test without the server fixture must not get one
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # a request of each client; the server asks for none
    "HOME": str(HOME),  # nothing is ever saved into the home of the person who runs the tests
}

import shutil  # noqa: E402
import sqlite3  # noqa: E402
from contextlib import ExitStack, closing, contextmanager  # noqa: E402

import certifi  # noqa: E402

# No test leaves this machine. Prefect reads the whole bundle of certificates for every client it makes,
# 45 ms each, several for every run; one certificate is read at once.
FIRST_CERTIFICATE = HOME / "certificate.pem"
END = "-----END CERTIFICATE-----\n"
FIRST_CERTIFICATE.write_text(Path(certifi.where()).read_text().split(END)[0] + END)
os.environ |= {"SSL_CERT_FILE": str(FIRST_CERTIFICATE), "PREFECT_API_SSL_CERT_FILE": str(FIRST_CERTIFICATE)}

import prefect  # noqa: E402
import pytest  # noqa: E402
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.client.schemas.filters import (  # noqa: E402
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType  # noqa: E402
from prefect.context import SettingsContext, get_settings_context  # noqa: E402
from prefect.events.worker import EventsWorker  # noqa: E402
from prefect.logging.handlers import APILogWorker  # noqa: E402
from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from prefect_kie import flows, tasks  # noqa: E402
from prefect_kie.api import PollPolicy  # noqa: E402
from prefect_kie.blocks import KieCredentials  # noqa: E402
from prefect_kie.cli.local_server import LocalServer, free_port, local_server  # noqa: E402
from prefect_kie.flows import Approval, Output, Scope, Waiting  # noqa: E402
from prefect_kie.runtime import clients, global_limits, loop  # noqa: E402
from prefect_kie.simulator import SimulatorServer, SimulatorSettings  # noqa: E402
from prefect_kie.tasks import models as model_tasks  # noqa: E402

KEY = "sk-test-0123456789abcdef"
"""The key of all tests; nothing but the simulator may ever show it."""

QUICK = PollPolicy(
    usual_seconds=0.2,
    min_gap_seconds=0.05,
    max_gap_seconds=0.3,
    seconds_per_poll=0.02,
    late_result_seconds=0.5,
)
"""A policy for jobs of a fraction of a second."""

QUICKLY = Waiting(poll=QUICK)
"""How a flow waits for them."""

GROUPS = {"output": Output, "approval": Approval, "waiting": Waiting, "scope": Scope}


def grouped(**options: Any) -> dict[str, Any]:
    """A flow's parameters, the fields of their groups by name: `directory`, `poll`, `job_key` …"""
    groups: dict[str, dict[str, Any]] = {}
    for name in list(options):
        for group, model in GROUPS.items():
            if name in model.model_fields:
                groups.setdefault(group, {})[name] = options.pop(name)
    return options | groups


FLOWS = [name for name in flows.__all__ if name.islower() and name != "make"]
"""The names of all flows."""
PREFECT_PORT = free_port()
TESTS = Path(__file__).parent
UNIT = TESTS / "unit"
APART = [TESTS / name for name in ("ui", "fleet", "processes")]
"""Left out unless they are named: these need a browser, or PostgreSQL, or minutes."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", type=Path, default=Path("build/ui"), help="where tests/ui keeps what it sees (build/ui)"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    named = [Path(given.partition("::")[0]).resolve() for given in config.args]
    return (
        None
        if any(path.is_relative_to(collection_path) for path in named)
        else collection_path in APART or None
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """More processes than cores: many tests wait, most of all those on a server."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    # Prefect 3.9 leaves a connection to its server open for each look-up of the default result storage
    # (prefect.results._read_server_default_result_storage_block_id). Only these are passed over.
    config.addinivalue_line(
        "filterwarnings",
        rf"ignore:Exception ignored in. <socket.socket .*raddr=\('127.0.0.1', {PREFECT_PORT}\)"
        ":pytest.PytestUnraisableExceptionWarning",
    )
    # Hypothesis looks for what refers to its random numbers, and does not see what is frozen (below).
    config.addinivalue_line("filterwarnings", "ignore:.*register_random:hypothesis.errors.HypothesisWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, or one core would be idle in the end: tests of commands and of real
    workers, of flows, of tasks; then those that need no server. pytest-xdist gives each process a part of the
    list, and then those that have nothing left some of the others'.
    """
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    in_order = sorted(modules, key=lambda path: (path.is_relative_to(UNIT), len(path.parts)))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    parts = [in_order[number::processes] for number in range(processes)]
    items[:] = [item for part in parts for path in part for item in modules[path]]


def pytest_collection_finish() -> None:
    """What is imported by now stays; looking for garbage in it takes a tenth of all the time."""
    gc.set_threshold(50_000, 20, 50)
    gc.freeze()


def pytest_sessionfinish() -> None:
    with warnings.catch_warnings():  # the same connections, where they end after the last test
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    shutil.rmtree(HOME, ignore_errors=True)


DATABASE = Path(__file__).parents[1] / f".cache/prefect-{prefect.__version__}.db"
"""A new server's database of this version; to make one, Prefect migrates an empty one for ten seconds."""


def with_tables(home: Path) -> Path:
    """The directory of a server that is to be started, with the tables where a server was started before."""
    home.mkdir(parents=True, exist_ok=True)
    if DATABASE.exists():
        shutil.copyfile(DATABASE, home / "prefect.db")
    return home


@contextmanager
def one_makes_the_tables() -> Iterator[None]:
    """Where there are none yet, one process at a time: the first makes them, and the others wait."""
    DATABASE.parent.mkdir(exist_ok=True)
    with DATABASE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if DATABASE.exists():
            fcntl.flock(lock, fcntl.LOCK_UN)
        yield


def keep_tables(home: Path) -> None:
    """Keep the database of a server that has just started, for the next ones."""
    if not DATABASE.exists():
        copy = home / "tables.db"
        with closing(sqlite3.connect(home / "prefect.db")) as database:
            database.execute("VACUUM INTO ?", [str(copy)])
        shutil.copyfile(copy, DATABASE.with_suffix(f".{os.getpid()}"))
        DATABASE.with_suffix(f".{os.getpid()}").replace(DATABASE)


def send_what_is_left() -> None:
    """Wait until the server has every event and every log line of this process (not in an event loop)."""
    EventsWorker.drain_all(timeout=10)
    APILogWorker.drain_all(timeout=10)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[LocalServer]:
    """One real Prefect server for the whole session."""
    # It writes events down at once, and looks often whether an automation's time is over.
    quick = {
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "0.2",
        "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
    }
    with ExitStack() as ending:
        with one_makes_the_tables():
            home = with_tables(HOME / "server")
            server = ending.enter_context(local_server(home, port=PREFECT_PORT, ui=False, settings=quick))
            keep_tables(home)
        os.environ["PREFECT_API_URL"] = f"{server.url}/api"
        # It has no limits, and most tests look for warnings.
        global_limits.reported().add(global_limits.MISSING)
        with temporary_settings({PREFECT_API_URL: f"{server.url}/api"}):
            yield server
            send_what_is_left()
        del os.environ["PREFECT_API_URL"]
        os.killpg(server.process_id, signal.SIGKILL)  # told to stop, it waits for its websockets first


@pytest.fixture(autouse=True)
def _for_server_tests(request: pytest.FixtureRequest) -> None:
    """Tests marked `server` run on it, with a result storage of their own and retries without waiting."""
    if request.node.get_closest_marker("server"):
        request.getfixturevalue("prefect_server")
        request.getfixturevalue("results")
        request.getfixturevalue("_retries_at_once")
        request.getfixturevalue("_no_default_storage")
        if not request.node.get_closest_marker("recorded"):
            request.getfixturevalue("_not_recorded")


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    """The directory in which Prefect keeps the test's results."""
    folder = tmp_path / "results"
    # As temporary_settings, which reads all settings anew and takes 70 ms for every test.
    now = get_settings_context()
    results = now.settings.results.model_copy(update={"local_storage_path": folder})
    settings = now.settings.model_copy(update={"results": results})
    with SettingsContext(profile=now.profile, settings=settings):
        yield folder


@pytest.fixture
def _retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = (tasks.wait_for_job, tasks.save_result, tasks.measure_video, tasks.upload_file)
    for task in (*model_tasks._tasks.values(), *waiting):
        monkeypatch.setattr(task, "retry_delay_seconds", 0.01)


@pytest.fixture
def _no_default_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the server has a default result storage, Prefect 3.9 asks several times in each task run.

    Each time by a client of its own: that is a third of all requests. No server here has one.
    """

    async def none() -> None:
        return None

    prefix = "prefect.results._{}server_default_result_storage_block_id"
    monkeypatch.setattr(prefix.format("aread_"), none, raising=False)
    monkeypatch.setattr(prefix.format("read_"), lambda: None, raising=False)


@pytest.fixture
def _not_recorded(results: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server gets neither events (of which it makes task runs too) nor log lines from this process.

    That is half of a run's work. Tests that look at them there are marked `recorded`.
    """
    monkeypatch.setattr("prefect.events.utilities.should_emit_events", lambda: False)
    now = get_settings_context()
    to_api = now.settings.logging.to_api.model_copy(update={"enabled": False})
    logging = now.settings.logging.model_copy(update={"to_api": to_api})
    settings = now.settings.model_copy(update={"logging": logging})
    with SettingsContext(profile=now.profile, settings=settings):
        yield


@pytest.fixture
def nobody_asks(prefect_server: LocalServer) -> None:
    """No run that another test has left waits for an answer: a test's person would answer that one."""
    waiting = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=waiting):
            client.delete_flow_run(run.id)


@pytest.fixture
def kie() -> Iterator[SimulatorServer]:
    """A simulated Kie of the test's own, quick and with tiny videos."""
    settings = SimulatorSettings(
        duration_seconds=0.2, video_height=36, video_fps=2, create_per_10s=None, polls_per_second=None
    )
    with SimulatorServer(settings) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def _console_logs_again() -> Iterator[None]:
    """A command leaves logs to the server, in its whole process; the next test's processes log again."""
    yield
    os.environ.pop("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", None)


@pytest.fixture(autouse=True)
def _clients_of_its_own() -> Iterator[None]:
    """No test uses, or leaves open, the process's clients of another."""
    yield
    close_clients()


def close_clients() -> None:
    """Have this process make its clients of Kie anew; not on the background loop."""

    async def close() -> None:
        while clients._clients():
            _, client = clients._clients().popitem()
            await client.aclose()

    if clients._clients():
        asyncio.run_coroutine_threadsafe(close(), loop._loop()).result()


def unhurried(kie: SimulatorServer) -> KieCredentials:
    """Credentials for a simulated Kie that takes any number of calls, as `kie` does."""
    return KieCredentials(
        api_key=SecretStr(KEY),
        base_url=kie.url,
        upload_url=kie.url,
        creates_per_10_seconds=100_000,
        polls_per_second=100_000,
    )


@pytest.fixture
def credentials(kie: SimulatorServer) -> KieCredentials:
    """Credentials for the simulated Kie."""
    return unhurried(kie)
