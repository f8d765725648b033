"""`prefect-kie simulate`: a local Kie until Ctrl-C."""

import argparse

from prefect_kie.cli.terminal import CommandFailed, say
from prefect_kie.simulator import SimulatorSettings, check_renderer, serve
from prefect_kie.simulator.settings import PAUSED_TODAY


def run(options: argparse.Namespace) -> int:
    if options.state is not None and not options.state.resolve().parent.is_dir():
        raise CommandFailed(f"There is no directory for {options.state}: make it first.")
    settings = SimulatorSettings(
        duration_seconds=options.duration,
        credits=options.credits,
        paused_models=PAUSED_TODAY if options.paused else (),
        signing_key=options.signing_key,
        api_keys=(options.key,) if options.key else None,
        state_file=options.state,
    )
    check_renderer()
    key = "the key" if options.key else "any key"
    forgets = "it forgets its jobs, which --state FILE keeps"
    end = f"{options.state} keeps its jobs" if options.state else forgets

    def started(url: str) -> None:
        say(
            f"Simulated Kie at {url}. In a KieCredentials block, give this as both addresses and {key}. "
            f"Counters: {url}/_sim/stats. Ctrl-C stops it; {end}."
        )

    try:
        serve(settings, options.host, options.port, on_start=started)
    except OSError as error:
        raise CommandFailed(f"Cannot listen on {options.host} port {options.port}: {error}") from error
    except ValueError as error:
        raise CommandFailed(f"{options.state} is no state file of this version: move it away.") from error
    return 0
