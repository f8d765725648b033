"""Answers that look like a refusal, or like a failure that passes, and are none: paid once, or never."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import BatchRetry, Retry, generate_batch, generate_video
from prefect_kie.models import Sora2TextToVideo, Sora2TextToVideoStable
from prefect_kie.simulator import SimulatorServer
from tests.conftest import KEY, QUICK, grouped

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
EAGER = Retry(attempts=6, fallbacks=(Sora2TextToVideoStable(prompt="a cat on a red sofa"),))


async def ends(credentials: KieCredentials, directory: Path, **more: Any) -> tuple[str, str]:
    """How a run for one video ends: its status and its error."""
    given = grouped(**{"job_key": "night", "poll": QUICK, "directory": directory, **more})
    try:
        made = await generate_video(CAT, credentials, **given)
    except RunIncomplete as error:
        made = error.result
    (outcome,) = made.videos
    return outcome.status, outcome.error or ""


MISHAPS: dict[str, dict[str, Any]] = {
    **{name: {"code": 500, "msg": f"{name} cannot be null"} for name in ("taskNo", "id", "taskId")},
    "field": {"code": 500, "msg": "This field is required"},
    "recordInfo": {"code": 422, "msg": "recordInfo is null"},
    "a bomb": {"swollen": 20, "gzip": 2},
}


@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
async def test_what_was_created_before_a_mishap_is_paid_once(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, mishap: dict[str, Any]
) -> None:
    kie.fault("create", **mishap, **({"accept": True} if "code" in mishap else {}))
    for _ in range(2):  # run again, with every policy there is: nothing is paid
        status, error = await ends(credentials, tmp_path, retry=EAGER)
        assert status == "in doubt", error
        assert "Charged: unknown" in error
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("fail", "The input or output was flagged as sensitive. Please try again with different inputs."),
        ("failed", "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED"),
    ],
)
async def test_what_moderation_refused_is_submitted_once_whatever_the_policy(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, said: str, word: str
) -> None:
    kie.fault("job", fail={"failCode": "500", "failMsg": said}, fail_word=word, times=None)
    status, error = await ends(credentials, tmp_path, retry=EAGER)
    assert (status, said in error) == ("rejected", True), error
    assert (kie.stats()["created"], kie.stats()["charged"]) == (1, 0)


@pytest.mark.parametrize("word", ["failed", "error", "canceled"])
async def test_a_failure_by_any_word_ends_the_wait_and_tells_its_reason(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, word: str
) -> None:
    kie.fault("job", fail={"failMsg": "heavy load, try again"}, fail_word=word)
    status, error = await ends(credentials, tmp_path)
    assert (status, "heavy load" in error) == ("failed", True), error
    assert (kie.stats()["created"], kie.stats()["charged"]) == (1, 0)


async def test_a_record_that_does_not_exist_yet_is_waited_for(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("poll", code=422, msg="Record does not exist", times=3)
    assert await ends(credentials, tmp_path) == ("saved", "")
    assert kie.stats()["created"] == 1


async def test_a_quoted_key_reaches_no_state_and_no_log(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "prefect_kie")
    # Other encodings: tests/unit/api/test_key_in_answers.py.
    kie.fault("create", code=422, msg=f"what is {KEY}?", charset="utf-16-le")
    _, error = await ends(credentials, tmp_path)
    assert "what is [key]?" in error
    for text in (error, caplog.text):
        assert KEY not in text
        assert KEY not in text.replace("\0", "")


@pytest.mark.parametrize("times", [3, None], ids=["for a while", "for good"])
@pytest.mark.parametrize("word", ["completed", "uploading", ""])
async def test_an_end_without_a_result_that_tells_of_no_failure_is_paid_once(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, word: str, times: int | None
) -> None:
    """Its result may be late, as a success's may; and nobody knows whether it was charged."""
    now = int(1000 * time.time())
    ended = {"state": word, "completeTime": now, "resultJson": None, "creditsConsumed": None}
    kie.fault("poll", merge={"data": ended}, times=times)
    poll = QUICK.model_copy(update={"late_result_seconds": 20}) if times else QUICK
    status, error = await ends(credentials, tmp_path, retry=EAGER, poll=poll)
    assert kie.stats()["created"] == 1, error
    assert status == ("saved" if times else "failed"), error
    if times is None:
        assert "Charged: unknown" in error
        assert "collect_job" in error


async def test_a_fallback_that_was_made_is_found_by_the_next_run_before_anything_is_paid(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", fail={"failMsg": "heavy load, try again"}, times=2)
    policy = Retry(attempts=2, fallbacks=EAGER.fallbacks)
    for _ in range(2):
        assert (await ends(credentials, tmp_path, retry=policy))[0] == "saved"
        assert kie.stats()["created"] == 3


async def test_what_was_made_instead_of_a_paused_model_is_found_once_that_is_back(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("create", model=CAT.model, times=2, code=500, msg="This interface is temporarily paused")
    rows, model = [{"prompt": "a cat"}, {"prompt": "a dog"}], {"model": CAT.model}
    policy = BatchRetry(fallbacks=({"model": "sora-2-text-to-video-stable"},))
    where = grouped(directory=tmp_path, poll=QUICK, job_key="paused")
    for _ in range(2):
        made = await generate_batch(rows, credentials, model, retry=policy, **where)
        assert made.counts == {"saved": 2}
        assert kie.stats()["created"] == 2
    # Without that fallback, its own model is asked for.
    made = await generate_batch(rows, credentials, model, pay_again=True, **where)
    assert kie.stats()["created"] == 4
