"""Every model from its smallest request to saved files: created once, charged once, of the right kind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_kie.api import JobRequest
from prefect_kie.blocks import KieCredentials
from prefect_kie.media.saving import save
from prefect_kie.models import parse_request
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.requests_of_all_models import REQUESTS

from .data import MODELS

SUFFIX_OF = {"audio": "mp3", "voice": "mp3", "video": "mp4", "clip": "mp4"}
SUFFIXES = {
    "video": {".mp4"},
    "image": {".png", ".jpg", ".webp"},
    "audio": {".mp3", ".wav"},
    "text": {".txt", ".json", ".png"},  # a mask
    "character": {".json"},
}
HEADS = {
    ".mp4": b"ftyp",
    ".png": b"\x89PNG",
    ".jpg": b"\xff\xd8\xff",
    ".webp": b"RIFF",
    ".wav": b"RIFF",
    ".mp3": b"ID3",
}


def fitting(name: str, value: object) -> object:
    """An input with addresses of files of the kind that each field is for."""
    if isinstance(value, dict):
        return {key: fitting(key, one) for key, one in value.items()}
    if isinstance(value, list):
        return [fitting(name, one) for one in value]
    if isinstance(value, str) and value.startswith("https://"):
        kind = next((suffix for word, suffix in SUFFIX_OF.items() if word in name), "png")
        return f"https://files.example/a.{kind}"
    return value


ALL: dict[str, JobRequest] = {
    **{one.model_name: one for one in REQUESTS if one.model_name.startswith("sora-")},
    **{one.name: parse_request({"model": one.name, "input": fitting("", one.least())}) for one in MODELS},
}


@pytest.fixture(scope="module")
def kie() -> Iterator[SimulatorServer]:
    settings = SimulatorSettings(
        duration_seconds=0,
        credits=1_000_000,
        create_per_10s=None,
        polls_per_second=None,
        video_height=32,
        video_fps=2,
    )
    with SimulatorServer(settings) as kie:
        yield kie


@pytest.mark.parametrize("model", ALL)
async def test_each_model_runs_to_a_saved_result(model: str, kie: SimulatorServer, tmp_path: Path) -> None:
    request, before = ALL[model], kie.stats()
    credentials = KieCredentials(api_key="any", base_url=kie.url, upload_url=kie.url)
    async with credentials.get_client() as client:
        handle = await client.create_job(request)
        while not (job := await client.get_job(handle.task_id)).state.finished:
            await asyncio.sleep(0.01)
    saved, _ = await save(job, credentials, directory=tmp_path)
    again, _ = await save(job, credentials, directory=tmp_path)
    after = kie.stats()
    assert {
        name: after[name] - before[name] for name in ("created", "succeeded", "failed", "violations")
    } == {
        "created": 1,
        "succeeded": 1,
        "failed": 0,
        "violations": 0,
    }
    assert [file.path for file in again.files] == [file.path for file in saved.files]
    assert Path(saved.path).suffix in SUFFIXES[request.result_kind]
    for file in saved.files:
        content = Path(file.path).read_bytes()
        assert len(content) == file.size > 0
        assert HEADS.get(Path(file.path).suffix, b"") in content[:8], file.path
    assert saved.request["model"] == model
