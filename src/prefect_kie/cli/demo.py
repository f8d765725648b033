"""`prefect-kie demo`: the main job, end to end, on a Prefect server of its own.

Starts a simulated Kie (or asks for the real one) and a Prefect server, and runs
`prefect_kie.cli.showcase` on them in a process of its own: Prefect sends its last log lines when a process
ends, and by then the server must still exist.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import ExitStack

from prefect_kie.cli.local_server import local_server
from prefect_kie.cli.terminal import CommandFailed, say
from prefect_kie.simulator import SimulatorServer, SimulatorSettings, check_renderer


def run(options: argparse.Namespace) -> int:
    check_renderer()
    # The key goes to the showcase, which stores it in a block, and not to the server's process.
    key = os.environ.pop("KIE_API_KEY", "").strip() if options.live else ""
    if options.live and not key:
        raise CommandFailed("Set KIE_API_KEY to a key from kie.ai/api-key; nothing was submitted.")
    if options.live and not options.yes and not sys.stdin.isatty():
        raise CommandFailed("Nobody is there to be asked before paying; say --yes. Nothing was submitted.")
    directory = options.directory.expanduser().resolve()
    command = [sys.executable, "-m", "prefect_kie.cli.showcase", str(directory / "videos")]
    command += ["--yes"] if options.yes else []
    say("Starting a Prefect server ...")
    with ExitStack() as stack:
        if not options.live:
            simulator = stack.enter_context(SimulatorServer(SimulatorSettings(duration_seconds=4.0)))
            command += ["--simulator", simulator.url]
        server = stack.enter_context(local_server(directory / "prefect"))
        say(f"Prefect UI: {server.url}")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment |= server.environment | ({"KIE_API_KEY": key} if options.live else {})
        # A company's proxy does not lead to this machine's own server.
        direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "localhost"
        environment["no_proxy"] = environment["NO_PROXY"] = f"{direct},127.0.0.1"
        # Logs go to the server, where the UI shows them; the terminal has the progress display.
        environment["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
        if options.stay:
            say("The Prefect UI stays up until Ctrl-C.")
            while True:
                time.sleep(1)
    say("The Prefect server has ended. With --stay, its UI stays up to look around in.")
    return code
