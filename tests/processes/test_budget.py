"""A budget that several processes use at once, or that one of them dies with."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.setup import provide_budget
from prefect_kie.errors import BudgetExceeded
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions.budgets import CREDITS_LIMIT
from tests.server.tasks.test_budget import (
    PRICE,
    Begin,
    limited,  # noqa: F401
    no_limit,  # noqa: F401
    of_server,
    prices,  # noqa: F401
    submit,
    used,
)


async def ended(tmp_path: Path, results: Path, script: str, *arguments: str) -> Any:
    """Run a script to its end."""
    (tmp_path / "script.py").write_text(script)
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(tmp_path / "script.py"), *arguments],
        env={**os.environ, "PREFECT_LOCAL_STORAGE_PATH": str(results)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


RACERS = """
import asyncio, os
from prefect_kie.runtime.global_limits import ServerCreditLimit

async def race():
    done = await asyncio.gather(*(ServerCreditLimit("kie-credits").occupy(30) for _ in range(15)))
    assert set(done) <= {30, None}, done
    print(done.count(30))

# What takes long is imported once, and then they start together.
first = os.fork()
second = first and os.fork()
asyncio.run(race())
assert not second or all(os.waitpid(racer, 0)[1] == 0 for racer in (first, second))
"""


@of_server
async def test_of_45_racers_in_three_processes_three_get_the_slots_of_three(
    limited: Begin, results: Path, tmp_path: Path
) -> None:
    await limited(100)
    done = await ended(tmp_path, results, RACERS)
    assert done.returncode == 0, done
    got = [int(line) for line in done.stdout.splitlines()]
    assert (len(got), sum(got)) == (3, 3)
    assert await used() == 90


WORKERS = """
import asyncio, os, sys
from prefect import flow
from prefect_kie.errors import BudgetExceeded
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.tasks import sora_2_text_to_video

credentials = KieCredentials(api_key="any", base_url=sys.argv[1], upload_url=sys.argv[1])

@flow
async def pipeline():
    requests = [Sora2TextToVideo(prompt=f"{name} {number}") for number in range(5)]
    calls = [sora_2_text_to_video(each, credentials) for each in requests]
    done = await asyncio.gather(*calls, return_exceptions=True)
    others = [each for each in done if isinstance(each, Exception) and not isinstance(each, BudgetExceeded)]
    if others:
        raise others[0]

other = os.fork()
name = "left" if other else "right"
asyncio.run(pipeline())
assert not other or os.waitpid(other, 0)[1] == 0
"""


@of_server
async def test_two_workers_race_and_the_limit_is_used_and_not_exceeded(
    kie: SimulatorServer, limited: Begin, results: Path, tmp_path: Path
) -> None:
    await limited(170)
    done = await ended(tmp_path, results, WORKERS, kie.url)
    assert done.returncode == 0, done
    assert kie.stats()["created"] == 5  # of ten
    assert await used() == 150


KILLED = """
import asyncio, os, sys
from prefect import flow
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.blocks import KieCredentials
from prefect_kie.submissions.store import SubmissionRecords
from prefect_kie.tasks import sora_2_text_to_video

credentials = KieCredentials(api_key="any", base_url=sys.argv[1], upload_url=sys.argv[1])

async def killed(self, record):
    os._exit(9)

SubmissionRecords.claim = killed

@flow
async def pipeline():
    cat = Sora2TextToVideo(prompt="cat number 1")
    await sora_2_text_to_video(cat, credentials, job_key="one", max_credits=30)

asyncio.run(pipeline())
"""


@of_server
async def test_a_process_killed_before_its_record_keeps_the_slots_and_setup_says_how_to_reset_them(
    kie: SimulatorServer, credentials: KieCredentials, limited: Begin, results: Path, tmp_path: Path
) -> None:
    await limited(PRICE)
    done = await ended(tmp_path, results, KILLED, kie.url)
    assert done.returncode == 9, done
    assert (await used(), kie.stats()["created"]) == (PRICE, 0)
    with pytest.raises(BudgetExceeded, match="kie-credits"):  # the run's own budget has room
        await submit(credentials, 2, max_credits=PRICE)
    async with get_client() as client:
        found = await provide_budget(client, "budget", None)
        assert found is not None
        assert "30 of 30 credits are used" in found.what
        assert found.remedy == "run: prefect gcl update kie-credits --active-slots 0"
        anew = GlobalConcurrencyLimitUpdate(active_slots=0)
        await client.update_global_concurrency_limit(CREDITS_LIMIT, anew)
    await submit(credentials, max_credits=PRICE)
    assert (await used(), kie.stats()["created"]) == (PRICE, 1)
