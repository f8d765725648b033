"""The processes of a benchmark: a simulated Kie, the callback receiver, the measured ones; their CPU time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.report import ROOT
from prefect_kie.cli.local_server import PASSED_ON, LocalServer, free_port

START_SECONDS = 60.0
SIGNING_KEY = "whsec-of-a-benchmark"
RECEIVER_BLOCK = "bench"
PATIENT = {"PREFECT_SERVER_DATABASE_TIMEOUT": "60", "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60"}
"""Settings of a server on SQLite, which has one writer at a time, for many clients."""

_SERVE = """
import json, sys
from prefect_kie.simulator import SimulatorSettings, serve
serve(SimulatorSettings(**json.loads(sys.argv[1])), port=int(sys.argv[2]))
"""
_SAVE_BLOCK = """
import sys
from prefect_kie.blocks import KieCallbacks
KieCallbacks(base_url=sys.argv[1], signing_key=sys.argv[2]).save(sys.argv[3], overwrite=True)
"""


def plain_environment() -> dict[str, str]:
    """What a process needs of this one's environment: no Prefect settings, nobody's keys."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def environment_of(server: LocalServer) -> dict[str, str]:
    """The environment of a process that uses a Prefect server and prints nothing but errors."""
    return {**plain_environment(), **server.environment, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}


class Kie:
    """A simulated Kie in a process of its own.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def stats(self) -> dict[str, Any]:
        """Its counters and its jobs."""
        stats: dict[str, Any] = self._http.get("/_sim/stats").raise_for_status().json()
        return stats

    def change(self, **settings: Any) -> None:
        """Replace single settings, until the next reset."""
        self._http.patch("/_sim/settings", json=settings).raise_for_status()

    def reset(self) -> None:
        """Back to the start, its seed's too."""
        self._http.post("/_sim/reset").raise_for_status()


@contextmanager
def simulated_kie(log: Path, **settings: Any) -> Generator[Kie, None, None]:
    """Start a simulated Kie, and end it afterwards.

    Args:
        log: Where it may write.
        settings: As `SimulatorSettings` has them; any JSON.

    Raises:
        RuntimeError: when it does not answer in time.
    """
    port = free_port()
    kie = Kie(f"http://127.0.0.1:{port}")
    with running(["-c", _SERVE, json.dumps(settings), str(port)], plain_environment(), log) as process:
        wait_until_it_answers(f"{kie.url}/_sim/settings", process, log)
        yield kie


@contextmanager
def running(
    words: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    directory: Path | None = None,
    stop_seconds: float = 30.0,
) -> Generator[subprocess.Popen[bytes], None, None]:
    """A process of this Python's; told to stop at the end, unless it has ended before.

    Args:
        words: What follows `python`.
        environment: All of its environment.
        log: Where it writes.
        directory: In which it runs; None: in this one.
        stop_seconds: How long it may take to stop.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *words],
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(stop_seconds)


@contextmanager
def callback_receiver(
    environment: Mapping[str, str], log: Path
) -> Generator[tuple[str, subprocess.Popen[bytes]], None, None]:
    """`prefect-kie callbacks` with `SIGNING_KEY`.

    Args:
        environment: All of its environment.
        log: Where it writes.

    Yields:
        Its URL and its process.
    """
    url = f"http://127.0.0.1:{(port := free_port())}"
    words = [sys.executable, "-c", _SAVE_BLOCK, url, SIGNING_KEY, RECEIVER_BLOCK]
    subprocess.run(words, env=environment, check=True)
    words = ["-m", "prefect_kie.cli", "callbacks", "--port", str(port), "--block", RECEIVER_BLOCK]
    with running(words, environment, log, stop_seconds=60) as process:
        wait_until_it_answers(f"{url}/health", process, log)
        yield url, process


class Child:
    """A process of a benchmark's own module that prints its figures as its last line, in JSON.

    Args:
        words: What follows `python -m`.
        environment: All of its environment; None: this process's.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        """Wait until it has come to `ready()`.

        Raises:
            RuntimeError: when it ends before.
        """
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{self._process.args} ended before it was ready")

    def go(self) -> None:
        """Let it go on from `ready()`."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> Any:
        """Wait for its end, and return what it printed.

        Raises:
            RuntimeError: when it fails.
        """
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"{self._process.args} failed; its output stands above")
        return json.loads(output.splitlines()[-1])


def ready() -> None:
    """In a child: say that all is loaded, and wait for the word to go on."""
    print("ready", flush=True)
    sys.stdin.readline()


def wait_until_it_answers(url: str, process: subprocess.Popen[Any], log: Path) -> None:
    """Wait until a process serves an address.

    Raises:
        RuntimeError: when it ends before, or takes too long.
    """
    end = time.monotonic() + START_SECONDS
    while not _answers(url):
        if time.monotonic() > end or process.poll() is not None:
            raise RuntimeError(f"nothing answers at {url}; its log is {log}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def cpu_seconds(process_id: int) -> float:
    """The processor time that a process and those that it has started have used, seconds (Linux).

    Raises:
        FileNotFoundError: when it has ended, or this is no Linux.
    """
    ticks = sum(_ticks(one) for one in (process_id, *_descendants(process_id)))
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(process_id: int) -> int:
    # proc(5): user and system time, and those of children that have ended and were waited for.
    return sum(int(number) for number in _fields(process_id)[11:15])


def _descendants(process_id: int) -> list[int]:
    parents: dict[int, int] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                parents[int(path.name)] = int(_fields(int(path.name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
    found, wanted = list[int](), [process_id]
    while wanted:
        parent = wanted.pop()
        children = [child for child, of in parents.items() if of == parent]
        found += children
        wanted += children
    return found


def _fields(process_id: int) -> list[str]:
    """The fields of /proc/<id>/stat from its state on: before stands its name, which may hold anything."""
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
