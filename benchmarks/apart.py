"""Processes apart, so that each can be measured for itself: a simulated Kie, and what a process has used."""

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

from prefect_kie.cli.local_server import PASSED_ON, free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0

_SERVE = """
import json, sys
from prefect_kie.simulator import SimulatorSettings, serve
serve(SimulatorSettings(**json.loads(sys.argv[1])), port=int(sys.argv[2]))
"""


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


def plain_environment() -> dict[str, str]:
    """What a process needs of this one's environment: no Prefect settings, nobody's keys."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


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
