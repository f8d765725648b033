"""How long a video is, without keeping it."""

from __future__ import annotations

import tempfile
from datetime import datetime, timezone
from pathlib import Path

import pytest

from prefect_kie.api import Job, JobResult, JobState, ResultFile
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import DownloadFailed
from prefect_kie.models import Sora2ProStoryboard
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import measure_video
from tests.file_hosts import CAT, file_host, finished, http_answer

pytestmark = pytest.mark.server

STORYBOARD = Sora2ProStoryboard.model_validate(
    {"shots": [{"Scene": "dawn", "duration": 15}], "n_frames": "15"}
)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(("request_", "seconds"), [(CAT, 10), (STORYBOARD, 15)], ids=["10 s", "15 s"])
async def test_a_video_is_measured_and_not_kept(
    kie: SimulatorServer,
    credentials: KieCredentials,
    scratch: Path,
    request_: Sora2ProStoryboard,
    seconds: float,
) -> None:
    job = await finished(kie, credentials, request_)
    assert await measure_video(job, credentials) == pytest.approx(seconds, abs=0.1)
    assert list(scratch.rglob("*.mp4")) == []
    assert list(scratch.glob("prefect-kie-*")) == []


async def test_what_is_no_video_has_no_length(credentials: KieCredentials) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(50)
    async with file_host(http_answer(picture, content_length=len(picture))) as host:
        result = JobResult(files=(ResultFile(url=host.url),))
        job = Job(task_id="1", model="m", state=JobState.SUCCESS, result=result)
        assert await measure_video(job, credentials) is None


async def test_trouble_that_passes_is_sat_out(kie: SimulatorServer, credentials: KieCredentials) -> None:
    job = await finished(kie, credentials)
    kie.fault("file", reset=True, times=2)
    assert await measure_video(job, credentials) == pytest.approx(10, abs=0.1)


async def test_a_video_that_cannot_be_had_is_told(kie: SimulatorServer, credentials: KieCredentials) -> None:
    job = await finished(kie, credentials)
    job = job.model_copy(update={"completed_at": datetime(2026, 1, 1, tzinfo=timezone.utc)})
    kie.change(result_days=0)
    with pytest.raises(DownloadFailed, match="no fresh one") as caught:
        await measure_video(job, credentials)
    assert caught.value.task_id == job.task_id
    assert kie.stats()["file_requests"] == 1
