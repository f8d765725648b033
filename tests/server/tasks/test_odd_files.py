"""What was paid for is kept: content decides over headers and over tidiness. Error pages are not kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefect_kie.api.results import JobResult, ResultFile
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import save_result
from tests.file_hosts import file_host, finished, http_answer


@pytest.mark.server
async def test_a_paid_video_that_is_a_picture_is_kept_with_a_warning(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = await finished(kie, credentials)
    kie.fault("file", body="GIF89a, and the rest of a picture")
    saved = await save_result(job, credentials, directory=tmp_path)
    assert Path(saved.path).suffix == ".gif"
    assert "ends in .mp4 and it is a .gif file" in caplog.text
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_data_does_not_take_the_sidecars_name(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    job = await finished(kie, credentials)
    async with file_host(http_answer(b'{"words": []}', content_length=13)) as host:
        url = f"{host.url}/a.json"
        result = JobResult(files=(ResultFile(url=url),))
        saved = await save_result(job.model_copy(update={"result": result}), credentials, directory=tmp_path)
    assert Path(saved.path).read_bytes() == b'{"words": []}'
    assert len(list(tmp_path.iterdir())) == 2
