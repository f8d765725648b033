"""`prefect-kie simulate`: a local Kie until Ctrl-C."""

from __future__ import annotations

import argparse

from prefect_kie.cli.terminal import CommandFailed, say
from prefect_kie.simulator import SimulatorSettings, check_renderer, serve
from prefect_kie.simulator.settings import PAUSED_TODAY


def run(options: argparse.Namespace) -> int:
    """Serve a simulated Kie."""
    settings = SimulatorSettings(
        duration_seconds=options.duration,
        credits=options.credits,
        paused_models=PAUSED_TODAY if options.paused else (),
        signing_key=options.signing_key,
        api_keys=(options.key,) if options.key else None,
        state_file=options.state,
    )

    def started(url: str) -> None:
        say(
            f"Simulated Kie at {url}. In a KieCredentials block, give this as both addresses and any key. "
            f"Counters: {url}/_sim/stats. Ctrl-C stops it."
        )

    check_renderer()
    if options.state is None:
        say("Jobs, credits and uploads are forgotten when it stops: --state FILE keeps them.")
    try:
        serve(settings, options.host, options.port, on_start=started)
    except OSError as error:
        raise CommandFailed(f"Cannot listen on {options.host} port {options.port}: {error}") from error
    except ValueError as error:
        raise CommandFailed(f"{options.state} is no state file of this version: move it away.") from error
    return 0
