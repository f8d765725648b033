"""`prefect-kie serve`: every deployment of prefect.yaml from one process, for those without a worker.

Its deployments have names of their own, `kie-serve` instead of `kie`: a deployment belongs either to a work
pool or to the process that serves it, and under one name whichever of `prefect deploy --all` and
`prefect-kie serve` ran last would take it from the other, whose runs would then wait for ever.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound, TerminationSignal
from prefect.runner import Runner
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType
from rich.console import Console
from rich.text import Text

from prefect_kie.blocks import DEFAULT_CREDENTIALS
from prefect_kie.cli.automations import RECOVERY_TAG
from prefect_kie.cli.connection import connected, server_url
from prefect_kie.flows import (
    character_series,
    collect_job,
    create_character,
    generate_batch,
    generate_video,
    resolve_submission,
    resume_waiting,
)

DEPLOYED = "kie"
"""How the names of prefect.yaml's deployments begin."""

SERVED = "kie-serve"
"""How the names of the served ones begin instead."""

STARTED = "Start runs in the UI, or with prefect deployment run NAME. Ctrl-C stops it."

RUNS_AT_ONCE = 10
"""How many flow runs, each a process, `prefect-kie serve` runs side by side unless told otherwise."""


@dataclass(frozen=True)
class FlowDeployment:
    """One deployment, as prefect.yaml has it (a test compares them).

    Attributes:
        flow: The flow.
        description: What it is for.
        concurrency_limit: How many of its runs may run at once; further ones wait.
        name: Its name in prefect.yaml.
        parameters: Besides the name of the credentials block, where it takes one.
        schedule: When it runs by itself; None: never.
    """

    flow: Flow[..., Any]
    description: str
    concurrency_limit: int = 10
    name: str = DEPLOYED
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    schedule: Schedule | None = None

    @property
    def full_name(self) -> str:
        """As Prefect names it: the flow's name, a slash, its own."""
        return f"{self.flow.name}/{self.name}"

    @property
    def entrypoint(self) -> str:
        """Where Prefect finds the flow: in the installed package, from any directory."""
        return f"prefect_kie.flows.{self.flow.fn.__name__}"

    def served(self) -> FlowDeployment:
        """The same under the name for `prefect-kie serve`."""
        return replace(self, name=SERVED + self.name.removeprefix(DEPLOYED))

    def for_runner(self) -> RunnerDeployment:
        """The same as Prefect's runner takes it."""
        takes_them = "credentials" in self.flow.parameters.properties
        credentials = {"credentials": DEFAULT_CREDENTIALS} if takes_them else {}
        deployment = RunnerDeployment.from_flow(
            self.flow,
            self.name,
            description=self.description,
            tags=[RECOVERY_TAG],
            parameters={**credentials, **self.parameters},
            concurrency_limit=ConcurrencyLimitConfig(
                limit=self.concurrency_limit, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
            ),
            schedules=[self.schedule] if self.schedule else None,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        deployment.entrypoint = self.entrypoint
        return deployment


DEPLOYMENTS = (
    FlowDeployment(generate_video, "Make a video, or several variations of it, and save it."),
    FlowDeployment(
        generate_video,
        "A new video every day; its schedule is off until you switch it on. Each day is paid once.",
        concurrency_limit=1,
        name=f"{DEPLOYED}-daily",
        parameters={
            "request": {
                "model": "sora-2-text-to-video",
                "prompt": "A paper boat drifts down a rainy gutter and into a puddle",
            }
        },
        schedule=Cron("0 6 * * *", timezone="Europe/Berlin", active=False, slug="daily"),
    ),
    FlowDeployment(create_character, "Make a character from a slice of an earlier Sora video."),
    FlowDeployment(
        character_series,
        "Make a video, a character from a slice of it, and new videos with that character.",
    ),
    FlowDeployment(
        generate_batch,
        "Make the videos of a manifest, one per row; started again, only what is missing is paid.",
    ),
    FlowDeployment(collect_job, "Fetch what a job made, from its task id alone; pays nothing."),
    FlowDeployment(
        resolve_submission,
        "List submissions whose answer was lost, or settle one of them; pays nothing.",
        concurrency_limit=1,
    ),
    FlowDeployment(
        resume_waiting,
        "Resume runs that are suspended until their jobs have ended; its schedule is off until you switch it "
        "on.",
        concurrency_limit=1,
        schedule=Interval(60, active=False, slug="every-minute"),
    ),
)
"""Every deployment of prefect.yaml, in its order."""


class _Runner(Runner):
    """Prefect's runner, which a service manager's SIGTERM stops as Ctrl-C does.

    Prefect's own handler (3.9) leaves the schedules on, whose runs would pile up unserved, and a traceback.

    Args:
        on_start: Called when it takes runs.
        options: Prefect's own.
    """

    def __init__(self, on_start: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._on_start = on_start

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._on_start()
        return self

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        """Stop as by Ctrl-C."""
        signal.raise_signal(signal.SIGINT)


def run_serve(console: Console, limit: int = RUNS_AT_ONCE) -> int:
    """Serve all deployments from this process until Ctrl-C or SIGTERM.

    Once stopped, its schedules are paused until it is started again. A run that it cuts off is called
    crashed, at once or after 90 seconds without a heartbeat, and where `prefect-kie setup` has made the
    automations it goes on as soon as this serves again: same jobs, nothing paid twice.

    Args:
        console: Where to tell it.
        limit: How many runs may run at once.

    Returns:
        The exit code: 0 when it was stopped.

    Raises:
        ServerMissing: when there is no Prefect server.
    """
    deployments = asyncio.run(_prepared())
    console.print(Text(f"Prefect server {server_url()}"), soft_wrap=True)
    for deployment in deployments:
        console.print(Text(f"serves {deployment.full_name}"), soft_wrap=True)
    runner = _Runner(
        lambda: console.print(Text(STARTED), soft_wrap=True),
        pause_on_shutdown=True,
        limit=limit,
    )
    with suppress(KeyboardInterrupt, TerminationSignal):
        for deployment in deployments:
            runner.add_deployment(deployment.for_runner())
        asyncio.run(runner.start())
    console.print("Stopped.")
    return 0


async def switched_on(deployment: str) -> dict[str, bool]:
    """A build step for prefect.yaml: whether a deployment's schedule is on, so that it stays so.

    Prefect itself switches a schedule on at each deploy, or off, or, where the file leaves that out, on when
    it makes it: then the first deploy would begin to pay.

    Args:
        deployment: Its full name, the flow's and its own.

    Returns:
        `switched_on`: for the schedule's `active`. False for a deployment that does not exist yet.
    """
    async with get_client() as client:
        return {"switched_on": await _is_on(client, deployment)}


async def _is_on(client: PrefectClient, deployment: str) -> bool:
    try:
        known = await client.read_deployment_by_name(deployment)
    except ObjectNotFound:
        return False
    return any(one.active for one in known.schedules)


async def _prepared() -> Sequence[FlowDeployment]:
    """The served deployments; a schedule that somebody has switched on or off stays so.

    Raises:
        ServerMissing: when there is no Prefect server.
    """
    prepared: list[FlowDeployment] = []
    async with connected() as client:
        for deployment in (one.served() for one in DEPLOYMENTS):
            if deployment.schedule is None:
                prepared.append(deployment)
                continue
            active = await _is_on(client, deployment.full_name)
            prepared.append(replace(deployment, schedule=replace(deployment.schedule, active=active)))
    return prepared
