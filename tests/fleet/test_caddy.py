"""The recipe with Caddy: the receiver as deploy/compose.yaml starts it, behind deploy/Caddyfile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from prefect_kie.callbacks.receiver import HEALTHY
from prefect_kie.cli.local_server import free_port
from tests.processes.conftest import callbacks_of
from tests.receiving import SUBMISSION, TASK, block, body, signed
from tests.unit.test_packaging import ROOT

pytestmark = pytest.mark.server

BIN = Path(sys.executable).parent
CADDYFILE = ROOT / "deploy" / "Caddyfile"
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
RECEIVER: dict[str, Any] = COMPOSE["services"]["callbacks"]


def caddy(*words: str, home: Path, **variables: str) -> list[str]:
    """A command of Caddy's that keeps what it writes in a directory of its own."""
    own = {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home), **variables}
    return ["env", *(f"{name}={value}" for name, value in own.items()), str(BIN / "caddy"), *words]


def test_caddy_takes_the_file_as_it_is(tmp_path: Path) -> None:
    config = ("--config", str(CADDYFILE), "--adapter", "caddyfile")
    done = subprocess.run(
        caddy("validate", *config, home=tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    formatted = subprocess.run(
        caddy("fmt", str(CADDYFILE), home=tmp_path), capture_output=True, text=True, check=False
    )
    assert formatted.stdout == CADDYFILE.read_text()


def test_the_two_containers_know_each_other() -> None:
    proxy = COMPOSE["services"]["caddy"]
    port = RECEIVER["command"][-1]
    assert f"KIE_RECEIVER=callbacks:{port}" in proxy["environment"]
    assert proxy["depends_on"] == {"callbacks": {"condition": "service_healthy"}}
    assert f"127.0.0.1:{port}/health" in RECEIVER["healthcheck"]["test"][-1]
    assert proxy["volumes"][0].split(":")[:2] == ["./Caddyfile", "/etc/caddy/Caddyfile"]
    assert set(COMPOSE["volumes"]) == {"caddy"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Caddy's address with the receiver behind it, and the container's own check of its health."""
    block().save("behind-caddy", overwrite=True)
    port, host = str(free_port()), f"http://127.0.0.1:{free_port()}"
    command = [{"0.0.0.0": "127.0.0.1", "4280": port}.get(word, word) for word in RECEIVER["command"]]
    _, _, *check = RECEIVER["healthcheck"]["test"]
    check = [sys.executable, *(word.replace("4280", port) for word in check)]
    with ExitStack() as stack:
        run = ("run", "--config", str(CADDYFILE), "--adapter", "caddyfile")
        for one in (
            [str(BIN / command[0]), *command[1:], "--block", "behind-caddy"],
            caddy(*run, home=tmp_path, KIE_HOST=host, KIE_RECEIVER=f"127.0.0.1:{port}"),
        ):
            process = stack.enter_context(subprocess.Popen(one, stderr=subprocess.DEVNULL))
            stack.callback(process.terminate)
        yield host, check


async def test_kie_reaches_the_receiver_through_it(running: tuple[str, list[str]]) -> None:
    host, check = running
    end = time.monotonic() + 60
    with httpx.Client(base_url=host) as anybody:
        status = 0
        while status != 200 and time.monotonic() < end:
            time.sleep(0.2)
            with suppress(httpx.ConnectError):
                status = anybody.get("/health").status_code
        assert anybody.get("/health").text == HEALTHY
        assert subprocess.run(check, check=False).returncode == 0
        path = f"/kie/done/{SUBMISSION}"
        assert anybody.post(path, json=body(), headers=signed(at=time.time())).status_code == 200
        assert anybody.post(path, json=body(), headers=signed(at=time.time(), key="x")).status_code == 401
        assert anybody.get("/").status_code == 404
        assert anybody.post("/hooks", json=body()).status_code == 404
    assert await callbacks_of(TASK, 1)
