"""`prefect-kie simulate`: a local Kie until Ctrl-C."""

from __future__ import annotations

import argparse

from prefect_kie.cli.terminal import CommandFailed
from prefect_kie.simulator import SimulatorSettings, check_renderer, serve
from prefect_kie.simulator.settings import PAUSED_TODAY


def run(options: argparse.Namespace) -> int:
    """Serve a simulated Kie."""
    settings = SimulatorSettings(
        duration_seconds=options.duration,
        credits=options.credits,
        paused_models=PAUSED_TODAY if options.paused else (),
        signing_key=options.signing_key,
    )
    check_renderer()
    try:
        serve(settings, options.host, options.port, on_start=_started)
    except OSError as error:
        raise CommandFailed(f"Cannot listen on {options.host} port {options.port}: {error}") from error
    return 0


def _started(url: str) -> None:
    print(
        f"Simulated Kie at {url}. In a KieCredentials block, give this as both addresses and any key. "
        f"Counters: {url}/_sim/stats. Ctrl-C stops it.",
        flush=True,
    )
