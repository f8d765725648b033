"""What a flow asks of the Prefect server: little for each video, for a server has many to serve."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import pytest

from prefect_kie.blocks import KieCredentials
from prefect_kie.flows import Output, generate_video
from prefect_kie.models import Sora2TextToVideo
from tests.conftest import QUICKLY

pytestmark = pytest.mark.server


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many requests went to the Prefect server from here on, by their paths' first word."""
    counted: Counter[str] = Counter()
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def counting(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        path = request.url.path.split("/")
        if path[1] == "api" and path[2] != "v1":  # Kie's begin so, too
            counted[path[2]] += 1
        return await send(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", counting)
    # A run asks from time to time whether it is still its own: more often the slower the machine is.
    monkeypatch.setenv("PREFECT_INTEGRATIONS_KIE_OWNERSHIP_CHECK_SECONDS", "600")
    return counted


async def test_a_video_more_asks_for_its_artifacts_alone(
    asked: Counter[str], credentials: KieCredentials, tmp_path: Path
) -> None:
    seen: list[Counter[str]] = []
    for count in (1, 5):
        asked.clear()
        request = Sora2TextToVideo(prompt=f"{count} of a kind")
        output = Output(directory=tmp_path)
        await generate_video(request, credentials, count=count, output=output, waiting=QUICKLY)
        seen.append(Counter(asked))
    one, five = seen
    assert five["admin"] <= 3  # where results are stored; a few may ask at once before one is told
    assert all(five[path] <= one[path] for path in ("flows", "flow_runs"))
    assert five["artifacts"] <= 5 * one["artifacts"]  # its progress, and its part of the overview
