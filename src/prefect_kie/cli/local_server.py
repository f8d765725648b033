"""A Prefect server of one's own, on this machine, for as long as it is needed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx

PASSED_ON = ("PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP")
"""What of the environment a server gets: nobody's keys, and no other Prefect settings."""


class LocalServer(NamedTuple):
    """A Prefect server: where its UI is, its directory (database, results, log), its process."""

    url: str
    home: Path
    process_id: int
    environment: dict[str, str]
    """The environment variables with which Prefect uses this server and nothing else."""


@contextmanager
def local_server(
    home: Path, *, port: int | None = None, ui: bool = True, settings: Mapping[str, str] | None = None
) -> Generator[LocalServer, None, None]:
    """Start `prefect server` on this machine with SQLite in `home`, which is kept, and stop it afterwards.

    `settings` are further ones of Prefect, as environment variables. A RuntimeError says where its log is if
    it does not start.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_UI_URL": url,  # for links in messages to people
        "PREFECT_UI_API_URL": f"{url}/api",  # else the UI asks port 4200, whatever the server's port
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = home / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
            command if ui else [*command, "--no-ui"],
            env={**passed_on, **own, **(settings or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, after our own clean-up
        )
    try:
        end = time.monotonic() + 120
        with httpx.Client(base_url=url, trust_env=False, timeout=5.0) as http:
            while not _healthy(http):
                if time.monotonic() > end or process.poll() is not None:
                    raise RuntimeError(f"the Prefect server did not start; its log is {log}")
                time.sleep(0.1)
        yield LocalServer(url, home, process.pid, {**own, "PREFECT_API_URL": f"{url}/api"})
    finally:
        for sent in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                if process.poll() is None:
                    os.killpg(process.pid, sent)
                    process.wait(10)


def _healthy(http: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return http.get("/api/health").is_success
    return False


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
