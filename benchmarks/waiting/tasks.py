"""The same through real tasks: a Prefect server, a simulated Kie, and the receiver in a process of its own.

To be imported once Prefect is configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import State, flow
from pydantic import SecretStr

from benchmarks.apart import running, wait_until_it_answers
from benchmarks.waiting.schedules import USUAL, Wait
from prefect_kie.api import Job, PollPolicy, Sora2TextToVideo
from prefect_kie.blocks import KieCallbacks, KieCredentials
from prefect_kie.cli.local_server import free_port
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.tasks import sora_2_text_to_video, wait_for_job

BLOCK = "bench"
SUBMIT_SECONDS = 0.5
"""Between two submissions: Kie takes 20 jobs in 10 seconds."""


def policy(sigma: float, scale: float) -> PollPolicy:
    """This project's own policy, with all its seconds scaled like the jobs'."""
    usual = PollPolicy()
    return PollPolicy(
        usual_seconds=USUAL * scale,
        spread=sigma,
        **{
            name: getattr(usual, name) * scale
            for name in ("deadline_seconds", "min_gap_seconds", "max_gap_seconds", "seconds_per_look")
        },
    )


class Laboratory:
    """What all trials share.

    Args:
        receiver_url: Where `receiver` takes callbacks.
        signing_key: With which Kie signs them.
        scale: How much shorter the jobs are, and the look schedule's seconds with them.
        count: How many jobs.
        seed: Of their durations.
    """

    def __init__(self, receiver_url: str, signing_key: str, *, scale: float, count: int, seed: int) -> None:
        self._callbacks = KieCallbacks(base_url=receiver_url, signing_key=SecretStr(signing_key))
        self._signing_key = signing_key
        self._scale = scale
        self._count = count
        self._seed = seed

    def trial(self, sigma: float, *, callbacks: bool) -> list[Wait]:
        """Submit the jobs, as fast as Kie takes them, and wait for them, in one flow run.

        Args:
            sigma: The spread of their durations.
            callbacks: Whether Kie calls back.
        """
        settings = SimulatorSettings(
            duration_seconds=USUAL * self._scale,
            duration_sigma=sigma,
            seed=self._seed,
            report_progress=False,
            signing_key=self._signing_key,
            credits=1_000_000,
            create_per_10s=None,
            looks_per_second=None,
        )
        with SimulatorServer(settings) as kie:
            credentials = KieCredentials(
                api_key=SecretStr("bench"),
                base_url=kie.url,
                upload_url=kie.url,
                callbacks=self._callbacks if callbacks else None,
                creates_per_10_seconds=100_000,
                polls_per_second=100_000,
            )
            ended = asyncio.run(self._run(credentials, policy(sigma, self._scale)))
            seen = {job["task_id"]: job for job in kie.stats()["jobs"]}
        return [
            Wait(at.timestamp() - seen[task_id]["finishes_at"], seen[task_id]["looks"])
            for task_id, at in ended
        ]

    async def _run(self, credentials: KieCredentials, poll: PollPolicy) -> list[tuple[str, datetime]]:
        await credentials.asave(BLOCK, overwrite=True)

        async def one(number: int) -> tuple[str, datetime]:
            await asyncio.sleep(number * SUBMIT_SECONDS)
            handle = await sora_2_text_to_video(Sora2TextToVideo(prompt=f"number {number}"), BLOCK)
            waiting: Any = wait_for_job(handle, BLOCK, poll=poll, return_state=True)
            state: State[Job] = await waiting
            await state.aresult()
            return handle.task_id, state.timestamp

        @flow(name="wait-for-many")
        async def many() -> list[tuple[str, datetime]]:
            return await asyncio.gather(*(one(number) for number in range(self._count)))

        return await many()


@contextmanager
def receiver(signing_key: str, environment: dict[str, str], log: Path) -> Generator[str, None, None]:
    """`prefect-kie callbacks` in a process of its own; yields its address."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    KieCallbacks(base_url=url, signing_key=SecretStr(signing_key)).save(BLOCK, overwrite=True)
    words = ["-m", "prefect_kie.cli", "callbacks", "--port", str(port), "--block", BLOCK]
    with running(words, environment, log) as process:
        wait_until_it_answers(f"{url}/health", process, log)
        yield url
