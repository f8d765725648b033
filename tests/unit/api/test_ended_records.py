"""A record that has an end and no success has failed, whatever its word; one without an end goes on."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from prefect_kie.api import JobNotFound, JobState, KieClient
from prefect_kie.api.jobs import parse_job
from prefect_kie.models import Sora2TextToVideo, parse_request
from prefect_kie.simulator import SimulatorServer

from .conftest import NewClient, http_answer, wire

DOG = Sora2TextToVideo(prompt="a dog")
END = {"completeTime": 1_789_000_019_761}
WHY = {"failCode": "500", "failMsg": "Internal Error"}
VIDEO = {"resultJson": json.dumps({"resultUrls": ["https://a.example/v.mp4"]})}


def state(word: object, **data: Any) -> JobState:
    job = parse_job({"taskId": "t1", "model": "m", "state": word, **data})
    assert job is not None
    return job.state


@pytest.mark.parametrize(
    "word", ["failed", "error", "canceled", "cancelled", "ERROR", "expired", "odd", "", None]
)
@pytest.mark.parametrize(
    "end", [END, WHY, {"failMsg": "no GPU"}, {"failCode": 501}, {**END, **WHY}], ids=repr
)
def test_an_end_without_success_is_a_failure(word: object, end: dict[str, Any]) -> None:
    assert state(word, **end) is JobState.FAIL
    assert state(word, **end, resultJson='{"resultUrls": []}') is JobState.FAIL


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"state": "error", **END}, True),
        ({"state": "odd", **WHY}, True),
        ({"state": "completed", **END}, False),
        ({"state": "odd", **END, "failMsg": "success"}, False),
        ({"state": "generating"}, False),
    ],
)
def test_a_failure_that_only_an_end_without_a_result_suggests_is_not_told(
    data: dict[str, Any], told: bool
) -> None:
    job = parse_job({"taskId": "t1", "model": "m", **data})
    assert job is not None
    assert job.failure_is_told is told


@pytest.mark.parametrize("word", ["fail", "failed", "Failure"])
def test_a_word_for_failure_is_enough(word: str) -> None:
    assert state(word) is JobState.FAIL


@pytest.mark.parametrize("word", ["waiting", "queuing", "generating", "dreaming", ""])
def test_what_tells_of_no_failure_ends_nothing(word: str) -> None:
    codes = [None, "", 0, "0", "200", 200, "null", False]
    messages = [None, "", "success", "Success.", "ok", "null", "processing", "Submitted successfully"]
    for code, message in product(codes, messages):
        assert not state(word, failCode=code, failMsg=message).finished, (code, message)


@pytest.mark.parametrize("word", ["waiting", "queuing", "generating"])
def test_a_live_word_is_ended_by_a_reason_and_by_no_time_alone(word: str) -> None:
    assert not state(word, **END).finished
    assert state(word, **WHY) is JobState.FAIL


@pytest.mark.parametrize("word", ["generating", "dreaming", "", None])
@pytest.mark.parametrize("end", [END, WHY], ids=repr)
def test_what_made_something_has_not_failed(word: object, end: dict[str, Any]) -> None:
    assert state(word, **end, **VIDEO) is not JobState.FAIL


@pytest.mark.parametrize("word", ["succeeded", "completed", "Done"])
def test_another_word_for_success_counts_with_an_end_and_a_result(word: str) -> None:
    assert state(word, **END, **VIDEO) is JobState.SUCCESS
    assert not state(word, **VIDEO).finished


def test_success_stays_one_whatever_stands_beside_it() -> None:
    assert state("success", **WHY) is JobState.SUCCESS


@pytest.mark.parametrize("word", ["failed", "error", "canceled"])
async def test_the_simulators_failure_is_read_by_any_word(
    kie: SimulatorServer, client: KieClient, word: str
) -> None:
    kie.fault("job", fail={"failMsg": "the provider went away"}, fail_word=word)
    job = await client.get_job((await client.create_job(DOG)).task_id)
    assert (job.state, job.raw_state, job.fail_message) == (JobState.FAIL, word, "the provider went away")


@pytest.mark.parametrize(
    "said", ["Record does not exist", "record doesn't exist", "Task not found", "The taskId does not exist"]
)
async def test_a_record_that_does_not_exist_is_a_job_not_found(new_client: NewClient, said: str) -> None:
    async with wire(http_answer(json.dumps({"code": 422, "msg": said, "data": None}))) as server:
        client = new_client(server.url)
        with pytest.raises(JobNotFound):
            await client.get_job("t1")
        await client.aclose()


async def test_the_simulator_knows_these_words_too(kie: SimulatorServer, client: KieClient) -> None:
    handle = await client.create_job(parse_request(DOG.body()))
    kie.fault("poll", code=422, msg="Record does not exist")
    with pytest.raises(JobNotFound, match="Record does not exist"):
        await client.get_job(handle.task_id)
    assert (await client.get_job(handle.task_id)).state is JobState.SUCCESS
