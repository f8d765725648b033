"""`prefect-kie demo`: the main job, end to end, on a Prefect server of its own.

Starts a simulated Kie (or asks for the real one) and a Prefect server, and runs
`prefect_kie.cli.showcase` on them in a process of its own: Prefect sends its last log lines when a process
ends, and by then the server must still be there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from prefect_kie.cli.local_server import local_server
from prefect_kie.simulator import RendererMissing, SimulatorServer, SimulatorSettings, check_renderer

SIMULATED_SECONDS = 4.0
"""How long a simulated job takes."""


def run_demo(directory: Path, *, live: bool, yes: bool, stay: bool) -> int:
    """Start what is needed, run the showcase, tell what it made, stop what was started.

    Args:
        directory: Where videos and the server's data go.
        live: Against the real Kie, with KIE_API_KEY.
        yes: Do not ask before paying.
        stay: Keep the server up until Ctrl-C.

    Returns:
        The exit code.
    """
    console = Console()
    problem = _missing(live=live, yes=yes)
    if problem:
        console.print(problem, style="red", markup=False)
        return 1
    directory = directory.expanduser().resolve()
    # The key goes to the showcase, which stores it in a block, and not to the server's process.
    key = os.environ.pop("KIE_API_KEY", "") if live else ""
    console.print("Starting a Prefect server ...")
    with _kie(live) as simulator, local_server(directory / "prefect") as server:
        console.print(f"Prefect UI: {server.url}", soft_wrap=True)
        command = [sys.executable, "-m", "prefect_kie.cli.showcase", str(directory / "videos")]
        command += ["--simulator", simulator] if simulator else []
        command += ["--yes"] if yes else []
        others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment = {**others, **server.environment, **({"KIE_API_KEY": key} if live else {})}
        # A company's proxy does not lead to this machine's own server.
        direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        environment["no_proxy"] = environment["NO_PROXY"] = f"{direct},127.0.0.1" if direct else "127.0.0.1"
        # Logs go to the server, where the UI shows them; the terminal has the progress display.
        environment["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
        if stay:
            console.print("The Prefect UI stays up until Ctrl-C.")
            while True:
                time.sleep(1)
    console.print("The Prefect server has ended. With --stay, its UI stays up to look around in.")
    return code


def _missing(*, live: bool, yes: bool) -> str | None:
    """What keeps the demo from running, as a sentence; None where nothing does."""
    try:
        check_renderer()
    except RendererMissing as missing:
        return str(missing)
    if live and not os.environ.get("KIE_API_KEY", "").strip():
        return "Set KIE_API_KEY to a key from kie.ai/api-key; nothing was submitted."
    if live and not yes and not sys.stdin.isatty():
        return "Nobody is there to be asked before paying; say --yes to go on without a question."
    return None


@contextmanager
def _kie(live: bool) -> Generator[str | None, None, None]:
    """The address of a simulated Kie, or None for the real one."""
    if live:
        yield None
        return
    with SimulatorServer(SimulatorSettings(duration_seconds=SIMULATED_SECONDS)) as simulator:
        yield simulator.url
