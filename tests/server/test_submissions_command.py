"""`prefect-kie submissions`: what is in doubt, listed, bound and released from the terminal."""

from __future__ import annotations

import asyncio
import os

import pytest

from prefect_kie.api import SubmissionInDoubt
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.main import main
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.submissions import store
from prefect_kie.tasks import sora_2_text_to_video

BLOCK = "submissions-command"

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _block(credentials: KieCredentials, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    credentials.save(BLOCK, overwrite=True)


def doubt(kie: SimulatorServer, credentials: KieCredentials, prompt: str, *, created: bool) -> str:
    """The key of a submission in doubt, for which Kie created a job or did not."""
    kie.fault("create", reset=True, accept=created)
    with pytest.raises(SubmissionInDoubt) as caught:
        asyncio.run(sora_2_text_to_video(Sora2TextToVideo(prompt=prompt), credentials, job_key="one"))
    assert caught.value.submission
    return caught.value.submission


def submissions(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["submissions", *words, "--credentials", BLOCK])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_listed_bound_and_released(
    kie: SimulatorServer,
    credentials: KieCredentials,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = doubt(kie, credentials, "a cat", created=True)
    lost = [doubt(kie, credentials, prompt, created=False) for prompt in ("a dog", "an owl")]
    capsys.readouterr()

    code, out, err = submissions(capsys, "list")
    assert (code, err) == (0, "")
    for key, prompt in zip([made, *lost], ("a cat", "a dog", "an owl"), strict=True):
        assert f"{key} in doubt\n  sora-2-text-to-video: {prompt}\n" in out
    assert "prefect-kie submissions bind KEY TASK_ID" in out

    (job,) = kie.stats()["jobs"]
    code, out, err = submissions(capsys, "bind", made, job["task_id"])
    assert (code, err) == (0, "")
    assert f"{made} bound, job {job['task_id']}" in out

    monkeypatch.setattr(store, "OUTCOME_SECONDS", 0.0)  # some minutes later
    code, out, err = submissions(capsys, "release", lost[0], "kie-" + "0" * 32, lost[1])
    assert code == 1
    assert f"kie-{'0' * 32}: there is no record of a submission" in err
    assert [f"{key} released" in out for key in lost] == [True, True]

    assert submissions(capsys, "list") == (0, "No submission is in doubt.\n", "")
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize("words", [["bind", "nonsense", "t1"], ["release", "nonsense"]])
def test_what_is_no_key_is_a_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = submissions(capsys, *words)
    assert (code, out) == (1, "")
    assert err.startswith("nonsense: ")
    assert "Traceback" not in err
