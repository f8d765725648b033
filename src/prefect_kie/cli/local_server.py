"""A Prefect server of one's own, on this machine, for as long as it is needed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 120.0
STOP_SECONDS = 10.0

PASSED_ON = ("PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP")
"""What of the environment a server gets: nobody's keys, and no other Prefect settings."""


@dataclass(frozen=True)
class LocalServer:
    """A running Prefect server.

    Attributes:
        url: Where its UI is.
        home: Its directory: database, records and results, log.
        process_id: Its process.
    """

    url: str
    home: Path
    process_id: int

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which Prefect uses this server and nothing else."""
        return {**_settings(self.home, self.url), "PREFECT_API_URL": f"{self.url}/api"}


@contextmanager
def local_server(
    home: Path, *, port: int | None = None, ui: bool = True, settings: Mapping[str, str] | None = None
) -> Generator[LocalServer, None, None]:
    """Start `prefect server` on this machine with SQLite in `home`, and stop it afterwards.

    Args:
        home: Its directory; made if missing, kept afterwards.
        port: Where it listens; None: on a free one.
        ui: Whether it serves the UI.
        settings: Further Prefect settings, as environment variables.

    Raises:
        RuntimeError: when it does not answer in time; tells where its log is.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **_settings(home, url),
        **(settings or {}),
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = home / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            command if ui else [*command, "--no-ui"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, after our own clean-up
        )
    try:
        _wait_until_healthy(url, process, log)
        yield LocalServer(url, home, process.pid)
    finally:
        _stop(process)


def _settings(home: Path, url: str) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_UI_API_URL": f"{url}/api",  # else the UI asks port 4200, whatever the server's port
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
    }


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=5.0) as http:
        while time.monotonic() < end and process.poll() is None:
            with suppress(httpx.HTTPError):
                if http.get(f"{url}/api/health").status_code == 200:
                    return
            time.sleep(0.1)
    raise RuntimeError(f"the Prefect server did not start; its log is {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sent, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
