"""`prefect-kie simulate`: a local Kie until Ctrl-C."""

import argparse
from functools import partial

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
    try:
        serve(settings, options.host, options.port, on_start=partial(_started, options))
    except OSError as error:
        raise CommandFailed(f"Cannot listen on {options.host} port {options.port}: {error}") from error
    except ValueError as error:
        raise CommandFailed(f"{options.state} is no state file of this version: move it away.") from error
    return 0


def _started(options: argparse.Namespace, url: str) -> None:
    key = "the key" if options.key else "any key"
    end = (
        f"{options.state} keeps its jobs"
        if options.state
        else "it forgets its jobs, which --state FILE keeps"
    )
    say(
        f"Simulated Kie at {url}. In a KieCredentials block, give this as both addresses and {key}. "
        f"Counters: {url}/_sim/stats. Ctrl-C stops it; {end}."
    )
