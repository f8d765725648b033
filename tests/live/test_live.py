"""On the real Kie, for less than a cent: `KIE_API_KEY=... python -m pytest -m live tests/live`.

One small picture, made and saved by a flow, its price read from the account. The same is run against the
simulated Kie with all other tests, so that it works when somebody pays for it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import Output, Scope, generate_image
from prefect_kie.models import ZImage
from prefect_kie.simulator import SimulatorServer

MAX_CREDITS = 10.0  # 0.05 USD; it cost 0.8 in October 2026


async def smoke(kie: KieCredentials, directory: Path) -> float:
    """Make a picture, twice: it is paid once; returns what it cost, credits."""
    async with kie.get_client() as client:
        before = await client.get_credits()
    request = ZImage(prompt="a paper boat on a rainy street", aspect_ratio="1:1")
    output, scope = Output(directory=directory), Scope(job_key=f"smoke test {directory}")
    first = await generate_image(request, kie, output=output, scope=scope)
    again = await generate_image(request, kie, output=output, scope=scope)
    async with kie.get_client() as client:
        cost = before - await client.get_credits()
    assert first.paths == again.paths
    assert first.images[0].task_id == again.images[0].task_id
    assert Path(first.path).stat().st_size > 500
    assert first.saved.request["model"] == "z-image"
    assert 0 < cost < MAX_CREDITS
    return cost


@pytest.mark.live
@pytest.mark.server
async def test_a_picture_is_made_and_paid_once(tmp_path: Path) -> None:
    key = os.environ.get("KIE_API_KEY", "")
    assert key, "set KIE_API_KEY to a key from kie.ai/api-key"
    print(f"It cost {await smoke(KieCredentials(api_key=SecretStr(key)), tmp_path):g} credits")


@pytest.mark.server
async def test_the_same_on_the_simulated_kie(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefect_kie.tasks.wait.next_poll", lambda *_, **__: 0.1)
    await smoke(credentials, tmp_path)
    assert kie.stats()["created"] == 1
