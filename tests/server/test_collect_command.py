"""`prefect-kie collect`: what a job made, fetched from the terminal, from its task id alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.main import main
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer

BLOCK = "collect-command"


@pytest.fixture(autouse=True)
def _block(credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    credentials.save(BLOCK, overwrite=True)


def submitted(credentials: KieCredentials) -> str:
    """The id of a job that somebody submitted."""

    async def submit() -> str:
        async with credentials.get_client() as client:
            return (await client.create_job(Sora2TextToVideo(prompt="A yak"))).task_id

    return asyncio.run(submit())


def collect(task_id: str, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["collect", task_id, "--credentials", BLOCK, *words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.server
def test_it_prints_where_the_files_are(
    credentials: KieCredentials, kie: SimulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task_id = submitted(credentials)
    code, out, err = collect(task_id, capsys, "--directory", str(tmp_path / "videos"))
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert Path(line).parent == tmp_path / "videos"
    assert Path(line).stat().st_size > 0
    assert task_id in line
    assert kie.stats()["created"] == 1


@pytest.mark.server
@pytest.mark.parametrize("task_id", ["0123456789abcdef0123", "x" * 100])
def test_a_job_that_is_unknown_is_a_sentence(
    task_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = collect(task_id, capsys, "--directory", str(tmp_path / "videos"))
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert [line.split(":")[0] for line in err.splitlines()[1:]] == ["Charged", "Next"]
    assert not list(tmp_path.glob("videos/*"))


@pytest.mark.server
def test_a_job_that_failed_says_why(
    credentials: KieCredentials, kie: SimulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kie.fault("job", fail={"failCode": "500", "failMsg": "the GPU is on fire"})
    task_id = submitted(credentials)
    code, out, err = collect(task_id, capsys, "--directory", str(tmp_path / "videos"))
    assert (code, out) == (1, "")
    assert "the GPU is on fire" in err
    assert "Charged: no." in err
