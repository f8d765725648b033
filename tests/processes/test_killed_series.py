"""A series with a character of your own, whose process is killed: each job is created and charged once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import get_current_settings

from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICKLY
from tests.server.flows.test_characters_killed import (
    check_whole,
    credentials,  # noqa: F401
    kie,  # noqa: F401
    series,
)

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]

SCRIPT = """
import asyncio, sys
from pathlib import Path
from benchmarks.crash.moments import after, before
from prefect_kie.blocks import KieCharacter
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions.store import SubmissionRecords
from prefect_kie.flows import *
from prefect_kie.models import Slice, Wan30Video
from prefect_kie.api import PollPolicy

{kill}()
asyncio.run(character_series(**{parameters}))
"""
KILLS = (
    'before(LocalStorage, "put", lambda *given: given[2].endswith("still-2.jpg"))',
    'after(SubmissionRecords, "write", lambda _, one: one.task_id and one.model == "kling-3.0/video")',
)
"""In the middle of the character's files; as soon as an episode's id is recorded."""


@pytest.mark.usefixtures("results")
async def test_its_process_is_killed_in_the_middle_of_files_and_of_episodes(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
) -> None:
    await credentials.asave("killed-series", overwrite=True)
    parameters = {
        "original": {"model": "wan/3-0-video", "prompt": "a calm cat on a red sofa", "duration": 5},
        "traits": {"handle": "tom", "description": "a calm grey cat"},
        "prompts": ["{character} surfs at dawn", "a boat sails past {character} , who waves"],
        "slice": {"start": 1, "end": 4},
        "episodes": {"model": "kling-3.0/video", "input": {"duration": "3", "mode": "std"}},
        "film": {"join": "when whole"},
        "credentials": "killed-series",
        "output": {"directory": str(tmp_path)},
        "waiting": {"poll": QUICKLY.poll.model_dump(mode="json")},
        "scope": {"job_key": "tom"},
    }
    environment = {
        **os.environ,
        "PREFECT_LOCAL_STORAGE_PATH": str(get_current_settings().results.local_storage_path),
    }
    for moment, created in zip(KILLS, ((1, 1), (2, 3)), strict=True):
        script = SCRIPT.format(kill=moment, parameters=parameters)
        ended = subprocess.run(
            [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, timeout=120
        )
        assert ended.returncode == -9, ended.stderr[-3000:]
        assert created[0] <= kie.stats()["created"] <= created[1]
    made = await series(credentials, tmp_path, "tom")
    await check_whole(made, kie, "tom")
